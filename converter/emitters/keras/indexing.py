"""Reading and writing elements at indices."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant, is_parameter
from converter.emitters.keras.operand import INLINE, line, state
from converter.emitters.keras.shape import reshape_sizes
from converter.emitters.keras.slicing import sliced
from converter.emitters.known import contents
from converter.emitters.operand import array, is_nonnegative, static
from converter.emitters.python import Code
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, dims

_REDUCTIONS = {"none": None, "add": "add", "mul": "mul", "max": "max", "min": "min"}


@emits("keras", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Statement]:
    """``ops.take``, or an index; of a parameter's rows ``layers.Embedding``, if no index can be negative."""
    rank = len(dims(data))
    axis %= rank
    if is_constant(indices):
        return [_taken(node, data, indices, axis)]
    plain = is_parameter(data) and data.dtype == onnx_ir.DataType.FLOAT
    if plain and rank == 2 and axis == 0 and is_nonnegative(indices):
        module = Submodule("layers.Embedding", static(data), {}, {"embeddings": state(data)})
        return [line(node, "{module}({0})", indices, module=module)]
    return [line(node, "ops.take({0}, {1}, axis={axis})", data, indices, roles=("table", "index"), axis=axis)]


def _taken(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> Statement:
    index = array(indices)
    if index.ndim == 0:
        before = Code(":, " * axis)
        return line(node, "{0}[{before}{index}]", data, before=before, index=int(index))
    if index.ndim == 1 and 0 < index.size <= INLINE:
        return line(node, "ops.take({0}, {index}, axis={axis})", data, index=index.tolist(), axis=axis)
    return line(node, "ops.take({0}, {1}, axis={axis})", data, indices, roles=("table", "index"), axis=axis)


@emits("keras", "GatherElements")
def gather_elements(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0
) -> list[Statement]:
    """``ops.take_along_axis``, of as much as there are indices for."""
    axis %= len(dims(data))
    parts = [":"] * len(dims(data))
    for number, (own, wanted) in enumerate(zip(dims(data), dims(indices), strict=True)):
        if number != axis and own != wanted:
            if wanted == BATCH:
                raise Refused(f"the open batch of indices beside {own}; give the batch a number")
            parts[number] = f":{wanted}"
    part = sliced(parts)
    text = f"ops.take_along_axis({{0}}{'[{part}]' if part else ''}, {{1}}, axis={{axis}})"
    return [line(node, text, data, indices, roles=("table", "index"), part=part, axis=axis)]


@emits("keras", "ScatterElements")
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Statement]:
    """A function of ``ops.scatter_update``, which is given the whole place of each element."""
    text = "scatter_elements({0}, {1}, {2}, {axis}, {reduction})"
    settings: dict[str, Any] = {"axis": axis % len(dims(data)), "reduction": _REDUCTIONS[reduction]}
    roles, library = ("table", "index", "source"), ["scatter_elements"]
    return [line(node, text, data, indices, updates, roles=roles, library=library, **settings)]


@emits("keras", "ScatterND")
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Statement]:
    """A function of ``ops.scatter_update``."""
    text = "scatter_nd({0}, {1}, {2}, {reduction})"
    roles, library = ("table", "index", "source"), ["scatter_nd"]
    return [line(node, text, data, indices, updates, roles=roles, library=library, reduction=_REDUCTIONS[reduction])]


@emits("keras", "GatherND")
def gather_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0
) -> list[Statement]:
    """A function that numbers the elements or slices, and takes them from a table of them all."""
    if max(dims(value).count(BATCH) for value in (data, indices)) > 1:
        raise Refused("the open batch is there twice; give the batch a number")
    shape = reshape_sizes(dims(node.outputs[0]))
    text, library = "gather_nd({0}, {1}, {batch_dims}, {shape})", ["gather_nd"]
    settings: dict[str, Any] = {"batch_dims": batch_dims, "shape": shape}
    return [line(node, text, data, indices, roles=("table", "index"), library=library, **settings)]


@emits("keras", "OneHot")
def one_hot(
    node: onnx_ir.Node, indices: onnx_ir.Value, depth: onnx_ir.Value, values: onnx_ir.Value, *, axis: int = -1
) -> list[Statement]:
    """A function that compares: ``ops.one_hot`` does not count from the end."""
    text = "one_hot({0}, {depth}, {1}, {axis})"
    settings: dict[str, Any] = {"depth": int(array(depth).reshape(-1)[0]), "axis": axis % (len(dims(indices)) + 1)}
    return [line(node, text, indices, values, roles=("", "values"), library=["one_hot"], **settings)]


@emits("keras", "ReverseSequence")
def reverse_sequence(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value,
    *,
    batch_axis: int = 1,
    time_axis: int = 0,
) -> list[Statement]:
    """A function that takes each row from its end."""
    text, library = "reverse_sequence({0}, {1}, {time}, {batch})", ["reverse_sequence"]
    return [line(node, text, data, lengths, roles=("", "lengths"), library=library, time=time_axis, batch=batch_axis)]


@emits("keras", "TopK")
def top_k(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002 - ONNX's name
) -> list[Statement]:
    """A function of ``ops.argsort``: ``ops.top_k`` does not promise which of equal elements comes first."""
    del sorted  # always
    axis %= len(dims(data))
    found = contents(count)
    if found is None:
        raise Refused("how many are taken is computed of more than shapes")
    k = found.reshape(-1)[0]
    if k == BATCH and dims(data)[axis] != BATCH:
        raise Refused("as many are taken as the open batch has; give the batch a number")
    settings: dict[str, Any] = {
        "k": None if k == dims(data)[axis] else int(k),
        "axis": axis,
        "largest": bool(largest),
    }
    return [line(node, "top_k({0}, {k}, {axis}, {largest})", data, library=["top_k"], **settings)]
