"""The layers that single shot detectors end with: anchors, and boxes that do not overlap. Caffe-SSD has them.

Of ``DetectionOutput`` the best ``top_k`` boxes of each class take part, of the IR's the best of all classes together.
So before it the scores that are not among the best of their image are lowered below any threshold.
:func:`count_per_class` leaves that away: the plain layer, as other tools write it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, live_nodes, only_output, operator_of
from converter.emitters.caffe import cut
from converter.emitters.caffe.activation import limited
from converter.emitters.caffe.elementwise import difference, plus, times
from converter.emitters.caffe.layer import Fields, Layer, Token
from converter.emitters.caffe.moves import cropped, joined, length, viewed
from converter.emitters.caffe.reduction import kept
from converter.emitters.caffe.rounding import threshold
from converter.emitters.caffe.search import first_of_largest
from converter.emitters.caffe.steps import Steps
from converter.ir import dims

PRIOR_BOX = "transship::PriorBox"
DETECTION_OUTPUT = "transship::DetectionOutput"
_ANCHORS = "transship.anchors"
"""Metadata of a DetectionOutput: why its anchors are of no PriorBox."""
_PER_CLASS = "nms_top_k per class"
"""In ``meta`` of a DetectionOutput: whether :func:`count_per_class` was there."""
_FAR = 3e38
"""What a score that takes no part is lowered by."""
_LARGEST = 46340
"""The square of a larger size does not fit into the 32 bits that ``prior_box_layer.cpp`` multiplies sizes in."""
_FACTORS = 10_000
"""Most factors of sizes that are tried."""
_SAME = 1e-6
"""What ``prior_box_layer.cpp`` takes for the same aspect ratio; the part of a size that is float32's rounding."""
_ALLOWED = 4e-6
"""The error that a side may have, as a part of the image's longer side."""


def count_per_class(graph: onnx_ir.Graph) -> list[tuple[str, int]]:
    """Have each DetectionOutput of ``graph`` that limits the boxes of all classes limit those of each instead.

    Returns:
        The names of what they compute, and how many boxes take part.
    """
    found = []
    for node in graph:
        if operator_of(node) == DETECTION_OUTPUT:
            top_k = node.attributes.get_int("nms_top_k", -1)
            if _is_limit(top_k, node.inputs[1]):
                node.meta[_PER_CLASS] = True
                found.append((str(node.outputs[0].name), top_k))
    return found


def multiplied(graph: onnx_ir.Graph) -> dict[str, int]:
    """What the lengths of the PriorBox layers of ``graph`` are multiplied by that are, by the name of their value."""
    found = {}
    for node in live_nodes(graph):
        if operator_of(node) == PRIOR_BOX:
            given = {name: attribute.value for name, attribute in node.attributes.items()}
            side = max(given["img_w"], given["img_h"])
            found[str(node.outputs[0].name)] = _factor(given["min_sizes"], given.get("max_sizes", ()), side)
    return {name: factor for name, factor in found.items() if factor > 1}


@emits("caffe ssd", PRIOR_BOX)
def prior_box(
    node: onnx_ir.Node,
    feature: onnx_ir.Value,
    image: onnx_ir.Value,
    *,
    min_sizes: Sequence[float],
    variance: Sequence[float],
    step_w: float,
    step_h: float,
    offset: float,
    img_w: int,
    img_h: int,
    max_sizes: Sequence[float] = (),
    aspect_ratios: Sequence[float] = (),
    clip: int = 0,
) -> list[Layer]:
    """``PriorBox``. It drops the fractions of its sizes; where they have some, all lengths are multiplied alike.

    Raises:
        Refused: There are two boxes of one shape, or no such factor makes all sizes whole.
    """
    boxes = _boxes(min_sizes, max_sizes, aspect_ratios)
    height, width = (length(feature, axis) for axis in (2, 3))
    if dims(node.outputs[0]) != (1, 2, 4 * boxes * height * width):
        raise Refused(f"its anchors are not {boxes} for each pixel of the feature map")
    factor = _factor(min_sizes, max_sizes, max(img_w, img_h))
    steps = {"step": step_w} if step_w == step_h else {"step_w": step_w, "step_h": step_h}
    sides = {"img_size": img_w} if img_w == img_h else {"img_w": img_w, "img_h": img_h}
    params: Fields = {
        "min_size": _whole(min_sizes, factor),
        "max_size": _whole(max_sizes, factor),
        "aspect_ratio": tuple(map(float, aspect_ratios)),
        "flip": False,
        "clip": bool(clip),
        "variance": tuple(map(float, variance)),
        **{name: side * factor for name, side in sides.items()},
        **{name: float(step * factor) for name, step in steps.items()},
        "offset": float(offset),
    }
    return [Layer(str(node.name), "PriorBox", (feature, image), (only_output(node),), {"prior_box_param": params})]


def _boxes(min_sizes: Sequence[float], max_sizes: Sequence[float], aspect_ratios: Sequence[float]) -> int:
    """How many boxes there are for a pixel. Refuses what ``prior_box_layer.cpp`` checks or would leave out."""
    sizes = [*min_sizes, *max_sizes]
    if not min_sizes or not 0 < min(sizes) <= max(sizes) <= _LARGEST:
        raise Refused(f"a size is not from 0 to {_LARGEST}")
    if max_sizes and any(most <= least for least, most in zip(min_sizes, max_sizes, strict=True)):
        raise Refused("a max_size is not larger than its min_size")
    ratios = sorted([1.0, *aspect_ratios])
    if ratios[0] <= 0 or any(above - below < 2 * _SAME for below, above in pairwise(ratios)):
        raise Refused("two boxes have the same aspect ratio, of which PriorBox makes one")
    return len(min_sizes) * len(ratios) + len(max_sizes)


def _factor(min_sizes: Sequence[float], max_sizes: Sequence[float], side: int) -> int:
    """The least number that makes all sizes whole; where there is none, the one that comes nearest to that."""
    sizes = np.array([*min_sizes, *max_sizes], np.float64)
    factors = np.arange(1, min(int(_LARGEST / sizes.max()), _FACTORS) + 1, dtype=np.float64)[:, None]
    whole = np.rint(sizes * factors)
    errors = np.where(whole > 0, np.abs(whole / factors - sizes), np.inf)
    exact = np.flatnonzero((errors <= _SAME * sizes).all(axis=1))
    if len(exact):
        return int(exact[0]) + 1
    worst = errors.max(axis=1)
    if worst.min() > _ALLOWED * side:
        raise Refused(f"PriorBox drops the fractions of sizes, and the nearest are off by {worst.min():.3g} pixels")
    return int(worst.argmin()) + 1


def _whole(sizes: Sequence[float], factor: int) -> tuple[float, ...]:
    return tuple(float(round(size * factor)) for size in sizes)


@emits("caffe ssd", DETECTION_OUTPUT)
def detection_output(
    node: onnx_ir.Node,
    loc: onnx_ir.Value,
    conf: onnx_ir.Value,
    priors: onnx_ir.Value,
    *,
    num_classes: int,
    nms_threshold: float,
    nms_top_k: int,
    keep_top_k: int,
    confidence_threshold: float,
    scale_w: float = 1.0,  # noqa: ARG001 - whoever reads the rows scales the boxes
    scale_h: float = 1.0,  # noqa: ARG001
    single_label: int = 0,
    clip: int = 0,
    force_suppress: int = 0,
) -> list[Layer]:
    """``DetectionOutput``, whose rows are of 7 numbers, class by class, and as many as there are boxes.

    Scores that take no part are lowered before it: what is below the last of ``ArgMax`` with ``top_k`` and, of
    MXNet's own detections, all but the best of a box. Boxes that are kept within the image are computed before it.

    Raises:
        Refused: The anchors are of no PriorBox, or boxes of different classes suppress each other.
    """
    if reason := node.metadata_props.get(_ANCHORS):
        raise Refused(f"its anchors are of no PriorBox: {reason}")
    if force_suppress:
        raise Refused("boxes of different classes suppress each other, and DetectionOutput looks at one class")
    if nms_threshold < 0:
        raise Refused(f"nms_threshold is {nms_threshold:g}")
    steps = Steps(node)
    limit = nms_top_k if _is_limit(nms_top_k, conf) and not node.meta.get(_PER_CLASS) else None
    score, overlap = confidence_threshold, nms_threshold
    if single_label:
        # a score of -1 is that of no class at all in multibox_detection.cc
        score, overlap = max(_before(score), -1.0), _before(overlap)
    scores = _scores(steps, conf, limit, first_only=bool(single_label))
    code: Fields = {"code_type": Token("CENTER_SIZE")}
    if clip:
        loc, priors = _clipped(steps, loc, priors)
        code = {"code_type": Token("CORNER"), "variance_encoded_in_target": True}
    params: Fields = {
        "num_classes": num_classes,
        "share_location": True,
        "background_label_id": 0,
        "nms_param": {"nms_threshold": float(overlap), **({"top_k": nms_top_k} if nms_top_k > 0 else {})},
        **code,
        "keep_top_k": keep_top_k,
        "confidence_threshold": float(score),
    }
    steps.add("DetectionOutput", loc, scores, priors, params={"detection_output_param": params})
    return steps.layers


def _clipped(steps: Steps, loc: onnx_ir.Value, priors: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """The boxes' corners within the image, ``batch x 4N``, and anchors of zeros, which corners are added to."""
    count = length(priors, 2) // 4
    rows = cut.parts(steps, priors, [1, 1], axis=1, role="rows")
    anchors, variance = (viewed(steps, row, (count, 4), role=f"table_{index}") for index, row in enumerate(rows))
    least, most = cut.parts(steps, anchors, [2, 2], axis=1, role="ends")
    extent = difference(steps, most, least, role="extent")
    center = steps.eltwise("SUM", least, most, role="center", coeff=(0.5, 0.5))
    codes = times(steps, viewed(steps, loc, (dims(loc)[0], count, 4), role="codes"), variance, role="scaled")
    shift, growth = cut.parts(steps, codes, [2, 2], axis=2, role="parts")
    moved = plus(steps, times(steps, shift, extent, role="shift"), center, role="moved")
    grown = times(steps, steps.add("Exp", growth, role="growth", in_place=True), extent, role="grown")
    sides = {"least": -0.5, "most": 0.5}
    ends = [steps.eltwise("SUM", moved, grown, role=role, coeff=(1, part)) for role, part in sides.items()]
    corners = limited(steps, joined(steps, ends, axis=2, role="corners"), 0.0, 1.0, role="within")
    return _flat(steps, corners, role="boxes"), steps.power(priors, role="zeros", scale=0.0)


def _is_limit(top_k: int, conf: onnx_ir.Value | None) -> bool:
    """Whether there are more boxes, one for each class, than ``top_k``."""
    count, classes = dims(conf)[1:] if conf is not None else (0, 0)
    return isinstance(count, int) and isinstance(classes, int) and 0 < top_k < count * (classes - 1)


def _before(number: float) -> float:
    """What is beyond it is ``number`` or more."""
    return float(np.nextafter(np.float32(number), np.float32(-np.inf)))


def _scores(steps: Steps, conf: onnx_ir.Value, limit: int | None, *, first_only: bool) -> onnx_ir.Value:
    """The scores as ``DetectionOutput`` reads them, ``batch x (N * classes)``."""
    first_only = first_only and length(conf, 2) > 2
    if limit is not None or first_only:
        background, objects = cut.parts(steps, conf, [1, length(conf, 2) - 1], axis=2, role="classes")
        if first_only:
            objects = _first_best(steps, objects)
        if limit is not None:
            objects = _best(steps, objects, limit)
        conf = joined(steps, [background, objects], axis=2, role="scores")
    return _flat(steps, conf, role="flatten")


def _first_best(steps: Steps, objects: onnx_ir.Value) -> onnx_ir.Value:
    """``objects`` with the first of the best scores of each box left, and the others lowered."""
    weighed = first_of_largest(steps, objects, 2, length(objects, 2))
    most = kept(steps, "MAX", weighed, [2], "first_best")
    return _lowered(steps, objects, difference(steps, most, weighed, role="behind"), role="labels")


def _best(steps: Steps, objects: onnx_ir.Value, count: int) -> onnx_ir.Value:
    """``objects`` with the best ``count`` scores of each image left, and those that are worse lowered."""
    batch, candidates = dims(objects)[0], _flat(steps, objects, role="candidates")
    params: Fields = {"out_max_val": True, "top_k": count, "axis": 1}
    best = steps.add("ArgMax", candidates, role="best", params={"argmax_param": params}, shape=(batch, count))
    last = viewed(steps, cropped(steps, best, 1, count - 1, 1, role="last"), (batch,), role="limit")
    opposite = steps.power(objects, role="opposite", scale=-1.0)
    missing = steps.add("Bias", opposite, last, role="missing", params={"bias_param": {"axis": 0}}, in_place=True)
    return _lowered(steps, objects, missing, role="taking_part")


def _lowered(steps: Steps, scores: onnx_ir.Value, missing: onnx_ir.Value, *, role: str) -> onnx_ir.Value:
    """``scores``, far below zero where ``missing`` is above it."""
    out = threshold(steps, missing, 0.0, role=f"not_{role}")
    return steps.eltwise("SUM", scores, out, role=role, coeff=(1, -_FAR))


def _flat(steps: Steps, value: onnx_ir.Value, *, role: str) -> onnx_ir.Value:
    """``Flatten``."""
    batch, *others = dims(value)
    size = math.prod(int(dim) for dim in others)
    return steps.add("Flatten", value, role=role, shape=(batch, size), shares=True)


def _absent(translation: Callable[..., list[Layer]]) -> Callable[..., list[Layer]]:
    """Refuses the operator of ``translation``, whatever its attributes are."""

    @functools.wraps(translation)
    def refuse(*_: Any, **__: Any) -> list[Layer]:
        raise Refused("stock Caffe has no such layer, Caffe-SSD has: use the profile ssd")

    refuse.__doc__ = "Refused: Caffe-SSD alone has it."
    return refuse


emits("caffe", PRIOR_BOX)(_absent(prior_box))
emits("caffe", DETECTION_OUTPUT)(_absent(detection_output))
