"""Detection as MXNet's SSD example does it (src/operator/contrib/multibox_*.cc; example/ssd/operator before 0.9).

Boxes are the fractions of the picture at which their left, top, right and bottom lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Floats
from converter.parsers.mxnet.builder import Array
from converter.parsers.mxnet.operators.common import rank, size
from converter.parsers.mxnet.operators.suppression import (
    Boxes,
    Overlap,
    area_between,
    best,
    halves,
    keep,
    most_valid,
    numbers,
    rows,
    take,
    turned,
)
from converter.parsers.mxnet.registry import parses, refuses
from converter.parsers.mxnet.scope import Scope

refuses(
    "_contrib_MultiBoxTarget",
    "MultiBoxTarget",
    "_contrib_mrcnn_mask_target",
    because="it makes the targets of training; export the network without its loss",
)


@parses("_contrib_MultiBoxPrior")
def multibox_prior(
    g: Scope,
    data: Value,
    *,
    sizes: Floats = (1.0,),
    ratios: Floats = (1.0,),
    clip: bool = False,
    steps: Floats = (-1.0, -1.0),
    offsets: Floats = (0.5, 0.5),
) -> list[Value]:
    """The anchors of a feature map, pixel by pixel: all sizes at the first ratio, then the first size at the others.

    Only the map's height and width matter. ``steps`` and ``offsets`` are those of y and x; without ``steps`` the
    pixels cover the picture.
    """
    return _prior(g, data, sizes, ratios, clip, steps, offsets)


@parses("MultiBoxPrior")
def multibox_prior_of_the_example(
    g: Scope, data: Value, *, sizes: Floats = (1.0,), ratios: Floats = (1.0,), clip: bool = False
) -> list[Value]:
    """As _contrib_MultiBoxPrior, where the two agree: the map is square and the first ratio is 1."""
    rank(g, data, 4)
    if size(g, data, 2) != size(g, data, 3) or ratios[:1] != (1.0,):
        raise g.refuse("a feature map that is not square, or a first ratio other than 1")
    return _prior(g, data, sizes, ratios, clip, (-1.0, -1.0), (0.5, 0.5))


def _prior(
    g: Scope, data: Value, sizes: Floats, ratios: Floats, clip: bool, steps: Floats, offsets: Floats
) -> list[Value]:
    rank(g, data, 4)
    height, width = size(g, data, 2), size(g, data, 3)
    if min(sizes, default=0) <= 0 or min(ratios, default=0) <= 0 or len(steps) != 2 or len(offsets) != 2:
        raise BadInput(f"{g.node.op} {g.node.name!r} needs positive sizes and ratios, two steps and two offsets")

    def body(g: Scope, data: Value) -> Value:  # noqa: ARG001
        center = _centers(g, (height, width), steps, offsets)
        half = g.array("half-sizes", _half_sizes(sizes, ratios, height, width))
        ends = g.emit("Sub", center, half, role="least"), g.emit("Add", center, half, role="most")
        boxes = g.emit("Concat", *ends, role="boxes", axis=-1)
        anchors = g.emit("Reshape", boxes, g.ints("shape", [1, -1, 4]), role="anchors")
        if not clip:
            return anchors
        return g.emit("Clip", anchors, g.scalar("least-edge", 0), g.scalar("most-edge", 1), role="clipped")

    return g.call(
        "MultiBoxPrior",
        data,
        body=body,
        sizes=sizes,
        ratios=ratios,
        clip=int(clip),
        steps=steps,
        offsets=offsets,
    )


def _centers(g: Scope, counts: tuple[int, int], steps: Floats, offsets: Floats) -> Value:
    """The centers of a map's pixels, height x width x 1 x 2: x before y."""
    found = []
    for axis, role in ((1, "x"), (0, "y")):
        count = counts[axis]
        step = np.float32(steps[axis]) if min(steps) > 0 else np.float32(1) / np.float32(count)
        pixels = g.emit("Cast", numbers(g, count, role=f"{role}-number"), role=f"{role}-pixel", to=DataType.FLOAT)
        moved = g.emit("Add", pixels, g.scalar(f"{role}-offset", offsets[axis]), role=f"{role}-moved")
        center = g.emit("Mul", moved, g.scalar(f"{role}-step", float(step)), role=f"{role}-center")
        shape = [1, count, 1, 1] if role == "x" else [count, 1, 1, 1]
        center = g.emit("Reshape", center, g.ints(f"{role}-shape", shape), role=f"{role}-line")
        found.append(g.emit("Expand", center, g.ints(f"{role}-map", [*counts, 1, 1]), role=f"{role}-centers"))
    return g.emit("Concat", *found, role="center", axis=-1)


def _half_sizes(sizes: Floats, ratios: Floats, height: int, width: int) -> Array:
    """Half of the widths and heights of a pixel's anchors, ``A x 2``, in MXNet's own float32 steps."""
    scales = np.array([*sizes, *sizes[:1] * (len(ratios) - 1)], np.float32)
    roots = np.sqrt(np.array([*ratios[:1] * len(sizes), *ratios[1:]], np.float32))
    wide = scales * np.float32(height) / np.float32(width) * roots / np.float32(2)
    return np.stack([wide, scales / roots / np.float32(2)], axis=1)


@parses("_contrib_MultiBoxDetection", "MultiBoxDetection", ignores=("background_id",))
def multibox_detection(
    g: Scope,
    cls_prob: Value,
    loc_pred: Value,
    anchor: Value,
    *,
    clip: bool = True,
    threshold: float = 0.01,
    nms_threshold: float = 0.5,
    force_suppress: bool = False,
    variances: Floats = (0.1, 0.1, 0.2, 0.2),
    nms_topk: int = -1,
) -> list[Value]:
    """Rows of class, score and box, batch x N x 6: first the anchors that show an object, the best first, then -1.

    The class of a box that a better one of its class suppresses, or that is not among the ``nms_topk`` best, is -1.
    Class 0 is the background whatever ``background_id`` says. With an ``nms_threshold`` outside of (0, 1] nothing is
    suppressed or sorted.
    """
    rank(g, cls_prob, 3)
    rank(g, loc_pred, 2)
    rank(g, anchor, 3)
    classes, count = size(g, cls_prob, 1), size(g, cls_prob, 2)
    if classes < 2 or ir.dims(loc_pred)[1] != 4 * count or ir.dims(anchor) != (1, count, 4):
        raise g.misfit("its inputs do not tell a box and two classes or more for each anchor")
    if len(variances) != 4:
        raise BadInput(f"{g.node.op} {g.node.name!r} has {len(variances)} variances; it needs 4")
    detection = _Detection(clip, threshold, nms_threshold, force_suppress, variances, nms_topk)
    return g.call(
        "MultiBoxDetection",
        cls_prob,
        loc_pred,
        anchor,
        body=detection.body,
        clip=int(clip),
        threshold=threshold,
        nms_threshold=nms_threshold,
        force_suppress=int(force_suppress),
        variances=variances,
        nms_topk=nms_topk,
    )


@dataclass(frozen=True)
class _Detection:
    """The attributes of MultiBoxDetection, and what they ask for. Its tables are as those of ``suppression``."""

    clip: bool
    threshold: float
    nms_threshold: float
    force_suppress: bool
    variances: Floats
    nms_topk: int

    def body(self, g: Scope, cls_prob: Value, loc_pred: Value, anchor: Value) -> Value:
        """MultiBoxDetection in standard ONNX."""
        count = size(g, cls_prob, 2)
        objects = rows(g, cls_prob, 1, size(g, cls_prob, 1), role="objects")
        score = g.emit("ReduceMax", objects, g.ints("classes", [-2]), role="score")
        kind = g.emit("ArgMax", objects, role="class", axis=-2)
        kind = g.emit("Cast", kind, role="kind", to=DataType.FLOAT)
        valid = g.emit("GreaterOrEqual", score, g.scalar("least-score", self.threshold), role="good")
        above = g.emit("Greater", score, g.scalar("below-all", -1), role="above")
        valid = g.emit("And", valid, above, role="valid")
        table = g.emit("Concat", kind, score, *self._corners(g, loc_pred, anchor), role="table", axis=-2)
        places, there = self._order(g, score, valid, count)
        table = take(g, table, places, role="found")
        if self._suppresses:
            table = self._suppressed(g, table, there)
        return turned(g, g.emit("Where", there, table, g.scalar("nothing", -1), role="filled"), role="rows")

    @property
    def _suppresses(self) -> bool:
        return 0 < self.nms_threshold <= 1

    def _most(self, count: int) -> int:
        """How many of ``count`` anchors take part in suppression."""
        return min(self.nms_topk, count) if self.nms_topk > 0 else count

    def _order(self, g: Scope, score: Value, valid: Value, count: int) -> tuple[Value, Value]:
        """The anchors in the order of the output, and which of its rows there are."""
        most = self._most(count)
        if self._suppresses:
            _, places, there = best(g, score, valid, count, role="sorted")
            if most == count:
                return places, there
        _, unsorted, there = best(g, g.scalar("any-score", 0), valid, count, role="unsorted")
        if not self._suppresses:
            return unsorted, there
        # What is not among the best is not sorted: MXNet leaves the unsorted rows in their places.
        parts = rows(g, places, 0, most, role="head", axis=-1), rows(g, unsorted, most, count, role="tail", axis=-1)
        return g.emit("Concat", *parts, role="order", axis=-1), there

    def _suppressed(self, g: Scope, table: Value, there: Value) -> Value:
        """The rows with the class -1 where they are not kept."""
        count = size(g, table, -1)
        most = self._most(count)
        head = rows(g, table, 0, most, role="best-rows", axis=-1)
        valid = rows(g, there, 0, most, role="best-valid", axis=-1)
        corners = rows(g, head, 2, 4, role="least"), rows(g, head, 4, 6, role="most")
        kind = None if self.force_suppress else rows(g, head, 0, 1, role="best-class")
        boxes = Boxes(*corners, area_between(g, *corners, role="area"), kind)
        kept = keep(g, boxes, valid, most_valid(g, valid), Overlap(self.nms_threshold, inclusive=True))
        if most < count:
            kept = g.emit("Pad", kept, g.ints("pads", [0, 0, 0, 0, 0, count - most]), role="kept-of-all")
        given = rows(g, table, 0, 1, role="given-class")
        kind = g.emit("Where", kept, given, g.scalar("dropped", -1), role="kept-class")
        return g.emit("Concat", kind, rows(g, table, 1, 6, role="others"), role="suppressed", axis=-2)

    def _corners(self, g: Scope, loc_pred: Value, anchor: Value) -> list[Value]:
        """The predicted boxes as two tables (multibox_detection.cc, TransformLocations)."""
        first, second = halves(g, turned(g, anchor, role="anchors"), ["anchor-least", "anchor-most"])
        extent = g.emit("Sub", second, first, role="anchor-size")
        two = g.scalar("two", 2)
        middle = g.emit("Div", g.emit("Add", first, second, role="anchor-sum"), two, role="anchor-center")
        shape = g.ints("shape", [0, size(g, anchor, 1), 4])
        codes = turned(g, g.emit("Reshape", loc_pred, shape, role="codes"), role="code-table")
        variances = g.array("variances", np.array(self.variances, np.float32).reshape(4, 1))
        shift, growth = halves(g, g.emit("Mul", codes, variances, role="scaled"), ["shift", "growth"])
        center = g.emit("Add", g.emit("Mul", shift, extent, role="offset"), middle, role="center")
        whole = g.emit("Mul", g.emit("Exp", growth, role="factor"), extent, role="size")
        half = g.emit("Div", whole, two, role="half-size")
        ends = [g.emit("Sub", center, half, role="left-top"), g.emit("Add", center, half, role="right-bottom")]
        if not self.clip:
            return ends
        edges = g.scalar("least-edge", 0), g.scalar("most-edge", 1)
        return [g.emit("Clip", end, *edges, role=f"clipped-{i}") for i, end in enumerate(ends)]
