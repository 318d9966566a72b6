"""Activations, softmax and dropout."""

from __future__ import annotations

import math

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, is_parameter
from converter.emitters.known import is_whole
from converter.emitters.mxnet.call import Call, Chain, call, parameter
from converter.ir import dims
from converter.passes.fold import expression_of

_SELU = (1.6732631921768188, 1.0507010221481323)


@emits("mxnet", "Relu")
def relu(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``Activation`` of the type ``relu``; of whole numbers ``_maximum_scalar``."""
    if is_whole(data):
        return call(node, "_internal._maximum_scalar", data, scalar=0)
    return call(node, "Activation", data=data, act_type="relu")


@emits("mxnet", "Sigmoid")
def sigmoid(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``Activation`` of the type ``sigmoid``."""
    return call(node, "Activation", data=data, act_type="sigmoid")


@emits("mxnet", "Tanh")
def tanh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``Activation`` of the type ``tanh``."""
    return call(node, "Activation", data=data, act_type="tanh")


@emits("mxnet", "Softplus")
def softplus(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``Activation`` of the type ``softrelu``."""
    return call(node, "Activation", data=data, act_type="softrelu")


@emits("mxnet", "Softsign")
def softsign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``Activation`` of the type ``softsign``."""
    return call(node, "Activation", data=data, act_type="softsign")


@emits("mxnet", "HardSigmoid")
def hard_sigmoid(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5) -> list[Call]:
    """``hard_sigmoid``."""
    return call(node, "hard_sigmoid", data=data, alpha=alpha, beta=beta)


@emits("mxnet", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Call]:
    """``LeakyReLU`` of the type ``leaky``."""
    return call(node, "LeakyReLU", data=data, act_type="leaky", slope=alpha)


@emits("mxnet", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Call]:
    """``LeakyReLU`` of the type ``elu``."""
    return call(node, "LeakyReLU", data=data, act_type="elu", slope=alpha)


@emits("mxnet", "Selu")
def selu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = _SELU[0], gamma: float = _SELU[1]) -> list[Call]:
    """``LeakyReLU`` of the type ``selu``; of other constants than the usual, of the type ``elu``, then multiplied."""
    if abs(alpha - _SELU[0]) < 1e-6 and abs(gamma - _SELU[1]) < 1e-6:
        return call(node, "LeakyReLU", data=data, act_type="selu")
    chain = Chain(node)
    inner = chain.step("elu", "LeakyReLU", data=data, act_type="elu", slope=alpha)
    return chain.last("_internal._mul_scalar", inner, scalar=gamma)


@emits("mxnet", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Call]:
    """``LeakyReLU`` of the type ``gelu``; the approximation by the hyperbolic tangent is spelled out."""
    if approximate == "none":
        return call(node, "LeakyReLU", data=data, act_type="gelu")
    chain = Chain(node)
    cube = chain.step("cube", "_internal._power_scalar", data, scalar=3)
    small = chain.step("small", "_internal._mul_scalar", cube, scalar=0.044715)
    inner = chain.step("inner", "elemwise_add", data, small)
    scaled = chain.step("scaled", "_internal._mul_scalar", inner, scalar=math.sqrt(2 / math.pi))
    bend = chain.step("tanh", "Activation", data=scaled, act_type="tanh")
    weight = chain.step("weight", "_internal._plus_scalar", bend, scalar=1.0)
    half = chain.step("half", "_internal._mul_scalar", data, scalar=0.5)
    return chain.last("elemwise_mul", half, weight)


@emits("mxnet", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Call]:
    """``relu`` of what is positive plus ``alpha`` times ``expm1`` of the rest divided by ``alpha``."""
    chain = Chain(node)
    above = chain.step("positive", "Activation", data=data, act_type="relu")
    below = chain.step("negative", "_internal._minimum_scalar", data, scalar=0.0)
    bend = chain.step("bend", "expm1", chain.step("scaled", "_internal._div_scalar", below, scalar=alpha))
    return chain.last("elemwise_add", above, chain.step("curve", "_internal._mul_scalar", bend, scalar=alpha))


@emits("mxnet", "HardSwish")
def hard_swish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``x`` times its ``hard_sigmoid``."""
    chain = Chain(node)
    return chain.last("elemwise_mul", data, chain.step("gate", "hard_sigmoid", data=data, alpha=1 / 6, beta=0.5))


@emits("mxnet", "Mish")
def mish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``x`` times the hyperbolic tangent of its ``softrelu``."""
    chain = Chain(node)
    soft = chain.step("softrelu", "Activation", data=data, act_type="softrelu")
    return chain.last("elemwise_mul", data, chain.step("tanh", "Activation", data=soft, act_type="tanh"))


@emits("mxnet", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Call]:
    """``LeakyReLU`` of the type ``prelu`` for one slope, or one a channel; else composed of the two halves."""
    rank, shape = len(dims(data)), dims(slope)
    aligned = (1,) * (rank - len(shape)) + shape
    if rank >= 2 and is_parameter(slope) and all(dim == 1 for axis, dim in enumerate(aligned) if axis != 1):
        count = int(aligned[1])
        value = expression_of(slope)
        gamma = parameter(str(slope.name), (count,), value if shape == (count,) else plan.reshape(value, (count,)))
        return call(node, "LeakyReLU", data=data, gamma=gamma, act_type="prelu")
    chain = Chain(node)
    above = chain.step("positive", "Activation", data=data, act_type="relu")
    below = chain.step("negative", "_internal._minimum_scalar", data, scalar=0.0)
    return chain.last("elemwise_add", above, chain.step("scaled", "broadcast_mul", below, slope))


@emits("mxnet", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training_mode: onnx_ir.Value | None = None,
    *,
    seed: int = 0,  # noqa: ARG001 - of no consequence but in training
) -> list[Call]:
    """``Dropout``, which does nothing but in training.

    Raises:
        Refused: The node drops at inference too, or drops all.
    """
    if training_mode is not None and constant(training_mode).numpy().any():
        raise Refused("training_mode is set")
    rate = 0.5 if ratio is None else float(constant(ratio).numpy())
    if not 0 <= rate < 1:
        raise Refused(f"the ratio {rate:g} is not in [0, 1)")
    return call(node, "Dropout", data=data, p=rate)


@emits("mxnet", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Call]:
    """``softmax``."""
    return call(node, "softmax", data=data, axis=axis % len(dims(data)))


@emits("mxnet", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Call]:
    """``log_softmax``."""
    return call(node, "log_softmax", data=data, axis=axis % len(dims(data)))
