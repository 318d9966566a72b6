"""What counts as the same answer of a detector."""

from __future__ import annotations

import numpy as np

from tests.zoo.measure import _matched, _max_rel

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def rows() -> Rows:
    """Classes, scores and boxes of four detections, the two in the middle all but tied."""
    boxes = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    scores = np.array([0.9, 0.5, 0.5 - 3e-8, 0.1], np.float32).reshape(1, 4, 1)
    return np.zeros((1, 4, 1), np.float32), scores, boxes


def worst(reference: Rows, found: Rows) -> float:
    return max(_max_rel(*pair) for pair in _matched(list(zip(reference, found, strict=True))))


def changed(*order: int) -> Rows:
    classes, scores, boxes = rows()
    return classes[:, order], scores[:, order], boxes[:, order]


def test_rows_that_tie_may_change_places() -> None:
    assert worst(rows(), changed(0, 2, 1, 3)) < 1e-7


def test_others_may_not() -> None:
    assert worst(rows(), (*rows()[:2], changed(1, 0, 2, 3)[2])) > 0.1
    assert worst(rows(), changed(0, 1, 1, 3)) > 0.1


def test_another_class_score_or_box_is_an_error() -> None:
    for part in range(3):
        other = list(rows())
        other[part] = other[part] + np.float32(0.01)
        assert worst(rows(), tuple(other)) > 1e-4


def test_what_is_no_number_is_never_the_same() -> None:
    nan = np.full((1, 4, 4), np.nan, np.float32)
    assert worst(rows(), (*rows()[:2], nan)) == np.inf
