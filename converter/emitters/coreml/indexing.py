"""Reading elements at indices."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.coreml.chain import Chain, Part, bounds, numbers_of, size_of, wrapped
from converter.emitters.coreml.operand import Operand, kind, line
from converter.emitters.operand import array, integers, is_nonnegative, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims


@emits("coreml", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Statement]:
    """``gather``, at indices of which the negative ones are counted from the end before."""
    axis %= len(dims(data))
    chain = Chain(node)
    source = numbers_of(chain, data)
    index = wrapped(chain, indices, size_of(chain, data, axis))
    return _read(chain, data, "gather", x=source, indices=index, axis=axis)


@emits("coreml", "GatherElements")
def gather_elements(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0
) -> list[Statement]:
    """``gather_along_axis``, behind ``slice_by_index`` where there are fewer rows of indices than of elements."""
    axis %= len(dims(data))
    chain = Chain(node)
    index = wrapped(chain, indices, size_of(chain, data, axis))
    source = numbers_of(chain, data)
    rows = [
        Part() if place == axis or count == size else Part(0, static(indices, place)[0])
        for place, (size, count) in enumerate(zip(dims(data), dims(indices), strict=True))
    ]
    if any(part != Part() for part in rows):
        source = chain.step("rows", "slice_by_index", x=source, **bounds(rows))
    return _read(chain, data, "gather_along_axis", x=source, indices=index, axis=axis)


@emits("coreml", "GatherND")
def gather_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0
) -> list[Statement]:
    """``gather_nd``, at indices of which the negative ones are counted from the end before."""
    chain = Chain(node)
    index = tuples(chain, data, indices, batch_dims)
    source = numbers_of(chain, data)
    return _read(chain, data, "gather_nd", x=source, indices=index, batch_dims=batch_dims)


def _read(chain: Chain, data: onnx_ir.Value, operation: str, **operands: Operand) -> list[Statement]:
    """The last line: what is read of booleans, which were numbers meanwhile, is booleans again."""
    if kind(data) != "bool":
        return chain.last(operation, **operands)
    return chain.last("not_equal", x=chain.step("read", operation, **operands), y=0)


def tuples(chain: Chain, data: onnx_ir.Value, indices: onnx_ir.Value, batch_dims: int = 0) -> Operand:
    """``indices``, whose last axis points at an element or slice of ``data``, none of them negative.

    Raises:
        Refused: They may be negative, and count from the end of an open batch.
    """
    (count,) = static(indices, -1)
    pointed = dims(data)[batch_dims : batch_dims + count]
    if BATCH in pointed:
        if is_nonnegative(indices):
            return indices
        raise Refused("its indices may count from the end of the open batch; give the batch a number")
    sizes = np.asarray(pointed, np.int32)
    if is_constant(indices):
        found = array(indices)
        return np.asarray(np.where(found < 0, found + sizes, found), np.int32)
    if is_nonnegative(indices):
        return indices
    negative = chain.step("negative", "less", x=indices, y=0)
    ahead = chain.step("ahead", "add", x=indices, y=sizes)
    return chain.step("index", "select", cond=negative, a=ahead, b=indices)


@emits("coreml", "ReverseSequence")
def reverse_sequence(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value,
    *,
    batch_axis: int = 1,
    time_axis: int = 0,
) -> list[Statement]:
    """``reverse_sequence``."""
    return [line(node, "reverse_sequence", x=data, lengths=lengths, seq_axis=time_axis, batch_axis=batch_axis)]


@emits("coreml", "OneHot")
def one_hot(
    node: onnx_ir.Node, indices: onnx_ir.Value, depth: onnx_ir.Value, values: onnx_ir.Value, *, axis: int = -1
) -> list[Statement]:
    """``equal`` to the places, and ``gather`` of the two values: what points at none of them is off everywhere."""
    rank = len(dims(indices)) + 1
    axis %= rank
    (count,) = integers(depth) or (0,)
    chain = Chain(node)
    if kind(indices) != "int32":
        raise Refused(f"indices of {indices.dtype}")
    index = indices
    if not is_nonnegative(indices):
        negative = chain.step("negative", "less", x=indices, y=0)
        index = chain.step(
            "index", "select", cond=negative, a=chain.step("ahead", "add", x=indices, y=count), b=indices
        )
    aligned = chain.step("aligned", "expand_dims", x=index, axes=[axis])
    places = np.arange(count, dtype=np.int32).reshape([-1 if place == axis else 1 for place in range(rank)])
    hit = chain.step("hit", "equal", x=aligned, y=places)
    return chain.last("gather", x=values, indices=chain.step("which", "cast", x=hit, dtype="int32"), axis=0)
