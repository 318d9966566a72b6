"""Element by element, one input: activations and dropout."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, constant, emits, is_constant, only_output
from converter.emitters.batch import row_axis
from converter.emitters.cntk.bounds import WHOLE
from converter.emitters.cntk.operand import line, unpacked
from converter.emitters.statement import Statement, Submodule

_PLAIN = {
    "HardSwish": "{0} * C.hard_sigmoid({0}, 1 / 6, 0.5)",
    "Mish": "{0} * C.tanh(C.softplus({0}))",
    "Relu": "C.relu({0})",
    "Sigmoid": "C.sigmoid({0})",
    "Softplus": "C.softplus({0})",
    "Softsign": "C.softsign({0})",
    "Tanh": "C.tanh({0})",
}
_SELU = {"gamma": 1.0507009873554805, "alpha": 1.6732632423543772}
"""CNTK's own, which differ from ONNX's in the eighth digit."""


@emits("cntk", *_PLAIN, dtypes=WHOLE)
def plain(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``cntk`` that bears its name, or an expression of them."""
    return [line(node, _PLAIN[node.op_type], data)]


@emits("cntk", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Statement]:
    """``C.leaky_relu``."""
    return [line(node, "C.leaky_relu({0}, {alpha})", data, alpha=float(alpha))]


@emits("cntk", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``C.element_select``."""
    return [line(node, "C.element_select(C.greater({0}, {alpha}), {0}, 0)", data, alpha=float(alpha))]


@emits("cntk", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Statement]:
    """``C.element_select``, twice."""
    above = "C.element_select(C.greater({0}, {most}), {0} - {bias}, 0)"
    text = f"C.element_select(C.less({{0}}, {{least}}), {{0}} + {{bias}}, {above})"
    return [line(node, text, data, least=-float(lambd), most=float(lambd), bias=float(bias))]


@emits("cntk", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``C.elu``."""
    return [line(node, "C.elu({0})" if alpha == 1 else "C.elu({0}, {alpha})", data, alpha=float(alpha))]


@emits("cntk", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Statement]:
    """``C.elu`` of the data divided by alpha, which is not 0."""
    if alpha == 0:
        raise Refused("alpha is 0")
    if alpha == 1:
        return [line(node, "C.elu({0})", data)]
    text = "C.element_max({0}, 0) + C.element_min({alpha} * (C.exp({0} / {alpha}) - 1), 0)"
    return [line(node, text, data, alpha=float(alpha))]


@emits("cntk", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Statement]:
    """``C.selu``."""
    usual = abs(alpha - _SELU["alpha"]) < 1e-7 and abs(gamma - _SELU["gamma"]) < 1e-7
    text = "C.selu({0})" if usual else "C.selu({0}, {gamma}, {alpha})"
    return [line(node, text, data, alpha=float(alpha), gamma=float(gamma))]


@emits("cntk", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Statement]:
    """A function of the code: of ``erf``, which is another one, or of ``C.tanh`` if approximate."""
    function = "gelu_tanh" if approximate == "tanh" else "gelu"
    return [line(node, f"{function}({{0}})", data, library=[function])]


@emits("cntk", "HardSigmoid")
def hard_sigmoid(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Statement]:
    """``C.hard_sigmoid``."""
    return [line(node, "C.hard_sigmoid({0}, {alpha}, {beta})", data, alpha=float(alpha), beta=float(beta))]


@emits("cntk", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Statement]:
    """``C.param_relu``, whose slope is a parameter of any shape, or computed."""
    return [line(node, "C.param_relu({1}, {0})", data, slope, broadcast=True, roles=("", "slope"))]


@emits("cntk", "Softmax", "LogSoftmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """``C.softmax``, ``C.log_softmax``; along the batch between ``C.unpack_batch`` and ``C.to_batch``."""
    function = "C.softmax" if node.op_type == "Softmax" else "C.log_softmax"
    operand, (along,) = unpacked(data, [axis])
    if operand != "{0}":
        return [line(node, f"C.to_batch({function}({operand}, axis={{axis}}))", data, axis=along)]
    return [line(node, f"{function}({{0}}, axis={{axis}})", data, axis=along)]


@emits("cntk", "Hardmax")
def hardmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Statement]:
    """A function of ``C.argmax``: ``C.hardmax`` is over all axes."""
    return [line(node, "hardmax({0}, {axis})", data, axis=row_axis(data, axis), library=["hardmax"])]


@emits("cntk", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training: onnx_ir.Value | None = None,
    *,
    seed: int = 0,
) -> list[Statement]:
    """``layers.Dropout``, which does nothing while the network is used, kept for those who go on training.

    Raises:
        Refused: The node drops while the network is used too, or drops all.
    """
    del seed
    if training is not None and not (is_constant(training) and not bool(constant(training).numpy())):
        raise Refused("it drops while the network is used")
    rate = 0.5 if ratio is None else float(constant(ratio).numpy())
    if not 0 <= rate < 1:
        raise Refused(f"the ratio {rate:g} is not in [0, 1)")
    layer = Submodule("C.layers.Dropout", (rate,))
    return [line(node, "{module}({0})", data, outputs=[only_output(node)], module=layer)]
