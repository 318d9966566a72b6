"""What operators on each element have in common.

Two inputs are of one element type, which is the output's as well: also a comparison's, which is 0 or 1. MXNet takes
mathematical functions of whole numbers as well and drops the fractions; that is refused.

Source: src/operator/mshadow_op.h.
"""

from __future__ import annotations

import onnx_ir
from onnx_ir import Value

from converter.parsers.mxnet.scope import Scope, dtype_of


def numeric(g: Scope, data: Value) -> onnx_ir.DataType:
    """The element type of ``data``; truth values are refused, as MXNet does."""
    kind = dtype_of(data)
    if kind == onnx_ir.DataType.BOOL:
        raise g.refuse("an input of truth values")
    return kind


def floating(g: Scope, data: Value) -> Value:
    """``data``, which must not be whole numbers."""
    if not dtype_of(data).is_floating_point():
        raise g.refuse("an input of whole numbers")
    return data


def alike(g: Scope, lhs: Value, rhs: Value) -> tuple[Value, Value]:
    """Both inputs, which must be numbers of one element type."""
    left, right = numeric(g, lhs), numeric(g, rhs)
    if left != right:
        raise g.refuse(f"inputs of different types, {left.name} and {right.name}")
    return lhs, rhs


def modulo(g: Scope, lhs: Value, rhs: Value, *, divisible: bool = False) -> Value:
    """The remainder with the sign of the divisor, 0 where that is 0, which ``divisible`` excludes."""
    zero = g.scalar("zero", 0, rhs)
    if not dtype_of(rhs).is_floating_point():
        none = g.emit("Equal", rhs, zero, role="none")
        return g.emit("Mod", lhs, g.emit("Where", none, g.scalar("one", 1, rhs), rhs, role="divisor"))
    rest = g.emit("Mod", lhs, rhs, role="rest", fmod=1)
    signs = g.emit("Mul", g.emit("Sign", rest, role="sign"), g.emit("Sign", rhs, role="sign"), role="signs")
    opposite = g.emit("Less", signs, zero, role="opposite")
    moved = g.emit("Add", rest, rhs, role="moved")
    if divisible:
        return g.emit("Where", opposite, moved, rest)
    signed = g.emit("Where", opposite, moved, rest, role="signed")
    return g.emit("Where", g.emit("Equal", rhs, zero, role="none"), zero, signed)


def raised(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs`` to the power of ``rhs``; not of bytes, for which onnxruntime has no power."""
    kind = dtype_of(lhs)
    if kind.itemsize == 1:
        raise g.refuse(f"a power of {kind.name}")
    return g.emit("Pow", lhs, rhs)


def hypotenuse(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The root of the sum of squares."""
    squares = [g.emit("Mul", side, side, role="square") for side in (floating(g, lhs), rhs)]
    return g.emit("Sqrt", g.emit("Add", *squares, role="sum"))


def comparison(g: Scope, op: str, lhs: Value, rhs: Value) -> Value:
    """1 where ONNX's ``op`` holds, else 0, in the element type of the inputs."""
    return _number(g, g.emit(op, lhs, rhs, role="truth"), lhs)


def difference(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where the inputs differ, else 0, in their element type."""
    return _number(g, g.emit("Not", g.emit("Equal", lhs, rhs, role="equal"), role="truth"), lhs)


def logic(g: Scope, op: str, lhs: Value, rhs: Value) -> Value:
    """ONNX's ``op`` of what is not 0, as 0 or 1 in the element type of the inputs."""
    return _number(g, g.emit(op, truth(g, lhs), truth(g, rhs), role="truth"), lhs)


def truth(g: Scope, data: Value) -> Value:
    """Whether ``data`` is not 0."""
    return g.emit("Cast", data, role="nonzero", to=int(onnx_ir.DataType.BOOL))


def _number(g: Scope, decision: Value, like: Value) -> Value:
    return g.emit("Cast", decision, to=int(dtype_of(like)))
