"""Operations that read or write at positions, sort, and make tensors of sizes.

From iOS 17 on a negative index is out of bounds, and what then happens is not defined: here it ends with an error.
"""

from __future__ import annotations

import numpy
from readback_graph import LAST, Graph, RefusedError, Tensor, reads

IOS17 = 7
NO_DEFAULT = ""
MODES = {"update": "none", "add": "add", "sub": "add", "mul": "mul", "div": "mul", "max": "max", "min": "min"}


def _positions(graph: Graph, indices: Tensor) -> str:
    """``indices`` for ONNX, which takes negative ones; where MIL does not, they become what ONNX does not take."""
    given = graph.long(indices)
    if graph.version < IOS17 or (indices.value is not None and (indices.value >= 0).all()):
        return given
    return graph.op("Where", graph.op("Less", given, 0), LAST, given)


@reads("gather")
def gather(
    graph: Graph, x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> str:
    """The slices of ``axis`` at ``indices``, whose first ``batch_dims`` axes are those of ``x``."""
    del validate_indices
    along = x.axis(axis)
    if not batch_dims:
        return graph.op("Gather", x, _positions(graph, indices), axis=along)
    if not 0 < batch_dims <= along:
        raise RefusedError(f"{batch_dims} axes of a batch before axis {axis}")
    others = [other for other in range(batch_dims, x.rank) if other != along]
    front = graph.op("Transpose", x, perm=[*range(batch_dims), along, *others])
    positions = graph.op("Unsqueeze", _positions(graph, indices), [-1])
    found = graph.op("GatherND", front, positions, batch_dims=batch_dims)
    taken, before = indices.rank - batch_dims, along - batch_dims
    order = [*range(batch_dims), *range(indices.rank, indices.rank + before)]
    order += [*range(batch_dims, batch_dims + taken), *range(indices.rank + before, indices.rank + len(others))]
    return graph.op("Transpose", found, perm=order)


@reads("gather_along_axis")
def gather_along_axis(graph: Graph, x: Tensor, indices: Tensor, axis: int = 0, validate_indices: bool = False) -> str:
    """The elements at ``indices`` along ``axis``, for each of its other positions."""
    del validate_indices
    return graph.op("GatherElements", x, _positions(graph, indices), axis=x.axis(axis))


@reads("gather_nd")
def gather_nd(graph: Graph, x: Tensor, indices: Tensor, batch_dims: int = 0, validate_indices: bool = False) -> str:
    """The slices at the positions that are the last axis of ``indices``."""
    del validate_indices
    return graph.op("GatherND", x, _positions(graph, indices), batch_dims=batch_dims)


@reads("scatter")
def scatter(
    graph: Graph,
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = NO_DEFAULT,
    validate_indices: bool = False,
) -> str:
    """``data`` with the slices of ``axis`` at ``indices`` changed; the default mode is documented in two ways."""
    del validate_indices
    along = data.axis(axis)
    column = [-1 if other == along else 1 for other in range(data.rank)]
    spread = graph.op("Expand", graph.op("Reshape", _positions(graph, indices), column), graph.op("Shape", updates))
    return _scattered(graph, "ScatterElements", data, spread, updates, mode, axis=along)


@reads("scatter_along_axis")
def scatter_along_axis(
    graph: Graph,
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> str:
    """``data`` with its elements at ``indices`` along ``axis`` changed."""
    del validate_indices
    return _scattered(graph, "ScatterElements", data, _positions(graph, indices), updates, mode, axis=data.axis(axis))


@reads("scatter_nd")
def scatter_nd(
    graph: Graph, data: Tensor, indices: Tensor, updates: Tensor, mode: str = "add", validate_indices: bool = False
) -> str:
    """``data`` with its slices changed at the positions that are the last axis of ``indices``."""
    del validate_indices
    return _scattered(graph, "ScatterND", data, _positions(graph, indices), updates, mode)


def _scattered(
    graph: Graph, operator: str, data: Tensor, indices: str, updates: Tensor, mode: str, axis: int | None = None
) -> str:
    """One of the modes; to divide by several numbers at one position is to divide by their product."""
    if mode not in MODES:
        raise RefusedError(f"the mode {mode!r}")
    changes = graph.op("Neg", updates) if mode == "sub" else updates.name
    if mode != "div":
        return graph.op(operator, data, indices, changes, reduction=MODES[mode], axis=axis)
    ones = graph.op("Expand", graph.scalar(1, data), graph.op("Shape", data))
    return graph.op("Div", data, graph.op(operator, ones, indices, changes, reduction="mul", axis=axis))


@reads("one_hot")
def one_hot(
    graph: Graph,
    indices: Tensor,
    one_hot_vector_size: Tensor,
    axis: int = -1,
    on_value: Tensor | None = None,
    off_value: Tensor | None = None,
) -> str:
    """A new ``axis`` with ``on_value`` at the index; nowhere, if it is none of the axis."""
    rank = indices.rank + 1
    if not -rank <= axis < rank:
        raise RefusedError(f"axis {axis}")
    along = axis % rank
    size = graph.op("Reshape", graph.long(one_hot_vector_size), numpy.zeros(0, numpy.int64))
    column = [-1 if other == along else 1 for other in range(rank)]
    places = graph.op("Reshape", graph.op("Range", 0, size, 1), column)
    hot = graph.op("Equal", graph.op("Unsqueeze", graph.long(indices), [along]), places)
    on, off = (value.name if value else None for value in (on_value, off_value))
    one = Tensor("", graph.outputs[0].kind, ())
    return graph.op("Where", hot, on or graph.scalar(1, one), off or graph.scalar(0, one))


@reads("topk")
def topk(
    graph: Graph,
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> list[str]:
    """The ``k`` largest or smallest elements and where they are, in order; of equal ones the first comes first."""
    del return_indices
    if output_indices_dtype not in {"int32", "uint16"}:
        raise RefusedError(f"the type {output_indices_dtype!r}")
    if not sort:
        raise RefusedError("elements in no particular order")
    count = x.size(axis) if k == -1 else k
    values, places = graph.ops("TopK", 2, x, [count], axis=x.axis(axis), largest=int(not ascending))
    return [values, graph.int32(places)]


@reads("argsort")
def argsort(graph: Graph, x: Tensor, axis: int = -1, ascending: bool = False) -> str:
    """Where the elements are, in their order; of equal ones the first comes first."""
    return graph.int32(graph.ops("TopK", 2, x, [x.size(axis)], axis=x.axis(axis), largest=int(not ascending))[1])


@reads("cumsum")
def cumsum(graph: Graph, x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> str:
    """Sums of all elements up to each along ``axis``, or up to the one before it."""
    return graph.op("CumSum", x, x.axis(axis), exclusive=int(exclusive), reverse=int(reverse))


@reads("non_zero")
def non_zero(graph: Graph, x: Tensor) -> str:
    """Where the elements are that are not zero, a row for each."""
    return graph.int32(graph.op("Transpose", graph.op("NonZero", x), perm=[1, 0]))


@reads("range_1d")
def range_1d(graph: Graph, start: Tensor, end: Tensor, step: Tensor) -> str:
    """From ``start`` by ``step`` to what is before ``end``."""
    return graph.op("Range", start, end, step)


@reads("fill")
def fill(graph: Graph, shape: Tensor, value: Tensor | None = None) -> str:
    """``value`` everywhere."""
    return graph.op("Expand", value.name if value else graph.floats(0), graph.long(shape))


@reads("fill_like")
def fill_like(graph: Graph, ref_tensor: Tensor, value: Tensor | None = None) -> str:
    """``value`` everywhere, in the shape of another tensor."""
    return graph.op("Expand", value.name if value else graph.floats(0), graph.op("Shape", ref_tensor))


@reads("band_part")
def band_part(graph: Graph, x: Tensor, lower: int = -1, upper: int = -1) -> str:
    """The diagonals of the last two axes from ``lower`` below the main one to ``upper`` above it, zeros elsewhere."""
    rows, columns = numpy.arange(x.size(-2))[:, None], numpy.arange(x.size(-1))
    kept = ((lower < 0) | (rows - columns <= lower)) & ((upper < 0) | (columns - rows <= upper))
    return graph.op("Where", kept, x, graph.scalar(0, x))
