"""The two functions that a single shot detector ends with: ``PriorBox`` and ``DetectionOutput``.

They take and give what Caffe-SSD's layers of these names do, but for the differences that are said below, so that
targets with such layers can use them. Their bodies are standard ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.operators.box import box_decode, box_nms
from converter.parsers.mxnet.operators.common import size
from converter.parsers.mxnet.operators.multibox import multibox_detection
from converter.parsers.mxnet.operators.suppression import numbers, rows, turned
from converter.parsers.mxnet.scope import Scope
from converter.parsers.mxnet.ssd.anchors import Priors


def prior_box(
    g: Scope, feature: Value, image: Value, priors: Priors, *, clip: bool, variance: Sequence[float]
) -> Value:
    """The anchors of a feature map, ``1 x 2 x 4N``: their corners as parts of the image, and the variances.

    Args:
        g: The scope.
        feature: The map, ``batch x C x H x W``; only its size matters.
        image: The network's input; only for layers that want it.
        priors: What the anchors are.
        clip: Whether corners are kept within the image.
        variance: What a box's four numbers are multiplied by.
    """
    height, width = size(g, feature, 2), size(g, feature, 3)

    def body(g: Scope, feature: Value, image: Value) -> Value:  # noqa: ARG001
        center = _centers(g, priors, height, width)
        half = g.array("half-sizes", (priors.boxes() / 2).astype(np.float32))
        ends = g.emit("Sub", center, half, role="least"), g.emit("Add", center, half, role="most")
        pixels = g.emit("Concat", *ends, role="pixels", axis=-1)
        sides = np.array([priors.img_w, priors.img_h] * 2, np.float32)
        corners = g.emit("Div", pixels, g.array("image-size", sides), role="corners")
        if clip:
            corners = g.emit("Clip", corners, g.scalar("edge", 0), g.scalar("other-edge", 1), role="clipped")
        flat = g.ints("flat", [1, 1, -1])
        count = height * width * len(priors.boxes())
        repeated = g.emit(
            "Expand", g.array("variance", np.array(variance, np.float32)), g.ints("all", [count, 4]), role="variances"
        )
        parts = [g.emit("Reshape", each, flat, role=role) for each, role in ((corners, "boxes"), (repeated, "rest"))]
        return g.emit("Concat", *parts, role="priors", axis=1)

    lists = {"max_sizes": priors.max_sizes, "aspect_ratios": priors.aspect_ratios}
    some: dict[str, Any] = {name: list(values) for name, values in lists.items() if values}
    return g.call(
        "PriorBox",
        feature,
        image,
        body=body,
        min_sizes=list(priors.min_sizes),
        **some,
        clip=int(clip),
        variance=list(variance),
        step_w=priors.step_w,
        step_h=priors.step_h,
        offset=priors.offset,
        img_w=priors.img_w,
        img_h=priors.img_h,
    )[0]


def _centers(g: Scope, priors: Priors, height: int, width: int) -> Value:
    """The centers of a map's pixels in the image, ``H x W x 1 x 2``: x before y."""
    found = []
    for role, count, step, shape in (
        ("x", width, priors.step_w, [1, width, 1, 1]),
        ("y", height, priors.step_h, [height, 1, 1, 1]),
    ):
        pixels = g.emit("Cast", numbers(g, count, role=f"{role}-number"), role=f"{role}-pixel", to=DataType.FLOAT)
        moved = g.emit("Add", pixels, g.scalar(f"{role}-offset", priors.offset), role=f"{role}-moved")
        center = g.emit("Mul", moved, g.scalar(f"{role}-step", step), role=f"{role}-center")
        center = g.emit("Reshape", center, g.ints(f"{role}-shape", shape), role=f"{role}-line")
        found.append(g.emit("Expand", center, g.ints(f"{role}-map", [height, width, 1, 1]), role=f"{role}-centers"))
    return g.emit("Concat", *found, role="center", axis=-1)


@dataclass(frozen=True)
class Output:
    """What a detector does with its boxes.

    Attributes:
        num_classes: How many classes there are, with the background, which is class 0.
        nms_threshold: The intersection over union beyond which a better box of its class suppresses a box.
        nms_top_k: How many boxes of an image take part, of all classes together (Caffe's layer: of each); -1: all.
        keep_top_k: The rows of the result.
        confidence_threshold: What the score of a box has to exceed.
        scale_w: What the x of the result are multiplied by: 1 for parts of the image.
        scale_h: What the y are multiplied by.
        single_label: Whether a box takes part with its best class only; scores and overlaps then count from their
            limits on, not beyond.
        clip: Whether boxes are kept within the image, before they suppress each other.
        force_suppress: Whether boxes of all classes suppress each other.
    """

    num_classes: int
    nms_threshold: float
    nms_top_k: int
    keep_top_k: int
    confidence_threshold: float
    scale_w: float = 1.0
    scale_h: float = 1.0
    single_label: bool = False
    clip: bool = False
    force_suppress: bool = False

    def attributes(self) -> dict[str, Any]:
        """As those of a node; what is false is left out."""
        numbers = {name: value for name, value in vars(self).items() if not isinstance(value, bool)}
        return {**numbers, **{name: 1 for name, value in vars(self).items() if value is True}}


def detection_output(
    g: Scope, loc: Value, conf: Value, priors: Value, output: Output, variance: Sequence[float]
) -> Value:
    """The detections of each image, ``batch x keep_top_k x 6``: class (without the background), score, corners.

    The best come first; rows that are left are -1. With ``single_label`` a suppressed row keeps its place, its score
    and its box, and has the class -1.

    Args:
        g: The scope.
        loc: The boxes as they differ from the anchors, ``batch x 4N``, coded by center and size.
        conf: Scores of the classes, ``batch x N x num_classes``.
        priors: As of :func:`prior_box`, of all feature maps.
        output: What to do with them.
        variance: Of all anchors, as ``priors`` holds it.
    """
    count = size(g, conf, 1)

    def body(g: Scope, loc: Value, conf: Value, priors: Value) -> Value:
        corners = rows(g, priors, 0, 1, role="corners")
        anchors = g.emit("Reshape", corners, g.ints("anchor-shape", [1, count, 4]), role="anchors")
        if output.single_label:
            return _multibox(g, loc, conf, anchors, output, variance)
        table = _table(g, loc, conf, anchors, output, variance)
        suppressed = _only(
            box_nms(
                g.part("suppression"),
                table,
                overlap_thresh=output.nms_threshold,
                valid_thresh=output.confidence_threshold,
                topk=output.nms_top_k,
                coord_start=2,
                score_index=1,
                id_index=0,
            )
        )
        return rows(g, suppressed, 0, output.keep_top_k, role="kept")

    return g.call("DetectionOutput", loc, conf, priors, body=body, **output.attributes())[0]


def _multibox(g: Scope, loc: Value, conf: Value, anchors: Value, output: Output, variance: Sequence[float]) -> Value:
    return _only(
        multibox_detection(
            g.part("detection"),
            turned(g, conf, role="scores"),
            loc,
            anchors,
            clip=output.clip,
            threshold=output.confidence_threshold,
            nms_threshold=output.nms_threshold,
            force_suppress=output.force_suppress,
            variances=tuple(variance),
            nms_topk=output.nms_top_k,
        )
    )


def _table(g: Scope, loc: Value, conf: Value, anchors: Value, output: Output, variance: Sequence[float]) -> Value:
    """One row for each class and anchor, ``batch x (num_classes - 1)N x 6``: class, score and corners."""
    batch, count, classes = *ir.dims(conf)[:2], output.num_classes - 1
    codes = g.emit("Reshape", loc, g.ints("code-shape", [0, int(count), 4]), role="codes")
    corners = _decoded(g, codes, anchors, output, variance)
    objects = turned(g, rows(g, conf, 1, output.num_classes, role="objects", axis=-1), role="objects-by-class")
    score = g.emit("Unsqueeze", objects, g.ints("last", [-1]), role="scores")
    # the classes of as many images as there are scores of
    none = g.emit("Mul", score, g.scalar("nothing", 0), role="zeros")
    kinds = g.array("classes", np.arange(classes, dtype=np.float32).reshape(1, classes, 1, 1))
    kind = g.emit("Add", none, kinds, role="kinds")
    spread = g.emit("Unsqueeze", corners, g.ints("second", [1]), role="corners-of-all")
    boxes = g.emit("Expand", spread, g.ints("by-class", [1, classes, 1, 1]), role="corners-by-class")
    table = g.emit("Concat", kind, score, boxes, role="rows", axis=-1)
    shape = [0 if batch == ir.BATCH else int(batch), classes * int(count), 6]
    return g.emit("Reshape", table, g.ints("table-shape", shape), role="table")


def _decoded(g: Scope, codes: Value, anchors: Value, output: Output, variance: Sequence[float]) -> Value:
    """The boxes' corners, ``batch x N x 4``, in the units of the result."""
    sides = np.array([output.scale_w, output.scale_h] * 2, np.float32)
    wide = g.emit("Mul", anchors, g.array("scale", sides), role="anchor-corners")
    least, most = rows(g, wide, 0, 2, role="least", axis=-1), rows(g, wide, 2, 4, role="most", axis=-1)
    extent = g.emit("Sub", most, least, role="anchor-size")
    half = g.scalar("half", 0.5)
    middle = g.emit("Mul", g.emit("Add", least, most, role="anchor-sum"), half, role="anchor-center")
    centered = g.emit("Concat", middle, extent, role="centered-anchors", axis=-1)
    std0, std1, std2, std3 = variance
    return _only(box_decode(g.part("boxes"), codes, centered, std0=std0, std1=std1, std2=std2, std3=std3))


def _only(made: Value | Sequence[Value]) -> Value:
    return made if isinstance(made, Value) else made[0]
