"""Activations and softmax.

Sources: src/operator/nn/activation.cc, nn/softmax-inl.h, nn/softmax_activation-inl.h, leaky_relu-inl.h,
tensor/elemwise_unary_op_basic.cc.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx_ir
from onnx_ir import Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.operators.common import positive_axis, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope

_ACTIVATIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softsign": "Softsign",
    "mish": "Mish",
}


@parses("Activation")
def activation(
    g: Scope,
    data: Value,
    *,
    act_type: Literal["relu", "sigmoid", "tanh", "softrelu", "softsign", "log_sigmoid", "mish"],
) -> Value:
    """One of seven functions of each element; log_sigmoid and mish came with MXNet 2."""
    if act_type == "log_sigmoid":
        return _log_sigmoid(g, data)
    return g.emit(_ACTIVATIONS[act_type], data)


@parses("relu", "_npx_relu")
def relu(g: Scope, data: Value) -> Value:
    """``max(x, 0)``."""
    return g.emit("Relu", data)


@parses("sigmoid", "_npx_sigmoid")
def sigmoid(g: Scope, data: Value) -> Value:
    """``1 / (1 + exp(-x))``."""
    return g.emit("Sigmoid", data)


@parses("tanh")
def tanh(g: Scope, data: Value) -> Value:
    """The hyperbolic tangent."""
    return g.emit("Tanh", data)


@parses("softsign")
def softsign(g: Scope, data: Value) -> Value:
    """``x / (1 + |x|)``."""
    return g.emit("Softsign", data)


@parses("hard_sigmoid")
def hard_sigmoid(g: Scope, data: Value, *, alpha: float = 0.2, beta: float = 0.5) -> Value:
    """``alpha * x + beta`` between 0 and 1."""
    return g.emit("HardSigmoid", data, alpha=alpha, beta=beta)


@parses("log_sigmoid")
def log_sigmoid(g: Scope, data: Value) -> Value:
    """``log(sigmoid(x))``; it came with MXNet 2."""
    return _log_sigmoid(g, data)


def _log_sigmoid(g: Scope, data: Value) -> Value:
    """``-softplus(-x)``, which does not overflow."""
    return g.emit("Neg", g.emit("Softplus", g.emit("Neg", data, role="negative"), role="softplus"))


@parses("mish")
def mish(g: Scope, data: Value) -> Value:
    """``x * tanh(softplus(x))``; it came with MXNet 2."""
    return g.emit("Mish", data)


@parses("LeakyReLU")
def leaky_relu(
    g: Scope,
    data: Value,
    gamma: Parameter | None = None,
    *,
    act_type: Literal["leaky", "prelu", "elu", "selu", "gelu", "rrelu"] = "leaky",
    slope: float = 0.25,
    lower_bound: float = 0.125,
    upper_bound: float = 0.334,
) -> Value:
    """A rectifier: ``slope`` belongs to leaky and elu, ``gamma``, one value or one a channel, to prelu.

    The slope of rrelu, which is random in training, is the mean of its bounds.
    """
    if act_type == "prelu":
        return _prelu(g, data, gamma)
    if act_type == "rrelu":
        return g.emit("LeakyRelu", data, alpha=(lower_bound + upper_bound) / 2)
    if act_type == "leaky":
        return g.emit("LeakyRelu", data, alpha=slope)
    if act_type == "elu":
        return g.emit("Elu", data, alpha=slope)
    return g.emit("Selu" if act_type == "selu" else "Gelu", data)


def _prelu(g: Scope, data: Value, gamma: Parameter | None) -> Value:
    if gamma is None:
        raise BadInput(f"{g.node.op} {g.node.name!r} has no gamma input although act_type is prelu")
    shape = ir.dims(data)
    if len(shape) < 2:
        raise g.refuse("prelu of an input of one dimension")
    count = 1 if gamma.shape == (1,) else size(g, data, 1)
    trailing = (1,) * (len(shape) - 2)
    return g.emit("PRelu", data, g.parameter(gamma, (count,), view=(count, *trailing)))


@parses("SoftmaxActivation")
def softmax_activation(g: Scope, data: Value, *, mode: Literal["instance", "channel"] = "instance") -> Value:
    """Softmax over the channels (channel) or over the last axis (instance), whatever its documentation says."""
    axes = rank(g, data, *((3, 4, 5) if mode == "channel" else (2, 3, 4, 5)))
    return g.emit("Softmax", data, axis=1 if mode == "channel" else axes - 1)


@parses("softmax")
def softmax(
    g: Scope,
    data: Value,
    length: Value | None = None,
    *,
    axis: int = -1,
    temperature: float | None = None,
    dtype: Literal["float32"] | None = None,  # noqa: ARG001
    use_length: bool = False,
) -> Value:
    """Softmax along ``axis`` of ``data / temperature``; with ``use_length`` of the first ``length`` elements only.

    What comes after those is 0. ``length`` has the shape of ``data`` without ``axis``.
    """
    place = positive_axis(g, data, axis)
    if not use_length:
        return g.emit("Softmax", _cooled(g, data, temperature), axis=place)
    if length is None:
        raise BadInput(f"{g.node.op} {g.node.name!r} has no length input although use_length is True")
    taken = _within(g, data, length, place)
    lowest = g.scalar("lowest", float(np.finfo(np.float32).min))
    masked = g.emit("Where", taken, _cooled(g, data, temperature), lowest, role="mask")
    return g.emit("Where", taken, g.emit("Softmax", masked, role="softmax", axis=place), g.scalar("zero", 0))


@parses("log_softmax")
def log_softmax(
    g: Scope,
    data: Value,
    *,
    axis: int = -1,
    temperature: float | None = None,
    dtype: Literal["float32"] | None = None,  # noqa: ARG001
    use_length: Literal[False] = False,  # noqa: ARG001
) -> Value:
    """The logarithm of the softmax along ``axis`` of ``data / temperature``."""
    place = positive_axis(g, data, axis)
    return g.emit("LogSoftmax", _cooled(g, data, temperature), axis=place)


@parses("softmin")
def softmin(
    g: Scope,
    data: Value,
    *,
    axis: int = -1,
    temperature: float | None = None,
    dtype: Literal["float32"] | None = None,  # noqa: ARG001
    use_length: Literal[False] = False,  # noqa: ARG001
) -> Value:
    """Softmax along ``axis`` of ``-data / temperature``."""
    place = positive_axis(g, data, axis)
    return g.emit("Softmax", g.emit("Neg", _cooled(g, data, temperature), role="negative"), axis=place)


def _cooled(g: Scope, data: Value, temperature: float | None) -> Value:
    """``data / temperature``."""
    if temperature is None or temperature == 1:
        return data
    if temperature == 0:
        raise g.refuse("temperature=0")
    return g.emit("Div", data, g.scalar("temperature", temperature), role="scale")


def _within(g: Scope, data: Value, length: Value, axis: int) -> Value:
    """Which elements along ``axis`` come before ``length``."""
    count, axes = size(g, data, axis), len(ir.dims(data))
    places = g.array("places", np.arange(count).reshape(count, *(1,) * (axes - 1 - axis)))
    whole = g.emit("Cast", length, role="whole", to=int(onnx_ir.DataType.INT64))
    limit = g.emit("Unsqueeze", whole, g.ints("axis", [axis]), role="limit")
    return g.emit("Less", places, limit, role="within")
