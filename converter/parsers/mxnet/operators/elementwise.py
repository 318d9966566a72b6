"""What is computed of each element of several inputs of one shape, or between bounds.

Sources: src/operator/tensor/elemwise_binary_op_basic.cc, elemwise_binary_op_extended.cc, elemwise_binary_op_logic.cc,
elemwise_sum.cc, control_flow_op.h, matrix_op-inl.h (clip), elemwise_binary_scalar_op_extended.cc (smooth_l1).
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Bound
from converter.parsers.mxnet.operators.arithmetic import (
    alike,
    comparison,
    difference,
    floating,
    hypotenuse,
    logic,
    modulo,
    numeric,
    raised,
    truth,
)
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of, spell


@parses("elemwise_add", "_plus", "_Plus", "_add", "_grad_add")
def elemwise_add(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs + rhs``, of one shape."""
    return g.emit("Add", *_same_shape(g, lhs, rhs))


@parses("elemwise_sub", "_minus", "_Minus", "_sub")
def elemwise_sub(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs - rhs``, of one shape."""
    return g.emit("Sub", *_same_shape(g, lhs, rhs))


@parses("elemwise_mul", "_mul", "_Mul")
def elemwise_mul(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs * rhs``, of one shape."""
    return g.emit("Mul", *_same_shape(g, lhs, rhs))


@parses("elemwise_div", "_div", "_Div")
def elemwise_div(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs / rhs``, of one shape; of whole numbers without the fraction."""
    return g.emit("Div", *_same_shape(g, lhs, rhs))


@parses("_mod", "_Mod")
def mod(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The remainder of ``lhs / rhs`` with the sign of ``rhs``, 0 where that is 0; of one shape."""
    return modulo(g, *_same_shape(g, lhs, rhs))


@parses("_power", "_Power")
def power(g: Scope, lhs: Value, rhs: Value) -> Value:
    """``lhs`` to the power of ``rhs``, of one shape."""
    return raised(g, *_same_shape(g, lhs, rhs))


@parses("_maximum", "_Maximum")
def maximum(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The greater of ``lhs`` and ``rhs``, of one shape."""
    return g.emit("Max", *_same_shape(g, lhs, rhs))


@parses("_minimum", "_Minimum")
def minimum(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The lesser of ``lhs`` and ``rhs``, of one shape."""
    return g.emit("Min", *_same_shape(g, lhs, rhs))


@parses("_hypot", "_Hypot")
def hypot(g: Scope, lhs: Value, rhs: Value) -> Value:
    """The root of ``lhs² + rhs²``, of one shape; the squares must not overflow."""
    return hypotenuse(g, *_same_shape(g, lhs, rhs))


@parses("_equal", "_Equal")
def equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs == rhs``, else 0; of one shape."""
    return comparison(g, "Equal", *_same_shape(g, lhs, rhs))


@parses("_not_equal", "_Not_Equal")
def not_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs != rhs``, else 0; of one shape."""
    return difference(g, *_same_shape(g, lhs, rhs))


@parses("_greater", "_Greater")
def greater(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs > rhs``, else 0; of one shape."""
    return comparison(g, "Greater", *_same_shape(g, lhs, rhs))


@parses("_greater_equal", "_Greater_Equal")
def greater_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs >= rhs``, else 0; of one shape."""
    return comparison(g, "GreaterOrEqual", *_same_shape(g, lhs, rhs))


@parses("_lesser", "_Lesser")
def lesser(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs < rhs``, else 0; of one shape."""
    return comparison(g, "Less", *_same_shape(g, lhs, rhs))


@parses("_lesser_equal", "_Lesser_Equal")
def lesser_equal(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where ``lhs <= rhs``, else 0; of one shape."""
    return comparison(g, "LessOrEqual", *_same_shape(g, lhs, rhs))


@parses("_logical_and", "_Logical_And")
def logical_and(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where neither is 0, else 0; of one shape."""
    return logic(g, "And", *_same_shape(g, lhs, rhs))


@parses("_logical_or", "_Logical_Or")
def logical_or(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where one is not 0, else 0; of one shape."""
    return logic(g, "Or", *_same_shape(g, lhs, rhs))


@parses("_logical_xor", "_Logical_Xor")
def logical_xor(g: Scope, lhs: Value, rhs: Value) -> Value:
    """1 where exactly one is 0, else 0; of one shape."""
    return logic(g, "Xor", *_same_shape(g, lhs, rhs))


@parses("add_n", "ElementWiseSum", ignores=("num_args",))
def add_n(g: Scope, *args: Value) -> Value:
    """The sum of the inputs, of one shape."""
    if len(args) == 1:
        return g.emit("Identity", *args)
    for other in args[1:]:
        _same_shape(g, args[0], other)
    if len(args) > 2 and dtype_of(args[0]).is_floating_point():
        return g.emit("Sum", *args)
    total = args[0]
    for index, other in enumerate(args[1:-1], 2):
        total = g.emit("Add", total, other, role=f"of{index}")
    return g.emit("Add", total, args[-1])


@parses("where")
def where(g: Scope, condition: Value, x: Value, y: Value) -> Value:
    """``x`` where the condition is not 0, else ``y``; the condition may lack the last dimensions of ``x``."""
    _same_shape(g, x, y)
    given, wanted = ir.dims(condition), ir.dims(x)
    lengths = range(1, min(len(given), len(wanted)) + 1)
    fits = any(given[:length] == wanted[:length] and set(given[length:]) <= {1} for length in lengths)
    if not fits or len(given) > len(wanted):
        raise g.misfit(f"its condition is {spell(given)}, which does not fit {spell(wanted)}")
    chosen = truth(g, condition)
    if len(given) < len(wanted):
        axes = g.ints("axes", range(len(given), len(wanted)))
        chosen = g.emit("Unsqueeze", chosen, axes, role="condition")
    return g.emit("Where", chosen, x, y)


@parses("clip")
def clip(g: Scope, data: Value, *, a_min: Bound, a_max: Bound) -> Value:
    """``data`` between ``a_min`` and ``a_max``; each may be infinite, and ``a_min`` above ``a_max`` is refused."""
    if not a_min <= a_max:
        raise g.refuse(f"a_min={a_min:g} is not below a_max={a_max:g}")
    least, most = _range(numeric(g, data))
    if a_min > most or a_max < least:
        raise g.refuse(f"a_min={a_min:g} and a_max={a_max:g} for an input of {dtype_of(data).name}")
    low = g.scalar("min", a_min, data) if a_min > least else None
    high = g.scalar("max", a_max, data) if a_max < most else None
    if low is None and high is None:
        return g.emit("Identity", data)
    return g.emit("Clip", data, low, *([] if high is None else [high]))


def _range(kind: onnx_ir.DataType) -> tuple[float, float]:
    """The least and the greatest number of an element type."""
    if kind.is_floating_point():
        return -math.inf, math.inf
    limits = np.iinfo(kind.numpy())
    return int(limits.min), int(limits.max)


@parses("smooth_l1")
def smooth_l1(g: Scope, data: Value, *, scalar: float = 1.0) -> Value:
    """``(s x)² / 2`` where ``|x| <= 1 / s²``, else ``|x| - 1 / 2s²``; ``s``, the ``scalar``, must not be 0."""
    if not 1e-18 < abs(scalar) < 1e18:
        raise g.refuse(f"scalar={scalar:g}, whose square is not a float32")
    squared = float(np.float32(scalar)) ** 2
    size = g.emit("Abs", floating(g, data), role="size")
    square = g.emit("Mul", data, data, role="square")
    inner = g.emit("Mul", square, g.scalar("scale", squared / 2), role="inner")
    outer = g.emit("Sub", size, g.scalar("shift", 0.5 / squared), role="outer")
    far = g.emit("Greater", size, g.scalar("limit", 1 / squared), role="far")
    return g.emit("Where", far, outer, inner)


def _same_shape(g: Scope, lhs: Value, rhs: Value) -> tuple[Value, Value]:
    """Both inputs, which must have one shape."""
    left, right = ir.dims(lhs), ir.dims(rhs)
    if left != right:
        raise g.misfit(f"its inputs are {spell(left)} and {spell(right)}; they must be alike")
    return alike(g, lhs, rhs)
