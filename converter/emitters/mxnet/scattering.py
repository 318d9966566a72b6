"""Elements put where an index says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, operator_of
from converter.emitters.known import is_whole, kind_of
from converter.emitters.mxnet.call import Call, Chain
from converter.emitters.mxnet.number import number_of, stored_kind
from converter.emitters.operand import is_nonnegative
from converter.ir import BATCH, Dim, dims


@emits("mxnet", "ScatterND")
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Call]:
    """``scatter_nd`` into zeros, ``contrib.index_copy`` of rows; else ``where`` elements were scattered.

    Raises:
        Refused: Elements are combined, or the shape has an open batch.
    """
    if reduction != "none":
        raise Refused(f"reduction is {reduction}")
    chain, rank, made = Chain(node), len(dims(indices)), dims(data)
    is_row = dims(indices)[1:] == (1,)
    indices = _wrapped(chain, indices, made)
    if is_row and not _is_zero(data) and not is_whole(data):
        rows = chain.step("rows", "squeeze", indices, axis=1)
        return chain.last("contrib.index_copy", data, rows, updates)
    if BATCH in made:
        raise Refused("it scatters into an open batch")
    shape = tuple(int(dim) for dim in made)
    moved = chain.step("coordinates", "transpose", indices, axes=(rank - 1, *range(rank - 1)))
    if _is_zero(data):
        return chain.last("scatter_nd", updates, moved, shape=shape)
    scattered = chain.step("scattered", "scatter_nd", updates, moved, shape=shape)
    there = chain.step("there", "scatter_nd", chain.step("ones", "ones_like", updates), moved, shape=shape)
    return chain.last("where", there, scattered, data)


def _wrapped(chain: Chain, indices: onnx_ir.Value, shape: Sequence[Dim]) -> onnx_ir.Value:
    """``indices`` into ``shape``, counted from the start: MXNet writes beyond its memory at those below zero.

    Raises:
        Refused: They may count from the end of an open batch.
    """
    if is_nonnegative(indices):
        return indices
    if BATCH in shape[: int(dims(indices)[-1])]:
        raise Refused("its indices may count from the end of the open batch")
    lengths = np.array(shape[: int(dims(indices)[-1])], np.int64)
    tensor = onnx_ir.tensor(lengths, name=f"{chain.node.name}/sizes")
    sizes = onnx_ir.Value(
        name=tensor.name,
        shape=onnx_ir.Shape(lengths.shape),
        type=onnx_ir.TensorType(tensor.dtype),
        const_value=tensor,
    )
    below = chain.step("below", "_internal._lesser_scalar", indices, scalar=0)
    more = chain.step("more", "broadcast_mul", below, sizes)
    return chain.step("index", "elemwise_add", indices, more)


def _is_zero(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is known to be 0 everywhere."""
    node = value.producer()
    if node is not None and operator_of(node) == "Expand" and node.inputs[0] is not None:
        return number_of(node.inputs[0]) == 0
    return number_of(value) == 0


@emits("mxnet", "ScatterElements")
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Call]:
    """``one_hot`` of the indices: what is hot of the updates, summed, ``where`` anything is.

    Raises:
        Refused: Elements are combined, the other axes are cut, or the axis is the open batch and the indices are not
            those of its greatest or least elements.
    """
    rank, place = len(dims(data)), axis % len(dims(data))
    others = [dims(value)[:place] + dims(value)[place + 1 :] for value in (data, indices)]
    if reduction != "none":
        raise Refused(f"reduction is {reduction}")
    if others[0] != others[1]:
        raise Refused(f"indices of the shape {list(dims(indices))} do not span the other axes of {list(dims(data))}")
    chain = Chain(node)
    hot = _hot(chain, data, indices, place)
    narrow = kind_of(updates).itemsize < 4
    if narrow:
        updates = chain.step("number", "cast", updates, dtype="float32")
    wide = chain.step("wide", "broadcast_like", chain.step("updates", "expand_dims", updates, axis=rank), hot)
    chosen = chain.step("chosen", "where", hot, wide, chain.step("zeros", "zeros_like", wide))
    placed, there = _gathered(chain, "placed", chosen, place, rank), _gathered(chain, "there", hot, place, rank)
    if narrow:
        placed = chain.step("whole", "cast", placed, dtype=stored_kind(data))
    return chain.last("where", there, placed, data)


def _hot(chain: Chain, data: onnx_ir.Value, indices: onnx_ir.Value, place: int) -> onnx_ir.Value:
    """1 in a new last axis, as long as the axis ``place`` of ``data``, where the index says; else 0."""
    depth = dims(data)[place]
    if isinstance(depth, int):
        below = chain.step("below", "_internal._lesser_scalar", indices, scalar=0)
        more = chain.step("more", "_internal._mul_scalar", below, scalar=depth)
        return chain.step("hot", "one_hot", chain.step("index", "elemwise_add", indices, more), depth=depth)
    maker = indices.producer()
    if maker is None or operator_of(maker) != "TopK":
        raise Refused("it scatters along the open batch")
    column = chain.step("column", "cast", indices, dtype="float32")
    column = chain.step("index", "expand_dims", column, axis=len(dims(indices)))
    return chain.step(
        "hot", "broadcast_equal", column, chain.step("counted", "contrib.arange_like", data, axis=place)
    )


def _gathered(chain: Chain, role: str, value: onnx_ir.Value, place: int, rank: int) -> onnx_ir.Value:
    """The sum along ``place`` of a value whose last axis then takes that place."""
    if rank == 1:
        return chain.step(role, "sum", value, axis=0)
    total = chain.step(f"{role}_sum", "sum", value, axis=place)
    return chain.step(role, "transpose", total, axes=(*range(place), rank - 1, *range(place, rank - 1)))
