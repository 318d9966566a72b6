"""Where the boxes of a graph go: in layers, as Sugiyama, Tagawa and Toda (1981) have it.

A step's layer is the length of the longest chain before it. In a layer, boxes are ordered by where their neighbours
are, layer by layer, down and up, until that stays. Edges are drawn from a box's bottom to the other's top; one that
passes layers gets a place of its own in each of them, so that it goes around boxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

ROUNDS = 8


@dataclass(frozen=True)
class Place:
    """Where something is.

    Attributes:
        layer: From 0 at the top.
        column: From 0 at the left.
    """

    layer: int
    column: int


@dataclass(frozen=True)
class Layout:
    """Where everything goes.

    Attributes:
        places: Of the nodes.
        ways: Of each edge, the places that it passes, those of its ends included.
        widths: How many places each layer has.
    """

    places: Mapping[str, Place]
    ways: Mapping[tuple[str, str], Sequence[Place]]
    widths: Sequence[int]


def layout(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place the nodes ``names``, of which each is behind those that it comes after."""
    layer = dict.fromkeys(names, 0)
    number = {name: each for each, name in enumerate(names)}
    for before, after in sorted(edges, key=lambda edge: number[edge[0]]):
        layer[after] = max(layer[after], layer[before] + 1)
    chains = {edge: _chain(edge, layer) for edge in edges}
    rows: list[list[object]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    for (before, _), chain in chains.items():
        for step, point in enumerate(chain[1:-1], layer[before] + 1):
            rows[step].append(point)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    rows = _untangled(rows, links)
    place = {item: Place(each, column) for each, row in enumerate(rows) for column, item in enumerate(row)}
    return Layout(
        {name: place[name] for name in names},
        {edge: [place[point] for point in chain] for edge, chain in chains.items()},
        [len(row) for row in rows],
    )


def _chain(edge: tuple[str, str], layer: Mapping[str, int]) -> list[object]:
    """The points of an edge: its ends, and one in each layer between."""
    before, after = edge
    return [before, *((before, after, step) for step in range(layer[before] + 1, layer[after])), after]


def _untangled(rows: list[list[object]], links: Sequence[tuple[object, object]]) -> list[list[object]]:
    """The rows with the order of each that had the fewest crossings, of those tried."""
    above: dict[object, list[object]] = {}
    below: dict[object, list[object]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    best, fewest = rows, _crossings(rows, below)
    for turn in range(ROUNDS):
        if not fewest:
            break
        rows = _swept(rows, above) if turn % 2 == 0 else _swept(rows[::-1], below)[::-1]
        if (count := _crossings(rows, below)) < fewest:
            best, fewest = rows, count
    return best


def _swept(rows: list[list[object]], neighbours: Mapping[object, Sequence[object]]) -> list[list[object]]:
    """The rows, each ordered by the middle of its items' neighbours in the row before."""
    done: list[list[object]] = rows[:1]
    for row in rows[1:]:
        where = {item: number for number, item in enumerate(done[-1])}
        middle = {}
        for number, item in enumerate(row):
            found = [where[each] for each in neighbours.get(item, ()) if each in where]
            middle[item] = sum(found) / len(found) if found else float(number)
        done.append(sorted(row, key=middle.__getitem__))
    return done


def _crossings(rows: Sequence[Sequence[object]], below: Mapping[object, Sequence[object]]) -> int:
    """How many links cross."""
    count = 0
    for upper, lower in pairwise(rows):
        where = {item: number for number, item in enumerate(lower)}
        ends = [where[each] for item in upper for each in sorted(below.get(item, ()), key=where.__getitem__)]
        count += _inversions(ends)
    return count


def _inversions(numbers: Sequence[int]) -> int:
    """How many pairs are the wrong way round."""
    if len(numbers) < 2:
        return 0
    half = len(numbers) // 2
    left, right = sorted(numbers[:half]), sorted(numbers[half:])
    count = _inversions(numbers[:half]) + _inversions(numbers[half:])
    place = 0
    for number in right:
        while place < len(left) and left[place] <= number:
            place += 1
        count += len(left) - place
    return count
