"""Activations and dropout: layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.keras.operand import layer, line, state
from converter.emitters.operand import check_broadcast, is_stored
from converter.emitters.statement import State, Statement
from converter.ir import dims

_PLAIN = {
    "HardSwish": "hard_swish",
    "Mish": "mish",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
}


@emits("keras", "Relu")
def relu(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``layers.ReLU``."""
    return [layer(node, data, "layers.ReLU")]


@emits("keras", *_PLAIN)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``layers.Activation`` of that name."""
    return [layer(node, data, "layers.Activation", _PLAIN[node.op_type])]


@emits("keras", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Statement]:
    """``layers.LeakyReLU``; ``ops.where`` of a negative slope, which the layer does not take."""
    if alpha < 0:
        return [line(node, "ops.where({0} < 0, {alpha} * {0}, {0})", data, alpha=alpha)]
    return [layer(node, data, "layers.LeakyReLU", alpha)]


@emits("keras", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``ops.where``."""
    return [line(node, "ops.where({0} > {alpha}, {0}, 0.0)", data, alpha=alpha)]


@emits("keras", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Statement]:
    """``ops.where``, twice, of floats."""
    if data.dtype not in {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE}:
        raise Refused("it is of whole numbers")
    text = "ops.where({0} < {least}, {0} + {bias}, ops.where({0} > {most}, {0} - {bias}, 0.0))"
    return [line(node, text, data, least=-lambd, most=lambd, bias=bias)]


@emits("keras", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``layers.ELU``."""
    return [layer(node, data, "layers.ELU", *([] if _equal(alpha, 1) else [alpha]))]


@emits("keras", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``ops.celu``, whose alpha is not 0."""
    if alpha == 0:
        raise Refused("alpha is 0, which it divides by")
    return [line(node, "ops.celu({0}, {alpha})", data, alpha=alpha)]


@emits("keras", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Statement]:
    """``layers.Activation("selu")``; with other numbers than its own ``ops.elu`` and a factor."""
    if _equal(alpha, 1.6732632423543772) and _equal(gamma, 1.0507009873554805):
        return [layer(node, data, "layers.Activation", "selu")]
    return [line(node, "{gamma} * ops.elu({0}, {alpha})", data, alpha=alpha, gamma=gamma)]


@emits("keras", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Statement]:
    """``layers.Activation("gelu")``, or ``ops.gelu`` by tanh."""
    if approximate == "tanh":
        return [line(node, "ops.gelu({0}, approximate=True)", data)]
    return [layer(node, data, "layers.Activation", "gelu")]


@emits("keras", "HardSigmoid")
def hard_sigmoid(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Statement]:
    """``ops.clip``: the layer has other numbers."""
    return [line(node, "ops.clip({alpha} * {0} + {beta}, 0.0, 1.0)", data, alpha=alpha, beta=beta)]


@emits("keras", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Statement]:
    """``layers.PReLU`` with the axes shared that the slope has not; else ``ops.where``."""
    shape = _slopes(data, slope) if is_stored(slope) else None
    if shape is None:
        check_broadcast(data, slope)
        text = "ops.where({0} < 0, {1} * {0}, {0})"
        return [line(node, text, data, slope, roles=("", "slope"))]
    shared = [axis for axis, size in enumerate(shape, 1) if size == 1 and dims(data)[axis] != 1]
    settings: dict[str, Any] = {"shared_axes": shared} if shared else {}
    found = state(slope, shape)
    own = {"alpha": State(found.shape, found.value, found.dtype)}
    return [layer(node, data, "layers.PReLU", state=own, **settings)]


def _slopes(data: onnx_ir.Value, slope: onnx_ir.Value) -> tuple[int, ...] | None:
    """The shape of the layer's slopes, of each axis of ``data`` but the batch; None if it has none such."""
    rank, shape = len(dims(data)), tuple(int(dim) for dim in dims(slope))
    if rank < 2 or len(shape) > rank:
        return None
    first, *others = (1,) * (rank - len(shape)) + shape
    fits = all(size in {1, dim} for size, dim in zip(others, dims(data)[1:], strict=True))
    return tuple(others) if first == 1 and fits else None


@emits("keras", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``layers.Softmax``."""
    last = axis in {-1, len(dims(data)) - 1}
    settings: dict[str, Any] = {} if last else {"axis": axis}
    return [layer(node, data, "layers.Softmax", **settings)]


@emits("keras", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``ops.log_softmax``."""
    return [line(node, "ops.log_softmax({0}, axis={axis})", data, axis=axis)]


@emits("keras", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training: onnx_ir.Value | None = None,
    *,
    seed: int = 0,
) -> list[Statement]:
    """``layers.Dropout``, which acts while training only."""
    del seed  # of training; Keras has a generator of its own
    if training is not None and bool(constant(training).numpy()):
        raise Refused("it drops while the network is used")
    share = 0.5 if ratio is None else float(constant(ratio).numpy())
    return [layer(node, data, "layers.Dropout", share, outputs=[only_output(node)])]


def _equal(left: float, right: float) -> bool:
    """Whether both are the same number as a float32."""
    return bool(np.float32(left) == np.float32(right))
