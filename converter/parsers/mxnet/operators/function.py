"""Functions of each element that ONNX has, or that take few of its operators.

Sources: src/operator/tensor/elemwise_unary_op_basic.cc, elemwise_unary_op_pow.cc, elemwise_unary_op_logexp.cc,
elemwise_unary_op_trig.cc, src/operator/mshadow_op.h (rounding).
"""

from __future__ import annotations

import math

from onnx_ir import Value

from converter.parsers.mxnet.operators.arithmetic import comparison, floating, numeric
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("abs")
def absolute(g: Scope, data: Value) -> Value:
    """The absolute value."""
    numeric(g, data)
    return g.emit("Abs", data)


@parses("sign")
def sign(g: Scope, data: Value) -> Value:
    """-1, 0 or 1."""
    numeric(g, data)
    return g.emit("Sign", data)


@parses("negative")
def negative(g: Scope, data: Value) -> Value:
    """``-data``."""
    if numeric(g, data).is_signed():
        return g.emit("Neg", data)
    return g.emit("Sub", g.scalar("zero", 0, data), data)


@parses("square")
def square(g: Scope, data: Value) -> Value:
    """``data * data``."""
    numeric(g, data)
    return g.emit("Mul", data, data)


@parses("round")
def nearest(g: Scope, data: Value) -> Value:
    """The nearest whole number, of two the one further from 0."""
    if not numeric(g, data).is_floating_point():
        return g.emit("Identity", data)
    size = g.emit("Abs", data, role="size")
    whole = g.emit("Floor", size, role="whole")
    rest = g.emit("Sub", size, whole, role="rest")
    up = g.emit("GreaterOrEqual", rest, g.scalar("half", 0.5, data), role="up")
    step = g.emit("Cast", up, role="step", to=int(dtype_of(data)))
    rounded = g.emit("Add", whole, step, role="rounded")
    return g.emit("Mul", g.emit("Sign", data, role="sign"), rounded)


@parses("rint")
def rint(g: Scope, data: Value) -> Value:
    """The nearest whole number, of two the lower one (``rint`` in src/operator/mshadow_op.h)."""
    if not numeric(g, data).is_floating_point():
        return g.emit("Identity", data)
    below, above = g.emit("Floor", data, role="below"), g.emit("Ceil", data, role="above")
    up, down = g.emit("Sub", above, data, role="up"), g.emit("Sub", data, below, role="down")
    return g.emit("Where", g.emit("LessOrEqual", down, up, role="lower"), below, above)


@parses("ceil")
def ceil(g: Scope, data: Value) -> Value:
    """The next whole number above."""
    return _whole(g, "Ceil", data)


@parses("floor")
def floor(g: Scope, data: Value) -> Value:
    """The next whole number below."""
    return _whole(g, "Floor", data)


@parses("trunc", "fix")
def trunc(g: Scope, data: Value) -> Value:
    """The whole number without its fraction."""
    if not numeric(g, data).is_floating_point():
        return g.emit("Identity", data)
    whole = g.emit("Floor", g.emit("Abs", data, role="size"), role="whole")
    return g.emit("Mul", g.emit("Sign", data, role="sign"), whole)


@parses("logical_not")
def logical_not(g: Scope, data: Value) -> Value:
    """1 where ``data`` is 0, else 0."""
    numeric(g, data)
    return comparison(g, "Equal", data, g.scalar("zero", 0, data))


@parses("reciprocal")
def reciprocal(g: Scope, data: Value) -> Value:
    """``1 / data``."""
    return g.emit("Reciprocal", floating(g, data))


@parses("sqrt")
def sqrt(g: Scope, data: Value) -> Value:
    """The square root."""
    return g.emit("Sqrt", floating(g, data))


@parses("rsqrt")
def rsqrt(g: Scope, data: Value) -> Value:
    """The reciprocal of the square root."""
    return g.emit("Reciprocal", g.emit("Sqrt", floating(g, data), role="root"))


@parses("cbrt")
def cbrt(g: Scope, data: Value) -> Value:
    """The cube root, also of negative numbers."""
    return g.emit("Mul", *_cube_root(g, data))


@parses("rcbrt")
def rcbrt(g: Scope, data: Value) -> Value:
    """The reciprocal of the cube root, also of negative numbers."""
    return g.emit("Reciprocal", g.emit("Mul", *_cube_root(g, data), role="root"))


@parses("exp")
def exp(g: Scope, data: Value) -> Value:
    """The exponential function."""
    return g.emit("Exp", floating(g, data))


@parses("log")
def log(g: Scope, data: Value) -> Value:
    """The natural logarithm."""
    return g.emit("Log", floating(g, data))


@parses("log2")
def log2(g: Scope, data: Value) -> Value:
    """The logarithm to the base 2; exact for the powers of 2 from -12 to 12."""
    return _logarithm(g, data, 2)


@parses("log10")
def log10(g: Scope, data: Value) -> Value:
    """The logarithm to the base 10; exact for the powers of 10 from -8 to 8."""
    return _logarithm(g, data, 10)


@parses("sin")
def sin(g: Scope, data: Value) -> Value:
    """The sine."""
    return g.emit("Sin", floating(g, data))


@parses("cos")
def cos(g: Scope, data: Value) -> Value:
    """The cosine."""
    return g.emit("Cos", floating(g, data))


@parses("tan")
def tan(g: Scope, data: Value) -> Value:
    """The tangent."""
    return g.emit("Tan", floating(g, data))


@parses("arcsin")
def arcsin(g: Scope, data: Value) -> Value:
    """The inverse of the sine."""
    return g.emit("Asin", floating(g, data))


@parses("arccos")
def arccos(g: Scope, data: Value) -> Value:
    """The inverse of the cosine."""
    return g.emit("Acos", floating(g, data))


@parses("arctan")
def arctan(g: Scope, data: Value) -> Value:
    """The inverse of the tangent."""
    return g.emit("Atan", floating(g, data))


@parses("sinh")
def sinh(g: Scope, data: Value) -> Value:
    """The hyperbolic sine."""
    return g.emit("Sinh", floating(g, data))


@parses("cosh")
def cosh(g: Scope, data: Value) -> Value:
    """The hyperbolic cosine."""
    return g.emit("Cosh", floating(g, data))


@parses("arcsinh")
def arcsinh(g: Scope, data: Value) -> Value:
    """The inverse of the hyperbolic sine."""
    return g.emit("Asinh", floating(g, data))


@parses("arccosh")
def arccosh(g: Scope, data: Value) -> Value:
    """The inverse of the hyperbolic cosine."""
    return g.emit("Acosh", floating(g, data))


@parses("arctanh")
def arctanh(g: Scope, data: Value) -> Value:
    """The inverse of the hyperbolic tangent."""
    return g.emit("Atanh", floating(g, data))


@parses("degrees")
def degrees(g: Scope, data: Value) -> Value:
    """Radians as degrees."""
    return g.emit("Mul", floating(g, data), g.scalar("degrees", 180 / math.pi))


@parses("radians")
def radians(g: Scope, data: Value) -> Value:
    """Degrees as radians."""
    return g.emit("Mul", floating(g, data), g.scalar("radians", math.pi / 180))


@parses("erf")
def erf(g: Scope, data: Value) -> Value:
    """The error function."""
    return g.emit("Erf", floating(g, data))


def _whole(g: Scope, op: str, data: Value) -> Value:
    return g.emit(op if numeric(g, data).is_floating_point() else "Identity", data)


def _cube_root(g: Scope, data: Value) -> tuple[Value, Value]:
    """The sign and the size of the cube root."""
    size = g.emit("Abs", floating(g, data), role="size")
    third = g.emit("Pow", size, g.scalar("third", 1 / 3, data), role="power")
    return g.emit("Sign", data, role="sign"), third


def _logarithm(g: Scope, data: Value, base: float) -> Value:
    natural = g.emit("Log", floating(g, data), role="log")
    return g.emit("Div", natural, g.scalar("base", math.log(base)))
