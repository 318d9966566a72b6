"""Comparisons, logic, and choices between two values: truth is 1 and 0."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.cntk.bounds import WHOLE
from converter.emitters.cntk.operand import line
from converter.emitters.statement import Statement

_FUNCTIONS = {
    "And": "C.element_and",
    "Equal": "C.equal",
    "Greater": "C.greater",
    "GreaterOrEqual": "C.greater_equal",
    "Less": "C.less",
    "LessOrEqual": "C.less_equal",
    "Or": "C.element_or",
    "Xor": "C.element_xor",
}


@emits("cntk", *_FUNCTIONS, dtypes=WHOLE)
def operator(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """The function of ``cntk`` that bears its name."""
    return [line(node, f"{_FUNCTIONS[node.op_type]}({{0}}, {{1}})", left, right, broadcast=True)]


@emits("cntk", "Not")
def logical_not(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``C.element_not``."""
    return [line(node, "C.element_not({0})", data)]


@emits("cntk", "Where", dtypes=WHOLE)
def where(
    node: onnx_ir.Node, condition: onnx_ir.Value, chosen: onnx_ir.Value, other: onnx_ir.Value
) -> list[Statement]:
    """``C.element_select``, which lets in nothing of what it does not choose."""
    text = "C.element_select({0}, {1}, {2})"
    return [line(node, text, condition, chosen, other, broadcast=True, roles=("condition", "chosen", "other"))]
