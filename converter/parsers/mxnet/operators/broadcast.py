"""What is computed of each element of two inputs whose dimensions of 1 are repeated, as ONNX does it.

Sources: src/operator/tensor/elemwise_binary_broadcast_op_basic.cc, elemwise_binary_broadcast_op_extended.cc,
elemwise_binary_broadcast_op_logic.cc.
"""

from __future__ import annotations

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.arithmetic import (
    alike,
    comparison,
    difference,
    hypotenuse,
    logic,
    modulo,
    raised,
)
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("broadcast_add", "broadcast_plus")
def broadcast_add(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs + rhs``."""
    return g.emit("Add", *_broadcastable(g, lhs, rhs))


@parses("broadcast_sub", "broadcast_minus")
def broadcast_sub(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs - rhs``."""
    return g.emit("Sub", *_broadcastable(g, lhs, rhs))


@parses("broadcast_mul")
def broadcast_mul(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs * rhs``."""
    return g.emit("Mul", *_broadcastable(g, lhs, rhs))


@parses("broadcast_div")
def broadcast_div(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs / rhs``; of whole numbers without the fraction."""
    return g.emit("Div", *_broadcastable(g, lhs, rhs))


@parses("broadcast_mod")
def broadcast_mod(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The remainder of ``lhs / rhs`` with the sign of ``rhs``, 0 where that is 0."""
    return modulo(g, *_broadcastable(g, lhs, rhs))


@parses("broadcast_power")
def broadcast_power(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs`` to the power of ``rhs``."""
    return raised(g, *_broadcastable(g, lhs, rhs))


@parses("broadcast_maximum")
def broadcast_maximum(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The greater of ``lhs`` and ``rhs``."""
    return g.emit("Max", *_broadcastable(g, lhs, rhs))


@parses("broadcast_minimum")
def broadcast_minimum(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The lesser of ``lhs`` and ``rhs``."""
    return g.emit("Min", *_broadcastable(g, lhs, rhs))


@parses("broadcast_hypot")
def broadcast_hypot(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The root of ``lhs² + rhs²``; the squares must not overflow."""
    return hypotenuse(g, *_broadcastable(g, lhs, rhs))


@parses("broadcast_equal")
def broadcast_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs == rhs``, else 0."""
    return comparison(g, "Equal", *_broadcastable(g, lhs, rhs))


@parses("broadcast_not_equal")
def broadcast_not_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs != rhs``, else 0."""
    return difference(g, *_broadcastable(g, lhs, rhs))


@parses("broadcast_greater")
def broadcast_greater(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs > rhs``, else 0."""
    return comparison(g, "Greater", *_broadcastable(g, lhs, rhs))


@parses("broadcast_greater_equal")
def broadcast_greater_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs >= rhs``, else 0."""
    return comparison(g, "GreaterOrEqual", *_broadcastable(g, lhs, rhs))


@parses("broadcast_lesser")
def broadcast_lesser(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs < rhs``, else 0."""
    return comparison(g, "Less", *_broadcastable(g, lhs, rhs))


@parses("broadcast_lesser_equal")
def broadcast_lesser_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs <= rhs``, else 0."""
    return comparison(g, "LessOrEqual", *_broadcastable(g, lhs, rhs))


@parses("broadcast_logical_and")
def broadcast_logical_and(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where neither is 0, else 0."""
    return logic(g, "And", *_broadcastable(g, lhs, rhs))


@parses("broadcast_logical_or")
def broadcast_logical_or(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where one is not 0, else 0."""
    return logic(g, "Or", *_broadcastable(g, lhs, rhs))


@parses("broadcast_logical_xor")
def broadcast_logical_xor(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where exactly one is 0, else 0."""
    return logic(g, "Xor", *_broadcastable(g, lhs, rhs))


def _broadcastable(g: Scope, lhs: Value, rhs: Value) -> tuple[Value, Value]:
    """Both inputs, whose shapes may differ where one has a 1 or nothing."""
    left, right = ir.dims(lhs), ir.dims(rhs)
    for pair in zip(reversed(left), reversed(right), strict=False):
        if pair[0] != pair[1] and 1 not in pair:
            if ir.BATCH in pair:
                raise g.refuse("it broadcasts the open batch dimension to a number; give the batch a number")
            raise g.misfit(f"its inputs are {spell(left)} and {spell(right)}; they cannot be broadcast")
    return alike(g, lhs, rhs)
