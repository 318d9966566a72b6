"""Arithmetic: of two blobs, and of a blob and a number."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, constant, emits, is_constant, is_parameter, only_output
from converter.emitters.caffe.layer import Layer, Token, omit
from converter.ir import dims


@emits("caffe", "Add")
def add(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` sum; ``Power`` with a ``shift`` where one side is a number."""
    if is_constant(left):
        left, right = right, left
    if is_constant(right):
        return [_power(node, left, shift=_number(node, right))]
    return [_eltwise(node, left, right)]


@emits("caffe", "Sub")
def subtract(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` sum with coefficients 1 and -1; ``Power`` with a ``shift`` where one side is a number."""
    if is_constant(left):
        return [_power(node, right, scale=-1.0, shift=_number(node, left))]
    if is_constant(right):
        return [_power(node, left, shift=-_number(node, right))]
    return [_eltwise(node, left, right, coeff=(1, -1))]


@emits("caffe", "Mul")
def multiply(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` product; ``Power`` with a ``scale`` where one side is a number."""
    if is_constant(left):
        left, right = right, left
    if is_constant(right):
        return [_power(node, left, scale=_number(node, right))]
    return [_eltwise(node, left, right, operation=Token("PROD"))]


@emits("caffe", "Div")
def divide(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """By a number: ``Power`` with its inverse for ``scale``. Of a number ``c``: ``(x / c)`` to the power -1.

    Raises:
        Refused: Both sides are blobs, or the number is 0.
    """
    number, data = (left, right) if is_constant(left) else (right, left)
    if not is_constant(number):
        raise Refused("Caffe divides by constants only")
    value = _number(node, number)
    if value == 0:
        raise Refused("the constant is 0")
    return [_power(node, data, scale=1 / value, power=-1.0 if number is left else 1.0)]


def _number(node: onnx_ir.Node, value: onnx_ir.Value) -> float:
    numbers = constant(value).numpy()
    if numbers.size != 1 or len(dims(value)) > len(dims(node.outputs[0])):
        raise Refused(f"{value.name} has the shape {list(numbers.shape)}, it is not one number")
    return float(numbers.reshape(()))


def _power(
    node: onnx_ir.Node, data: onnx_ir.Value, *, power: float = 1.0, scale: float = 1.0, shift: float = 0.0
) -> Layer:
    """``(shift + scale * x) ^ power``."""
    params = {**omit(1.0, power=power, scale=scale), **omit(0.0, shift=shift)}
    written = {"power_param": params} if params else {}
    return Layer(str(node.name), "Power", (data,), (only_output(node),), written, in_place=True)


def _eltwise(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, **fields: Any) -> Layer:
    for value in (left, right):
        if is_parameter(value):
            raise Refused(f"{value.name} is a parameter")
    if dims(left) != dims(right):
        raise Refused(f"Caffe does not broadcast {list(dims(left))} with {list(dims(right))}")
    params = {"eltwise_param": fields} if fields else {}
    return Layer(str(node.name), "Eltwise", (left, right), (only_output(node),), params)
