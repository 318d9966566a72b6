"""Activations and softmax.

Sources: src/operator/nn/activation.cc, nn/softmax-inl.h, nn/softmax_activation-inl.h, leaky_relu-inl.h.
"""

from __future__ import annotations

from typing import Literal

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import positive_axis, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope

_ACTIVATIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softsign": "Softsign",
}


@parses("Activation")
def activation(
    g: Scope, data: Value, *, act_type: Literal["relu", "sigmoid", "tanh", "softrelu", "softsign"]
) -> Value:
    """One of five functions of each element."""
    return g.emit(_ACTIVATIONS[act_type], data)


@parses("LeakyReLU", ignores=("lower_bound", "upper_bound"))
def leaky_relu(
    g: Scope,
    data: Value,
    gamma: Parameter | None = None,
    *,
    act_type: Literal["leaky", "prelu", "elu", "selu", "gelu"] = "leaky",
    slope: float = 0.25,
) -> Value:
    """A rectifier: ``slope`` belongs to leaky and elu, ``gamma``, one value or one a channel, to prelu."""
    if act_type == "prelu":
        return _prelu(g, data, gamma)
    if act_type == "leaky":
        return g.emit("LeakyRelu", data, alpha=slope)
    if act_type == "elu":
        return g.emit("Elu", data, alpha=slope)
    return g.emit("Selu" if act_type == "selu" else "Gelu", data)


def _prelu(g: Scope, data: Value, gamma: Parameter | None) -> Value:
    if gamma is None:
        raise g.misfit("prelu without its slope")
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
    *,
    axis: int = -1,
    temperature: float | None = None,
    dtype: Literal["float32"] | None = None,  # noqa: ARG001
    use_length: Literal[False] = False,  # noqa: ARG001
) -> Value:
    """Softmax along ``axis`` of ``data / temperature``."""
    place = positive_axis(g, data, axis)
    if temperature is not None and temperature != 1:
        if temperature == 0:
            raise g.refuse("temperature=0")
        data = g.emit("Div", data, g.scalar("temperature", temperature), role="scale")
    return g.emit("Softmax", data, axis=place)
