"""Reductions along axes, and sums on the way."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.operand import integers
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import dtype, line
from converter.ir import dims

_FLOATS = {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE, onnx_ir.DataType.FLOAT16}
_TEXTS = {
    "ReduceL1": "tf.reduce_sum(tf.math.abs({0}), {how})",
    "ReduceL2": "tf.math.sqrt(tf.reduce_sum(tf.math.square({0}), {how}))",
    "ReduceLogSum": "tf.math.log(tf.reduce_sum({0}, {how}))",
    "ReduceLogSumExp": "tf.reduce_logsumexp({0}, {how})",
    "ReduceMax": "tf.reduce_max({0}, {how})",
    "ReduceMean": "tf.reduce_mean({0}, {how})",
    "ReduceMin": "tf.reduce_min({0}, {how})",
    "ReduceProd": "tf.reduce_prod({0}, {how})",
    "ReduceSum": "tf.reduce_sum({0}, {how})",
    "ReduceSumSquare": "tf.reduce_sum(tf.math.square({0}), {how})",
}
_SINGLE = {
    "ReduceLogSum": "tf.math.log({0})",
    "ReduceL1": "tf.math.abs({0})",
    "ReduceL2": "tf.math.abs({0})",
    "ReduceSumSquare": "tf.math.square({0})",
}
"""What is left of a reduction of no axes."""
_FRACTIONS = {"ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}
"""Reductions of integers that are no integers."""


@emits("tensorflow", *_TEXTS)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """TensorFlow's reductions, in the operand's element type; the logarithm or root of integers is refused."""
    if data.dtype not in _FLOATS and node.op_type in _FRACTIONS:
        raise Refused(f"of {data.dtype}, whose result is cut")
    chosen = _axes(data, axes, noop_with_empty_axes)
    if chosen is None:
        return [line(node, _SINGLE.get(node.op_type, "{0}"), data)]
    how = [] if len(chosen) == len(dims(data)) else ["axis={axis}"]
    how += ["keepdims=True"] if keepdims and chosen else []
    text = _TEXTS[node.op_type]
    if node.op_type == "ReduceMean" and data.dtype not in _FLOATS:
        return [_integer_mean(node, data, ", ".join(how), chosen)]
    text = text.replace("{how}", ", ".join(how)) if how else text.replace(", {how}", "")
    return [line(node, text, data, axis=chosen[0] if len(chosen) == 1 else list(chosen))]


def _integer_mean(node: onnx_ir.Node, data: onnx_ir.Value, how: str, axes: tuple[int, ...]) -> Statement:
    """The mean of integers, cut."""
    axis = axes[0] if len(axes) == 1 else list(axes)
    count = "tf.size({0}, out_type={dtype})"
    if all(isinstance(dims(data)[place], int) for place in axes):
        count = str(_product([int(dims(data)[place]) for place in axes]))
    text = f"tf.truncatediv(tf.reduce_sum({{0}}, {how}), {count})".replace(", )", ")")
    if "tf.size" in text and len(axes) != len(dims(data)):
        raise Refused("the mean of integers along an open batch")
    return line(node, text, data, axis=axis, dtype=dtype(data))


def _product(sizes: list[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


@emits("tensorflow", "CumSum")
def cum_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Statement]:
    """``tf.math.cumsum``."""
    (along,) = integers(axis) or (0,)
    settings: dict[str, Any] = {
        "axis": along,
        **({"exclusive": True} if exclusive else {}),
        **({"reverse": True} if reverse else {}),
    }
    text = ", ".join(f"{name}={{{name}}}" for name in settings)
    return [line(node, f"tf.math.cumsum({{0}}, {text})", data, **settings)]


@emits("tensorflow", "Det")
def det(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``tf.linalg.det``."""
    return [line(node, "tf.linalg.det({0})", data)]


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> tuple[int, ...] | None:
    """The axes to reduce; None for none."""
    rank = len(dims(data))
    chosen = integers(axes)
    if not chosen:
        return None if noop or rank == 0 else tuple(range(rank))
    return tuple(sorted({axis % rank for axis in chosen}))
