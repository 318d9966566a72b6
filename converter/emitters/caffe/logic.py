"""Comparisons, and what follows of them: truth is a blob of 1 and 0.

``Threshold`` tells what is larger than a number, which NaN is not. Two blobs are compared by their difference, which
is NaN for equal infinities and for NaN: so what is at most, or equal, is told by what it is not, and NaN apart.
"""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant, is_parameter, only_output, operator_of
from converter.emitters.caffe.broadcast import number_of, widened
from converter.emitters.caffe.elementwise import alike, difference, plus, times
from converter.emitters.caffe.layer import Alias, Layer
from converter.emitters.caffe.rounding import WHOLE, signs, threshold, truncated
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import array, is_stored
from converter.ir import dims

_MIRRORED = {
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "LessOrEqual",
    "LessOrEqual": "GreaterOrEqual",
    "Equal": "Equal",
}
_TRUTH = (onnx_ir.DataType.BOOL,)
_REAL = (onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL)
_WIDE = (onnx_ir.DataType.INT64, onnx_ir.DataType.INT32)
_BEFORE_ZERO = float(np.nextafter(np.float32(0), np.float32(-1)))


@emits("caffe", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal", dtypes=WHOLE)
def compare(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Threshold``, of a blob that is compared with a number, or of the difference of two.

    Where the operands may be equal, and may be NaN, ``AbsVal`` and ``Threshold`` of each tell that it is not.
    """
    steps, operator = Steps(node), operator_of(node)
    shape = dims(node.outputs[0])
    for data, other, name in ((left, right, operator), (right, left, _MIRRORED[operator])):
        number = number_of(other, shape)
        if number is not None and dims(data) == shape and not is_stored(data):
            compared(steps, name, data, number)
            return steps.layers
    if operator in ("Less", "GreaterOrEqual"):
        left, right = right, left
    found = difference(steps, left, right, role="difference")
    if operator == "Equal":
        found = steps.add("AbsVal", found, role="distance")
    if operator in ("Greater", "Less"):
        threshold(steps, found, 0.0)
    else:
        _not_nan(steps, threshold(steps, found, 0.0, role="wrong"), left, right)
    return steps.layers


def _not_nan(steps: Steps, wrong: onnx_ir.Value, left: onnx_ir.Value, right: onnx_ir.Value) -> None:
    """1 less ``wrong`` where neither operand is NaN: the sum of their sizes is then larger than -1."""
    pending = [
        steps.add("AbsVal", value, role=f"size_{index}")
        for index, value in enumerate((left, right))
        if not _is_finite(value)
    ]
    if not pending:
        negation(steps, wrong)
        return
    size = pending[0] if len(pending) == 1 else plus(steps, *pending, role="size")
    times(steps, negation(steps, wrong, role="right"), threshold(steps, size, -1.0, role="numbers"))


@emits("caffe", "And")
def both(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` or ``Scale``: the product."""
    steps = Steps(node)
    times(steps, left, right)
    return steps.layers


@emits("caffe", "Or")
def either(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Threshold`` of the sum."""
    steps = Steps(node)
    threshold(steps, plus(steps, left, right, role="sum"), 0.5)
    return steps.layers


@emits("caffe", "Xor")
def one_of_both(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``AbsVal`` of the difference."""
    steps = Steps(node)
    steps.add("AbsVal", difference(steps, left, right, role="difference"))
    return steps.layers


@emits("caffe", "Not")
def negated(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Power``: 1 less the value."""
    steps = Steps(node)
    negation(steps, data)
    return steps.layers


@emits("caffe", "IsNaN")
def is_nan(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """What has no ``AbsVal`` above the ``Threshold`` -1."""
    steps = Steps(node)
    negation(steps, threshold(steps, steps.add("AbsVal", data, role="size"), -1.0, role="number"))
    return steps.layers


@emits("caffe", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Layer]:
    """``Threshold`` at the largest finite number.

    Raises:
        Refused: Neither infinity counts.
    """
    if not detect_negative and not detect_positive:
        raise Refused("neither infinity counts")
    steps = Steps(node)
    if detect_negative and detect_positive:
        data = steps.add("AbsVal", data, role="size")
    elif detect_negative:
        data = steps.power(data, role="minus", scale=-1.0)
    threshold(steps, data, float(np.finfo(np.float32).max))
    return steps.layers


@emits("caffe", "Sign", dtypes=WHOLE)
def sign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """Whether it is above zero less whether it is below, by ``Threshold``, so that the sign of NaN is 0."""
    steps = Steps(node)
    signs(steps, data)
    return steps.layers


@emits("caffe", "Where", dtypes=WHOLE)
def where(node: onnx_ir.Node, condition: onnx_ir.Value, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """Sum of products with 1 and 0 where both values are finite for sure: constants, parameters, truth.

    Otherwise the larger of both after the logarithm of 1 or 0 was added, so that what is not chosen does no harm even
    if it is infinite or NaN. NaN that is chosen is minus infinity.
    """
    steps, shape = Steps(node), dims(node.outputs[0])
    if is_stored(condition):
        condition = widened(steps, condition, dims(condition), role="condition")
    line = _line(number_of(left, shape), number_of(right, shape))
    if line is not None and dims(condition) == shape:
        steps.power(condition, scale=line[0], shift=line[1])
    elif _is_finite(left) and _is_finite(right):
        other = negation(steps, condition, role="otherwise")
        plus(steps, times(steps, condition, left, role="then"), times(steps, other, right, role="else"))
    else:
        _larger(steps, condition, left, right)
    return steps.layers


def _larger(steps: Steps, condition: onnx_ir.Value, left: onnx_ir.Value, right: onnx_ir.Value) -> None:
    """What is chosen as the larger one: the other one is minus infinity, or it is NaN in a place that does not count.

    The first bottom of an ``Eltwise`` maximum does not count where it is NaN, nor do those after the second.
    """
    other = negation(steps, condition, role="otherwise")
    chosen = steps.add("Log", condition, role="then/log")
    other = steps.add("Log", other, role="else/log", in_place=True)
    first, second = alike(steps, [_plus(steps, chosen, left, "then"), _plus(steps, other, right, "else")])
    if _is_finite(right):
        steps.eltwise("MAX", first, second)
    elif _is_finite(left):
        steps.eltwise("MAX", second, first)
    else:
        least = steps.power(first, role="least", scale=0.0, shift=-np.inf)
        steps.eltwise("MAX", first, least, second)


def _plus(steps: Steps, truth: onnx_ir.Value, value: onnx_ir.Value, role: str) -> onnx_ir.Value:
    number = number_of(value, dims(truth))
    return plus(steps, value, truth, role=role) if number is None else steps.power(truth, role=role, shift=number)


def _line(left: float | None, right: float | None) -> tuple[float, float] | None:
    """The factor and the shift by which 1 and 0 become ``left`` and ``right``, if that takes no rounding."""
    if left is None or right is None or not np.isfinite([left, right]).all():
        return None
    factor = np.float32(left) - np.float32(right)
    exact = np.isfinite(factor) and factor != 0 and factor + np.float32(right) == np.float32(left)
    return (float(factor), right) if exact else None


def _is_finite(value: onnx_ir.Value) -> bool:
    if is_constant(value):
        return bool(np.isfinite(array(value).astype(np.float64)).all())
    return is_parameter(value) or value.dtype in (*_TRUTH, *WHOLE)


@emits("caffe", "Cast", dtypes=WHOLE)
def cast(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    to: int,
    saturate: int = 1,  # noqa: ARG001 - of types that are refused
) -> list[Layer | Alias]:
    """Nothing for truth and whole numbers as float32, and what ``Floor`` is made of for float32 as whole numbers.

    ``AbsVal`` and ``Threshold`` for numbers as truth, of which NaN is false.

    Raises:
        Refused: The value has another type, or is given one.
    """
    steps, wanted = Steps(node), onnx_ir.DataType(to)
    if wanted not in (*_REAL, *WHOLE):
        raise Refused(f"there are no {wanted.name.lower()} values")
    _check_room(data, wanted)
    to_truth = wanted == onnx_ir.DataType.BOOL and data.dtype != onnx_ir.DataType.BOOL
    to_whole = wanted in WHOLE and data.dtype == onnx_ir.DataType.FLOAT and not _has_whole_numbers(data)
    if is_stored(data):
        data = widened(steps, data, dims(data), role="numbers" if to_truth or to_whole else "")
    if to_truth:
        threshold(steps, steps.add("AbsVal", data, role="size"), 0.0)
    elif to_whole:
        truncated(steps, data)
    return [*steps.layers] if steps.layers else [Alias(only_output(node), data)]


def compared(steps: Steps, operator: str, data: onnx_ir.Value, number: float, *, role: str = "") -> onnx_ir.Value:
    """``data`` on the left of ``operator``, and a ``number`` on its right.

    What is not smaller than a number is larger than the largest float32 below it.
    """
    prefix = f"{role}/" if role else ""
    if operator == "Equal":
        size = steps.add("AbsVal", steps.power(data, role=f"{prefix}difference", shift=-number), role=f"{prefix}size")
        return threshold(steps, steps.power(size, role=f"{prefix}minus", scale=-1.0), _BEFORE_ZERO, role=role)
    if operator in ("Less", "LessOrEqual"):
        data, number = steps.power(data, role=f"{prefix}minus", scale=-1.0), -number
    if operator in ("GreaterOrEqual", "LessOrEqual"):
        number = float(np.nextafter(np.float32(number), np.float32(-np.inf)))
    return threshold(steps, data, number, role=role)


def negation(steps: Steps, truth: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """1 less ``truth``."""
    return steps.power(truth, role=role, scale=-1.0, shift=1.0)


def _check_room(data: onnx_ir.Value, wanted: onnx_ir.DataType) -> None:
    if wanted not in (*_REAL, *_WIDE) and data.dtype not in (*_TRUTH, wanted):
        raise Refused(f"what is too large for {wanted.name.lower()} wraps around")


def _has_whole_numbers(value: onnx_ir.Value) -> bool:
    """Whether ``value``, of float32, was made of whole numbers, or is whole for sure."""
    node = value.producer()
    if node is None or node.domain or not node.inputs or node.inputs[0] is None:
        return False
    if node.op_type in ("Floor", "Ceil", "Round"):
        return True
    return node.op_type == "Cast" and node.inputs[0].dtype in (*_TRUTH, *WHOLE)
