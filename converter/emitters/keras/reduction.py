"""Reductions along axes, and sums on the way."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.keras.elementwise import FLOATS, typed
from converter.emitters.keras.operand import dtype, line
from converter.emitters.operand import integers
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_TEXTS = {
    "ReduceL1": "ops.sum(ops.abs({0}){axes})",
    "ReduceL2": "ops.sqrt(ops.sum(ops.square({0}){axes}))",
    "ReduceLogSum": "ops.log(ops.sum({0}{axes}))",
    "ReduceLogSumExp": "ops.logsumexp({0}{axes})",
    "ReduceMax": "ops.max({0}{axes})",
    "ReduceMean": "ops.mean({0}{axes})",
    "ReduceMin": "ops.min({0}{axes})",
    "ReduceProd": "ops.prod({0}{axes})",
    "ReduceSum": "ops.sum({0}{axes})",
    "ReduceSumSquare": "ops.sum(ops.square({0}){axes})",
}
_SINGLE = {
    "ReduceLogSum": "ops.log({0})",
    "ReduceL1": "ops.abs({0})",
    "ReduceL2": "ops.abs({0})",
    "ReduceSumSquare": "ops.square({0})",
}
"""What is left of a reduction of no axes."""
_FRACTIONS = {"ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}
"""Reductions of integers that are no integers."""


@emits("keras", *_TEXTS)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """Keras's reductions, in the operand's element type; the mean of integers is cut, their logarithm refused."""
    if data.dtype not in FLOATS and node.op_type in _FRACTIONS:
        raise Refused(f"of {dtype(data)}, whose result is cut")
    chosen = _axes(data, axes, noop_with_empty_axes)
    if chosen is None:
        return [line(node, _SINGLE.get(node.op_type, "{0}"), data)]
    axis = chosen if len(chosen) != 1 else chosen[0]
    if data.dtype not in FLOATS and node.op_type == "ReduceMean":
        text = typed("integer_mean({0}, {axis}, {keepdims})", data)
        return [line(node, text, data, library=["integer_mean"], axis=axis, keepdims=bool(keepdims))]
    # Without an axis several of Keras's reductions forget keepdims on PyTorch.
    said = keepdims or len(chosen) < len(dims(data))
    settings = (", axis={axis}" if said else "") + (", keepdims=True" if keepdims else "")
    text = typed(_TEXTS[node.op_type].replace("{axes}", settings), data)
    return [line(node, text, data, axis=axis)]


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> tuple[int, ...] | None:
    """The axes to reduce; None for none."""
    rank = len(dims(data))
    chosen = integers(axes)
    if not chosen:
        return None if noop or rank == 0 else tuple(range(rank))
    return tuple(sorted({axis % rank for axis in chosen}))


@emits("keras", "ArgMax", "ArgMin")
def arg(
    node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> list[Statement]:
    """A function of ``ops.argmax`` or ``ops.argmin``, to which negative zero is less than zero."""
    name = "last_place" if select_last_index else "first_place"
    if select_last_index and dims(data)[axis] == BATCH:
        raise Refused("the last of an open batch; give the batch a number")
    text = f"{name}({{0}}, {{axis}}, keepdims={{keepdims}}, largest={{largest}})"
    settings: dict[str, Any] = {
        "axis": axis % len(dims(data)),
        "keepdims": bool(keepdims),
        "largest": node.op_type == "ArgMax",
    }
    return [line(node, text, data, library=[name], **settings)]


@emits("keras", "CumSum")
def cum_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Statement]:
    """``ops.cumsum``, between ``ops.flip`` if it goes backwards; a function if it is one element behind."""
    number = (integers(axis) or (0,))[0] % len(dims(data))
    text, library = "ops.cumsum({0}, axis={axis})", list[str]()
    if exclusive:
        text, library = "exclusive_sum({0}, {axis}, {reverse})", ["exclusive_sum"]
    elif reverse:
        text = "ops.flip(ops.cumsum(ops.flip({0}, axis={axis}), axis={axis}), axis={axis})"
    return [line(node, typed(text, data), data, library=library, axis=number, reverse=bool(reverse))]
