"""Arithmetic of each element.

Sources: src/operator/tensor/elemwise_binary_op_basic.cc, elemwise_binary_scalar_op_basic.cc.
"""

from __future__ import annotations

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("elemwise_add", "_plus", "_Plus", "_add", "_grad_add")
def elemwise_add(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs + rhs``, of one shape."""
    return _binary(g, "Add", lhs, rhs)


@parses("elemwise_sub", "_minus", "_Minus", "_sub")
def elemwise_sub(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs - rhs``, of one shape."""
    return _binary(g, "Sub", lhs, rhs)


@parses("elemwise_mul", "_mul", "_Mul")
def elemwise_mul(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs * rhs``, of one shape."""
    return _binary(g, "Mul", lhs, rhs)


@parses("elemwise_div", "_div", "_Div")
def elemwise_div(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs / rhs``, of one shape."""
    return _binary(g, "Div", lhs, rhs)


def _binary(g: Scope, op: str, lhs: Value, rhs: Value) -> Value:
    left, right = ir.dims(lhs), ir.dims(rhs)
    if left != right:
        raise g.misfit(f"its inputs are {spell(left)} and {spell(right)}; they must be alike")
    return g.emit(op, lhs, rhs)


@parses("_plus_scalar", "_PlusScalar", ignores=("is_int",))
def plus_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``data + scalar``."""
    return g.emit("Add", data, g.scalar("scalar", scalar))


@parses("_minus_scalar", "_MinusScalar", ignores=("is_int",))
def minus_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``data - scalar``."""
    return g.emit("Sub", data, g.scalar("scalar", scalar))


@parses("_rminus_scalar", "_RMinusScalar", ignores=("is_int",))
def rminus_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``scalar - data``."""
    return g.emit("Sub", g.scalar("scalar", scalar), data)


@parses("_mul_scalar", "_MulScalar", ignores=("is_int",))
def mul_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``data * scalar``."""
    return g.emit("Mul", data, g.scalar("scalar", scalar))


@parses("_div_scalar", "_DivScalar", ignores=("is_int",))
def div_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``data / scalar``."""
    return g.emit("Div", data, g.scalar("scalar", scalar))


@parses("_rdiv_scalar", "_RDivScalar", ignores=("is_int",))
def rdiv_scalar(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``scalar / data``."""
    return g.emit("Div", g.scalar("scalar", scalar), data)
