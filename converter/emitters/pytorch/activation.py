"""Activations and dropout: modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.operand import check_broadcast, is_stored
from converter.emitters.pytorch.operand import line, state
from converter.emitters.statement import Statement, Submodule
from converter.ir import dims

_PLAIN = {
    "HardSwish": "nn.Hardswish",
    "Mish": "nn.Mish",
    "Relu": "nn.ReLU",
    "Sigmoid": "nn.Sigmoid",
    "Softplus": "nn.Softplus",
    "Softsign": "nn.Softsign",
    "Tanh": "nn.Tanh",
}


@emits("pytorch", *_PLAIN)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The module of ``torch.nn`` that bears its name."""
    return [_module(node, data, _PLAIN[node.op_type])]


@emits("pytorch", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Statement]:
    """``nn.LeakyReLU``."""
    return [_module(node, data, "nn.LeakyReLU", *([] if _equal(alpha, 0.01) else [alpha]))]


@emits("pytorch", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``nn.ELU``."""
    return [_module(node, data, "nn.ELU", *([] if _equal(alpha, 1) else [alpha]))]


@emits("pytorch", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``torch.where``: ``nn.Threshold`` keeps what is no number."""
    return [line(node, "torch.where({0} > {alpha}, {0}, 0.0)", data, alpha=alpha)]


@emits("pytorch", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Statement]:
    """``torch.where``, twice, of floats."""
    if data.dtype not in {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE}:
        raise Refused("it is of whole numbers")
    text = "torch.where({0} < {least}, {0} + {bias}, torch.where({0} > {most}, {0} - {bias}, 0.0))"
    return [line(node, text, data, least=-lambd, most=lambd, bias=bias)]


@emits("pytorch", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``nn.CELU``, whose alpha is not 0."""
    if alpha == 0:
        raise Refused("alpha is 0, which it divides by")
    return [_module(node, data, "nn.CELU", *([] if _equal(alpha, 1) else [alpha]))]


@emits("pytorch", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Statement]:
    """``nn.SELU``; with other numbers than its own ``F.elu`` and a factor."""
    if _equal(alpha, 1.6732632423543772) and _equal(gamma, 1.0507009873554805):
        return [_module(node, data, "nn.SELU")]
    return [line(node, "{gamma} * F.elu({0}, {alpha})", data, alpha=alpha, gamma=gamma)]


@emits("pytorch", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Statement]:
    """``nn.GELU``, of either kind."""
    return [_module(node, data, "nn.GELU", **({} if approximate == "none" else {"approximate": approximate}))]


@emits("pytorch", "HardSigmoid")
def hard_sigmoid(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Statement]:
    """``(alpha * x + beta).clamp(0, 1)``: torch's own has other numbers."""
    return [line(node, "({alpha} * {0} + {beta}).clamp(0, 1)", data, alpha=alpha, beta=beta)]


@emits("pytorch", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Statement]:
    """``nn.PReLU`` where there is one slope, or one a channel; else ``torch.where``."""
    count = _slopes(data, slope) if is_stored(slope) else None
    if count is None:
        check_broadcast(data, slope)
        text = "torch.where({0} < 0, {1} * {0}, {0})"
        return [line(node, text, data, slope, roles=("", "slope"))]
    return [_module(node, data, "nn.PReLU", *([] if count == 1 else [count]), weight=state(slope, (count,)))]


def _slopes(data: onnx_ir.Value, slope: onnx_ir.Value) -> int | None:
    """How many slopes ``nn.PReLU`` has to have, which are of the second axis; None if they are of another."""
    rank, shape = len(dims(data)), tuple(int(dim) for dim in dims(slope))
    count = int(np.prod(shape))
    if count == 1:
        return 1 if len(shape) <= rank else None
    aligned = (1,) * (rank - len(shape)) + shape
    return count if rank > 1 and len(aligned) == rank and aligned[1] == count == dims(data)[1] else None


@emits("pytorch", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``nn.Softmax``."""
    return [_module(node, data, "nn.Softmax", dim=axis)]


@emits("pytorch", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``nn.LogSoftmax``."""
    return [_module(node, data, "nn.LogSoftmax", dim=axis)]


@emits("pytorch", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training: onnx_ir.Value | None = None,
    *,
    seed: int = 0,
) -> list[Statement]:
    """``nn.Dropout``, which acts while training only."""
    del seed  # of training; torch has a generator of its own
    if training is not None and bool(constant(training).numpy()):
        raise Refused("it drops while the network is used")
    share = 0.5 if ratio is None else float(constant(ratio).numpy())
    return [_module(node, data, "nn.Dropout", share, outputs=[only_output(node)])]


def _module(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kind: str,
    *positional: Any,
    weight: Any = None,
    outputs: Any = (),
    **keywords: Any,
) -> Statement:
    parameters = {} if weight is None else {"weight": weight}
    module = Submodule(kind, positional, keywords, parameters)
    return line(node, "{module}({0})", data, module=module, outputs=outputs)


def _equal(left: float, right: float) -> bool:
    """Whether both are the same number as a float32."""
    return bool(np.float32(left) == np.float32(right))
