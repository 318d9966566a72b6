"""Normalization, and the softmax."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, only_output
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.ncnn.layer import Layer, Params, Weight, inner, mat_params, weight
from converter.emitters.ncnn.layout import mat_shape
from converter.ir import dims

_MAX, _LOG_SUM_EXP, _SUB = 4, 10, 1


@emits("ncnn", "BatchNormalization")
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
    """``BatchNorm``; part of the convolution, deconvolution or inner product before it.

    ncnn has results of its own where a variance and ``epsilon`` are not positive together: building the checkpoint
    refuses that, and every weight that is not finite.

    Raises:
        Refused: The node is in training mode, or the channels are not the Mat's outermost dimension.
    """
    if training_mode:
        raise Refused("training_mode is set")
    channels = _channels(data)
    slope, average, variance, shift = (weight(value, (channels,)) for value in (scale, mean, var, bias))
    weights = (slope, average, replace(variance, eps=float(epsilon)), shift)
    return [_layer(node, "BatchNorm", data, {0: channels, 1: float(epsilon)}, weights)]


@emits("ncnn", "InstanceNormalization")
def instance_normalization(
    node: onnx_ir.Node, data: onnx_ir.Value, scale: onnx_ir.Value, bias: onnx_ir.Value, *, epsilon: float = 1e-5
) -> list[Layer]:
    """``InstanceNorm``, between ``Reshape`` where there are not two spatial dimensions."""
    channels, shape = _channels(data), mat_shape(data)
    params = {0: channels, 1: float(epsilon)}
    weights = (weight(scale, (channels,)), weight(bias, (channels,)))
    layer = _layer(node, "InstanceNorm", data, params, weights)
    return _reshaped(node, layer, shape if len(shape) == 3 else (channels, 1, math.prod(shape[1:])))


@emits("ncnn", "LayerNormalization")
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
    """``LayerNorm`` over the innermost dimension, between ``Reshape`` where it is over several.

    Raises:
        Refused: The batch is among the dimensions, or the scale is not one number an element of these.
    """
    shape, first = mat_shape(data), row_axis(data, axis)
    if (batch_axis(data) or 0) > axis % len(dims(data)):
        raise Refused("the batch is among the normalized dimensions")
    size = math.prod(shape[first:])
    offset = Weight((size,), plan.full(0.0, (size,))) if bias is None else weight(bias, (size,))
    layer = _layer(node, "LayerNorm", data, {0: size, 1: float(epsilon)}, (weight(scale, (size,)), offset))
    direct = first == len(shape) - 1 and len(shape) <= 3
    return _reshaped(node, layer, shape if direct else (math.prod(shape[:first]), size))


@emits("ncnn", "LRN")
def local_response_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Layer]:
    """``LRN`` across channels.

    Raises:
        Refused: There are not two spatial dimensions, or the window has no middle, or ``bias`` is not positive or
            ``alpha`` negative: then ncnn computes something of powers that are infinite or NaN.
    """
    _channels(data)
    if len(mat_shape(data)) != 3 or size % 2 == 0:
        raise Refused(
            f"ncnn has this for two spatial dimensions and odd sizes only, not {len(mat_shape(data)) - 1}, {size}"
        )
    if bias <= 0 or alpha < 0:
        raise Refused(f"bias {bias:g} is not positive or alpha {alpha:g} negative: ncnn has no such powers")
    return [_layer(node, "LRN", data, {1: size, 2: float(alpha), 3: float(beta), 4: float(bias)})]


@emits("ncnn", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """``Softmax``."""
    mat_shape(data)
    return [_layer(node, "Softmax", data, {0: row_axis(data, axis), 1: 1})]


@emits("ncnn", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """``BinaryOp`` less the largest, then less the logarithm of the sum of exponentials, both by ``Reduction``."""
    mat_shape(data)
    reduce: Params = {1: 0, 3: (row_axis(data, axis),), 4: 1, 5: 1}
    largest, shifted, total = (inner(node, suffix) for suffix in ("max", "shifted", "log-sum-exp"))
    return [
        Layer(str(largest.name), "Reduction", (data,), (largest,), {0: _MAX, **reduce}),
        Layer(str(shifted.name), "BinaryOp", (data, largest), (shifted,), {0: _SUB}),
        Layer(str(total.name), "Reduction", (shifted,), (total,), {0: _LOG_SUM_EXP, **reduce}),
        Layer(str(node.name), "BinaryOp", (shifted, total), (only_output(node),), {0: _SUB}),
    ]


def _channels(data: onnx_ir.Value) -> int:
    """How many channels there are, which are the Mat's outermost dimension."""
    if len(dims(data)) < 2 or row_axis(data, 1) != 0:
        raise Refused(f"the channels of {data.name} are not the outermost dimension of its Mat")
    return mat_shape(data)[0]


def _layer(
    node: onnx_ir.Node, kind: str, data: onnx_ir.Value, params: Params, weights: tuple[Weight, ...] = ()
) -> Layer:
    return Layer(str(node.name), kind, (data,), (only_output(node),), params, weights)


def _reshaped(node: onnx_ir.Node, layer: Layer, shape: Sequence[int]) -> list[Layer]:
    """``layer``, which computes the same shape as it reads, on Mats of ``shape``."""
    found = mat_shape(layer.bottoms[0])
    if tuple(shape) == found:
        return [layer]
    before, after = inner(node, "before"), inner(node, "after")
    return [
        Layer(str(before.name), "Reshape", layer.bottoms, (before,), mat_params(shape)),
        Layer(layer.name, layer.type, (before,), (after,), layer.params, layer.weights),
        Layer(str(after.name), "Reshape", (after,), layer.tops, mat_params(found)),
    ]
