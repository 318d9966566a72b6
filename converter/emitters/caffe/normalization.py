"""Normalization: by stored statistics, and by those of the data themselves.

``MVN`` of Caffe adds its ``eps`` to the deviation rather than to the variance. What ONNX normalizes by the data is
composed instead of ``Reduction``, whose ``coeff`` makes the mean negative, and of ``Bias`` and ``Scale`` with two
bottoms.
"""

from __future__ import annotations

import math

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output
from converter.emitters.caffe import elementwise
from converter.emitters.caffe.broadcast import number_of, span
from converter.emitters.caffe.elementwise import quotient
from converter.emitters.caffe.layer import Blob, Fields, Layer, Token, omit, parameter, stored
from converter.emitters.caffe.reduction import kept
from converter.emitters.caffe.steps import Steps
from converter.emitters.known import numbers, sizes
from converter.ir import dims

_IMAGE = 4
"""Dimensions that ``LRN`` takes."""


@emits("caffe", "BatchNormalization")
def batch_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    mean: onnx_ir.Value,
    var: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,  # noqa: ARG001 - the statistics stay as they are
    training_mode: int = 0,
) -> list[Layer]:
    """``BatchNorm``, which only normalizes, and ``Scale``.

    Caffe keeps sums rather than means: its third blob is the number by which the first two are divided, here 1.

    Raises:
        Refused: The node is in training mode.
    """
    if training_mode:
        raise Refused("training_mode is set")
    if len(dims(data)) < 2:
        raise Refused(f"{data.name} has no channels")
    channels = dims(data)[1]
    if not isinstance(channels, int):
        raise Refused("the number of channels is open")
    each = (channels,)
    normalized = onnx_ir.Value(name=str(node.name))
    params = {
        "use_global_stats": True,
        **omit(1e-5, eps=epsilon),
    }
    statistics = (stored(mean, each), stored(var, each), Blob((1,), plan.full(1.0, (1,))))
    return [
        Layer(
            str(node.name),
            "BatchNorm",
            (data,),
            (normalized,),
            {"batch_norm_param": params},
            statistics,
            in_place=True,
        ),
        Layer(
            f"{node.name}/scale",
            "Scale",
            (normalized,),
            (only_output(node),),
            {"scale_param": {"bias_term": True}},
            (stored(scale, each), stored(bias, each)),
            in_place=True,
        ),
    ]


@emits("caffe", "InstanceNormalization")
def instance_normalization(
    node: onnx_ir.Node, data: onnx_ir.Value, scale: onnx_ir.Value, bias: onnx_ir.Value, *, epsilon: float = 1e-5
) -> list[Layer]:
    """Less the mean, over the root of variance and ``epsilon``: ``Reduction``, ``Bias``, ``Power`` and ``Scale``."""
    steps = Steps(node)
    found = _normalized(steps, data, 2, epsilon)
    _affine(steps, found, scale, bias, 1)
    return steps.layers


@emits("caffe", "GroupNormalization")
def group_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001 - float32
) -> list[Layer]:
    """As ``InstanceNormalization``, between ``Reshape`` by which the groups are channels."""
    steps, shape = Steps(node), dims(data)
    rest = sizes(shape[1:], "within a group")
    grouped = (shape[0], num_groups, math.prod(rest) // num_groups)
    found = _normalized(steps, steps.reshape(data, grouped, role="groups"), 2, epsilon)
    found = steps.reshape(found, shape, role="channels")
    _affine(steps, found, scale, bias, 1)
    return steps.layers


@emits("caffe", "LayerNormalization")
def layer_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001 - float32
) -> list[Layer]:
    """As ``InstanceNormalization``, from an axis on.

    Raises:
        Refused: The batch is normalized.
    """
    steps, place = Steps(node), axis % len(dims(data))
    _affine(steps, _normalized(steps, data, place, epsilon), scale, bias, place)
    return steps.layers


@emits("caffe", "LpNormalization")
def lp_normalization(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Layer]:
    """Over the norm: ``Reduction`` or ``Pooling`` of ``AbsVal`` or squares, ``Power`` and ``Scale``.

    To the norm 1e-37 is added, which changes none but that of zeros, for which the result is 0.
    """
    steps, place = Steps(node), axis % len(dims(data))
    norm = kept(steps, "ASUM" if p == 1 else "SUMSQ", data, [place], "total")
    if p != 1:
        norm = steps.power(norm, role="norm", power=0.5)
    quotient(steps, data, steps.power(norm, role="safe", shift=1e-37))
    return steps.layers


@emits("caffe ssd", "Div")
def divide(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Normalize`` where the data are divided by the root of their squares' sum over channels, plus an epsilon."""
    found = _lengths(node)
    if found is None:
        return elementwise.divide(node, left, right)
    return [_normalize(node, found, Blob((), plan.full(1.0, ())))]


@emits("caffe ssd", "Mul")
def multiply(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """Part of the ``Normalize`` before it where that alone is multiplied with one parameter for each channel."""
    for data, scale in ((left, right), (right, left)):
        before = data.producer()
        found = None if before is None or before.op_type != "Div" or before.domain else _lengths(before)
        if found is None or len(data.uses()) > 1 or data.is_graph_output() or not is_parameter(scale):
            continue
        where = span(scale, dims(data))
        if where.axis == 1 and where.shape == dims(data)[1:2]:
            return [_normalize(node, found, parameter(scale, [int(size) for size in where.shape]))]
    return elementwise.multiply(node, left, right)


def _lengths(node: onnx_ir.Node) -> tuple[onnx_ir.Value, float] | None:
    """What ``node`` divides by its length along the channels, and the epsilon in that, if this is what it does."""
    data, found = node.inputs[0], _chain(node.inputs[1], "Sqrt", "Add", "ReduceSumSquare")
    if data is None or found is None or not 2 <= len(dims(data)) <= _IMAGE:
        return None
    _, add, squares = found
    epsilon = number_of(_operand(add, 1), dims(add.outputs[0]))
    over = squares.inputs[1] if len(squares.inputs) > 1 else None
    kept_axes = "keepdims" not in squares.attributes or squares.attributes["keepdims"].as_int() == 1
    if squares.inputs[0] is not data or epsilon is None or over is None or not kept_axes:
        return None
    return (data, epsilon) if [axis % len(dims(data)) for axis in numbers(over)] == [1] else None


def _chain(value: onnx_ir.Value | None, *operators: str) -> list[onnx_ir.Node] | None:
    """The nodes that compute ``value``, the last one first, if they are ``operators``, each on the one before."""
    found: list[onnx_ir.Node] = []
    for operator in operators:
        node = None if value is None else value.producer()
        if node is None or node.domain or node.op_type != operator:
            return None
        found.append(node)
        value = node.inputs[0]
    return found


def _operand(node: onnx_ir.Node, index: int) -> onnx_ir.Value:
    value = node.inputs[index]
    if value is None:
        raise AssertionError("it is there")
    return value


def _normalize(node: onnx_ir.Node, found: tuple[onnx_ir.Value, float], scale: Blob) -> Layer:
    """``Normalize`` along the channels. Along all dimensions it does not follow the batch's size."""
    data, epsilon = found
    shared = {} if scale.shape == () else {"channel_shared": False}
    params = {"across_spatial": False, **shared, **omit(1e-10, eps=epsilon)}
    return Layer(str(node.name), "Normalize", (data,), (only_output(node),), {"norm_param": params}, (scale,))


@emits("caffe", "LRN")
def local_response_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Layer]:
    """``LRN`` across channels, whose ``alpha`` is for the sum of a window's squares over its size, as in ONNX.

    Raises:
        Refused: There are not two spatial dimensions, or the window has no middle.
    """
    if len(dims(data)) != _IMAGE or size % 2 == 0:
        raise Refused(f"LRN takes two spatial dimensions and odd sizes only, not {len(dims(data)) - 2} and {size}")
    params = {**omit(5, local_size=size), **omit(1.0, alpha=alpha, k=bias), **omit(0.75, beta=beta)}
    written = {"lrn_param": params} if params else {}
    return [Layer(str(node.name), "LRN", (data,), (only_output(node),), written)]


def _normalized(
    steps: Steps, data: onnx_ir.Value, axis: int, epsilon: float, *, role: str = "normal"
) -> onnx_ir.Value:
    """``data`` from ``axis`` on less its mean, over the root of its variance and ``epsilon``."""
    outer, inner = dims(data)[:axis], sizes(dims(data)[axis:], "normalized")
    mean: Fields = {"operation": Token("MEAN"), "axis": axis, "coeff": -1.0}
    minus = steps.add("Reduction", data, role="minus_mean", params={"reduction_param": mean}, shape=outer)
    centred = _rows(steps, "Bias", data, minus, "centred")
    square: Fields = {"operation": Token("SUMSQ"), "axis": axis, "coeff": 1 / math.prod(inner)}
    variance = steps.add("Reduction", centred, role="variance", params={"reduction_param": square}, shape=outer)
    return _rows(steps, "Scale", centred, steps.power(variance, role="factor", shift=epsilon, power=-0.5), role)


def _rows(steps: Steps, kind: str, data: onnx_ir.Value, operand: onnx_ir.Value, role: str) -> onnx_ir.Value:
    """``Bias`` or ``Scale`` of ``data`` with one number for each place in its first dimensions."""
    params: dict[str, Fields] = {"bias_param" if kind == "Bias" else "scale_param": {"axis": 0}}
    return steps.add(kind, data, operand, role=role, params=params, in_place=True)


def _affine(steps: Steps, data: onnx_ir.Value, scale: onnx_ir.Value, bias: onnx_ir.Value | None, axis: int) -> None:
    """``data`` times ``scale`` plus ``bias``, both from ``axis`` on.

    Raises:
        Refused: One of them is computed.
    """
    shape = tuple(int(size) for size in dims(data)[axis : axis + len(dims(scale))])
    blobs = [stored(scale, shape)] if bias is None else [stored(scale, shape), stored(bias, shape)]
    params: Fields = {
        **({} if axis == 1 else {"axis": axis}),
        **({} if len(shape) == 1 else {"num_axes": len(shape)}),
        **({} if bias is None else {"bias_term": True}),
    }
    steps.add("Scale", data, params={"scale_param": params}, blobs=blobs, in_place=True)
