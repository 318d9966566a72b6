"""Element by element, one input: activations."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output, operator_of, parameter_shape
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.layer import Layer, Params, Weight, weight
from converter.emitters.ncnn.layout import mat_shape
from converter.ir import dims

LARGEST = 3.4028234663852886e38
"""The largest float32, which ncnn's own default bounds are."""
_PLAIN = {"Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "TanH", "Mish": "Mish"}


@emits("ncnn", *_PLAIN)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """The layer of that name: ``ReLU``, ``Sigmoid``, ``TanH``, ``Mish``.

    ``ReLU``, ``Sigmoid`` and ``Mish`` become part of the convolution or inner product before them.
    """
    return [_neuron(node, _PLAIN[operator_of(node)], data)]


@emits("ncnn", "Softplus")
def softplus(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``BNLL``, which is the same; ``Softplus`` itself is infinite from 89 on."""
    return [_neuron(node, "BNLL", data)]


@emits("ncnn", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Layer]:
    """``ReLU`` with a slope; part of the convolution or inner product before it."""
    return [_neuron(node, "ReLU", data, {0: float(alpha)})]


@emits("ncnn", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``ELU``."""
    return [_neuron(node, "ELU", data, {0: float(alpha)})]


@emits("ncnn", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``CELU``."""
    return [_neuron(node, "CELU", data, {0: float(alpha)})]


@emits("ncnn", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Layer]:
    """``SELU``."""
    return [_neuron(node, "SELU", data, {0: float(alpha), 1: float(gamma)})]


@emits("ncnn", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Layer]:
    """``GELU``, the exact one or the one with tanh."""
    return [_neuron(node, "GELU", data, {0: 1} if approximate == "tanh" else {})]


@emits("ncnn", "HardSigmoid")
def hard_sigmoid(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5) -> list[Layer]:
    """``HardSigmoid``.

    Raises:
        Refused: ``alpha`` is not positive: ncnn divides by it.
    """
    if alpha <= 0:
        raise Refused(f"alpha {alpha:g} is not positive")
    return [_neuron(node, "HardSigmoid", data, {0: float(alpha), 1: float(beta)})]


@emits("ncnn", "HardSwish")
def hard_swish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``HardSwish``; part of the convolution or inner product before it."""
    return [_neuron(node, "HardSwish", data, {0: 1 / 6, 1: 0.5})]


@emits("ncnn", "Clip")
def clip(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    least: onnx_ir.Value | None = None,
    most: onnx_ir.Value | None = None,
) -> list[Layer]:
    """``Clip``; part of the convolution or inner product before it. Both bounds have to be constants."""
    bounds = {0: _bound(least, -LARGEST), 1: _bound(most, LARGEST)}
    return [_neuron(node, "Clip", data, bounds)]


@emits("ncnn", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Layer]:
    """``PReLU`` with one slope for each element of the Mat's outermost dimension, the channels, or one altogether.

    Raises:
        Refused: The slope varies along another dimension.
    """
    shape = parameter_shape(slope)
    aligned = (1,) * (len(dims(data)) - len(shape)) + shape
    channels = next((axis for axis in range(len(dims(data))) if axis != batch_axis(data)), 0)
    if len(aligned) != len(dims(data)) or any(dim != 1 for axis, dim in enumerate(aligned) if axis != channels):
        raise Refused(f"the slope {slope.name} has the shape {list(shape)}, not one number a channel")
    slopes = weight(slope, (aligned[channels],) if aligned else ())
    return [_neuron(node, "PReLU", data, {0: aligned[channels]}, slopes)]


def _bound(value: onnx_ir.Value | None, default: float) -> float:
    return default if value is None else float(constant(value).numpy().reshape(()))


def _neuron(
    node: onnx_ir.Node, kind: str, data: onnx_ir.Value, params: Params | None = None, *weights: Weight
) -> Layer:
    mat_shape(data)
    return Layer(str(node.name), kind, (data,), (only_output(node),), params or {}, weights)
