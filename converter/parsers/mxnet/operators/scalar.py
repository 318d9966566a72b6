"""What is computed of each element and a number.

The number is converted to the element type of the input first: of whole numbers it loses its fraction.

Sources: src/operator/tensor/elemwise_binary_scalar_op.h, elemwise_binary_scalar_op_basic.cc,
elemwise_binary_scalar_op_extended.cc, elemwise_binary_scalar_op_logic.cc.
"""

from __future__ import annotations

import numpy as np
import onnx_ir
from onnx_ir import Value

from converter.parsers.mxnet.operators.arithmetic import (
    comparison,
    difference,
    hypotenuse,
    logic,
    modulo,
    numeric,
    raised,
)
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("_plus_scalar", "_PlusScalar")
def plus_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``data + scalar``."""
    return g.emit("Add", *_with_scalar(g, data, scalar, is_int))


@parses("_minus_scalar", "_MinusScalar")
def minus_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``data - scalar``."""
    return g.emit("Sub", *_with_scalar(g, data, scalar, is_int))


@parses("_rminus_scalar", "_RMinusScalar")
def rminus_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``scalar - data``."""
    return g.emit("Sub", *reversed(_with_scalar(g, data, scalar, is_int)))


@parses("_mul_scalar", "_MulScalar")
def mul_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``data * scalar``."""
    return g.emit("Mul", *_with_scalar(g, data, scalar, is_int))


@parses("_div_scalar", "_DivScalar")
def div_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``data / scalar``; of whole numbers without the fraction, where 0 is refused."""
    dividend, divisor = _with_scalar(g, data, scalar, is_int)
    if int(scalar) == 0 and not dtype_of(divisor).is_floating_point():
        raise g.refuse(f"scalar={scalar:g} divides whole numbers by 0")
    return g.emit("Div", dividend, divisor)


@parses("_rdiv_scalar", "_RDivScalar")
def rdiv_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``scalar / data``; of whole numbers without the fraction."""
    return g.emit("Div", *reversed(_with_scalar(g, data, scalar, is_int)))


@parses("_mod_scalar", "_ModScalar")
def mod_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """The remainder of ``data / scalar`` with the sign of ``scalar``, 0 if that is 0."""
    return modulo(g, *_with_scalar(g, data, scalar, is_int), divisible=bool(np.float32(scalar)))


@parses("_rmod_scalar", "_RModScalar")
def rmod_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """The remainder of ``scalar / data`` with the sign of ``data``, 0 where that is 0."""
    return modulo(g, *reversed(_with_scalar(g, data, scalar, is_int)))


@parses("_power_scalar", "_PowerScalar")
def power_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``data`` to the power of ``scalar``."""
    return raised(g, *_with_scalar(g, data, scalar, is_int))


@parses("_rpower_scalar", "_RPowerScalar")
def rpower_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """``scalar`` to the power of ``data``."""
    return raised(g, *reversed(_with_scalar(g, data, scalar, is_int)))


@parses("_maximum_scalar", "_MaximumScalar")
def maximum_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """The greater of ``data`` and ``scalar``."""
    return g.emit("Max", *_with_scalar(g, data, scalar, is_int))


@parses("_minimum_scalar", "_MinimumScalar")
def minimum_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """The lesser of ``data`` and ``scalar``."""
    return g.emit("Min", *_with_scalar(g, data, scalar, is_int))


@parses("_hypot_scalar", "_HypotScalar")
def hypot_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """The root of ``data² + scalar²``; the squares must not overflow."""
    return hypotenuse(g, *_with_scalar(g, data, scalar, is_int))


@parses("_equal_scalar", "_EqualScalar")
def equal_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data == scalar``, else 0."""
    return comparison(g, "Equal", *_with_scalar(g, data, scalar, is_int))


@parses("_not_equal_scalar", "_NotEqualScalar")
def not_equal_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data != scalar``, else 0."""
    return difference(g, *_with_scalar(g, data, scalar, is_int))


@parses("_greater_scalar", "_GreaterScalar")
def greater_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data > scalar``, else 0."""
    return comparison(g, "Greater", *_with_scalar(g, data, scalar, is_int))


@parses("_greater_equal_scalar", "_GreaterEqualScalar")
def greater_equal_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data >= scalar``, else 0."""
    return comparison(g, "GreaterOrEqual", *_with_scalar(g, data, scalar, is_int))


@parses("_lesser_scalar", "_LesserScalar")
def lesser_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data < scalar``, else 0."""
    return comparison(g, "Less", *_with_scalar(g, data, scalar, is_int))


@parses("_lesser_equal_scalar", "_LesserEqualScalar")
def lesser_equal_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data <= scalar``, else 0."""
    return comparison(g, "LessOrEqual", *_with_scalar(g, data, scalar, is_int))


@parses("_logical_and_scalar", "_LogicalAndScalar")
def logical_and_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where neither ``data`` nor ``scalar`` is 0, else 0."""
    return logic(g, "And", *_with_scalar(g, data, scalar, is_int))


@parses("_logical_or_scalar", "_LogicalOrScalar")
def logical_or_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where ``data`` or ``scalar`` is not 0, else 0."""
    return logic(g, "Or", *_with_scalar(g, data, scalar, is_int))


@parses("_logical_xor_scalar", "_LogicalXorScalar")
def logical_xor_scalar(g: Scope, data: Value, *, scalar: float = 1.0, is_int: bool = True) -> Value:
    """1 where exactly one of ``data`` and ``scalar`` is 0, else 0."""
    return logic(g, "Xor", *_with_scalar(g, data, scalar, is_int))


def _with_scalar(g: Scope, data: Value, scalar: float, is_int: bool) -> tuple[Value, Value]:
    """``data`` and ``scalar`` as a constant of its type.

    Whole numbers stay whole, unless ``is_int`` denies it: then MXNet computes in float64, and the IR in float32.
    """
    kind = numeric(g, data)
    if kind.is_floating_point():
        return data, g.scalar("scalar", scalar, data)
    if not is_int:
        return g.emit("Cast", data, role="float", to=int(onnx_ir.DataType.FLOAT)), g.scalar("scalar", scalar)
    limits = np.iinfo(kind.numpy())
    if not limits.min <= int(scalar) <= limits.max:
        raise g.refuse(f"scalar={scalar:g} is not in the range of {kind.name}")
    return data, g.scalar("scalar", int(scalar), data)
