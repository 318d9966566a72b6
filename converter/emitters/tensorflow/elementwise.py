"""Element by element: arithmetic, functions of one number, element types."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import emits, is_constant, is_parameter, operator_of
from converter.emitters.operand import array, check_broadcast, fresh, is_nonnegative, is_positive, number
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.lite import exchanged, is_transposed
from converter.emitters.tensorflow.operand import dtype, dtype_code, is_number, line
from converter.ir import dims

_FLOATS = {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE, onnx_ir.DataType.FLOAT16}
_WHOLE = {onnx_ir.DataType.INT32, onnx_ir.DataType.INT64}
_FUNCTIONS = {
    "Acos": "tf.math.acos",
    "Acosh": "tf.math.acosh",
    "Asin": "tf.math.asin",
    "Asinh": "tf.math.asinh",
    "Atan": "tf.math.atan",
    "Atanh": "tf.math.atanh",
    "Ceil": "tf.math.ceil",
    "Cos": "tf.math.cos",
    "Cosh": "tf.math.cosh",
    "Erf": "tf.math.erf",
    "Exp": "tf.math.exp",
    "Floor": "tf.math.floor",
    "IsNaN": "tf.math.is_nan",
    "Log": "tf.math.log",
    "Round": "tf.math.round",
    "Sin": "tf.math.sin",
    "Sinh": "tf.math.sinh",
    "Sqrt": "tf.math.sqrt",
    "Tan": "tf.math.tan",
    "transship::Expm1": "tf.math.expm1",
    "transship::Log1p": "tf.math.log1p",
    "transship::LogGamma": "tf.math.lgamma",
}
_OPERATORS = {"Add": "+", "Sub": "-", "Mul": "*"}
_UNKNOWN = "tf.where({1} == {1}, {0}, 1.0)"
"""The first operand, for a division by the second, as what is not known to be constant."""


@emits("tensorflow", *_FUNCTIONS)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``tf.math`` that bears its name."""
    return [line(node, f"{_FUNCTIONS[operator_of(node)]}({{0}})", data)]


@emits("tensorflow", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Statement]:
    """A comparison: TensorFlow Lite has no ``tf.math.is_inf``."""
    if not detect_negative and not detect_positive:
        return [line(node, "tf.zeros_like({0}, tf.bool)", data)]
    if detect_negative and detect_positive:
        return [line(node, 'tf.math.abs({0}) == float("inf")', data)]
    return [line(node, f'{{0}} == float("{"" if detect_positive else "-"}inf")', data)]


@emits("tensorflow", "transship::ErfInv")
def erf_inv(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``tf.math.erfinv`` in float64: of a small float32 it is less exact."""
    text = "tf.cast(tf.math.erfinv(tf.cast({0}, tf.float64)), {dtype})"
    return [line(node, text, data, dtype=dtype(data))]


@emits("tensorflow", "transship::Gamma")
def gamma(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """A function of ``tf.math.lgamma``."""
    return [line(node, "gamma({0})", data, library=["gamma"])]


@emits("tensorflow", "Abs", "Sign")
def magnitude(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``tf.math.abs`` and ``tf.math.sign``; of what has no sign itself, or 1 at most."""
    if data.dtype == onnx_ir.DataType.UINT8:
        return [line(node, "{0}" if node.op_type == "Abs" else "tf.math.minimum({0}, 1)", data)]
    return [line(node, f"tf.math.{node.op_type.lower()}({{0}})", data)]


@emits("tensorflow", "Neg")
def neg(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``-``."""
    return [line(node, "-{0}", data)]


@emits("tensorflow", "Reciprocal")
def reciprocal(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``/``: ``tf.math.reciprocal`` is not exact."""
    if data.dtype == onnx_ir.DataType.FLOAT and is_transposed(data):
        return [line(node, f"{_UNKNOWN.format('1.0', '{0}')} / {{0}}", data)]
    return [line(node, "1.0 / {0}", data)]


@emits("tensorflow", *_OPERATORS)
def operator(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """Python's own operator, a constant of one element a number in it; the negative of bytes is their complement."""
    check_broadcast(left, right)
    if node.op_type == "Sub" and left.dtype == onnx_ir.DataType.UINT8 and _is_zero(left):
        # TensorFlow's graphs make a negation of it, which there is not of bytes
        return [line(node, "tf.bitwise.invert({0}) + 1", right)]
    if node.op_type == "Sub" and exchanged(left, right):
        return [line(node, "-({1} - {0})", left, right, scalars=one_varies(left, right))]
    return [line(node, f"{{0}} {_OPERATORS[node.op_type]} {{1}}", left, right, scalars=one_varies(left, right))]


@emits("tensorflow", "Div")
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """The operator ``/``; of integers ``//`` if none is negative, else ``tf.truncatediv``."""
    check_broadcast(left, right)
    if left.dtype == onnx_ir.DataType.FLOAT and exchanged(left, right):
        return [line(node, f"{_UNKNOWN} / {{1}}", left, right, scalars=True)]
    if left.dtype in _FLOATS:
        return [line(node, "{0} / {1}", left, right, scalars=one_varies(left, right))]
    if is_nonnegative(left) and is_positive(right):
        return [line(node, "{0} // {1}", left, right, scalars=one_varies(left, right))]
    return [line(node, "tf.truncatediv({0}, {1})", left, right, scalars=not is_number(left))]


@emits("tensorflow", "Mod")
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Statement]:
    """The operator ``%``, whose sign is the divisor's, or ``tf.truncatemod``, whose sign is the dividend's."""
    check_broadcast(left, right)
    if not fmod or left.dtype == onnx_ir.DataType.UINT8:
        return [line(node, "{0} % {1}", left, right, scalars=one_varies(left, right))]
    if left.dtype in _WHOLE | _FLOATS:
        return [line(node, "tf.truncatemod({0}, {1})", left, right, scalars=not is_number(left))]
    text = "tf.cast(tf.truncatemod(tf.cast({0}, tf.int32), tf.cast({1}, tf.int32)), {dtype})"
    return [line(node, text, left, right, dtype=dtype(left))]


@emits("tensorflow", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """The operator ``**``; in float64 where an integer may get a negative exponent, or the types differ."""
    check_broadcast(base, exponent)
    mixed = base.dtype != exponent.dtype
    if not mixed and (base.dtype in _FLOATS or is_nonnegative(exponent)):
        return [line(node, "{0} ** {1}", base, exponent, scalars=not is_number(base), roles=("", "exponent"))]
    text = "tf.cast(tf.cast({0}, tf.float64) ** tf.cast({1}, tf.float64), {dtype})"
    return [line(node, text, base, exponent, roles=("", "exponent"), dtype=dtype(base))]


@emits("tensorflow", "Max", "Min")
def extremum(node: onnx_ir.Node, first: onnx_ir.Value, *others: onnx_ir.Value) -> list[Statement]:
    """``tf.math.maximum`` and ``tf.math.minimum``, one after the other if there are several."""
    name = "tf.math.maximum" if node.op_type == "Max" else "tf.math.minimum"
    check_broadcast(first, *others)
    if not others:
        return [_same(node, first)]
    *between, last = sorted((first, *others), key=is_number)[1:]
    statements, current = [], min((first, *others), key=is_number)
    for place, other in enumerate(between):
        (statement,) = pair(node, name, current, other, outputs=[fresh(node, str(place))])
        statements.append(statement)
        current = _like(statement.outputs[0], first)
    return [*statements, *pair(node, name, current, last)]


def pair(
    node: onnx_ir.Node,
    name: str,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    outputs: Sequence[onnx_ir.Value] = (),
) -> list[Statement]:
    """The call of a function of two operands, the second of which may be a number."""
    return [line(node, f"{name}({{0}}, {{1}})", left, right, outputs=outputs, scalars=not is_number(left))]


@emits("tensorflow", "Sum")
def total(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """The operator ``+``."""
    check_broadcast(*terms)
    if len(terms) == 1:
        return [_same(node, *terms)]
    return [line(node, " + ".join(f"{{{place}}}" for place in range(len(terms))), *terms)]


@emits("tensorflow", "Mean")
def mean(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """The operators ``+`` and ``/``."""
    check_broadcast(*terms)
    text = " + ".join(f"{{{place}}}" for place in range(len(terms)))
    return [line(node, f"({text}) / {{count}}", *terms, count=len(terms))]


@emits("tensorflow", "Clip")
def clip(
    node: onnx_ir.Node, data: onnx_ir.Value, low: onnx_ir.Value | None = None, high: onnx_ir.Value | None = None
) -> list[Statement]:
    """``tf.clip_by_value`` or ``tf.nn.relu6``; ``tf.math.maximum`` and ``minimum`` where the limits are not known."""
    if low is None and high is None:
        return [_same(node, data)]
    if high is None or low is None:
        name, limit = ("tf.math.minimum", high) if low is None else ("tf.math.maximum", low)
        return [] if limit is None else pair(node, name, data, limit)
    if not (is_constant(low) and is_constant(high) and bool((array(low) <= array(high)).all())):
        # the upper limit wins, which is the lower one in tf.clip_by_value
        return [line(node, "tf.math.minimum(tf.math.maximum({0}, {1}), {2})", data, low, high, scalars=True)]
    if data.dtype == onnx_ir.DataType.FLOAT and [number(low), number(high)] == [0, 6]:
        return [line(node, "tf.nn.relu6({0})", data)]
    return [line(node, "tf.clip_by_value({0}, {1}, {2})", data, low, high, scalars=True)]


@emits("tensorflow", "Cast")
def cast(node: onnx_ir.Node, data: onnx_ir.Value, *, to: int, saturate: int = 1) -> list[Statement]:
    """``tf.cast``."""
    del saturate  # of 8-bit floats only
    return [line(node, "tf.cast({0}, {dtype})", data, dtype=dtype_code(onnx_ir.DataType(to)))]


@emits("tensorflow", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """Nothing: the value itself."""
    return [_same(node, data)]


def _same(node: onnx_ir.Node, data: onnx_ir.Value) -> Statement:
    return line(node, "tf.identity({0})" if is_parameter(data) else "{0}", data)


def _is_zero(value: onnx_ir.Value) -> bool:
    return is_constant(value) and dims(value) == () and number(value) == 0


def one_varies(*operands: onnx_ir.Value) -> bool:
    """Whether a number may stand for a constant: some operand is a tensor, which gives it its type."""
    return any(not is_number(value) for value in operands)


def _like(value: onnx_ir.Value, other: onnx_ir.Value) -> onnx_ir.Value:
    """``value``, said to be of the type of ``other``."""
    value.type, value.shape = other.type, other.shape
    return value
