"""Where boxes and arrows go: a layered drawing from left to right, in the steps that Sugiyama et al. (1981) describe.

Each box is in the column behind all that it comes after. An arrow that passes a column takes a place in it like a
box, so that it crosses none; columns are ordered by the barycentres of their neighbours, and at last every box is
moved towards its neighbours as far as the others let it. The same graph has the same drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate, pairwise
from statistics import fmean

from tasks.graph.model import Edge

Point = tuple[float, float]
Size = tuple[float, float]

BETWEEN_COLUMNS = 56.0
BETWEEN_ROWS = 16.0
_PASSING = 4.0
"""Height of the place that an arrow takes in a column which it passes."""

_ORDERINGS = 12
_SETTLINGS = 8
"""Sweeps over all columns; more change little."""


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels; ``x`` and ``y`` are of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """A drawing, in pixels from its upper left corner.

    Attributes:
        width: Of the whole.
        height: Of the whole.
        boxes: The place of each node.
        paths: The points of each arrow. Between the first and the second, the third and the fourth and so on it
            crosses the space between two columns; else it passes a column, level.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    paths: Mapping[Edge, tuple[Point, ...]]


Slot = str | tuple[str, str, int]
"""What takes a place in a column: a node by its name, or an edge that passes, with the column's number."""

Neighbours = Mapping[Slot, Sequence[Slot]]


def lay_out(sizes: Mapping[str, Size], edges: Iterable[Edge]) -> Layout:
    """Place nodes of these sizes, each behind those that it comes after, and the edges, which have no cycle."""
    there = columns(sizes, edges := list(edges))
    routes = {edge: _route(edge, there) for edge in edges}
    heights: dict[Slot, float] = {name: height for name, (_, height) in sizes.items()}
    heights |= dict.fromkeys((slot for route in routes.values() for slot in route[1:-1]), _PASSING)
    rows: list[list[Slot]] = [[] for _ in range(max(there.values(), default=-1) + 1)]
    for slot in heights:
        rows[_column(slot, there)].append(slot)
    before, after = _neighbours(routes.values())
    _order(rows, before, after)
    middles = _settle(rows, before, after, heights)
    widths = [max((sizes[slot][0] for slot in row if isinstance(slot, str)), default=0.0) for row in rows]
    lefts = [sum(widths[:at]) + at * BETWEEN_COLUMNS for at in range(len(rows))]

    def ends(slot: Slot) -> tuple[Point, Point]:
        at = _column(slot, there)
        return (lefts[at], middles[slot]), (lefts[at] + widths[at], middles[slot])

    boxes = {
        name: Box(lefts[at], middles[name] - heights[name] / 2, widths[at], heights[name])
        for name, at in there.items()
    }
    paths = {edge: tuple(point for slot in route for point in ends(slot))[1:-1] for edge, route in routes.items()}
    right = lefts[-1] + widths[-1] if rows else 0.0
    return Layout(right, max((middles[slot] + heights[slot] / 2 for slot in heights), default=0.0), boxes, paths)


def columns(names: Iterable[str], edges: Iterable[Edge]) -> dict[str, int]:
    """The column of each node: behind all that it comes after; of what comes after nothing, just before the next."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in before}
    for first, second in edges:
        before[second].append(first)
        after[first].append(second)
    found: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        found[name] = max((found[other] + 1 for other in before[name]), default=0)
    return {
        name: min(found[other] for other in after[name]) - 1 if after[name] and not before[name] else found[name]
        for name in before
    }


def spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Positions as near to those ``wanted`` as can be (least squares), each at least a gap behind the one before.

    Less the sum of the gaps before it, no position may be less than an earlier one: isotonic regression, done by
    pooling adjacent violators.

    Args:
        wanted: Where each would be alone.
        gaps: The least distance of each but the first from the one before.
    """
    offsets = [0.0, *accumulate(gaps)]
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    pooled = [mean for mean, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(pooled, offsets, strict=True)]


def _column(slot: Slot, there: Mapping[str, int]) -> int:
    return there[slot] if isinstance(slot, str) else slot[2]


def _route(edge: Edge, there: Mapping[str, int]) -> list[Slot]:
    """The slots that an edge goes through, one in each column from its first node to its second."""
    first, second = edge
    return [first, *((first, second, at) for at in range(there[first] + 1, there[second])), second]


def _neighbours(routes: Iterable[Sequence[Slot]]) -> tuple[Neighbours, Neighbours]:
    """For each slot those before it, and those after it."""
    before: dict[Slot, list[Slot]] = defaultdict(list)
    after: dict[Slot, list[Slot]] = defaultdict(list)
    for route in routes:
        for first, second in pairwise(route):
            before[second].append(first)
            after[first].append(second)
    return before, after


def _order(rows: Sequence[list[Slot]], before: Neighbours, after: Neighbours) -> None:
    """Sort each column by where its neighbours are in the next, to and fro: edges then cross less."""
    at = {slot: float(index) for row in rows for index, slot in enumerate(row)}
    for sweep in range(_ORDERINGS):
        neighbours = after if sweep % 2 else before
        for row in rows[::-1] if sweep % 2 else rows:
            row.sort(key=lambda slot: fmean(at[other] for other in neighbours.get(slot) or [slot]))
            at.update((slot, float(index)) for index, slot in enumerate(row))


def _settle(
    rows: Sequence[Sequence[Slot]], before: Neighbours, after: Neighbours, heights: Mapping[Slot, float]
) -> dict[Slot, float]:
    """The height of the middle of each slot: where its neighbours are, as far as those above and below allow."""
    middle: dict[Slot, float] = dict.fromkeys(heights, 0.0)
    for sweep in range(_SETTLINGS):
        for row in rows[::-1] if sweep % 2 else rows:
            near = [[*before.get(slot, ()), *after.get(slot, ())] if sweep else before.get(slot, ()) for slot in row]
            wanted = [
                fmean(middle[other] for other in others or [slot]) for slot, others in zip(row, near, strict=True)
            ]
            gaps = [(heights[upper] + heights[lower]) / 2 + BETWEEN_ROWS for upper, lower in pairwise(row)]
            middle.update(zip(row, spread(wanted, gaps), strict=True))
    top = min((middle[slot] - heights[slot] / 2 for slot in heights), default=0.0)
    return {slot: height - top for slot, height in middle.items()}
