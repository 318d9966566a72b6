"""Shapes: what only moves elements, and what only looks at shapes."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, is_constant, only_output
from converter.emitters.coreml.chain import Chain, one, scalar, vector
from converter.emitters.coreml.operand import kind, line
from converter.emitters.operand import array, integers, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, Dim, dims


@emits("coreml", "Shape")
def shape(node: onnx_ir.Node, data: onnx_ir.Value, *, start: int = 0, end: int | None = None) -> list[Statement]:
    """``shape``, and ``slice_by_index`` if only some of it is wanted."""
    rank = len(dims(data))
    first, last = (slice(start, end).indices(rank))[:2]
    if (first, last) == (0, rank):
        return [line(node, "shape", x=data)]
    chain = Chain(node)
    return chain.last("slice_by_index", x=chain.step("shape", "shape", x=data), begin=[first], end=[last])


@emits("coreml", "Size")
def size(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``reduce_prod`` of ``shape``."""
    if not dims(data):
        return [line(node, "identity", x=1)]
    chain = Chain(node)
    return chain.last("reduce_prod", x=chain.step("shape", "shape", x=data), keep_dims=False)


@emits("coreml", "Reshape")
def reshape(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value, *, allowzero: int = 0) -> list[Statement]:
    """``reshape``; an open batch may be joined with other axes, not be made a number of them."""
    del allowzero  # the result's shape is known
    return reshaped(node, data, sizes)


def reshaped(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value | None = None) -> list[Statement]:
    """The lines that give ``data`` the shape of the node's result."""
    given, wanted = dims(data), dims(only_output(node))
    if BATCH in given and BATCH not in wanted and all(isinstance(dim, int) for dim in wanted):
        raise Refused(f"it makes {list(wanted)} of {list(given)}; give the batch a number")
    if given == wanted:
        return [line(node, "identity", x=data)]
    if not given:
        return [line(node, "expand_dims", x=data, axes=list(range(len(wanted))))]
    if not wanted:
        return [line(node, "squeeze", x=data, axes=list(range(len(given))))]
    if sum(not isinstance(dim, int) for dim in wanted) <= 1:
        return [line(node, "reshape", x=data, shape=[dim if isinstance(dim, int) else -1 for dim in wanted])]
    if sizes is None or is_constant(sizes):
        raise Refused(f"its result {list(wanted)} has several open dimensions")
    return [line(node, "reshape", x=data, shape=sizes)]


@emits("coreml", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Statement]:
    """``reshape``."""
    del axis  # the result's shape is known
    return reshaped(node, data)


@emits("coreml", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] = ()) -> list[Statement]:
    """``transpose``."""
    order = list(perm) or list(reversed(range(len(dims(data)))))
    if not order:
        return [line(node, "identity", x=data)]
    return [line(node, "transpose", x=data, perm=order)]


@emits("coreml", "Squeeze")
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> list[Statement]:
    """``squeeze``."""
    rank, chosen = len(dims(data)), integers(axes)
    if chosen is None:
        chosen = tuple(axis for axis, dim in enumerate(dims(data)) if dim == 1)
    gone = sorted({axis % rank for axis in chosen})
    return [line(node, "squeeze", x=data, axes=gone) if gone else line(node, "identity", x=data)]


@emits("coreml", "Unsqueeze")
def unsqueeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value) -> list[Statement]:
    """``expand_dims``."""
    rank = len(dims(only_output(node)))
    new = sorted({axis % rank for axis in integers(axes) or ()})
    return [line(node, "expand_dims", x=data, axes=new) if new else line(node, "identity", x=data)]


@emits("coreml", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value) -> list[Statement]:
    """``tile``; of a number ``fill``, and to an open batch ``mul`` by ones that ``fill`` makes, or ``logical_or``."""
    wanted, given = dims(only_output(node)), dims(data)
    aligned: tuple[Dim, ...] = (1,) * (len(wanted) - len(given)) + given
    if any(own not in (1, dim) for own, dim in zip(aligned, wanted, strict=True)):
        raise Refused(f"it makes {list(wanted)} of {list(given)}")
    if aligned == wanted:
        return reshaped(node, data)
    chain = Chain(node)
    if is_constant(data) and array(data).size == 1:
        return chain.last("fill", shape=vector(chain, "sizes", wanted, sizes), value=scalar(data))
    repeats = [1 if own == dim else dim for own, dim in zip(aligned, wanted, strict=True)]
    if BATCH in repeats:
        # of repetitions that are computed coremltools does not see that they are the batch again
        shape = vector(chain, "repeats", repeats, sizes)
        if kind(data) == "bool":
            return chain.last("logical_or", x=data, y=chain.step("none", "fill", shape=shape, value=False))
        return chain.last("mul", x=data, y=chain.step("ones", "fill", shape=shape, value=one(data.dtype)))
    source = data
    if len(given) < len(wanted):
        new = list(range(len(wanted) - len(given)))
        source = chain.step("aligned", "expand_dims", x=data, axes=new)
    return chain.last("tile", x=source, reps=repeats)


@emits("coreml", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Statement]:
    """``tile``."""
    counts = integers(repeats) if is_constant(repeats) else None
    if counts is None:
        return [line(node, "tile", x=data, reps=repeats)]
    if all(count == 1 for count in counts):
        return [line(node, "identity", x=data)]
    return [line(node, "tile", x=data, reps=list(counts))]


@emits("coreml", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Statement]:
    """``concat``."""
    if len(values) == 1:
        return [line(node, "identity", x=values[0])]
    return [line(node, "concat", values=list(values), axis=axis)]


@emits("coreml", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,
    *,
    axis: int = 0,
    num_outputs: int = 0,
) -> list[Statement]:
    """``split``, along any axis but an open batch."""
    del num_outputs
    if len(node.outputs) == 1:
        return [line(node, "identity", x=data)]
    if not isinstance(dims(data)[axis], int):
        raise Refused(f"it splits the open batch into {len(node.outputs)}; give the batch a number")
    chunks = integers(sizes) or tuple(static(value, axis)[0] for value in node.outputs)
    if len(set(chunks)) == 1:
        return [line(node, "split", x=data, num_splits=len(chunks), axis=axis)]
    return [line(node, "split", x=data, split_sizes=list(chunks), axis=axis)]
