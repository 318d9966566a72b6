"""Boxes as GluonCV's detectors use them (src/operator/contrib/bounding_box-inl.h, bounding_box-common.h)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.operators.common import rank, size
from converter.parsers.mxnet.operators.suppression import (
    Boxes,
    Overlap,
    area,
    area_between,
    best,
    halves,
    keep,
    most_valid,
    rows,
    take,
    turned,
)
from converter.parsers.mxnet.registry import parses, refuses
from converter.parsers.mxnet.scope import Scope, spell

Format: TypeAlias = Literal["corner", "center"]
"""Least and greatest corner, or center and size; of each, x before y."""

refuses(
    "_contrib_bipartite_matching",
    because="it assigns a training picture's boxes to anchors; export the network without its training targets",
)


@parses("_contrib_box_nms", "_contrib_box_non_maximum_suppression")
def box_nms(
    g: Scope,
    data: Value,
    *,
    overlap_thresh: float = 0.5,
    valid_thresh: float = 0,
    topk: int = -1,
    coord_start: int = 2,
    score_index: int = 1,
    id_index: int = -1,
    background_id: int = -1,
    force_suppress: bool = False,
    in_format: Format = "corner",
    out_format: Format = "corner",
) -> list[Value]:
    """The rows of ``... x N x width`` that greedy suppression keeps, the best first, then rows of -1.

    Candidates are the ``topk`` best of the rows whose score exceeds ``valid_thresh`` and whose class is not
    ``background_id``. A row whose first coordinate is negative is not brought into ``out_format``.
    """
    if len(ir.dims(data)) < 2:
        raise g.misfit("its input is not rows of boxes")
    width, _ = size(g, data, -1), size(g, data, -2)
    if not (0 <= coord_start <= width - 4 and 0 <= score_index < width and id_index < width):
        raise BadInput(f"{g.node.op} {g.node.name!r}: rows of {width} lack its coordinates, score or class")
    nms = _Nms(
        overlap_thresh,
        valid_thresh,
        topk,
        coord_start,
        score_index,
        id_index,
        background_id,
        int(force_suppress),
        in_format,
        out_format,
    )
    return g.call("BoxNms", data, body=nms.body, outputs=["output0"], **asdict(nms))


@dataclass(frozen=True)
class _Nms:
    """The attributes of box_nms, and what they ask for. Its tables are as those of ``suppression``."""

    overlap_thresh: float
    valid_thresh: float
    topk: int
    coord_start: int
    score_index: int
    id_index: int
    background_id: int
    force_suppress: int
    in_format: str
    out_format: str

    def body(self, g: Scope, data: Value) -> Value:
        """BoxNms in standard ONNX."""
        length = size(g, data, -2)
        count = length if self.topk < 0 else min(self.topk, length)
        if count == 0:
            return g.emit("Identity", data, role="unchanged")
        table = turned(g, data, role="table")
        score = rows(g, table, self.score_index, self.score_index + 1, role="score")
        score, places, valid = best(g, score, self._valid(g, table, score), count, role="candidates")
        table = take(g, table, places, role="candidates")
        kept = keep(g, self._boxes(g, table), valid, most_valid(g, valid), Overlap(self.overlap_thresh))
        _, places, valid = best(g, score, kept, count, role="found")
        nothing = g.scalar("nothing", -1)
        table = g.emit("Where", valid, take(g, table, places, role="found"), nothing, role="filled")
        found = turned(g, self._formatted(g, table), role="rows")
        if count == length:
            return found
        leading = [0] * (len(ir.dims(found)) - 2)
        pads = g.ints("pads", [*leading, 0, 0, *leading, length - count, 0])
        return g.emit("Pad", found, pads, nothing, role="padded")

    def _valid(self, g: Scope, table: Value, score: Value) -> Value:
        good = g.emit("Greater", score, g.scalar("least-score", self.valid_thresh), role="good")
        if self.id_index < 0:
            return good
        kind = rows(g, table, self.id_index, self.id_index + 1, role="class")
        background = g.emit("Equal", kind, g.scalar("background-class", self.background_id), role="background")
        return g.emit("And", good, g.emit("Not", background, role="foreground"), role="valid")

    def _boxes(self, g: Scope, table: Value) -> Boxes:
        coordinates = rows(g, table, self.coord_start, self.coord_start + 4, role="coordinates")
        boxes = _boxes(g, coordinates, self.in_format, axis=-2)
        if self.id_index < 0 or self.force_suppress:
            return boxes
        kind = rows(g, table, self.id_index, self.id_index + 1, role="candidates-class")
        # MXNet compares classes as whole numbers.
        whole = g.emit("Cast", kind, role="whole-class", to=DataType.INT32)
        return Boxes(boxes.least, boxes.most, boxes.area, g.emit("Cast", whole, role="kind", to=DataType.FLOAT))

    def _formatted(self, g: Scope, table: Value) -> Value:
        if self.in_format == self.out_format:
            return table
        start, end, width = self.coord_start, self.coord_start + 4, size(g, table, -2)
        given = rows(g, table, start, end, role="given")
        negative = g.emit("Less", rows(g, given, 0, 1, role="left"), g.scalar("origin", 0), role="negative")
        converted = g.emit("Concat", *_converted(g, given, self.in_format), role="converted", axis=-2)
        parts = [g.emit("Where", negative, given, converted, role="box")]
        if start > 0:
            parts.insert(0, rows(g, table, 0, start, role="before"))
        if end < width:
            parts.append(rows(g, table, end, width, role="after"))
        return g.emit("Concat", *parts, role="formatted", axis=-2) if len(parts) > 1 else parts[0]


@parses("_contrib_box_iou")
def box_iou(g: Scope, lhs: Value, rhs: Value, *, format: Format = "corner") -> list[Value]:  # noqa: A002
    """The intersection over union of each box of ``lhs`` (a... x 4) with each of ``rhs`` (b... x 4): a... x b..."""
    if len(ir.dims(lhs)) < 2 or len(ir.dims(rhs)) < 2 or (ir.dims(lhs)[-1], ir.dims(rhs)[-1]) != (4, 4):
        raise g.misfit("its inputs are not rows of four coordinates")

    def body(g: Scope, lhs: Value, rhs: Value) -> Value:
        count = len(ir.dims(lhs)) - 1
        axes = g.ints("axes", list(range(count, count + len(ir.dims(rhs)) - 1)))
        spread = g.emit("Unsqueeze", lhs, axes, role="spread")
        left = _boxes(g, spread, format, role="lhs")
        right = _boxes(g, rhs, format, role="rhs")
        low = g.emit("Max", left.least, right.least, role="low")
        high = g.emit("Min", left.most, right.most, role="high")
        common = area_between(g, low, high, role="intersection", axis=-1)
        union = g.emit("Sub", g.emit("Add", left.area, right.area, role="areas"), common, role="union")
        zero = g.scalar("zero", 0)
        none = g.emit("LessOrEqual", common, zero, role="apart")
        ratio = g.emit("Where", none, zero, g.emit("Div", common, union, role="ratio"), role="overlap")
        return g.emit("Squeeze", ratio, g.ints("last", [-1]), role="squeezed")

    return g.call("BoxIou", lhs, rhs, body=body, format=format)


@parses("_contrib_box_decode")
def box_decode(
    g: Scope,
    data: Value,
    anchors: Value,
    *,
    std0: float = 1,
    std1: float = 1,
    std2: float = 1,
    std3: float = 1,
    clip: float = -1,
    format: Format = "center",  # noqa: A002
) -> list[Value]:
    """The corners that ``data`` (batch x N x 4) means for ``anchors`` (1 x N x 4) of the given format.

    ``clip`` limits the logarithms of the sizes if it is positive.
    """
    rank(g, data, 3)
    count = size(g, data, 1)
    if ir.dims(data)[2] != 4 or ir.dims(anchors) != (1, count, 4):
        raise g.misfit(f"its anchors are {spell(ir.dims(anchors))}, not one for each box of four coordinates")

    def body(g: Scope, data: Value, anchors: Value) -> Value:
        middle, extent = _centers(g, anchors, format, role="anchor")
        stds = g.array("stds", np.array([std0, std1, std2, std3], np.float32))
        shift, growth = halves(g, g.emit("Mul", data, stds, role="scaled"), ["shift", "growth"], axis=-1)
        if clip > 0:
            growth = g.emit("Min", growth, g.scalar("most-growth", clip), role="clipped-growth")
        center = g.emit("Add", g.emit("Mul", shift, extent, role="offset"), middle, role="center")
        whole = g.emit("Mul", g.emit("Exp", growth, role="factor"), extent, role="size")
        half = g.emit("Mul", whole, g.scalar("half", 0.5), role="half-size")
        ends = (g.emit(op, center, half, role=role) for op, role in (("Sub", "least"), ("Add", "most")))
        return g.emit("Concat", *ends, role="corners", axis=-1)

    return g.call(
        "BoxDecode", data, anchors, body=body, std0=std0, std1=std1, std2=std2, std3=std3, clip=clip, format=format
    )


@parses("_contrib_box_encode")
def box_encode(
    g: Scope, samples: Value, matches: Value, anchors: Value, refs: Value, means: Value, stds: Value
) -> list[Value]:
    """What tells the box of ``refs`` that an anchor ``matches`` from the anchor, and 1 where that counts, else 0.

    It counts where ``samples`` exceeds 0.5, and is 0 elsewhere. Boxes and anchors are corners, batch x any x 4.
    """
    rank(g, anchors, 3)
    rank(g, refs, 3)
    size(g, refs, 1)

    def body(
        g: Scope, samples: Value, matches: Value, anchors: Value, refs: Value, means: Value, stds: Value
    ) -> list[Value]:
        middle, extent = _centers(g, anchors, "corner", role="anchor")
        center, whole = _centers(g, _matched(g, matches, refs), "corner", role="ref")
        shift = g.emit("Div", g.emit("Sub", center, middle, role="distance"), extent, role="shift")
        growth = g.emit("Log", g.emit("Div", whole, extent, role="factor"), role="growth")
        code = g.emit("Sub", g.emit("Concat", shift, growth, role="code", axis=-1), means, role="centered")
        counts = g.emit("Greater", samples, g.scalar("positive", 0.5), role="positives")
        counts = g.emit("Unsqueeze", counts, g.ints("last", [-1]), role="counts")
        targets = g.emit(
            "Where", counts, g.emit("Div", code, stds, role="scaled"), g.scalar("zero", 0), role="targets"
        )
        mask = g.emit("Cast", counts, role="mask", to=DataType.FLOAT)
        return [targets, g.emit("Expand", mask, g.ints("mask-shape", [1, 1, 4]), role="masks")]

    inputs = (samples, matches, anchors, refs, means, stds)
    return g.call("BoxEncode", *inputs, body=body, outputs=["output0", "output1"])


def _matched(g: Scope, matches: Value, refs: Value) -> Value:
    """Of ``refs`` (batch x M x 4) the rows ``matches`` (batch x N); a row that there is not is some other one."""
    place = g.emit("Cast", matches, role="match", to=DataType.INT64)
    limits = {"least": 0, "most": size(g, refs, 1) - 1}
    ends = [g.array(f"match-{name}", np.array(end)) for name, end in limits.items()]
    place = g.emit("Clip", place, *ends, role="match-place")
    place = g.emit("Unsqueeze", place, g.ints("match-axis", [-1]), role="match-row")
    places = g.emit("Expand", place, g.ints("match-shape", [1, 1, 4]), role="match-places")
    return g.emit("GatherElements", refs, places, role="matched", axis=1)


def _boxes(g: Scope, box: Value, coding: str, *, role: str = "box", axis: int = -1) -> Boxes:
    """Boxes whose four coordinates lie along ``axis``, with the areas that MXNet gives them."""
    first, second = halves(g, box, [f"{role}-first", f"{role}-second"], axis=axis)
    if coding == "corner":
        return Boxes(first, second, area_between(g, first, second, role=f"{role}-area", axis=axis))
    return Boxes(*_around(g, first, second, role), area(g, second, role=f"{role}-area", axis=axis))


def _around(g: Scope, center: Value, extent: Value, role: str) -> tuple[Value, Value]:
    """The corners of boxes around ``center``."""
    half = g.emit("Div", extent, g.scalar(f"{role}-two", 2), role=f"{role}-half")
    return g.emit("Sub", center, half, role=f"{role}-least"), g.emit("Add", center, half, role=f"{role}-most")


def _converted(g: Scope, box: Value, coding: str) -> tuple[Value, Value]:
    """Boxes ``... x 4 x K`` in the other format."""
    first, second = halves(g, box, ["found-first", "found-second"])
    if coding == "center":
        return _around(g, first, second, "found")
    total = g.emit("Add", first, second, role="found-sum")
    center = g.emit("Div", total, g.scalar("found-two", 2), role="found-center")
    return center, g.emit("Sub", second, first, role="found-size")


def _centers(g: Scope, box: Value, coding: str, *, role: str) -> tuple[Value, Value]:
    """Center and size of boxes ``... x 4``."""
    first, second = halves(g, box, [f"{role}-first", f"{role}-second"], axis=-1)
    if coding == "center":
        return first, second
    extent = g.emit("Sub", second, first, role=f"{role}-size")
    half = g.emit("Mul", extent, g.scalar(f"{role}-half", 0.5), role=f"{role}-half-size")
    return g.emit("Add", first, half, role=f"{role}-center"), extent
