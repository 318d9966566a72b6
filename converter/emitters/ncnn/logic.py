"""Comparisons, and what follows of them: truth is a Mat of 1 and 0.

``Threshold`` compares a Mat with a number exactly. Of two Mats it is given the difference, which is right for
infinities too; NaN then equals everything. There is no choice by truth: arithmetic would let in what ``Where`` does
not choose, if that is infinite or NaN, and the smaller of a number and NaN is either, by its place in a vector.
"""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant, only_output, operator_of
from converter.emitters.ncnn.elementwise import MAX, MUL, RSUB, SUB, Parts, folded, number_of, operands
from converter.emitters.ncnn.layer import Alias, Layer, inner, memory
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import Step, series

_ABS: Step = ("UnaryOp", {0: 0})
_NEG: Step = ("UnaryOp", {0: 1})
NOT: Step = ("BinaryOp", {0: RSUB, 1: 1, 2: 1.0})
POSITIVE: Step = ("Threshold", {0: 0.0})
_MIRRORED = {
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "LessOrEqual",
    "LessOrEqual": "GreaterOrEqual",
    "Equal": "Equal",
}
_DIFFERENCES: dict[str, tuple[int, tuple[Step, ...]]] = {
    "Greater": (SUB, (POSITIVE,)),
    "Less": (RSUB, (POSITIVE,)),
    "GreaterOrEqual": (RSUB, (POSITIVE, NOT)),
    "LessOrEqual": (SUB, (POSITIVE, NOT)),
    "Equal": (SUB, (_ABS, POSITIVE, NOT)),
}
"""The difference to compute, by ``BinaryOp``'s numbers, and what makes truth of it."""


@emits("ncnn", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal")
def compare(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``Threshold``, with a number, or of a difference by ``BinaryOp``: of which NaN has none."""
    operator = operator_of(node)
    if (number := number_of(left, right)) is not None:
        return _with_number(node, _MIRRORED[operator], right, number)
    if (number := number_of(right, left)) is not None:
        return _with_number(node, operator, left, number)
    op, steps = _DIFFERENCES[operator]
    layers, read = operands(node, left, right)
    difference = inner(node, "difference")
    layers.append(Layer(str(difference.name), "BinaryOp", read, (difference,), {0: op}))
    return [*layers, *series(node, difference, *steps)]


@emits("ncnn", "And")
def both(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp``: the product."""
    return folded(node, MUL, left, right)


@emits("ncnn", "Or")
def either(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp``: the larger one."""
    return folded(node, MAX, left, right)


@emits("ncnn", "Xor")
def one_of_both(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``BinaryOp`` and ``UnaryOp``: the size of the difference."""
    layers, read = operands(node, left, right)
    difference = inner(node, "difference")
    layers.append(Layer(str(difference.name), "BinaryOp", read, (difference,), {0: SUB}))
    return [*layers, *series(node, difference, _ABS)]


@emits("ncnn", "Not")
def negated(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``BinaryOp``: 1 without it."""
    return series(node, data, NOT)


@emits("ncnn", "Cast")
def cast(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    to: int,
    saturate: int = 1,  # noqa: ARG001 - of types that are refused
) -> Parts:
    """Nothing for truth as float32, ``MemoryData`` for constants.

    ``UnaryOp`` and ``Threshold`` for float32 as truth, of which NaN is false.

    Raises:
        Refused: The value has another type, or is given one.
    """
    top, kinds = only_output(node), (onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL)
    if is_constant(data) and to == onnx_ir.DataType.FLOAT:
        held = memory(data, mat_shape(top), name=str(data.name))
        return [held, Alias(top, held.tops[0])]
    if data.dtype not in kinds or to not in kinds:
        before = "unknown" if data.dtype is None else data.dtype.name.lower()
        raise Refused(f"{before} to {onnx_ir.DataType(to).name.lower()}, and ncnn computes with float32 only")
    if to == onnx_ir.DataType.FLOAT or data.dtype == onnx_ir.DataType.BOOL:
        return [Alias(top, data)]
    return [*series(node, data, _ABS, POSITIVE)]


def _with_number(node: onnx_ir.Node, operator: str, data: onnx_ir.Value, number: float) -> Parts:
    """``data`` compared with a ``number`` on its right: with it, or with the largest float32 below it."""
    layers, (read,) = operands(node, data)
    steps: dict[str, tuple[Step, ...]] = {
        "Greater": (("Threshold", {0: number}),),
        "Less": (_NEG, ("Threshold", {0: -number})),
        "GreaterOrEqual": (("Threshold", {0: below(number)}),),
        "LessOrEqual": (_NEG, ("Threshold", {0: below(-number)})),
        "Equal": (_number(SUB, number), _ABS, _NEG, ("Threshold", {0: below(0.0)})),
    }
    return [*layers, *series(node, read, *steps[operator])]


def below(number: float) -> float:
    """The largest normal float32 below ``number``: ncnn takes smaller ones for 0."""
    least = np.finfo(np.float32).tiny
    if -least < number <= least:
        return 0.0 if number > 0 else -float(least)
    return float(np.nextafter(np.float32(number), np.float32(-np.inf)))


def _number(op: int, number: float) -> Step:
    return "BinaryOp", {0: op, 1: 1, 2: number}
