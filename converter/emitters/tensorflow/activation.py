"""Activations and dropout."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, constant, emits, is_constant, only_output
from converter.emitters.operand import check_broadcast
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import line

_PLAIN = {
    "HardSwish": "{0} * tf.nn.relu6({0} + 3.0) / 6.0",
    "Mish": "{0} * tf.tanh(softplus({0}))",
    "Relu": "tf.nn.relu({0})",
    "Sigmoid": "tf.sigmoid({0})",
    "Softplus": "softplus({0})",
    "Softsign": "tf.nn.softsign({0})",
    "Tanh": "tf.tanh({0})",
}


@emits("tensorflow", *_PLAIN)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``tf`` or ``tf.nn`` that bears its name, or an expression of them.

    ``softplus`` is a function of the code: TensorFlow Lite's of a large number is infinite.
    """
    text = _PLAIN[node.op_type]
    return [line(node, text, data, library=["softplus"] if "softplus(" in text else [])]


@emits("tensorflow", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Statement]:
    """``tf.nn.leaky_relu``."""
    return [line(node, "tf.nn.leaky_relu({0}, {alpha})", data, alpha=alpha)]


@emits("tensorflow", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``tf.where``."""
    return [line(node, "tf.where({0} > {alpha}, {0}, 0.0)", data, alpha=alpha)]


@emits("tensorflow", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Statement]:
    """``tf.where``, twice, of floats."""
    if data.dtype not in {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE}:
        raise Refused("it is of whole numbers")
    text = "tf.where({0} < {least}, {0} + {bias}, tf.where({0} > {most}, {0} - {bias}, 0.0))"
    return [line(node, text, data, least=-lambd, most=lambd, bias=bias)]


@emits("tensorflow", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``tf.nn.elu``; times alpha where that is not 1."""
    text = "tf.nn.elu({0})" if _equal(alpha, 1) else "tf.where({0} > 0.0, {0}, {alpha} * tf.nn.elu({0}))"
    return [line(node, text, data, alpha=alpha)]


@emits("tensorflow", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``tf.nn.elu`` of the data divided by alpha, which is above 0."""
    if alpha <= 0:
        raise Refused(f"alpha is {alpha}, not above 0")
    return [line(node, "tf.where({0} > 0.0, {0}, {alpha} * tf.nn.elu({0} / {alpha}))", data, alpha=alpha)]


@emits("tensorflow", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Statement]:
    """``tf.nn.selu``; with other numbers than its own ``tf.nn.elu`` and factors."""
    if _equal(alpha, 1.6732632423543772) and _equal(gamma, 1.0507009873554805):
        return [line(node, "tf.nn.selu({0})", data)]
    text = "{gamma} * tf.where({0} > 0.0, {0}, {alpha} * tf.nn.elu({0}))"
    return [line(node, text, data, alpha=alpha, gamma=gamma)]


@emits("tensorflow", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Statement]:
    """``tf.nn.gelu``, of either kind."""
    text = "tf.nn.gelu({0})" if approximate == "none" else "tf.nn.gelu({0}, approximate=True)"
    return [line(node, text, data)]


@emits("tensorflow", "HardSigmoid")
def hard_sigmoid(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Statement]:
    """``tf.clip_by_value(alpha * x + beta, 0, 1)``."""
    return [line(node, "tf.clip_by_value({alpha} * {0} + {beta}, 0.0, 1.0)", data, alpha=alpha, beta=beta)]


@emits("tensorflow", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Statement]:
    """``tf.where``, with the slope below 0."""
    check_broadcast(data, slope)
    return [line(node, "tf.where({0} < 0.0, {1} * {0}, {0})", data, slope, roles=("", "slope"))]


@emits("tensorflow", "Softmax", "LogSoftmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``tf.nn.softmax``, ``tf.nn.log_softmax``."""
    function = "tf.nn.softmax" if node.op_type == "Softmax" else "tf.nn.log_softmax"
    last = axis in (-1, len(data.shape or ()) - 1)
    return [line(node, f"{function}({{0}})" if last else f"{function}({{0}}, axis={{axis}})", data, axis=axis)]


@emits("tensorflow", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training: onnx_ir.Value | None = None,
    *,
    seed: int = 0,
) -> list[Statement]:
    """What it is given: it acts while training only."""
    del seed, ratio
    if training is not None and not (is_constant(training) and not bool(constant(training).numpy())):
        raise Refused("it drops while the network is used")
    return [line(node, "{0}", data, outputs=[only_output(node)])]


def _equal(left: float, right: float) -> bool:
    """Whether both are the same number as a float32."""
    return bool(np.float32(left) == np.float32(right))
