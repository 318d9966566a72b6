"""Element by element, two inputs or more.

Of two Mats with the same number of dimensions ``BinaryOp`` broadcasts each, as numpy does; one with fewer dimensions
it aligns by rules of its own, so it is given the same number first. Where ``BinaryOp`` is wrong for zeros, infinities
or negative numbers, layers that call the C library stand instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, is_constant, is_parameter, only_output
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.layer import Alias, Layer, Params, Weight, inner, mat_params, memory
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import RECIPROCAL, series
from converter.emitters.ncnn.shape import viewed
from converter.ir import dims
from converter.passes.fold import expression_of

ADD, SUB, MUL, DIV, MAX, MIN, RSUB = 0, 1, 2, 3, 4, 5, 7
"""Numbers of ``BinaryOp``."""
_SQUARE, _TRUNC = 4, 19
"""Numbers of ``UnaryOp``."""
_LARGEST_DIVISOR = 2.0**125
"""What is larger, or smaller than its reciprocal, ncnn does not divide by: it multiplies with reciprocals."""

Parts = list[Layer | Alias]
Step = tuple[tuple[onnx_ir.Value, ...], Params]
"""A further value, or none, and the parameters of ``BinaryOp``."""


@emits("ncnn", "Add")
def add(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp``. A parameter is ``MemoryData``."""
    return folded(node, ADD, left, right)


@emits("ncnn", "Mul")
def mul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp``. A parameter is ``MemoryData``."""
    return folded(node, MUL, left, right)


@emits("ncnn", "Max")
def maximum(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``BinaryOp``, once for every further input. Of a number and NaN, it may be the number."""
    return folded(node, MAX, *values)


@emits("ncnn", "Min")
def minimum(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``BinaryOp``, once for every further input. Of a number and NaN, it may be the number."""
    return folded(node, MIN, *values)


@emits("ncnn", "Sum")
def total(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``BinaryOp``, once for every further input."""
    return folded(node, ADD, *values)


@emits("ncnn", "Mean")
def mean(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``BinaryOp``, once for every further input, and once for their number."""
    layers, (first, *rest) = operands(node, *values)
    return [*layers, *_steps(node, first, [*(_with(ADD, value) for value in rest), _by(DIV, float(len(values)))])]


@emits("ncnn", "Sub")
def sub(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp``. A parameter is ``MemoryData``."""
    if (number := number_of(right, left)) is not None:
        return with_number(node, SUB, left, number)
    if (number := number_of(left, right)) is not None:
        return with_number(node, RSUB, right, number)
    layers, read = operands(node, left, right)
    return [*layers, *_steps(node, read[0], [_with(SUB, read[1])])]


@emits("ncnn", "Div")
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp`` by a number, or with the reciprocal of a parameter, or with that of a computed one, by ``Power``.

    ``BinaryOp``'s own division by zero or infinity is NaN.

    Raises:
        Refused: The divisor is a number that has no reciprocal in float32.
    """
    if (number := number_of(right, left)) is not None:
        if not 1 / _LARGEST_DIVISOR <= abs(number) <= _LARGEST_DIVISOR:
            raise Refused(f"the divisor is {number:g}")
        return with_number(node, DIV, left, number)
    if is_parameter(right):
        divided = _reciprocal(right, mat_shape_like(right, only_output(node)))
        layers, (read,) = operands(node, left)
        return [divided, *layers, *_steps(node, read, [_with(MUL, divided.tops[0])])]
    layers, (divisor,) = operands(node, right)
    (inverse,) = series(node, divisor, RECIPROCAL, top=inner(node, "reciprocal"))
    if (number := number_of(left, right)) is not None:
        return [*layers, inverse, *_steps(node, inverse.tops[0], [_by(MUL, number)])]
    more, (read,) = operands(node, left)
    return [*layers, inverse, *more, *_steps(node, read, [_with(MUL, inverse.tops[0])])]


@emits("ncnn", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> Parts:
    """``UnaryOp`` for squares, ``Power`` for other numbers as the exponent, ``Exp`` for a number as the base.

    Raises:
        Refused: Neither is a number: ``BinaryOp``'s power is wrong for bases of 0 and below. Or the base is -1, by
            which ``Exp`` means e.
    """
    top = only_output(node)
    if (number := number_of(exponent, base)) is not None:
        layers, read = operands(node, base)
        if number == 2:
            return [*layers, Layer(str(node.name), "UnaryOp", read, (top,), {0: _SQUARE})]
        return [*layers, Layer(str(node.name), "Power", read, (top,), {0: number})]
    if (number := number_of(base, exponent)) is None:
        raise Refused("neither base nor exponent is a number, and ncnn's own power is wrong for bases of 0 and below")
    if number == -1:
        raise Refused("the base is -1")
    layers, read = operands(node, exponent)
    return [*layers, Layer(str(node.name), "Exp", read, (top,), {0: number})]


@emits("ncnn", "Mod")
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> Parts:  # noqa: ARG001 - of floats: 1
    """``x - trunc(x / n) * n`` in ``BinaryOp`` and ``UnaryOp``, for a power of two, where each step is exact.

    Raises:
        Refused: The divisor is no power of two: rounding would move the remainder by as much as the divisor.
    """
    number = number_of(right, left)
    if number is None or not math.isfinite(number) or abs(math.frexp(number)[0]) != 0.5:
        raise Refused("the divisor is not a power of two, and ncnn's own remainder is not exact")
    layers, (data,) = operands(node, left)
    parts, whole, multiple = (inner(node, name) for name in ("quotient", "whole", "multiple"))
    return [
        *layers,
        Layer(f"{node.name}/quotient", "BinaryOp", (data,), (parts,), {0: MUL, 1: 1, 2: 1 / number}),
        Layer(f"{node.name}/whole", "UnaryOp", (parts,), (whole,), {0: _TRUNC}),
        Layer(f"{node.name}/multiple", "BinaryOp", (whole,), (multiple,), {0: MUL, 1: 1, 2: number}),
        Layer(str(node.name), "BinaryOp", (data, multiple), (only_output(node),), {0: SUB}),
    ]


def folded(node: onnx_ir.Node, op: int, *values: onnx_ir.Value) -> Parts:
    """``values`` under an ``op`` for which their order does not matter: numbers last, so that they are parameters."""
    numbers = [number for value in values if (number := number_of(value, *values)) is not None]
    layers, (first, *rest) = operands(node, *(value for value in values if number_of(value, *values) is None))
    return [*layers, *_steps(node, first, [_with(op, value) for value in rest] + [_by(op, n) for n in numbers])]


def with_number(node: onnx_ir.Node, op: int, data: onnx_ir.Value, number: float) -> Parts:
    """``BinaryOp`` of ``data`` and a number on its right."""
    layers, (read,) = operands(node, data)
    return [*layers, *_steps(node, read, [_by(op, number)])]


def number_of(value: onnx_ir.Value, *others: onnx_ir.Value) -> float | None:
    """The number that ``value`` always is; None where it is something else, or where ``others`` are constants too."""
    if not is_constant(value) or all(is_constant(other) for other in others):
        return None
    numbers = constant(value).numpy()
    return float(numbers.reshape(())) if numbers.size == 1 else None


def operands(node: onnx_ir.Node, *values: onnx_ir.Value) -> tuple[list[Layer | Alias], tuple[onnx_ir.Value, ...]]:
    """``values`` with as many dimensions as the only output of ``node``, and the layers that this takes."""
    layers: list[Layer | Alias] = []
    read = []
    for value in values:
        shape = mat_shape_like(value, only_output(node))
        if is_parameter(value) or is_constant(value):
            made = memory(value, shape, name=str(value.name))
        elif shape != mat_shape(value):
            made = viewed(f"{node.name}/{value.name}", value, inner(node, str(value.name)), shape)
        else:
            read.append(value)
            continue
        layers.append(made)
        read.append(made.tops[0])
    return layers, tuple(read)


def mat_shape_like(value: onnx_ir.Value, top: onnx_ir.Value) -> tuple[int, ...]:
    """The shape of the Mat of ``value`` with 1 for each dimension that ``top`` has before its own.

    Raises:
        Refused: The rows of the batch are not where ``top`` has them.
    """
    mat_shape(top)
    shape, batch = dims(value), batch_axis(top)
    shape = (1,) * (len(dims(top)) - len(shape)) + tuple(shape)
    own = batch_axis(value)
    if own is not None and own + len(shape) - len(dims(value)) != batch:
        raise Refused(f"the batch of {value.name} is not that of {top.name}")
    if own is None and batch is not None and shape[batch] != 1:
        raise Refused(f"{value.name} has {shape[batch]} rows of its own, and ncnn computes row by row")
    return tuple(int(dim) for axis, dim in enumerate(shape) if axis != batch) or (1,)


def _with(op: int, value: onnx_ir.Value) -> Step:
    return (value,), {0: op}


def _by(op: int, number: float) -> Step:
    return (), {0: op, 1: 1, 2: number}


def _steps(node: onnx_ir.Node, first: onnx_ir.Value, steps: Sequence[Step]) -> Parts:
    """One ``BinaryOp`` after the other, each of what was before it and of the step's own value or number."""
    if not steps:
        return [Alias(only_output(node), first)]
    tops = [*(inner(node, str(number)) for number in range(len(steps) - 1)), only_output(node)]
    lefts = [first, *tops]
    names = [*(str(top.name) for top in tops[:-1]), str(node.name)]
    return [
        Layer(names[number], "BinaryOp", (lefts[number], *others), (tops[number],), params)
        for number, (others, params) in enumerate(steps)
    ]


def _reciprocal(value: onnx_ir.Value, shape: Sequence[int]) -> Layer:
    held = plan.div(plan.full(1.0, ()), plan.reshape(expression_of(value), shape))
    top = onnx_ir.Value(name=f"{value.name}/reciprocal")
    return Layer(str(top.name), "MemoryData", (), (top,), mat_params(shape), (Weight(tuple(shape), held),))
