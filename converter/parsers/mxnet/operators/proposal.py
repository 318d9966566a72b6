"""Region proposals (src/operator/contrib/proposal.cc, multi_proposal.cc, proposal-inl.h).

Boxes are the pixels at which their left, top, right and bottom lie; a box of one pixel has a width of 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Floats
from converter.parsers.mxnet.builder import Array
from converter.parsers.mxnet.operators.common import at_least, rank, size
from converter.parsers.mxnet.operators.suppression import (
    Boxes,
    Overlap,
    area_between,
    halves,
    keep,
    numbers,
    rows,
    take,
    top,
    turned,
)
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope


@parses("_contrib_Proposal", "_contrib_MultiProposal")
def proposal(
    g: Scope,
    cls_prob: Value,
    bbox_pred: Value,
    im_info: Value,
    *,
    rpn_pre_nms_top_n: int = 6000,
    rpn_post_nms_top_n: int = 300,
    threshold: float = 0.7,
    rpn_min_size: int = 16,
    scales: Floats = (4.0, 8.0, 16.0, 32.0),
    ratios: Floats = (0.5, 1.0, 2.0),
    feature_stride: int = 16,
    output_score: bool = False,
    iou_loss: bool = False,
) -> list[Value]:
    """The regions most likely to show something, (pictures * post_nms) x 5: picture, left, top, right, bottom.

    Those that are too small or lie in a picture's padding have the score -1; of equal scores the first is the best.
    Where suppression leaves too few, they are repeated from the first on. The batch has to be a number.
    """
    rank(g, cls_prob, 4)
    pictures, channels, height, width = (size(g, cls_prob, axis) for axis in range(4))
    count = len(scales) * len(ratios)
    shapes = ir.dims(bbox_pred), ir.dims(im_info)
    if channels != 2 * count or shapes != ((pictures, 4 * count, height, width), (pictures, 3)):
        raise g.misfit(f"its inputs are not two scores and a box for {count} anchors, and a picture's size and scale")
    at_least(g, "rpn_post_nms_top_n", rpn_post_nms_top_n)
    at_least(g, "feature_stride", feature_stride)
    if min(*scales, *ratios) <= 0:
        raise BadInput(f"{g.node.op} {g.node.name!r} has a scale or a ratio that is not positive")
    asked = _Proposal(
        rpn_pre_nms_top_n,
        rpn_post_nms_top_n,
        threshold,
        rpn_min_size,
        scales,
        ratios,
        feature_stride,
        int(output_score),
        int(iou_loss),
    )
    outputs = ["output", "score"][: 1 + output_score]
    return g.call("Proposal", cls_prob, bbox_pred, im_info, body=asked.body, outputs=outputs, **asdict(asked))


@dataclass(frozen=True)
class _Proposal:
    """The attributes of Proposal, and what they ask for. Its tables are as those of ``suppression``."""

    rpn_pre_nms_top_n: int
    rpn_post_nms_top_n: int
    threshold: float
    rpn_min_size: int
    scales: Floats
    ratios: Floats
    feature_stride: int
    output_score: int
    iou_loss: int

    def body(self, g: Scope, cls_prob: Value, bbox_pred: Value, im_info: Value) -> list[Value]:
        """Proposal in standard ONNX."""
        pictures, channels, height, width = (size(g, cls_prob, axis) for axis in range(4))
        anchors, every = channels // 2, channels // 2 * height * width
        objects = rows(g, cls_prob, anchors, channels, role="objects", axis=1)
        objects = g.emit("Transpose", objects, role="objects-last", perm=[0, 2, 3, 1])
        score = g.emit("Reshape", objects, g.ints("score-shape", [pictures, 1, every]), role="score")
        codes = g.emit(
            "Reshape", bbox_pred, g.ints("split", [pictures, anchors, 4, height, width]), role="codes-split"
        )
        codes = g.emit("Transpose", codes, role="codes-first", perm=[0, 2, 3, 4, 1])
        codes = g.emit("Reshape", codes, g.ints("codes-shape", [pictures, 4, every]), role="codes")

        cells = self._cells(g, height, width, anchors)
        info = g.emit("Unsqueeze", im_info, g.ints("last", [-1]), role="info")
        corner = g.emit(
            "Concat", *(rows(g, info, i, i + 1, role=f"info-{i}") for i in (1, 0)), role="extent", axis=-2
        )
        corners = self._clipped(g, self._moved(g, self._anchors(g, cells), codes), corner)
        corners, score = self._filtered(g, corners, score, self._padding(g, cells, corner), info)
        return self._chosen(g, g.emit("Concat", *corners, role="regions", axis=-2), score)

    def _cells(self, g: Scope, height: int, width: int, anchors: int) -> Value:
        """The column and the row of each anchor's cell, 2 x (height * width * anchors)."""
        axes = []
        for role, count, shape in (("column", width, [1, 1, width, 1]), ("row", height, [1, height, 1, 1])):
            number = g.emit("Cast", numbers(g, count, role=f"{role}-number"), role=role, to=DataType.FLOAT)
            number = g.emit("Reshape", number, g.ints(f"{role}-shape", shape), role=f"{role}s")
            whole = g.ints(f"{role}-grid", [1, height, width, anchors])
            axes.append(g.emit("Expand", number, whole, role=f"{role}-of-cells"))
        grid = g.emit("Concat", *axes, role="grid", axis=0)
        return g.emit("Reshape", grid, g.ints("cells-shape", [2, -1]), role="cells")

    def _anchors(self, g: Scope, cells: Value) -> list[Value]:
        """The corners of all anchors, two tables without pictures."""
        base = _base_anchors(self.feature_stride, self.ratios, self.scales)
        repeated = g.ints("repeats", [1, size(g, cells, -1) // len(base)])
        shift = g.emit("Mul", cells, g.scalar("stride", self.feature_stride), role="shift")
        made = []
        for role, corner in (("least", base[:, :2]), ("most", base[:, 2:])):
            whole = g.emit("Tile", g.array(f"base-{role}", corner.T), repeated, role=f"base-{role}-of-cells")
            made.append(g.emit("Add", whole, shift, role=f"anchor-{role}"))
        return made

    def _moved(self, g: Scope, anchors: list[Value], codes: Value) -> list[Value]:
        """The corners of the predicted boxes."""
        first, second = halves(g, codes, ["first-codes", "second-codes"])
        if self.iou_loss:
            ends = zip(anchors, (first, second), ("least", "most"), strict=True)
            return [g.emit("Add", anchor, code, role=f"moved-{role}") for anchor, code, role in ends]
        one, half = g.scalar("one", 1), g.scalar("half", 0.5)

        def reach(extent: Value, role: str) -> Value:
            return g.emit("Mul", g.emit("Sub", extent, one, role=f"{role}-span"), half, role=f"{role}-reach")

        difference = g.emit("Sub", anchors[1], anchors[0], role="anchor-span")
        extent = g.emit("Add", difference, one, role="anchor-size")
        middle = g.emit("Add", anchors[0], reach(extent, "anchor"), role="anchor-center")
        center = g.emit("Add", g.emit("Mul", first, extent, role="offset"), middle, role="center")
        spread = reach(g.emit("Mul", g.emit("Exp", second, role="factor"), extent, role="size"), "box")
        return [g.emit("Sub", center, spread, role="moved-least"), g.emit("Add", center, spread, role="moved-most")]

    def _clipped(self, g: Scope, corners: list[Value], extent: Value) -> list[Value]:
        """The corners within a picture of ``extent``."""
        edge = g.emit("Sub", extent, g.scalar("edge-width", 1), role="edge")
        inner = [g.emit("Min", corner, edge, role=f"inner-{i}") for i, corner in enumerate(corners)]
        return [
            g.emit("Max", corner, g.scalar(f"origin-{i}", 0), role=f"clipped-{i}") for i, corner in enumerate(inner)
        ]

    def _padding(self, g: Scope, cells: Value, extent: Value) -> Value:
        """Which cells lie beyond a picture of ``extent``, truth values as a table."""
        cells_in = g.emit("Div", extent, g.scalar("cell", self.feature_stride), role="cells-in-picture")
        beyond = g.emit("GreaterOrEqual", cells, g.emit("Floor", cells_in, role="whole-cells"), role="beyond")
        return g.emit("Or", *halves(g, beyond, ["beyond-width", "beyond-height"]), role="padding")

    def _filtered(
        self, g: Scope, corners: list[Value], score: Value, padding: Value, info: Value
    ) -> tuple[list[Value], Value]:
        """Give the boxes that are too small or in the padding the score -1, and let the small ones grow."""
        scale = rows(g, info, 2, 3, role="scale")
        least = g.emit("Mul", scale, g.scalar("min-size", self.rpn_min_size), role="least-side")
        span = g.emit("Sub", corners[1], corners[0], role="span")
        sides = g.emit("Add", span, g.scalar("pixel", 1), role="sides")
        short = g.emit("Less", sides, least, role="short")
        small = g.emit("Or", *halves(g, short, ["narrow", "flat"]), role="small")
        bad = g.emit("Or", small, padding, role="bad")
        score = g.emit("Where", bad, g.scalar("bad-score", -1), score, role="filtered-score")
        growth = g.emit("Div", least, g.scalar("sides-of-a-box", 2), role="growth")
        ends = [
            g.emit("Sub", corners[0], growth, role="grown-least"),
            g.emit("Add", corners[1], growth, role="grown-most"),
        ]
        both = zip(ends, corners, ("least", "most"), strict=True)
        return [g.emit("Where", small, end, corner, role=f"filtered-{role}") for end, corner, role in both], score

    def _chosen(self, g: Scope, regions: Value, score: Value) -> list[Value]:
        """Suppress, repeat what is kept until it is enough, and lay it out as MXNet does."""
        pictures, _, every = (size(g, regions, axis) for axis in range(3))
        count = min(self.rpn_pre_nms_top_n, every) if self.rpn_pre_nms_top_n > 0 else every
        wanted = self.rpn_post_nms_top_n
        scores, places = top(g, score, count, role="sorted")
        table = take(g, regions, places, role="sorted-regions")
        least, most = halves(g, table, ["sorted-least", "sorted-most"])
        boxes = Boxes(least, most, area_between(g, least, most, 1, role="area"))
        valid = g.emit("Expand", g.array("true", np.array(True)), g.ints("all", [pictures, 1, count]), role="valid")
        rounds = g.array("rounds", np.array(min(wanted, count)))
        kept = keep(g, boxes, valid, rounds, Overlap(self.threshold, margin=1))

        _, order = top(g, g.emit("Cast", kept, role="kept-first", to=DataType.FLOAT), count, role="order")
        ones = g.emit("Cast", kept, role="kept-ones", to=DataType.INT64)
        total = g.emit("ReduceSum", ones, g.ints("kept-axis", [-1]), role="total")
        turn = g.emit("Mod", numbers(g, wanted, role="number"), total, role="turn")
        places = take(g, order, turn, role="chosen-places")
        found = turned(g, take(g, table, places, role="chosen"), role="boxes")
        picture = g.array("pictures", np.arange(pictures).reshape(-1, 1, 1))
        picture = g.emit("Cast", picture, role="picture", to=DataType.FLOAT)
        picture = g.emit("Expand", picture, g.ints("picture-shape", [pictures, wanted, 1]), role="picture-column")
        regions = g.emit("Concat", picture, found, role="rows", axis=-1)
        made = [g.emit("Reshape", regions, g.ints("rows-shape", [-1, 5]), role="output")]
        if self.output_score:
            chosen = take(g, scores, places, role="chosen-scores")
            made.append(g.emit("Reshape", chosen, g.ints("scores-shape", [-1, 1]), role="score-rows"))
        return made


def _base_anchors(stride: int, ratios: Floats, scales: Floats) -> Array:
    """The anchors of the first cell, all scales of the first ratio first, in MXNet's own float32 steps."""
    f = np.float32
    anchors = []
    for ratio in map(f, ratios):
        for scale in map(f, scales):
            wide = np.floor(np.sqrt(np.floor(f(stride) * f(stride) / ratio)) + f(0.5)) * scale
            high = np.floor(wide / scale * ratio + f(0.5)) * scale
            reach = np.array([wide - f(1), high - f(1)], f) * f(0.5)
            anchors.append(np.concatenate([f(0.5) * f(stride - 1) - reach, f(0.5) * f(stride - 1) + reach]))
    return np.array(anchors, f)
