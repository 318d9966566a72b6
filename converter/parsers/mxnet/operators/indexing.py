"""Elements by their index.

Sources: src/operator/tensor/indexing_op.h, broadcast_reduce_op.h (pick), ravel.h, contrib/index_copy-inl.h.

MXNet's indices are numbers of any type, usually float32; they are truncated toward zero.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, positive_axis, rank, size
from converter.parsers.mxnet.operators.shapes import length, positive_axes
from converter.parsers.mxnet.registry import Parameter, parses, refuses
from converter.parsers.mxnet.scope import Scope, dtype_of, spell

OutOfRange: TypeAlias = Literal["clip", "wrap", "raise"]

_LARGEST = np.iinfo(np.int64).max

refuses(
    "_contrib_boolean_mask",
    because="the shape of its output depends on the values of its input, which no target can plan for",
)


@parses("take")
def take(g: Scope, a: Value, indices: Value, *, axis: int = 0, mode: OutOfRange = "clip") -> Value:
    """Slices of ``a`` along ``axis``; with ``raise`` MXNet stops at an index that is out of range."""
    place = positive_axis(g, a, axis)
    return g.emit("Gather", a, _within(g, indices, a, place, mode), axis=place)


@parses("Embedding", "_contrib_SparseEmbedding", ignores=("sparse_grad",))
def embedding(
    g: Scope,
    data: Value,
    weight: Parameter,
    *,
    input_dim: int,
    output_dim: int,
    dtype: Literal["float32"] = "float32",  # noqa: ARG001 - its type refuses the others
) -> Value:
    """Rows of ``weight`` ``[input_dim, output_dim]``; an index out of range is the nearest that is not."""
    table = g.parameter(weight, (at_least(g, "input_dim", input_dim), at_least(g, "output_dim", output_dim)))
    return g.emit("Gather", table, _within(g, data, table, 0, "clip"), axis=0)


@parses("batch_take")
def batch_take(g: Scope, a: Value, indices: Value) -> Value:
    """One element of each row of the matrix ``a``; an index out of range is the nearest that is not."""
    rank(g, a, 2)
    return _picked(g, a, indices, 1, "clip", keepdims=False)


@parses("pick", "choose_element_0index")
def pick(
    g: Scope,
    data: Value,
    index: Value,
    *,
    axis: int = -1,
    keepdims: bool = False,
    mode: Literal["clip", "wrap"] = "clip",
) -> Value:
    """One element along ``axis`` at each place of the other axes; ``index`` may have ``axis`` as 1 or not at all."""
    return _picked(g, data, index, positive_axis(g, data, axis), mode, keepdims=keepdims)


def _picked(g: Scope, data: Value, index: Value, axis: int, mode: OutOfRange, *, keepdims: bool) -> Value:
    given = ir.dims(data)
    thin = (*given[:axis], 1, *given[axis + 1 :])
    found = ir.dims(index)
    if found not in (thin, given[:axis] + given[axis + 1 :]):
        raise g.misfit(f"indices of {spell(found)} do not fit an input of {spell(given)} without its axis {axis}")
    axes = g.ints("axes", [axis])
    if found != thin:
        index = g.emit("Unsqueeze", index, axes, role="unsqueeze")
    index = _within(g, index, data, axis, mode)
    if keepdims or len(given) == 1:
        return g.emit("GatherElements", data, index, axis=axis)
    return g.emit("Squeeze", g.emit("GatherElements", data, index, role="gather", axis=axis), axes)


def _within(g: Scope, indices: Value, data: Value, axis: int, mode: OutOfRange) -> Value:
    """``indices`` as int64, brought into the range of ``axis`` of ``data``."""
    index = whole(g, indices)
    if mode == "raise":
        return index
    count = length(g, data, axis)
    if mode == "wrap":
        return g.emit("Mod", index, count, role="wrap")
    one = g.ints("one", [1])
    last = g.emit("Squeeze", g.emit("Sub", count, one, role="last"), role="last-scalar")
    return g.emit("Clip", index, g.array("first", np.array(0, np.int64)), last, role="clip")


def whole(g: Scope, numbers: Value, role: str = "whole") -> Value:
    """``numbers`` as int64, truncated toward zero."""
    same = dtype_of(numbers) == DataType.INT64
    return numbers if same else g.emit("Cast", numbers, role=role, to=DataType.INT64)


def counted(g: Scope, count: Value, dim: Dim) -> Value:
    """0, 1, 2, ... as int64, as many as the vector ``count`` says, which is ``dim``."""
    zero, one = (g.array(role, np.array(number, np.int64)) for role, number in (("zero", 0), ("one", 1)))
    return g.emit("Range", zero, g.emit("Squeeze", count, role="end"), one, role="counted", shape=(dim,))


@parses("gather_nd")
def gather_nd(g: Scope, data: Value, indices: Value) -> Value:
    """Elements or slices of ``data`` at the columns of ``indices`` ``[M, ...]``; -1 is the last."""
    return g.emit("GatherND", data, _last_first(g, indices, len(ir.dims(data))))


@parses("scatter_nd")
def scatter_nd(g: Scope, data: Value, indices: Value, *, shape: Ints) -> Value:
    """Zeros of ``shape``, but ``data`` at the columns of ``indices`` ``[M, ...]``, the last where several meet."""
    made = tuple(at_least(g, "shape", dim) for dim in shape)
    zeros = g.emit("Expand", g.scalar("zero", 0, like=data), g.ints("shape", made), role="zeros", shape=made)
    return g.emit("ScatterND", zeros, _last_first(g, indices, len(shape)), data)


def _last_first(g: Scope, indices: Value, most: int) -> Value:
    """Indices with the axis of the coordinates last, as ONNX has it."""
    axes = len(ir.dims(indices))
    if size(g, indices, 0) > most:
        raise g.misfit(f"indices of {spell(ir.dims(indices))} address more than the {most} axes there are")
    if axes == 1:
        raise g.refuse("indices of one dimension, which name one element")
    return g.emit("Transpose", whole(g, indices), role="coordinates-last", perm=[*range(1, axes), 0])


@parses("_contrib_index_copy")
def index_copy(g: Scope, old_tensor: Value, index_vector: Value, new_tensor: Value) -> Value:
    """``old_tensor`` with the rows that ``index_vector`` names replaced by those of ``new_tensor``."""
    rows = g.emit("Unsqueeze", whole(g, index_vector), g.ints("axes", [1]), role="rows")
    return g.emit("ScatterND", old_tensor, rows, new_tensor)


@parses("_contrib_index_array")
def index_array(g: Scope, data: Value, *, axes: Ints | None = None) -> Value:
    """The index of each element of ``data`` along ``axes`` (all of them), in a new last axis, as int64."""
    given = ir.dims(data)
    shape = g.emit("Shape", data, role="shape")
    parts = []
    for place in positive_axes(g, data, range(len(given)) if axes is None else axes):
        steps = counted(g, length(g, data, place), given[place])
        others = g.ints("others", [axis for axis in range(len(given)) if axis != place])
        spread = g.emit(
            "Expand", g.emit("Unsqueeze", steps, others, role="aligned"), shape, role="spread", shape=given
        )
        parts.append(g.emit("Unsqueeze", spread, g.ints("axes", [len(given)]), role="coordinate"))
    return g.emit("Concat", *parts, axis=len(given))


@parses("one_hot")
def one_hot(
    g: Scope,
    indices: Value,
    *,
    depth: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    dtype: Literal["float32", "int32", "int64", "int8", "uint8"] = "float32",
) -> Value:
    """A new last axis of ``depth``: ``on_value`` at the index, nowhere if it is out of range, else ``off_value``."""
    axis = len(ir.dims(indices))
    classes = counted(g, g.ints("depth", [at_least(g, "depth", depth)]), depth)
    column = g.emit("Unsqueeze", whole(g, indices), g.ints("axes", [axis]), role="unsqueeze")
    hot = g.emit("Equal", column, classes, role="hot")
    kind = np.dtype(dtype)
    on, off = (
        g.array(role, np.array(value if kind.kind == "f" else int(value)).astype(kind))
        for role, value in (("on", on_value), ("off", off_value))
    )
    return g.emit("Where", hot, on, off)


@parses("_ravel_multi_index", "ravel_multi_index")
def ravel_multi_index(g: Scope, data: Value, *, shape: Ints) -> Value:
    """The place in a flattened array of ``shape`` of each column of ``data`` ``[M, N]``, which is not checked."""
    rank(g, data, 2)
    if size(g, data, 0) != len(shape):
        raise g.misfit(f"coordinates of {spell(ir.dims(data))} for a shape of {len(shape)} dimensions")
    strides = g.array("strides", _strides(shape).reshape(-1, 1))
    parts = g.emit("Mul", whole(g, data), strides, role="parts")
    total = g.emit("ReduceSum", parts, g.ints("axes", [0]), role="sum", keepdims=0)
    return g.emit("Cast", total, to=dtype_of(data))


@parses("_unravel_index", "unravel_index")
def unravel_index(g: Scope, data: Value, *, shape: Ints) -> Value:
    """The coordinates, a new first axis, of ``data`` in a flattened array of ``shape``, which is not checked.

    ``data`` has one dimension; of more MXNet makes an array of the wrong shape.
    """
    rank(g, data, 1)
    at_least(g, "number of dimensions", len(shape))
    strides = g.array("strides", _strides(shape).reshape(-1, 1))
    ends = g.array("ends", np.array([_LARGEST, *shape[1:]], np.int64).reshape(-1, 1))
    found = g.emit("Mod", g.emit("Div", whole(g, data), strides, role="div"), ends, role="mod", fmod=1)
    return g.emit("Cast", found, to=dtype_of(data))


def _strides(shape: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """How far apart neighbours along each axis lie in a flattened array; the first size does not matter."""
    return np.array([math.prod(shape[axis + 1 :]) for axis in range(len(shape))], np.int64)
