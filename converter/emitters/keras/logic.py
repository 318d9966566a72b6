"""Comparisons, logic, and choices."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.keras.elementwise import is_bare, takes_number
from converter.emitters.keras.operand import is_number, line
from converter.emitters.operand import check_broadcast
from converter.emitters.statement import Statement

_COMPARISONS = {
    "Less": ("<", "less"),
    "LessOrEqual": ("<=", "less_equal"),
    "Greater": (">", "greater"),
    "GreaterOrEqual": (">=", "greater_equal"),
}


@emits("keras", *_COMPARISONS)
def comparison(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """Python's operator beside a number, else ``ops.less`` and the like."""
    check_broadcast(left, right)
    symbol, name = _COMPARISONS[node.op_type]
    if is_bare(right, left):
        return [line(node, f"{{0}} {symbol} {{1}}", left, right, scalars=True)]
    return [line(node, f"ops.{name}({{0}}, {{1}})", left, right, scalars=is_bare(left, right))]


@emits("keras", "Equal")
def equal(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``ops.equal``: ``==`` asks of symbolic tensors whether they are one."""
    check_broadcast(left, right)
    scalars = takes_number(left, right) and left.dtype != onnx_ir.DataType.BOOL
    return [line(node, "ops.equal({0}, {1})", left, right, scalars=scalars)]


@emits("keras", "And", "Or", "Xor")
def logical(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``ops.logical_and``, ``ops.logical_or``, ``ops.logical_xor``."""
    check_broadcast(left, right)
    return [line(node, f"ops.logical_{node.op_type.lower()}({{0}}, {{1}})", left, right)]


@emits("keras", "Not")
def logical_not(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``ops.logical_not``."""
    return [line(node, "ops.logical_not({0})", data)]


@emits("keras", "Where")
def where(
    node: onnx_ir.Node, condition: onnx_ir.Value, chosen: onnx_ir.Value, other: onnx_ir.Value
) -> list[Statement]:
    """``ops.where``."""
    check_broadcast(condition, chosen, other)
    scalars = not is_number(condition) and takes_number(chosen, other)
    return [line(node, "ops.where({0}, {1}, {2})", condition, chosen, other, scalars=scalars)]
