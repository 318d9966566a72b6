"""Element by element, one input: activations and dropout."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output, parameter_shape
from converter.emitters.caffe.layer import Blob, Layer, omit, parameter
from converter.ir import dims

_LEGACY = 4
"""Most dimensions of a blob that layers written before there were N-dimensional ones can read."""


@emits("caffe", "Relu")
def relu(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``ReLU``."""
    return [_neuron(node, "ReLU", data)]


@emits("caffe", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Layer]:
    """``ReLU`` with a ``negative_slope``."""
    return [_neuron(node, "ReLU", data, relu_param=omit(0.0, negative_slope=alpha))]


@emits("caffe", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``ELU``."""
    return [_neuron(node, "ELU", data, elu_param=omit(1.0, alpha=alpha))]


@emits("caffe", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Layer]:
    """``ELU``, then ``Power`` for the factor ``gamma``."""
    inner = onnx_ir.Value(name=f"{node.name}/elu")
    return [
        Layer(f"{node.name}/elu", "ELU", (data,), (inner,), {"elu_param": {"alpha": alpha}}, in_place=True),
        _neuron(node, "Power", inner, power_param={"scale": gamma}),
    ]


@emits("caffe", "Sigmoid")
def sigmoid(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Sigmoid``."""
    return [_neuron(node, "Sigmoid", data)]


@emits("caffe", "Tanh")
def tanh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``TanH``."""
    return [_neuron(node, "TanH", data)]


@emits("caffe", "Softplus")
def softplus(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``BNLL``, binomial normal log likelihood, is Caffe's name for ``log(1 + exp(x))``."""
    return [_neuron(node, "BNLL", data)]


@emits("caffe", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Layer]:
    """``PReLU`` with one slope a channel, or ``channel_shared`` with one altogether.

    Raises:
        Refused: The slope varies along another dimension than the channels, or there are more than four dimensions.
    """
    rank, shape = len(dims(data)), parameter_shape(slope)
    if rank > _LEGACY:
        raise Refused(f"PReLU reads no more than {_LEGACY} dimensions, {data.name} has {rank}")
    aligned = (1,) * (rank - len(shape)) + shape
    if rank < 2 or len(aligned) != rank or any(dim != 1 for axis, dim in enumerate(aligned) if axis != 1):
        raise Refused(f"the slope {slope.name} has the shape {list(shape)}, not one number a channel")
    if aligned[1] == 1:
        blob, params = parameter(slope, ()), {"prelu_param": {"channel_shared": True}}
    else:
        blob, params = parameter(slope, (aligned[1],)), {}
    return [_neuron(node, "PReLU", data, blob, **params)]


@emits("caffe", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training_mode: onnx_ir.Value | None = None,
    *,
    seed: int = 0,  # noqa: ARG001 - of no consequence but in training
) -> list[Layer]:
    """``Dropout``, which does nothing in the test phase, kept for those who go on training.

    Raises:
        Refused: The node drops at inference too, or drops all.
    """
    if training_mode is not None and constant(training_mode).numpy().any():
        raise Refused("training_mode is set")
    rate = 0.5 if ratio is None else float(constant(ratio).numpy())
    if not 0 <= rate < 1:
        raise Refused(f"the ratio {rate:g} is not in [0, 1)")
    return [_neuron(node, "Dropout", data, dropout_param=omit(0.5, dropout_ratio=rate))]


@emits("caffe", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """``Softmax``, whose default axis is 1 whereas ONNX's is the last."""
    positive = axis % len(dims(data))
    params = {} if positive == 1 else {"softmax_param": {"axis": positive}}
    return [Layer(str(node.name), "Softmax", (data,), (only_output(node),), params)]


def _neuron(node: onnx_ir.Node, kind: str, data: onnx_ir.Value, *blobs: Blob, **params: dict[str, Any]) -> Layer:
    written = {name: fields for name, fields in params.items() if fields}
    return Layer(str(node.name), kind, (data,), (only_output(node),), written, blobs, in_place=True)
