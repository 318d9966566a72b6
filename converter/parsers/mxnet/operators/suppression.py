"""Greedy non-maximum suppression, which several operators of object detection end with.

What belongs to the ``K`` boxes of an image is a table ``... x rows x K``: of one row for scores or areas, of two for
the x and the y of a corner. The leading dimensions are images, each with boxes of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.scope import Scope


@dataclass(frozen=True)
class Boxes:
    """Boxes, the best first.

    Attributes:
        least: Their least x and y, ``... x 2 x K``.
        most: Their greatest x and y.
        area: Their areas, ``... x 1 x K``.
        kind: Their classes, ``... x 1 x K``, if only boxes of one class suppress each other; else None.
    """

    least: Value
    most: Value
    area: Value
    kind: Value | None = None

    @property
    def tables(self) -> list[Value]:
        """All that there is of it."""
        return [self.least, self.most, self.area, *([] if self.kind is None else [self.kind])]


@dataclass(frozen=True)
class Overlap:
    """When a box overlaps a better one too much.

    Attributes:
        threshold: The intersection over union beyond which it does.
        inclusive: Whether it already does at that number.
        margin: What an intersection's sides have beyond the difference of their ends: 1 for boxes of whole pixels.
    """

    threshold: float
    inclusive: bool = False
    margin: int = 0


def keep(g: Scope, boxes: Boxes, valid: Value, rounds: Value, overlap: Overlap) -> Value:
    """Keep the first of the ``valid`` boxes, drop those that overlap it too much, and go on with what is left.

    A round costs a multiple of the number of boxes; nothing has the size of its square.

    Args:
        g: The scope.
        boxes: The boxes.
        valid: Which of them there are, ``... x 1 x K``, boolean. The first of an image is, if any is.
        rounds: How many to keep at most, an int64 scalar.
        overlap: What too much is.

    Returns:
        Which are kept, ``... x 1 x K``, boolean; the first place as well if nothing was valid.
    """
    table = g.emit("Concat", *boxes.tables, role="boxes", axis=-2)
    places = numbers(g, ir.dims(table)[-1], role="places")
    zero = g.scalar("zero", 0)

    def choose(g: Scope, number: Value, waiting: Value, kept: Value) -> tuple[Value, Value]:  # noqa: ARG001
        first = g.emit("ArgMax", waiting, role="first", axis=-1)
        chosen = g.emit("Equal", places, first, role="chosen")
        dropped = _suppressed(g, boxes, take(g, table, first, role="best"), overlap)
        gone = g.emit("Or", chosen, dropped, role="gone")
        return g.emit("Where", gone, zero, waiting, role="waiting"), g.emit("Or", kept, chosen, role="kept")

    waiting = g.emit("Cast", valid, role="waiting", to=DataType.FLOAT)
    none = g.emit("Less", waiting, zero, role="none")
    return g.loop(rounds, waiting, none, body=choose, role="greedy")[1]


def _suppressed(g: Scope, boxes: Boxes, best: Value, overlap: Overlap) -> Value:
    """Which of the boxes overlap the ``best`` one, a column of all their tables, too much."""
    names = ["least", "most", "area", "kind"][: len(boxes.tables)]
    heights = g.ints("heights", [2, 2, 1, 1][: len(names)])
    least, most, area, *kind = g.emit_many("Split", best, heights, outputs=names, role="best", axis=-2)
    low = g.emit("Max", boxes.least, least, role="low")
    high = g.emit("Min", boxes.most, most, role="high")
    common = area_between(g, low, high, overlap.margin, role="intersection")
    union = g.emit("Sub", g.emit("Add", area, boxes.area, role="areas"), common, role="union")
    test = "GreaterOrEqual" if overlap.inclusive else "Greater"
    ratio = g.emit("Div", common, union, role="ratio")
    dropped = g.emit(test, ratio, g.scalar("threshold", overlap.threshold), role="too-much")
    if boxes.kind is None:
        return dropped
    return g.emit("And", dropped, g.emit("Equal", boxes.kind, *kind, role="alike"), role="dropped")


def area_between(g: Scope, least: Value, most: Value, margin: int = 0, *, role: str, axis: int = -2) -> Value:
    """The area between two corners, with ``margin`` added to each side; 0 where a side is negative."""
    sides = g.emit("Sub", most, least, role=f"{role}-difference")
    if margin:
        sides = g.emit("Add", sides, g.scalar(f"{role}-margin", margin), role=f"{role}-sides")
    return area(g, sides, role=role, axis=axis)


def area(g: Scope, sides: Value, *, role: str, axis: int = -2) -> Value:
    """Width times height, which lie along ``axis``; 0 where one of them is negative."""
    positive = g.emit("Max", sides, g.scalar(f"{role}-none", 0), role=f"{role}-positive")
    names = [f"{role}-width", f"{role}-height"]
    return g.emit("Mul", *halves(g, positive, names, axis=axis), role=role)


def halves(g: Scope, table: Value, names: Sequence[str], *, axis: int = -2) -> list[Value]:
    """``table`` in two along ``axis``: x and y apart, or one corner and the other."""
    return g.emit_many("Split", table, outputs=names, role=f"{names[0]}-split", axis=axis, num_outputs=2)


def best(g: Scope, score: Value, valid: Value, count: int, *, role: str) -> tuple[Value, Value, Value]:
    """Find the ``count`` best of the ``valid`` boxes by ``score``; of equal scores the first.

    Returns:
        Their scores, their places, and which of them are valid, ``... x 1 x count``: others fill the end where there
        are too few.
    """
    lowest = g.scalar(f"{role}-lowest", -math.inf)
    key = g.emit("Where", valid, score, lowest, role=f"{role}-key")
    scores, places = top(g, key, count, role=role)
    return scores, places, g.emit("Greater", scores, lowest, role=f"{role}-valid")


def top(g: Scope, score: Value, count: int, *, role: str) -> list[Value]:
    """The ``count`` best scores and their places; of equal ones the first."""
    names = ["scores", "places"]
    return g.emit_many("TopK", score, g.ints(f"{role}-count", [count]), outputs=names, role=role, axis=-1)


def most_valid(g: Scope, valid: Value) -> Value:
    """How many boxes the image has that has the most, an int64 scalar."""
    ones = g.emit("Cast", valid, role="counted", to=DataType.INT64)
    counts = g.emit("ReduceSum", ones, g.ints("last-axis", [-1]), role="counts")
    return g.emit("ReduceMax", counts, role="count", keepdims=0)


def take(g: Scope, table: Value, places: Value, *, role: str) -> Value:
    """The columns of ``table`` at ``places``, ``... x 1 x K``."""
    *leading, height, _ = ir.dims(table)
    if height != 1:
        shape = g.ints(f"{role}-rows", [*(1 for _ in leading), int(height), 1])
        places = g.emit("Expand", places, shape, role=f"{role}-places")
    return g.emit("GatherElements", table, places, role=role, axis=-1)


def rows(g: Scope, table: Value, first: int, end: int, *, role: str, axis: int = -2) -> Value:
    """The rows of ``table`` from ``first`` up to ``end``; columns, if ``axis`` is -1."""
    limits = [g.ints(f"{role}-{name}", [value]) for name, value in (("first", first), ("end", end), ("axis", axis))]
    return g.emit("Slice", table, *limits, role=role)


def turned(g: Scope, table: Value, *, role: str) -> Value:
    """``table`` with its last two axes exchanged."""
    order = list(range(len(ir.dims(table))))
    return g.emit("Transpose", table, role=role, perm=[*order[:-2], order[-1], order[-2]])


def numbers(g: Scope, count: Dim, *, role: str) -> Value:
    """0, 1, 2, ... below ``count``, int64."""
    limits = {"from": 0, "below": count, "step": 1}
    return g.emit("Range", *(g.array(f"{role}-{name}", np.array(n)) for name, n in limits.items()), role=role)
