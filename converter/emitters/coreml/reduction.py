"""Reductions along axes, and sums on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.coreml.chain import Chain, numbers_of, size_of
from converter.emitters.coreml.elementwise import truncated
from converter.emitters.coreml.operand import Operand, kind, line
from converter.emitters.operand import integers
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_OPERATIONS = {
    "ReduceL1": "reduce_l1_norm",
    "ReduceL2": "reduce_l2_norm",
    "ReduceLogSum": "reduce_log_sum",
    "ReduceLogSumExp": "reduce_log_sum_exp",
    "ReduceMax": "reduce_max",
    "ReduceMean": "reduce_mean",
    "ReduceMin": "reduce_min",
    "ReduceProd": "reduce_prod",
    "ReduceSum": "reduce_sum",
    "ReduceSumSquare": "reduce_sum_square",
}
_FAR = (1 << 31) - 1
_SINGLE = {"ReduceL1": "abs", "ReduceL2": "abs", "ReduceSumSquare": "square"}
"""What is left of a reduction of no axes, where that is something."""
_FRACTIONS = {"ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}
"""Reductions of integers that are no integers."""


@emits("coreml", *_OPERATIONS)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """The operation that bears its name; the mean of integers is cut, their logarithm refused."""
    if kind(data) == "int32" and node.op_type in _FRACTIONS:
        raise Refused(f"of {data.dtype}, whose result is cut")
    chosen = _axes(data, axes, noop_with_empty_axes)
    if not chosen:
        return _of_none(node, data)
    settings: dict[str, Operand] = {"axes": chosen, "keep_dims": bool(keepdims)}
    chain = Chain(node)
    if kind(data) == "bool":
        found = chain.step("reduced", _OPERATIONS[node.op_type], x=numbers_of(chain, data), **settings)
        return chain.last("not_equal", x=found, y=0)
    if kind(data) == "int32" and node.op_type == "ReduceMean":
        return _integer_mean(chain, data, settings, chosen)
    return chain.fitted(_OPERATIONS[node.op_type], x=data, **settings)


def _integer_mean(
    chain: Chain, data: onnx_ir.Value, settings: dict[str, Operand], axes: Sequence[int]
) -> list[Statement]:
    total = chain.step("sum", "reduce_sum", x=data, **settings)
    count = math.prod(size for axis in axes if isinstance(size := dims(data)[axis], int))
    for axis in axes:
        if dims(data)[axis] == BATCH:
            many = chain.step("count", "mul", x=size_of(chain, data, axis), y=count)
            return truncated(chain, total, total, many, many)
    fixed = onnx_ir.Value(name=f"{chain.node.name}/count", const_value=onnx_ir.tensor(np.array(count, np.int64)))
    return truncated(chain, total, total, fixed, count)


def _of_none(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """What a reduction makes of each element alone."""
    if node.op_type == "ReduceLogSum":
        return [line(node, "log", x=data, epsilon=0.0)]
    return [line(node, _SINGLE.get(node.op_type, "identity"), x=data)]


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> list[int]:
    """The axes to reduce."""
    rank, chosen = len(dims(data)), integers(axes)
    if not chosen:
        return [] if noop else list(range(rank))
    return sorted({axis % rank for axis in chosen})


@emits("coreml", "ArgMax", "ArgMin")
def arg(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    axis: int = 0,
    keepdims: int = 1,
    select_last_index: int = 0,
) -> list[Statement]:
    """The first place, or the last, of the extreme element; ``reduce_argmax`` does not say which of equal ones."""
    rank = len(dims(data))
    if not rank:
        return [line(node, "identity", x=0)]
    axis %= rank
    chain = Chain(node)
    operation = "reduce_max" if node.op_type == "ArgMax" else "reduce_min"
    extreme = chain.step("extreme", operation, x=data, axes=[axis], keep_dims=True)
    hit = chain.step("hit", "equal", x=data, y=extreme)
    places = _places(chain, data, axis)
    none = chain.step("none", "fill_like", ref_tensor=hit, value=-1 if select_last_index else _FAR)
    places = chain.step("places", "select", cond=hit, a=places, b=none)
    wanted = "reduce_max" if select_last_index else "reduce_min"
    return chain.last(wanted, x=places, axes=[axis], keep_dims=bool(keepdims))


def _places(chain: Chain, data: onnx_ir.Value, axis: int) -> Operand:
    """The numbers of the elements along ``axis``, beside ``data``."""
    rank, size = len(dims(data)), dims(data)[axis]
    if isinstance(size, int):
        return np.arange(size, dtype=np.int32).reshape([size if place == axis else 1 for place in range(rank)])
    counted = chain.step("counted", "range_1d", start=0, end=size_of(chain, data, axis), step=1)
    rest = [place for place in range(rank) if place != axis]
    return chain.step("aligned", "expand_dims", x=counted, axes=rest) if rest else counted


@emits("coreml", "CumSum")
def cum_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Statement]:
    """``cumsum``."""
    (dim,) = integers(axis) or (0,)
    rank = len(dims(only_output(node)))
    settings: dict[str, Operand] = {"exclusive": True} if exclusive else {}
    settings |= {"reverse": True} if reverse else {}
    return Chain(node).fitted("cumsum", x=data, axis=dim % rank, **settings)
