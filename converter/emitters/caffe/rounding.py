"""Whole numbers: Caffe has no layer that rounds.

A float32 from 0 to 2^23 that 2^23 is added to has no room for a fraction, so it is rounded to the next whole number,
and to the even one of two. Larger numbers are whole. What this changes is added to the number itself, so that
infinities and NaN stay.
"""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits, operator_of
from converter.emitters.caffe.layer import Layer
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import is_nonnegative

WHOLE = (
    onnx_ir.DataType.INT64,
    onnx_ir.DataType.INT32,
    onnx_ir.DataType.INT16,
    onnx_ir.DataType.INT8,
    onnx_ir.DataType.UINT8,
)
"""Types of whole numbers that a blob can hold, as long as float32 does."""
_FULL = 2.0**23
"""From here on, every float32 is whole."""


@emits("caffe", "Round")
def nearest(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Power`` that add and subtract 2^23, after which no fraction is left, of the size of the number."""
    steps = Steps(node)
    size = steps.add("AbsVal", data, role="size")
    rounded = steps.eltwise("SUM", size, _change(steps, size), role="rounded")
    steps.eltwise("PROD", rounded, signs(steps, data, role="sign"))
    return steps.layers


@emits("caffe", "Floor", "Ceil")
def floor(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """As ``Round``, and 1 less or more where ``Threshold`` finds the result on the wrong side."""
    steps, down = Steps(node), operator_of(node) == "Floor"
    whole = truncated(steps, data, role="whole")
    beyond = steps.eltwise("SUM", whole, data, role="difference", coeff=(1, -1) if down else (-1, 1))
    beyond = threshold(steps, beyond, 0.0, role="beyond")
    steps.eltwise("SUM", whole, beyond, coeff=(1, -1 if down else 1))
    return steps.layers


def truncated(steps: Steps, data: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """``data`` without its fraction."""
    prefix, plain = f"{role}/" if role else "", is_nonnegative(data)
    size = data if plain else steps.add("AbsVal", data, role=f"{prefix}size")
    change = _change(steps, size, prefix)
    beyond = threshold(steps, change, 0.0, role=f"{prefix}up")
    last = role if plain else f"{prefix}truncated"
    whole = steps.eltwise("SUM", size, change, beyond, role=last, coeff=(1, 1, -1))
    return whole if plain else steps.eltwise("PROD", whole, signs(steps, data, role=f"{prefix}sign"), role=role)


def signs(steps: Steps, data: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """1, 0 or -1."""
    prefix = f"{role}/" if role else ""
    above = threshold(steps, data, 0.0, role=f"{prefix}above")
    below = threshold(steps, steps.power(data, role=f"{prefix}minus", scale=-1.0), 0.0, role=f"{prefix}below")
    return steps.eltwise("SUM", above, below, role=role, coeff=(1, -1))


def threshold(steps: Steps, data: onnx_ir.Value, limit: float, *, role: str = "") -> onnx_ir.Value:
    """``Threshold``: 1 where ``data`` is larger than ``limit``, else 0."""
    params = {"threshold": limit} if limit else {}
    return steps.add("Threshold", data, role=role, params={"threshold_param": params}, in_place=True)


def _change(steps: Steps, size: onnx_ir.Value, prefix: str = "") -> onnx_ir.Value:
    """What rounding adds to ``size``, which is not negative."""
    below = steps.power(size, role=f"{prefix}below_zero", scale=-1.0)
    limit = steps.power(below, role=f"{prefix}limit", scale=0.0, shift=-_FULL)
    limited = steps.eltwise("MAX", below, limit, role=f"{prefix}limited")
    moved = steps.power(limited, role=f"{prefix}no_fraction", shift=-_FULL)
    rounded = steps.power(moved, role=f"{prefix}back", shift=_FULL)
    return steps.eltwise("SUM", limited, rounded, role=f"{prefix}change", coeff=(1, -1))
