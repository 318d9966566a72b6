"""Functions of one number."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits, operator_of
from converter.emitters.keras.elementwise import FLOATS, typed
from converter.emitters.keras.operand import dtype, line
from converter.emitters.statement import Statement

_FUNCTIONS = {
    "Abs": "abs",
    "Acos": "arccos",
    "Acosh": "arccosh",
    "Asin": "arcsin",
    "Asinh": "arcsinh",
    "Atan": "arctan",
    "Atanh": "arctanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Det": "det",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "IsNaN": "isnan",
    "Log": "log",
    "Reciprocal": "reciprocal",
    "Round": "round",
    "Sin": "sin",
    "Sinh": "sinh",
    "Sqrt": "sqrt",
    "Tan": "tan",
    "transship::Expm1": "expm1",
    "transship::Log1p": "log1p",
}
_OF_INTEGERS = {"Abs", "IsNaN"}


@emits("keras", *_FUNCTIONS)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operation of ``keras.ops`` that bears its name."""
    if data.dtype not in FLOATS and node.op_type not in _OF_INTEGERS:
        raise Refused(f"of {dtype(data)}")
    return [line(node, f"ops.{_FUNCTIONS[operator_of(node)]}({{0}})", data)]


@emits("keras", "Sign")
def sign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``ops.sign``, of floats in a function that keeps what is no number, of which Keras's torch backend makes 0."""
    if data.dtype not in FLOATS:
        return [line(node, typed("ops.sign({0})", data), data)]
    return [line(node, "sign({0})", data, library=["sign"])]


@emits("keras", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Statement]:
    """``ops.isinf``, ``ops.isposinf``, ``ops.isneginf``."""
    if detect_negative and detect_positive:
        return [line(node, "ops.isinf({0})", data)]
    if not detect_negative and not detect_positive:
        return [line(node, 'ops.zeros_like({0}, dtype="bool")', data)]
    return [line(node, f"ops.is{'pos' if detect_positive else 'neg'}inf({{0}})", data)]
