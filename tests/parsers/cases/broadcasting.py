"""Elements several times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, noise, variants


def cases() -> Iterator[Case]:
    """Axes of size 1 made longer, and tiles and elements repeated."""
    data = noise("broadcast", 2, 1, 3, 1)
    rows = {"two": {"shape": "(0, 4, 0, 2)"}, "sizes": {"shape": "(0, 1, 3, 5)"}, "none": {"shape": "(0, 0, 0, 0)"}}
    yield variants("broadcast-to", "broadcast_to", [data], rows)
    rows = {"batch": {"shape": "(4, 3)"}}
    yield variants("broadcast-to-batch", "broadcast_to", [noise("broadcast", 1, 3)], rows, fixed=True)
    rows = {"one": {"axis": "1", "size": "4"}, "two": {"axis": "(3, 1)", "size": "(2, 4)"}, "none": {}}
    yield variants("broadcast-axis", "broadcast_axis", [data], rows)
    yield variants("broadcast-axes", "broadcast_axes", [data], {"node": {"axis": "(1,)", "size": "[3]"}})
    yield from _like()
    yield from _tile()
    yield from _repeat()


def _like() -> Iterator[Case]:
    pair = [noise("lhs", 2, 1, 3), noise("rhs", 2, 4, 3)]
    yield variants("broadcast-like", "broadcast_like", pair, {"all": {}, "half": {"lhs_axes": "(1,)"}})
    pair = [noise("lhs", 2, 1, 3, 1), noise("rhs", 2, 4, 5)]
    rows = {
        "one": {"lhs_axes": "(1,)", "rhs_axes": "(2,)"},
        "two": {"lhs_axes": "(-1, 1)", "rhs_axes": "(-1, -2)"},
        "batch": {"lhs_axes": "(1, 3)", "rhs_axes": "(0, 2)"},
    }
    yield variants("broadcast-like-axes", "broadcast_like", pair, rows)
    pair = [np.arange(3, dtype=np.int32).reshape(1, 3), np.zeros((2, 3), np.int32)]
    yield variants("broadcast-like-int", "broadcast_like", pair, {"node": {}}, fixed=True)


def _tile() -> Iterator[Case]:
    reps = ("2", "(2, 1)", "(1, 2, 3)", "()", "(2, 1, 1, 2)", "(1, 1, 1)", "(1, 1, 1, 1, 1)")
    rows = {f"reps{i}": {"reps": text} for i, text in enumerate(reps)}
    yield variants("tile", "tile", [noise("tile", 2, 3, 2)], rows)
    yield variants("tile-batch", "tile", [noise("tile", 2, 3)], {"node": {"reps": "(3, 2)"}}, fixed=True)
    yield variants("tile-int", "tile", [np.arange(6, dtype=np.int64).reshape(2, 3)], {"node": {"reps": "(1, 2)"}})


def _repeat() -> Iterator[Case]:
    data = noise("repeat", 2, 3, 4, 3)
    rows = {
        "channels": {"repeats": "2", "axis": "1"},
        "height": {"repeats": "3", "axis": "2"},
        "width": {"repeats": "7", "axis": "-1"},
        "once": {"repeats": "1", "axis": "0"},
    }
    yield variants("repeat", "repeat", [data], rows)
    rows = {
        "flat": {"repeats": "2"},
        "none": {"repeats": "3", "axis": "None"},
        "batch": {"repeats": "2", "axis": "0"},
    }
    yield variants("repeat-fixed", "repeat", [data], rows, fixed=True)
    whole = np.arange(12, dtype=np.int64).reshape(1, 2, 3, 2)
    yield variants("repeat-int", "repeat", [whole], {"node": {"repeats": "2", "axis": "3"}})
    yield variants("repeat-3d", "repeat", [noise("repeat", 2, 3, 2)], {"node": {"repeats": "2", "axis": "-1"}})
