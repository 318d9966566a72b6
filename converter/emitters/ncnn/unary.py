"""Element by element, one input.

``UnaryOp`` computes with vectors. Where that approximates, and is wrong for zeros or infinities, layers that call the
C library stand instead: ``Exp``, ``Log`` and ``Power``.
"""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits, only_output, operator_of
from converter.emitters.ncnn.elementwise import ADD, MAX, MIN, MUL, SUB
from converter.emitters.ncnn.layer import Layer, inner
from converter.emitters.ncnn.series import RECIPROCAL, Step, series

_UNARY = {
    "Abs": 0,
    "Neg": 1,
    "Floor": 2,
    "Ceil": 3,
    "Sqrt": 5,
    "Sin": 9,
    "Cos": 10,
    "Tan": 11,
    "Asin": 12,
    "Acos": 13,
    "Atan": 14,
    "Round": 18,
    "Sign": 20,
    "Sinh": 22,
    "Asinh": 23,
    "Cosh": 24,
    "Acosh": 25,
}
"""Numbers of ``UnaryOp``."""
_STEEP = 1e30
"""The arctangent of this is half of pi in float32."""


@emits("ncnn", "Abs", "Neg", "Floor", "Ceil", "Sqrt", "Asin", "Acos", "Round", "Sign")
def unary(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``UnaryOp``."""
    return series(node, data, _unary(operator_of(node)))


@emits("ncnn", "Sin", "Cos", "Tan")
def trigonometric(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``UnaryOp``, which is exact for numbers up to ten million; a tangent is not close to its poles."""
    return series(node, data, _unary(operator_of(node)))


@emits("ncnn", "Sinh", "Cosh", "Asinh")
def hyperbolic(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``UnaryOp``, whose error for small numbers is as large as for a number of about 1."""
    return series(node, data, _unary(operator_of(node)))


@emits("ncnn", "Exp")
def exp(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Exp``: the exponential of ``UnaryOp`` makes 0 of NaN."""
    return series(node, data, ("Exp", {}))


@emits("ncnn", "Log")
def log(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Log``: the logarithm of ``UnaryOp`` makes NaN of 0."""
    return series(node, data, ("Log", {}))


@emits("ncnn", "Reciprocal")
def reciprocal(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Power``: the reciprocal of ``UnaryOp`` makes NaN of 0."""
    return series(node, data, RECIPROCAL)


@emits("ncnn", "Erf")
def erf(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Erf``."""
    return series(node, data, ("Erf", {}))


@emits("ncnn", "Atan")
def atan(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``UnaryOp``, behind ``BinaryOp`` that keep the number finite: that of infinity is NaN in ``UnaryOp``."""
    return series(node, data, _number(MIN, _STEEP), _number(MAX, -_STEEP), _unary("Atan"))


@emits("ncnn", "Acosh")
def acosh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``UnaryOp``, plus the root of ``min(x - 1, 0)``, which is NaN where ``UnaryOp`` should be, and 0 elsewhere."""
    valid, angle = inner(node, "valid"), inner(node, "angle")
    return [
        *series(node, data, _number(SUB, 1.0), _number(MIN, 0.0), _unary("Sqrt"), top=valid),
        *series(node, data, _unary("Acosh"), top=angle),
        _binary(node, ADD, angle, valid),
    ]


@emits("ncnn", "Atanh")
def atanh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``(log(1 + x) - log(1 - x)) / 2`` in ``Log`` and ``BinaryOp``: that of ``UnaryOp`` makes NaN of 1."""
    upper, lower, both = (inner(node, name) for name in ("upper", "lower", "both"))
    return [
        *series(node, data, ("Log", {1: 1.0, 2: 1.0}), top=upper),
        *series(node, data, ("Log", {1: -1.0, 2: 1.0}), top=lower),
        Layer(str(both.name), "BinaryOp", (upper, lower), (both,), {0: SUB}),
        *series(node, both, _number(MUL, 0.5)),
    ]


@emits("ncnn", "Softsign")
def softsign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``x * (1 + |x|)^-1`` in ``UnaryOp``, ``Power`` and ``BinaryOp``."""
    factor = inner(node, "factor")
    steps = (_unary("Abs"), ("Power", {0: -1.0, 1: 1.0, 2: 1.0}))
    return [*series(node, data, *steps, top=factor), _binary(node, MUL, data, factor)]


def _unary(operator: str) -> Step:
    return "UnaryOp", {0: _UNARY[operator]}


def _number(op: int, number: float) -> Step:
    return "BinaryOp", {0: op, 1: 1, 2: number}


def _binary(node: onnx_ir.Node, op: int, left: onnx_ir.Value, right: onnx_ir.Value) -> Layer:
    return Layer(str(node.name), "BinaryOp", (left, right), (only_output(node),), {0: op})
