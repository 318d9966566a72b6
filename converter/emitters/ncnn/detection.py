"""The layers that single shot detectors end with: anchors, and boxes that do not overlap.

``DetectionOutput`` takes the best ``nms_top_k`` boxes of each class, the IR of all classes together. So a first one
ranks all boxes and suppresses none, and what scores less than the last box of it is given no score. The variant
``per_class`` leaves all of that away: one plain layer, as other tools write it.

An anchor whose background is all but certain is left out by the layer, however its classes score, and its box is then
not computed; so the background has no score either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.ncnn.elementwise import ADD, MUL, RSUB, SUB
from converter.emitters.ncnn.layer import Layer, Scalar, inner, mat_params
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.logic import NOT, POSITIVE, below
from converter.emitters.ncnn.reduction import MAX, reduction
from converter.emitters.ncnn.series import Step
from converter.emitters.ncnn.shape import viewed
from converter.emitters.ncnn.slicing import cropped

_SCORE = 1
"""The column of a score in the rows of ``DetectionOutput``: class, score, box."""
_ALL = -1.0
"""What every score is beyond."""
_NEVER = 2.0
"""An intersection over union that no two boxes have."""
_BACKGROUND: Step = ("Padding", {2: 1})
"""A first column of zeros."""
_WITHIN: Step = ("Clip", {0: 0.0, 1: 1.0})


@emits("ncnn", "transship::PriorBox")
def prior_box(
    node: onnx_ir.Node,
    feature: onnx_ir.Value,
    image: onnx_ir.Value,  # noqa: ARG001 - its size is an attribute
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
    """``PriorBox``, whose Mat of two dimensions is made one of three."""
    top, boxes = only_output(node), inner(node, "boxes")
    if len(mat_shape(feature)) != 3:
        raise Refused(f"{feature.name} is not a row of feature maps")
    lists: dict[int, Sequence[float]] = {0: min_sizes, 1: max_sizes, 2: aspect_ratios}
    params: dict[int, Scalar | tuple[Scalar, ...]] = {
        **{number: tuple(map(float, values)) for number, values in lists.items() if values},
        **{3 + number: float(value) for number, value in enumerate(variance)},
        7: 0,
        8: clip,
        9: img_w,
        10: img_h,
        11: float(step_w),
        12: float(step_h),
        13: float(offset),
    }
    layer = Layer(str(node.name), "PriorBox", (feature,), (boxes,), params)
    return [layer, viewed(f"{node.name}/view", boxes, top, mat_shape(top))]


@emits("ncnn", "transship::DetectionOutput")
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
    """``DetectionOutput``, behind layers that leave it the scores that take part.

    Raises:
        Refused: Boxes of different classes suppress each other, or a score of 0 counts.
    """
    if force_suppress:
        raise Refused("boxes of different classes suppress each other, and DetectionOutput looks at one class")
    top = only_output(node)
    count = mat_shape(conf)[0]
    limits = confidence_threshold, nms_threshold
    score, overlap = (below(limit) for limit in limits) if single_label else limits  # it counts from its limits on
    if score < 0:
        raise Refused(f"confidence_threshold {confidence_threshold:g} has boxes without a score")
    g = _Composed(node)
    scores = _objects(g, conf, num_classes, best_only=bool(single_label))
    if clip:
        loc, priors = _clipped(g, loc, priors)
    if 0 < nms_top_k < count * (num_classes - 1):
        scores = _best(g, loc, scores, priors, num_classes, nms_top_k)
    params = {0: num_classes, 1: overlap, 2: nms_top_k if nms_top_k > 0 else count, 3: keep_top_k, 4: score}
    return [*g.layers, Layer(str(node.name), "DetectionOutput", (loc, scores, priors), (top,), params)]


@emits("ncnn per_class", "transship::DetectionOutput")
def plain_detection_output(
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
    scale_w: float = 1.0,  # noqa: ARG001 - as above
    scale_h: float = 1.0,  # noqa: ARG001
    single_label: int = 0,
    clip: int = 0,
    force_suppress: int = 0,
) -> list[Layer]:
    """``DetectionOutput`` and nothing else: ``nms_top_k`` boxes of each class take part.

    Raises:
        Refused: It is one of MXNet's own, which the layer alone does not compute.
    """
    if single_label or clip or force_suppress:
        raise Refused("a MultiBoxDetection is more than DetectionOutput: it takes nms_top_k all")
    top_k = nms_top_k if nms_top_k > 0 else mat_shape(conf)[0]
    params = {0: num_classes, 1: nms_threshold, 2: top_k, 3: keep_top_k, 4: confidence_threshold}
    return [Layer(str(node.name), "DetectionOutput", (loc, conf, priors), (only_output(node),), params)]


@dataclass(frozen=True)
class _Composed:
    """The layers that come before the one that is called after the node."""

    node: onnx_ir.Node
    layers: list[Layer] = field(default_factory=list)

    def add(self, role: str, step: Step, *read: onnx_ir.Value) -> onnx_ir.Value:
        """What a layer more makes of ``read``."""
        kind, params = step
        top = inner(self.node, role)
        self.layers.append(Layer(str(top.name), kind, read, (top,), params))
        return top

    def unless(self, role: str, condition: onnx_ir.Value, data: onnx_ir.Value) -> onnx_ir.Value:
        """``data``, or 0 where ``condition`` is above 0."""
        truth = self.add(f"{role}/is", POSITIVE, condition)
        return self.add(role, _op(MUL), data, self.add(f"{role}/not", NOT, truth))


def _objects(g: _Composed, conf: onnx_ir.Value, classes: int, *, best_only: bool) -> onnx_ir.Value:
    """The scores with 0 for the background and, where wanted, for all but the first best class of an anchor."""
    found = g.add("objects", cropped({1: range(1, classes)}), conf)
    if best_only:
        most = g.add("most", reduction(MAX, (1,), keepdims=True), found)
        worse = g.add("worse", POSITIVE, g.add("difference", _op(SUB), most, found))
        number = g.add("number", ("CumulativeSum", {0: 1}), g.add("best", NOT, worse))
        found = g.unless("first", g.add("beyond", _by(SUB, 1.0), number), g.unless("of-the-best", worse, found))
    return g.add("scores", _BACKGROUND, found)


def _best(
    g: _Composed, loc: onnx_ir.Value, scores: onnx_ir.Value, priors: onnx_ir.Value, classes: int, count: int
) -> onnx_ir.Value:
    """The scores with 0 for those below the ``count`` best of them: the last row of a ranking tells which."""
    params = {0: classes, 1: _NEVER, 2: count, 3: count, 4: _ALL}
    ranking = g.add("ranking", ("DetectionOutput", params), loc, scores, priors)
    last = g.add("least", cropped({0: range(count - 1, count), 1: range(_SCORE, _SCORE + 1)}), ranking)
    return g.unless("taking-part", g.add("missing", _op(RSUB), scores, last), scores)


def _clipped(g: _Composed, loc: onnx_ir.Value, priors: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """Boxes that are kept within the image, as anchors, and that none of these moves."""
    count = mat_shape(priors)[-1] // 4
    anchors, variance = (
        g.add(role, _view(count, 4), g.add(f"{role}/row", cropped({1: range(row, row + 1)}), priors))
        for row, role in enumerate(("anchors", "variance"))
    )
    least, most = _halves(g, "anchors", anchors)
    size = g.add("anchors/size", _op(SUB), most, least)
    center = g.add("anchors/center", _by(MUL, 0.5), g.add("anchors/sum", _op(ADD), least, most))
    codes = g.add("codes", _op(MUL), g.add("loc", _view(count, 4), loc), variance)
    shift, growth = _halves(g, "codes", codes)
    moved = g.add("boxes/center", _op(ADD), g.add("boxes/shift", _op(MUL), shift, size), center)
    grown = g.add("boxes/size", _op(MUL), g.add("boxes/growth", ("Exp", {}), growth), size)
    half = g.add("boxes/half", _by(MUL, 0.5), grown)
    ends = [g.add(f"boxes/{role}", _op(op), moved, half) for role, op in (("least", SUB), ("most", ADD))]
    boxes = g.add("boxes/clipped", _WITHIN, g.add("boxes", ("Concat", {0: 1}), *ends))
    rows = [
        g.add(f"{role}/flat", _view(1, 4 * count), value)
        for role, value in (("boxes", boxes), ("variance", variance))
    ]
    return g.add("unmoved", _by(MUL, 0.0), loc), g.add("priors", ("Concat", {0: 0}), *rows)


def _halves(g: _Composed, role: str, rows: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """The first two and the last two columns."""
    first, last = (
        g.add(f"{role}/{name}", cropped({1: range(at, at + 2)}), rows) for at, name in ((0, "first"), (2, "last"))
    )
    return first, last


def _view(*shape: int) -> Step:
    return "Reshape", mat_params(shape)


def _op(op: int) -> Step:
    return "BinaryOp", {0: op}


def _by(op: int, number: float) -> Step:
    return "BinaryOp", {0: op, 1: 1, 2: number}
