"""Activations, softmaxes, dropout."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.coreml.chain import Chain, beside
from converter.emitters.coreml.operand import kind, line, state
from converter.emitters.operand import check_broadcast, is_stored
from converter.emitters.statement import Statement
from converter.ir import dims

_PLAIN = {"Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh"}


@emits("coreml", "Relu")
def relu(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``mb.relu``; of integers ``mb.maximum``."""
    if kind(data) == "int32":
        return [line(node, "maximum", x=data, y=0)]
    return [line(node, "relu", x=data)]


@emits("coreml", *_PLAIN)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """Core ML's operation of that name."""
    return [line(node, _PLAIN[node.op_type], x=data)]


@emits("coreml", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Statement]:
    """``mb.leaky_relu``."""
    return [line(node, "leaky_relu", x=data, alpha=float(alpha))]


@emits("coreml", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``mb.elu``."""
    return [line(node, "elu", x=data, alpha=float(alpha))]


@emits("coreml", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``mb.elu`` of ``x / alpha``, times alpha, which is above 0."""
    if alpha <= 0:
        raise Refused(f"alpha is {alpha}")
    chain = Chain(node)
    if alpha == 1:
        return chain.last("elu", x=data, alpha=1.0)
    shrunk = chain.step("quotient", "real_div", x=data, y=float(alpha))
    return chain.last("mul", x=chain.step("elu", "elu", x=shrunk, alpha=1.0), y=float(alpha))


@emits("coreml", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Statement]:
    """``mb.elu`` and a factor."""
    chain = Chain(node)
    return chain.last("mul", x=chain.step("elu", "elu", x=data, alpha=float(alpha)), y=float(gamma))


@emits("coreml", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``mb.select``: Core ML's own keeps what is as large as the threshold."""
    chain = Chain(node)
    above = chain.step("above", "greater", x=data, y=float(alpha))
    return chain.last("select", cond=above, a=data, b=0.0)


@emits("coreml", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Statement]:
    """``mb.select``, twice."""
    chain = Chain(node)
    more, less = (chain.step(role, role, x=data, y=float(bias)) for role in ("add", "sub"))
    above = chain.step("above", "greater", x=data, y=float(lambd))
    inner = chain.step("upper", "select", cond=above, a=less, b=0.0)
    below = chain.step("below", "less", x=data, y=-float(lambd))
    return chain.last("select", cond=below, a=more, b=inner)


@emits("coreml", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Statement]:
    """``mb.gelu``, of either kind."""
    modes = {"none": "EXACT", "tanh": "TANH_APPROXIMATION"}
    if approximate not in modes:
        raise Refused(f"approximate is {approximate}")
    return [line(node, "gelu", x=data, mode=modes[approximate])]


@emits("coreml", "HardSigmoid")
def hard_sigmoid(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Statement]:
    """``mb.sigmoid_hard``."""
    return [line(node, "sigmoid_hard", x=data, alpha=float(alpha), beta=float(beta))]


@emits("coreml", "HardSwish")
def hard_swish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``mb.sigmoid_hard``, times ``x``."""
    chain = Chain(node)
    gate = chain.step("gate", "sigmoid_hard", x=data, alpha=1 / 6, beta=0.5)
    return chain.last("mul", x=data, y=gate)


@emits("coreml", "Mish")
def mish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``x`` times the hyperbolic tangent of ``mb.softplus``."""
    chain = Chain(node)
    gate = chain.step("gate", "tanh", x=chain.step("softplus", "softplus", x=data))
    return chain.last("mul", x=data, y=gate)


@emits("coreml", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Statement]:
    """``mb.prelu`` of images with a slope a channel; else ``mb.select``, as Core ML has one slope for other ranks."""
    count = _slopes(data, slope) if is_stored(slope) else None
    if count is not None:
        return [line(node, "prelu", x=data, alpha=state(slope, (count,)))]
    check_broadcast(data, slope)
    if len(dims(slope)) > len(dims(data)):
        raise Refused("its slopes have more dimensions than its input")
    chain = Chain(node)
    sloped = chain.step("sloped", "mul", x=data, y=beside(slope, data))
    below = chain.step("below", "less", x=data, y=0.0)
    return chain.last("select", cond=below, a=sloped, b=data)


def _slopes(data: onnx_ir.Value, slope: onnx_ir.Value) -> int | None:
    """How many slopes there are, if each is of a channel of an image."""
    rank, shape = len(dims(data)), tuple(int(dim) for dim in dims(slope))
    aligned = (1,) * (rank - len(shape)) + shape
    count = int(np.prod(shape))
    return count if rank == 4 and len(aligned) == 4 and aligned[1] == count == dims(data)[1] else None


@emits("coreml", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``mb.softmax``."""
    return [line(node, "softmax", x=data, axis=axis)]


@emits("coreml", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """Less the largest, then less the logarithm of the sum of exponentials."""
    chain = Chain(node)
    peak = chain.step("peak", "reduce_max", x=data, axes=(axis,), keep_dims=True)
    shifted = chain.step("shifted", "sub", x=data, y=peak)
    powers = chain.step("powers", "exp", x=shifted)
    total = chain.step("total", "reduce_sum", x=powers, axes=(axis,), keep_dims=True)
    return chain.last("sub", x=shifted, y=chain.step("log", "log", x=total, epsilon=0.0))


@emits("coreml", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training: onnx_ir.Value | None = None,
    *,
    seed: int = 0,
) -> list[Statement]:
    """``mb.identity``: the model is for inference."""
    del ratio, seed  # of training
    if training is not None and bool(constant(training).numpy()):
        raise Refused("it drops while the network is used")
    return [line(node, "identity", x=data, outputs=[only_output(node)])]
