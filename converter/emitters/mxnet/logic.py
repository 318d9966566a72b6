"""Comparisons and choices. Truth values are 0 and 1 in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import emits, only_output
from converter.emitters.mxnet.call import Call, Chain, call
from converter.emitters.mxnet.limits import broadcast, broadcastable
from converter.emitters.mxnet.number import number_of, stored_kind
from converter.emitters.mxnet.spread import filled, spread
from converter.ir import BATCH, Dim, dims

_COMPARISONS = {
    "Equal": ("equal", "equal"),
    "Greater": ("greater", "lesser"),
    "GreaterOrEqual": ("greater_equal", "lesser_equal"),
    "Less": ("lesser", "greater"),
    "LessOrEqual": ("lesser_equal", "greater_equal"),
}
"""MXNet's word for each, and the one for its inputs exchanged."""

_CONNECTIVES = {"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"}


@emits("mxnet", *_COMPARISONS)
def comparison(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``broadcast_lesser`` and its like, ``_lesser_scalar`` of a number."""
    word, exchanged = _COMPARISONS[node.op_type]
    made = dims(only_output(node))
    chain = Chain(node)
    for number, value, name in ((number_of(right), left, word), (number_of(left), right, exchanged)):
        if number is not None and dims(value) == made and not math.isnan(number):
            return _as_float(chain, left, f"_internal._{name}_scalar", value, scalar=number)
    return _as_float(chain, left, f"broadcast_{word}", *broadcastable(chain, left, right))


def _as_float(chain: Chain, like: onnx_ir.Value, op: str, *inputs: onnx_ir.Value, **more: Any) -> list[Call]:
    """MXNet's comparison, whose output has the type of its inputs."""
    if stored_kind(like) == "float32":
        return chain.last(op, *inputs, **more)
    return chain.last("cast", chain.step("compared", op, *inputs, **more), dtype="float32")


@emits("mxnet", *_CONNECTIVES)
def connective(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``broadcast_logical_and`` and its like."""
    return broadcast(Chain(node), f"broadcast_{_CONNECTIVES[node.op_type]}", left, right)


@emits("mxnet", "Not")
def negation(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``logical_not``."""
    return call(node, "logical_not", data)


@emits("mxnet", "IsNaN")
def is_nan(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``broadcast_not_equal`` of a value to itself."""
    return _as_float(Chain(node), data, "broadcast_not_equal", data, data)


@emits("mxnet", "Where")
def where(node: onnx_ir.Node, condition: onnx_ir.Value, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``where``, whose inputs are repeated to one shape before."""
    chain, made = Chain(node), dims(only_output(node))
    values = (condition, left, right)
    whole = [
        _whole(chain, role, value, made, values)
        for role, value in zip(("condition", "then", "else"), values, strict=True)
    ]
    return chain.last("where", *whole)


def _whole(
    chain: Chain, role: str, value: onnx_ir.Value, made: Sequence[Dim], values: Sequence[onnx_ir.Value]
) -> onnx_ir.Value:
    """``value`` in the shape ``made``, which the ``values`` have together."""
    if dims(value) == made:
        return value
    source = next((one for one in values if BATCH in dims(one)), None)
    number = number_of(value)
    if number is not None and math.isfinite(number):
        return filled(chain, role, number, stored_kind(value), made, source)
    return spread(chain, role, value, made, source)
