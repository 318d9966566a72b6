"""Sorting: of equal elements the one that came first, which Core ML does not promise, stays first."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain, Part, bounds, parts_along, size_of
from converter.emitters.coreml.operand import Operand
from converter.emitters.known import contents, numbers
from converter.emitters.operand import static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_MOST = 46340
"""Elements along the axis: their number squared is an int32."""


@emits("coreml", "TopK")
def top_k(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002 - ONNX's name
) -> list[Statement]:
    """``topk``; where its indices are used, those of equal elements are put in order by a second one.

    The second one sorts the number of the group that an element belongs to, followed by its index.
    """
    del sorted  # always
    rank = len(dims(data))
    axis %= rank
    if not isinstance(dims(data)[axis], int):
        return _of_batch(node, data, count, axis, "greater" if largest else "less")
    (size,), (wanted,) = static(data, axis), numbers(count)
    values, indices = node.outputs
    ascending = not largest
    if not (indices.uses() or indices.is_graph_output()):
        chain = Chain(node)
        settings: dict[str, Operand] = {"ascending": ascending, "return_indices": False}
        return chain.ends([values], "topk", x=data, k=wanted, axis=axis, **settings)
    if size > _MOST:
        raise Refused(f"indices of {size} elements, of which equal ones cannot be put in order")
    chain = Chain(node)
    ordered, places = chain.steps(("sorted", "places"), "topk", x=data, k=size, axis=axis, ascending=ascending)
    keys = _keys(chain, ordered, places, axis, rank, size)
    first = chain.step("first", "topk", x=keys, k=wanted, axis=axis, ascending=True, return_indices=False)
    group = chain.step("whole", "floor_div", x=first, y=size)
    chain.ends([indices], "sub", x=first, y=chain.step("before", "mul", x=group, y=size))
    if not (values.uses() or values.is_graph_output()):
        return chain.lines
    if wanted == size:
        return chain.ends([values], "identity", x=ordered)
    first_ones = bounds(parts_along(rank, axis, Part(0, wanted)))
    return chain.ends([values], "slice_by_index", x=ordered, **first_ones)


def _keys(
    chain: Chain, ordered: onnx_ir.Value, places: onnx_ir.Value, axis: int, rank: int, size: int
) -> onnx_ir.Value:
    """The number of each element's group of equal ones, times ``size``, and its index."""
    if size == 1:
        return places
    before, behind = (bounds(parts_along(rank, axis, part)) for part in (Part(0, size - 1), Part(1)))
    former = chain.step("former", "slice_by_index", x=ordered, **before)
    latter = chain.step("latter", "slice_by_index", x=ordered, **behind)
    change = chain.step("change", "cast", x=chain.step("differ", "not_equal", x=former, y=latter), dtype="fp32")
    sides = [1 if place == 2 * axis else 0 for place in range(2 * rank)]
    steps = chain.step("steps", "pad", x=change, pad=sides, mode="constant", constant_val=0.0)
    group = chain.step("group", "cumsum", x=chain.step("new", "cast", x=steps, dtype="int32"), axis=axis)
    return chain.step("key", "add", x=chain.step("base", "mul", x=group, y=size), y=places)


def _of_batch(
    node: onnx_ir.Node, data: onnx_ir.Value, count: onnx_ir.Value, axis: int, better: str
) -> list[Statement]:
    """Sort along the open batch, which ``topk`` cannot: an element's place is the number of those before it."""
    known, rank, chain = contents(count), len(dims(data)), Chain(node)
    if known is None:
        raise Refused("how many are wanted is computed")
    wanted = known.reshape(-1)[0]
    counted = chain.step("counted", "range_1d", start=0, end=size_of(chain, data, axis), step=1)
    order = _order(chain, data, axis, better, counted)
    zeros = chain.step("zeros", "fill_like", ref_tensor=data, value=0)
    indices = chain.step("indices", "add", x=zeros, y=_aligned(chain, counted, axis, rank))
    along: dict[str, Operand] = {"axis": axis, "mode": "update"}
    found = chain.step("found", "scatter_along_axis", data=zeros, indices=order, updates=indices, **along)
    ordered = chain.step("sorted", "gather_along_axis", x=data, indices=found, axis=axis)
    for value, source in zip(node.outputs, (ordered, found), strict=True):
        if wanted == BATCH:
            chain.ends([value], "identity", x=source)
        else:
            chain.ends([value], "slice_by_index", x=source, **bounds(parts_along(rank, axis, Part(0, int(wanted)))))
    return chain.lines


def _order(chain: Chain, data: onnx_ir.Value, axis: int, better: str, counted: onnx_ir.Value) -> onnx_ir.Value:
    """How many elements along ``axis`` are better than each, or as good and sooner."""
    rank = len(dims(data)) + 1
    own, others = (_aligned(chain, counted, place, rank) for place in (axis + 1, axis))
    left = chain.step("left", "expand_dims", x=data, axes=[axis + 1])
    right = chain.step("right", "expand_dims", x=data, axes=[axis])
    equal = chain.step("equal", "equal", x=left, y=right)
    former = chain.step("former", "logical_and", x=equal, y=chain.step("sooner", "less", x=others, y=own))
    before = chain.step("before", "logical_or", x=chain.step("better", better, x=left, y=right), y=former)
    return chain.step(
        "order", "reduce_sum", x=chain.step("ones", "cast", x=before, dtype="int32"), axes=[axis], keep_dims=False
    )


def _aligned(chain: Chain, vector: onnx_ir.Value, axis: int, rank: int) -> onnx_ir.Value:
    """``vector`` along ``axis`` of ``rank`` axes."""
    rest = [place for place in range(rank) if place != axis]
    return chain.step("aligned", "expand_dims", x=vector, axes=rest) if rest else vector
