"""Parts of a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, noise, variants


def cases() -> Iterator[Case]:
    """Slices along several axes or one, or as large as something else; windows of pictures."""
    yield from _slices()
    data = noise("axis", 2, 5, 4)
    rows = {
        "middle": {"axis": "1", "begin": "1", "end": "3"},
        "from_back": {"axis": "1", "begin": "-3", "end": "None"},
        "to_back": {"axis": "-1", "begin": "0", "end": "-1"},
        "all": {"axis": "0", "begin": "0", "end": "None"},
        "all_by_number": {"axis": "2", "begin": "0", "end": "4"},
    }
    yield variants("slice-axis", "slice_axis", [data], rows)
    yield variants(
        "slice-axis-batch", "slice_axis", [data], {"node": {"axis": "0", "begin": "1", "end": "2"}}, fixed=True
    )
    like = [noise("like", 3, 6, 5), noise("like", 3, 4, 5)]
    rows = {"all": {}, "one": {"axes": "(1,)"}, "negative": {"axes": "(-2, -1)"}, "twice": {"axes": "(1, 1)"}}
    yield variants("slice-like", "slice_like", like, rows)
    like = [noise("like", 3, 6, 5), noise("like", 2, 4, 2, 7)]
    yield variants("slice-like-ranks", "slice_like", like, {"node": {"axes": "(0, 2)"}}, fixed=True)
    yield from _crops()


def _slices() -> Iterator[Case]:
    data = noise("slice", 2, 5, 4)
    rows = {
        "plain": {"begin": "(0, 1)", "end": "(None, 3)"},
        "none": {"begin": "(None, None, 1)", "end": "(None, 4, None)"},
        "negative": {"begin": "(0, -3, -2)", "end": "(None, -1, None)"},
        "step": {"begin": "(0, 0, 0)", "end": "(None, 5, 4)", "step": "(None, 2, 3)"},
        "back": {"begin": "(None, 3, None)", "end": "(None, 0, None)", "step": "(1, -1, -2)"},
        "back_to_first": {"begin": "(None, 9)", "end": "(None, None)", "step": "(None, -2)"},
        "back_beyond": {"begin": "(None, 3)", "end": "(None, -9)", "step": "(None, -1)"},
        "beyond": {"begin": "(0, -9)", "end": "(None, 9)", "step": "[]"},
        "short": {"begin": "(0,)", "end": "(None,)"},
        "lists": {"begin": "[0, 1]", "end": "[None, 3]"},
    }
    yield variants("slice", "slice", [data], rows)
    rows = {
        "plain": {"begin": "(1, 1)", "end": "(2, 3)"},
        "back": {"begin": "(None,)", "end": "(None,)", "step": "(-1,)"},
        "one": {"begin": "(0,)", "end": "(1,)"},
    }
    yield variants("slice-fixed", "slice", [data], rows, fixed=True)
    yield variants("slice-alias", "crop", [data], {"node": {"begin": "(0, 1, 1)", "end": "(2, 4, 3)"}}, fixed=True)
    whole = np.arange(20, dtype=np.int64).reshape(2, 10)
    yield variants(
        "slice-int", "slice", [whole], {"node": {"begin": "(None, 7)", "end": "(None, 2)", "step": "(1, -2)"}}
    )


def _crops() -> Iterator[Case]:
    data = noise("crop", 2, 3, 5, 6)
    rows = {
        "corner": {"num_args": "1", "h_w": "(2, 3)"},
        "offset": {"num_args": "1", "h_w": "(2, 3)", "offset": "(3, 1)"},
        "centre": {"num_args": "1", "h_w": "(2, 3)", "center_crop": "True"},
        "centre_ignores": {"num_args": "1", "h_w": "(2, 3)", "center_crop": "True", "offset": "(1, 1)"},
        "all": {"num_args": "1", "h_w": "(5, 6)"},
    }
    yield variants("crop-one", "Crop", [data], rows)
    rows = {
        "corner": {"num_args": "2"},
        "offset": {"num_args": "2", "offset": "(1, 2)"},
        "centre": {"num_args": "2", "center_crop": "True"},
        "ignores": {"num_args": "2", "h_w": "(2, 2)"},
    }
    yield variants("crop-like", "Crop", [data, noise("like", 2, 1, 4, 3)], rows)
