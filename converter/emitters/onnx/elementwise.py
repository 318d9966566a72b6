"""Arithmetic, comparison and mathematical functions, element by element."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes

_INFIX = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "Less": "<",
    "LessOrEqual": "<=",
    "Equal": "==",
}


@writes(*_INFIX)
def infix(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """Python's own operator."""
    return Statement(node, attributes, infix=_INFIX[node.op_type])


@writes(
    "Abs",
    "Acos",
    "Acosh",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Cast",
    "Ceil",
    "Clip",
    "Cos",
    "Cosh",
    "Erf",
    "Exp",
    "Floor",
    "Identity",
    "IsInf",
    "IsNaN",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "Reciprocal",
    "Round",
    "Sign",
    "Sin",
    "Sinh",
    "Sqrt",
    "Sum",
    "Tan",
    "Where",
    "Xor",
)
def function(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)
