"""Borders, and the windows of a convolution as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.parsers.case import Case, noise, variants


def cases() -> Iterator[Case]:
    """Pad in its modes, im2col, col2im."""
    widths = "(0, 0, 0, 0, 1, 2, 2, 0)"
    rows = {
        "constant": {"mode": "constant", "pad_width": widths},
        "value": {"mode": "constant", "pad_width": widths, "constant_value": "-1.5"},
        "edge": {"mode": "edge", "pad_width": "(0, 0, 0, 0, 0, 4, 2, 0)"},
        "reflect": {"mode": "reflect", "pad_width": widths},
    }
    yield variants("pad", "Pad", [noise("pad", 2, 2, 3, 4)], rows)
    rows = {mode: {"mode": mode, "pad_width": "[0,0,0,0,1,0,0,1,1,1]"} for mode in ("constant", "edge", "reflect")}
    yield variants("pad-alias", "pad", [noise("pad", 2, 1, 2, 3, 2)], rows)
    rows = {
        "plain": {"kernel": "(2, 3)"},
        "all": {"kernel": "(2, 2)", "stride": "(2, 1)", "dilate": "(1, 2)", "pad": "(1, 2)"},
    }
    yield variants("im2col", "im2col", [noise("im2col", 2, 2, 3, 4)], rows)
    size = {"output_size": "(3, 3)", "kernel": "(2, 2)"}
    yield _sums("plain", 4, size)
    yield _sums("all", 6, size | {"stride": "(2, 1)", "dilate": "(1, 2)", "pad": "(1, 1)"})


def _sums(name: str, windows: int, attributes: dict[str, str]) -> Case:
    columns = noise("col2im", 2, 8, windows)
    found = variants(f"col2im-{name}", "col2im", [columns], {"node": attributes})
    return replace(found, tolerance=1e-6, reason="adds up windows in another order")
