"""Which of two sides' detections are the same ones: matched one to one, as many as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converter.tolerance import Agreement

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Pairs = list[tuple[int, int]]
"""Places on one side and on the other."""


@dataclass(frozen=True)
class Boxes:
    """The detections of an image: ``n`` classes, ``n`` scores, ``n x 4`` corners, and ``n`` rows that they are of."""

    kind: Array
    score: Array
    box: Array
    rows: Places


def match(a: Boxes, b: Boxes, limits: Agreement) -> Pairs:
    """As many pairs of detections as can be that agree within ``limits``, none of them in two pairs."""
    pairs: Pairs = []
    for kind in np.intersect1d(a.kind, b.kind):
        ours, theirs = np.flatnonzero(a.kind == kind), np.flatnonzero(b.kind == kind)
        theirs = theirs[np.argsort(b.score[theirs], kind="stable")]

        def near(one: int, ours: Places = ours, theirs: Places = theirs) -> Places:
            return _near(a, b, int(ours[one]), theirs, limits)

        taken = assign(len(ours), len(theirs), near)
        pairs += [(int(ours[one]), int(theirs[other])) for other, one in taken.items()]
    return pairs


def part(a: Boxes, b: Boxes, pairs: Pairs) -> float:
    """The matched part of the side with more detections; all of none is 1."""
    most = max(len(a.kind), len(b.kind))
    return len(pairs) / most if most else 1.0


def _near(a: Boxes, b: Boxes, one: int, theirs: Places, limits: Agreement) -> Places:
    """The places in ``theirs``, which are ordered by score, of what agrees with ``one``; the best box first."""
    scores = b.score[theirs]
    # half an ulp of float32 more, so that a difference of exactly the limit is within it
    allowed = limits.score + 1e-7
    first, end = np.searchsorted(scores, [a.score[one] - allowed, a.score[one] + allowed], side="left")
    overlaps = iou(a.box[one], b.box[theirs[first:end]])
    order = np.argsort(-overlaps, kind="stable")
    found: Places = first + order[overlaps[order] >= limits.iou]
    return found


def assign(count: int, others: int, near: Callable[[int], Places]) -> dict[int, int]:
    """A largest matching: which of ``others`` are taken, and by whom of ``count``.

    The first that is free is taken; who finds none looks for an augmenting path. What a search has reached in vain no
    later one will profit from (C. Berge, 1957), so that all these together cost as much as one. What is near is asked
    for again rather than held: thousands of equal boxes have millions of pairs.
    """
    taken: dict[int, int] = {}
    free, alive = np.ones(others, bool), np.ones(others, bool)
    left = []
    for one in range(count):
        open_ = near(one)
        open_ = open_[free[open_]]
        if len(open_):
            taken[int(open_[0])] = one
            free[open_[0]] = False
        else:
            left.append(one)
    for one in left:
        path = _augmenting(one, near, taken, free, alive)
        taken.update(path)
        free[list(path)] = False
    return taken


def _augmenting(
    start: int,
    near: Callable[[int], Places],
    taken: dict[int, int],
    free: npt.NDArray[np.bool_],
    alive: npt.NDArray[np.bool_],
) -> dict[int, int]:
    """Who takes what so that ``start`` takes something too; nothing if that cannot be: what was reached is dead."""
    unseen, by = alive.copy(), dict[int, int]()
    queue = [start]
    for one in queue:
        found = near(one)
        found = found[unseen[found]]
        unseen[found] = False
        by.update(dict.fromkeys(found.tolist(), one))
        for other in found[free[found]][:1].tolist():
            return _path(other, start, by, taken)
        queue += [taken[other] for other in found.tolist()]
    alive &= unseen
    return {}


def _path(end: int, start: int, by: dict[int, int], taken: dict[int, int]) -> dict[int, int]:
    """The path back from ``end``, as who takes what."""
    held = {one: other for other, one in taken.items()}
    path = {end: by[end]}
    while path[end] != start:
        end = held[path[end]]
        path[end] = by[end]
    return path


def iou(box: Array, others: Array) -> Array:
    """Intersection over union of ``box``, 4 corners, with each of ``others``, ``n x 4``; 1 for equal boxes."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    union = _area(box[None]) + _area(others) - common
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(union > 0, common / union, 0)
    same = np.abs(others - box).max(axis=1, initial=0) <= 1e-5 * np.abs(box).max()
    return np.where(same, 1.0, ratio)


def _area(boxes: Array) -> Array:
    found: Array = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return found
