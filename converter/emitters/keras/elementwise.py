"""Element by element: arithmetic, powers, remainders, limits, element types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import onnx_ir

from converter.emitters import emits, is_constant
from converter.emitters.keras.operand import dtype, dtype_name, is_number, line
from converter.emitters.operand import array, check_broadcast, fresh, is_nonnegative, is_stored
from converter.emitters.statement import Statement, Submodule
from converter.ir import Dim, dims

Shape: TypeAlias = tuple[Dim, ...]

FLOATS = {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE, onnx_ir.DataType.FLOAT16}
"""Element types of numbers that are not whole."""
_UNCHANGED = {*FLOATS, onnx_ir.DataType.INT32, onnx_ir.DataType.INT64, onnx_ir.DataType.BOOL}
_SYMBOLS = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_LAYERS = {"Add": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum"}
_FUNCTIONS = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum", "Min": "minimum"}


def typed(text: str, value: onnx_ir.Value) -> str:
    """``text``, which computes ``value``, in its element type, where Keras makes a wider one of small integers."""
    return text if value.dtype in _UNCHANGED else f'ops.cast({text}, "{dtype(value)}")'


def takes_number(*operands: onnx_ir.Value) -> bool:
    """Whether a number may stand for a constant: it gets the type of the tensor beside it, without a detour."""
    varies = any(not is_number(value) for value in operands)
    return varies and all(value.dtype != onnx_ir.DataType.DOUBLE for value in operands)


def is_bare(value: onnx_ir.Value, *others: onnx_ir.Value) -> bool:
    """Whether ``value`` stands as a number beside ``others``."""
    rank = max((len(dims(other)) for other in others), default=0)
    return is_number(value) and takes_number(value, *others) and len(dims(value)) <= rank


def merges(*operands: onnx_ir.Value) -> bool:
    """Whether one of Keras's merging layers does it: tensors that the network computes, of one shape."""
    shapes = {dims(value) for value in operands}
    known = any(is_stored(value) for value in operands)
    return len(shapes) == 1 and len(dims(operands[0])) > 0 and not known and len(operands) > 1


def merged(node: onnx_ir.Node, kind: str, operands: Sequence[onnx_ir.Value]) -> Statement:
    """The call of a merging layer."""
    keywords = {} if operands[0].dtype == onnx_ir.DataType.FLOAT else {"dtype": dtype(operands[0])}
    text = ", ".join(f"{{{place}}}" for place in range(len(operands)))
    return line(node, f"{{module}}([{text}])", *operands, module=Submodule(f"layers.{kind}", (), keywords))


@emits("keras", "Add", "Sub", "Mul")
def arithmetic(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``layers.Add`` and the like of tensors of one shape, Python's operator beside a number, else ``ops.add``."""
    check_broadcast(left, right)
    if merges(left, right) and left.dtype in FLOATS:
        return [merged(node, _LAYERS[node.op_type], [left, right])]
    return [_combined(node, left, right)]


def _combined(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Statement:
    if is_bare(left, right) or is_bare(right, left):
        return line(node, f"{{0}} {_SYMBOLS[node.op_type]} {{1}}", left, right, scalars=True)
    if node.op_type == "Add":
        return line(node, _added(("{0}", dims(left)), ("{1}", dims(right))), left, right)
    return line(node, f"ops.{_FUNCTIONS[node.op_type]}({{0}}, {{1}})", left, right)


@emits("keras", "Div")
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``/`` beside a number, else ``ops.divide``; of integers ``//``, or a function that rounds towards zero."""
    check_broadcast(left, right)
    if left.dtype in FLOATS:
        return [_combined(node, left, right)]
    if is_nonnegative(left) and is_nonnegative(right):
        return [line(node, typed("ops.floor_divide({0}, {1})", left), left, right)]
    return [line(node, "divided({0}, {1})", left, right, library=["divided"])]


@emits("keras", "Mod")
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Statement]:
    """``ops.fmod``, whose sign is the dividend's, or ``ops.mod``, whose sign is the divisor's."""
    check_broadcast(left, right)
    name = "fmod" if fmod else "mod"
    scalars = takes_number(left, right)
    return [line(node, typed(f"ops.{name}({{0}}, {{1}})", left), left, right, scalars=scalars)]


@emits("keras", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """``ops.power``, or ``ops.square``, in the base's element type; of integers in float64, unless to a number."""
    check_broadcast(base, exponent)
    constant = is_constant(exponent) and array(exponent).size == 1 and len(dims(exponent)) <= len(dims(base))
    if constant and array(exponent).item() == 2:
        return [line(node, "ops.square({0})", base)]
    if base.dtype in FLOATS:
        other = "{1}" if exponent.dtype == base.dtype else f'ops.cast({{1}}, "{dtype(base)}")'
        return [line(node, f"ops.power({{0}}, {other})", base, exponent, scalars=takes_number(base, exponent))]
    if constant and base.dtype == exponent.dtype and array(exponent).item() >= 0:
        return [line(node, typed("ops.power({0}, {1})", base), base, exponent, scalars=True)]
    text = 'ops.cast(ops.power(ops.cast({0}, "float64"), ops.cast({1}, "float64")), {dtype})'
    return [line(node, text, base, exponent, dtype=dtype(base))]


@emits("keras", "Neg")
def neg(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``-``."""
    return [line(node, "-{0}", data)]


@emits("keras", "Max", "Min")
def extremum(node: onnx_ir.Node, first: onnx_ir.Value, *others: onnx_ir.Value) -> list[Statement]:
    """``layers.Maximum`` and ``layers.Minimum`` of tensors of one shape, else ``ops.maximum`` and ``ops.minimum``."""
    check_broadcast(first, *others)
    if not others:
        return [line(node, "{0}", first)]
    if merges(first, *others) and first.dtype in FLOATS:
        return [merged(node, _LAYERS[node.op_type], [first, *others])]
    text = "{0}"
    for place in range(1, len(others) + 1):
        text = f"ops.{_FUNCTIONS[node.op_type]}({text}, {{{place}}})"
    scalars = len(others) == 1 and takes_number(first, *others)
    return [line(node, typed(text, first), first, *others, scalars=scalars)]


@emits("keras", "Sum")
def total(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """``layers.Add`` of tensors of one shape, else ``ops.add``."""
    return [_total(node, terms, node.outputs)]


def _total(node: onnx_ir.Node, terms: Sequence[onnx_ir.Value], outputs: Sequence[onnx_ir.Value]) -> Statement:
    check_broadcast(*terms)
    if merges(*terms) and tuple(outputs) == tuple(node.outputs):
        return merged(node, "Add", terms)
    text, shape = "{0}", dims(terms[0])
    for place, term in enumerate(terms[1:], 1):
        text, shape = _added((text, shape), (f"{{{place}}}", dims(term))), _broadcast(shape, dims(term))
    return line(node, text, *terms, outputs=outputs)


def _added(left: tuple[str, Shape], right: tuple[str, Shape]) -> str:
    """The sum of two operands, each of a text and a shape.

    Keras takes a second operand of one long axis for the bias of a layer, and, on TensorFlow, adds it to the last
    axis or the second one if they are as long, wherever its own is.
    """
    if not _misplaced(left[1], right[1]):
        return f"ops.add({left[0]}, {right[0]})"
    if not _misplaced(right[1], left[1]):
        return f"ops.add({right[0]}, {left[0]})"
    return f"ops.subtract({left[0]}, -{right[0]})"


def _misplaced(data: Shape, bias: Shape) -> bool:
    """Whether Keras adds ``bias`` along another axis of ``data`` than its own, whatever the batch is."""
    batches = {1, *(size for size in (*data, *bias) if isinstance(size, int))}
    return any(_is_misplaced(_fixed(data, batch), _fixed(bias, batch)) for batch in batches)


def _fixed(shape: Shape, batch: int) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else batch for size in shape)


def _is_misplaced(data: Sequence[int], bias: Sequence[int]) -> bool:
    long = [axis for axis, size in enumerate(bias) if size > 1]
    if len(long) != 1 or len(data) < 2 or bias[long[0]] not in (data[1], data[-1]):
        return False
    added = len(data) - 1 if data[-1] == bias[long[0]] else 1
    return len(bias) > len(data) or long[0] - len(bias) != added - len(data)


def _broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of what is computed of two tensors, element by element."""
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    return tuple(other if own == 1 else own for own, other in pairs)


@emits("keras", "Mean")
def mean(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """``layers.Average`` of tensors of one shape, else ``ops.add`` and ``/``."""
    check_broadcast(*terms)
    if merges(*terms):
        return [merged(node, "Average", terms)]
    added = fresh(node, "sum")
    return [_total(node, terms, [added]), line(node, "{0} / {count}", added, count=float(len(terms)))]


@emits("keras", "Clip")
def clip(
    node: onnx_ir.Node, data: onnx_ir.Value, low: onnx_ir.Value | None = None, high: onnx_ir.Value | None = None
) -> list[Statement]:
    """``ops.clip`` to two numbers, from 0 to 6 ``layers.ReLU``, else ``ops.maximum`` and ``ops.minimum``."""
    scalars = data.dtype != onnx_ir.DataType.DOUBLE
    given = [value for value in (low, high) if value is not None]
    if scalars and [_constant(low), _constant(high)] == [0, 6] and data.dtype == onnx_ir.DataType.FLOAT:
        return [line(node, "{module}({0})", data, module=Submodule("layers.ReLU", (6.0,)))]
    text = "{0}" if low is None else "ops.maximum({0}, {1})"
    text = text if high is None else f"ops.minimum({text}, {{{len(given)}}})"
    if len(given) == 2 and scalars and all(is_number(value) for value in given):
        text = "ops.clip({0}, {1}, {2})"
    # where low is above high, which is the result differs: ONNX's is high, as that of minimum
    if text.startswith("ops.clip") and float(array(given[0]).item()) > float(array(given[1]).item()):
        text = "ops.minimum(ops.maximum({0}, {1}), {2})"
    return [line(node, typed(text, data), data, *given, scalars=scalars, roles=("", "low", "high"))]


def _constant(value: onnx_ir.Value | None) -> float | None:
    return None if value is None or not is_number(value) else float(array(value).item())


@emits("keras", "Cast")
def cast(node: onnx_ir.Node, data: onnx_ir.Value, *, to: int, saturate: int = 1) -> list[Statement]:
    """``ops.cast``."""
    del saturate  # of 8-bit floats only, which Keras does not have
    return [line(node, "ops.cast({0}, {dtype})", data, dtype=dtype_name(onnx_ir.DataType(to)))]


@emits("keras", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """Nothing: the value itself."""
    return [line(node, "{0}", data)]
