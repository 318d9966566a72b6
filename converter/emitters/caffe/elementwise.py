"""Arithmetic: of blobs, of blobs and parameters, and of a blob and a number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant, operator_of
from converter.emitters.caffe.broadcast import (
    INVERTED,
    NEGATED,
    Change,
    apply,
    number_of,
    whole,
    widened,
    widest,
)
from converter.emitters.caffe.interval import check_range, check_whole
from converter.emitters.caffe.layer import Alias, Layer
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import check_broadcast, is_stored
from converter.ir import dims

Parts = list[Layer | Alias]


@emits("caffe", "Add", dtypes=WHOLE)
def add(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` sum; ``Power`` with a ``shift`` where one side is a number.

    Otherwise ``Bias``, with a parameter or a second blob, after ``Tile`` where an inner dimension is repeated.

    Raises:
        Refused: Whole numbers may be too large for float32, or the open batch would have to be repeated.
    """
    check_whole(node)
    steps = Steps(node)
    data, number = _with_number(node, left, right)
    if number is not None:
        steps.power(data, shift=number)
    else:
        plus(steps, left, right)
    return steps.layers


@emits("caffe", "Sub", dtypes=WHOLE)
def subtract(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` sum with coefficients 1 and -1; ``Power`` with a ``shift`` where one side is a number.

    Otherwise ``Bias`` as for ``Add``, with ``Power`` for the sign of a blob.

    Raises:
        Refused: Whole numbers may be too large for float32.
    """
    check_whole(node)
    steps = Steps(node)
    data, number = _with_number(node, left, right)
    if number is None:
        difference(steps, left, right)
    elif data is left:
        steps.power(data, shift=-number)
    else:
        steps.power(data, scale=-1.0, shift=number)
    return steps.layers


@emits("caffe", "Mul", dtypes=WHOLE)
def multiply(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` product; ``Power`` with a ``scale`` where one side is a number.

    Otherwise ``Scale``, with a parameter or a second blob, after ``Tile`` where an inner dimension is repeated.

    Raises:
        Refused: Whole numbers may be too large for float32, or the open batch would have to be repeated.
    """
    check_whole(node)
    steps = Steps(node)
    data, number = _with_number(node, left, right)
    if number == 0:  # Power would not look at its input then
        steps.eltwise("PROD", data, steps.power(data, role="zeros", scale=0.0))
    elif number is not None:
        steps.power(data, scale=number)
    else:
        times(steps, left, right)
    return steps.layers


@emits("caffe", "Div")
def divide(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """By a number: ``Power`` with its inverse for ``scale``. By a blob: ``Power`` to the power -1, then a product.

    Raises:
        Refused: The number is 0.
    """
    steps = Steps(node)
    data, number = _with_number(node, left, right)
    if number is None:
        quotient(steps, left, right)
    elif number == 0 or not math.isfinite(1 / number):
        raise Refused(f"the constant is {number:g}")
    elif data is left:
        steps.power(data, scale=1 / number)
    elif np.isfinite(np.float32(1 / number)) and abs(number) >= np.finfo(np.float32).tiny:
        steps.power(data, scale=1 / number, power=-1.0)
    return steps.layers


@emits("caffe", "Sum", "Mean")
def total(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``Eltwise`` sum, with coefficients for the mean, after what broadcasts the operands."""
    factor = 1 / len(values) if operator_of(node) == "Mean" else 1.0
    steps = Steps(node)
    if len(values) == 1:
        return [Alias(steps.output, values[0])]
    steps.eltwise("SUM", *alike(steps, values), coeff=[factor] * len(values))
    return [*steps.layers]


@emits("caffe", "Max", dtypes=WHOLE)
def largest(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``Eltwise`` maximum, of which NaN is not always the result, after what broadcasts the operands.

    A number is a ``Power`` with ``scale`` 0.
    """
    steps = Steps(node)
    if len(values) == 1:
        return [Alias(steps.output, values[0])]
    steps.eltwise("MAX", *alike(steps, values))
    return [*steps.layers]


@emits("caffe", "Min", dtypes=WHOLE)
def smallest(node: onnx_ir.Node, *values: onnx_ir.Value) -> Parts:
    """``Eltwise`` maximum between ``Power`` that change signs, of which NaN is not always the result."""
    steps = Steps(node)
    if len(values) == 1:
        return [Alias(steps.output, values[0])]
    steps.power(steps.eltwise("MAX", *alike(steps, values, sign=-1.0), role="largest"), scale=-1.0)
    return [*steps.layers]


@emits("caffe", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Layer]:
    """``Power`` where the exponent is a number, ``Exp`` with a ``base`` where that is one.

    Raises:
        Refused: Both are computed, or the base is not positive.
    """
    steps, shape = Steps(node), dims(node.outputs[0])
    number = number_of(exponent, shape)
    if number is not None:
        steps.power(base, power=number)
        return steps.layers
    number = number_of(base, shape)
    if number is None:
        raise Refused("Caffe has powers to a number, and of a number, only")
    if not 0 < number < math.inf:
        raise Refused(f"the base is {number:g}")
    if number == 1:
        steps.power(exponent, scale=0.0, shift=1.0)
        return steps.layers
    params = {} if np.float32(number) == np.float32(math.e) else {"base": number}
    steps.add("Exp", exponent, params={"exp_param": params}, in_place=True)
    return steps.layers


@emits("caffe", "Neg", dtypes=WHOLE)
def negative(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Power`` with ``scale`` -1.

    Raises:
        Refused: Whole numbers may wrap around.
    """
    check_range(node.outputs[0])
    steps = Steps(node)
    steps.power(data, scale=-1.0)
    return steps.layers


@emits("caffe", "Sqrt", "Reciprocal")
def root(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Power`` with ``power`` 0.5 or -1."""
    steps = Steps(node)
    steps.power(data, power=0.5 if operator_of(node) == "Sqrt" else -1.0)
    return steps.layers


@emits("caffe", "Abs", "Exp", "Log", dtypes=WHOLE)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``AbsVal``, ``Exp`` or ``Log``, whose base is e by default.

    Raises:
        Refused: Whole numbers may wrap around.
    """
    check_range(node.outputs[0])
    steps, operator = Steps(node), operator_of(node)
    kind = "AbsVal" if operator == "Abs" else operator
    steps.add(kind, data, in_place=kind != "AbsVal")
    return steps.layers


@emits("caffe", "Cosh", "Sinh")
def hyperbolic(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """The mean of ``Exp`` of the number and of its negative, for the sine times ``TanH``.

    Each is half the square of ``Exp`` of half the number, by ``Power``: so it is infinite only where the result is.
    """
    steps, ends = Steps(node), operator_of(node) == "Cosh"
    parts = [
        steps.power(
            steps.add("Exp", data, role=f"{name}/root", params={"exp_param": {"scale": half}}, in_place=True),
            role=name,
            scale=math.sqrt(0.5),
            power=2.0,
        )
        for name, half in (("rising", 0.5), ("falling", -0.5))
    ]
    mean = steps.eltwise("SUM", *parts, role="" if ends else "cosine")
    if not ends:
        steps.eltwise("PROD", steps.add("TanH", data, role="tanh", in_place=True), mean)
    return steps.layers


def plus(steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """The sum of operands that are broadcast to each other."""
    return _combined(steps, "Bias", left, right, None, role)


def times(steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """The product of operands that are broadcast to each other."""
    return _combined(steps, "Scale", left, right, None, role)


def difference(steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """``left`` less ``right``, which are broadcast to each other."""
    if dims(left) == dims(right) and not is_stored(left) and not is_stored(right):
        return steps.eltwise("SUM", left, right, role=role, coeff=(1, -1))
    return _combined(steps, "Bias", left, right, NEGATED, role)


def quotient(steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """``left`` times the inverse of ``right``, which are broadcast to each other."""
    return _combined(steps, "Scale", left, right, INVERTED, role)


def alike(steps: Steps, values: Sequence[onnx_ir.Value], *, sign: float = 1.0) -> list[onnx_ir.Value]:
    """``values``, all in the shape that they are broadcast to, times ``sign``."""
    shape = joined(*values)
    first = widest(values, shape)
    data = widened(steps, values[first], shape, role="widened")
    return [
        _alike(steps, data if index == first else value, data, sign, f"operand_{index}")
        for index, value in enumerate(values)
    ]


def _alike(steps: Steps, value: onnx_ir.Value, like: onnx_ir.Value, sign: float, role: str) -> onnx_ir.Value:
    number = number_of(value, dims(like))
    if number is not None:
        return steps.power(like, role=role, scale=0.0, shift=sign * number)
    found = whole(steps, value, like, role=role)
    return found if sign == 1 else steps.power(found, role=f"{role}/signed", scale=sign)


def joined(*values: onnx_ir.Value) -> tuple[int | str, ...]:
    """The shape that ``values`` are broadcast to.

    Raises:
        Refused: Only one number of rows goes with a dimension of another one.
    """
    check_broadcast(*values)
    rank = max(len(dims(value)) for value in values)
    aligned = [(*(1,) * (rank - len(dims(value))), *dims(value)) for value in values]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*aligned, strict=True))


def _combined(
    steps: Steps, kind: str, left: onnx_ir.Value, right: onnx_ir.Value, change: Change | None, role: str
) -> onnx_ir.Value:
    """``Bias`` or ``Scale`` of ``left`` with ``right``, to which ``change`` is made."""
    shape, prefix = joined(left, right), f"{role}/" if role else ""
    if widest((left, right), shape) == 0:
        data = widened(steps, left, shape, role=f"{prefix}widened")
        return apply(steps, kind, data, right, change=change, role=role)
    data = right if change is None or is_stored(right) else change[1](steps, right, f"{prefix}changed")
    data = widened(steps, data, shape, role=f"{prefix}widened")
    if change is not None and is_stored(right):
        data = change[1](steps, data, f"{prefix}changed")
    return apply(steps, kind, data, left, role=role)


def _with_number(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> tuple[onnx_ir.Value, float | None]:
    """The operand that is computed in the result's own shape, and the number that the other one is, if it is one."""
    shape = dims(node.outputs[0])
    for data, other in ((left, right), (right, left)):
        if is_constant(other) and dims(data) == shape and not is_stored(data):
            return data, number_of(other, shape)
    return left, None
