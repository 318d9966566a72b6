"""Axes and elements in another order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, noise, variants


def cases() -> Iterator[Case]:
    """Transpose, SwapAxis, reverse, blocks of channels, diagonals."""
    data = noise("order", 2, 3, 4)
    axes = ("()", "(0, 2, 1)", "(2, 0, 1)", "[1,2,0]")
    rows = {f"axes{i}": {"axes": text} for i, text in enumerate(axes)}
    yield variants("transpose", "transpose", [data], {"reversed": {}, **rows})
    yield variants("transpose-int", "transpose", [np.arange(6, dtype=np.int32).reshape(2, 3)], {"node": {}})
    rows = {
        "none": {},
        "ends": {"dim1": "0", "dim2": "2"},
        "last": {"dim1": "1", "dim2": "-1"},
        "same": {"dim1": "1", "dim2": "1"},
    }
    yield variants("swap-axis", "SwapAxis", [data], rows)
    yield variants("swapaxes", "swapaxes", [data], {"node": {"dim1": "-3", "dim2": "-2"}})
    axes = ("1", "(0, 2)", "(1, 1)", "()", "(0,)")
    yield variants("reverse", "reverse", [data], {f"axes{i}": {"axis": text} for i, text in enumerate(axes)})
    yield variants("flip", "flip", [data], {"node": {"axis": "2"}})
    yield variants("reverse-int", "reverse", [np.arange(6, dtype=np.uint8).reshape(2, 3)], {"node": {"axis": "1"}})
    data = noise("blocks", 2, 8, 4, 6)
    yield variants("depth-to-space", "depth_to_space", [data], {f"b{b}": {"block_size": b} for b in "12"})
    yield variants("space-to-depth", "space_to_depth", [data], {f"b{b}": {"block_size": b} for b in "12"})
    yield from _diagonals()


def _diagonals() -> Iterator[Case]:
    data = noise("diag", 2, 3, 4, 3)
    rows = {
        "default": {"axis1": "1", "axis2": "2"},
        "above": {"axis1": "1", "axis2": "3", "k": "1"},
        "below": {"axis1": "-1", "axis2": "-2", "k": "-1"},
        "far": {"axis1": "2", "axis2": "1", "k": "2"},
    }
    yield variants("diag", "diag", [data], rows)
    rows = {"default": {}, "above": {"k": "1"}, "below": {"k": "-1"}, "first": {"axis1": "2", "axis2": "0"}}
    yield variants("diag-fixed", "diag", [data], rows, fixed=True)
    rows = {"default": {}, "above": {"k": "1"}, "below": {"k": "-2"}}
    yield variants("diag-vector", "diag", [noise("diag", 3)], rows, fixed=True)
    yield variants("diag-vector-int", "diag", [np.array([3, -4], np.int32)], rows, fixed=True)
