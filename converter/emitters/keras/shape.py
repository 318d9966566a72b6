"""Shapes: what only moves elements, repeats them, or looks at shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.keras.elementwise import FLOATS
from converter.emitters.keras.operand import layer, line
from converter.emitters.known import batch_of, numbers
from converter.emitters.operand import integers, is_stored, static
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, Dim, dims


def batch_source(node: onnx_ir.Node, value: onnx_ir.Value) -> tuple[onnx_ir.Value, int]:
    """A tensor with the open batch that ``value`` was computed of, and which axis it is.

    Raises:
        Refused: There is none.
    """
    inputs = node.graph.inputs if isinstance(node.graph, onnx_ir.Graph) else []
    given = [(each, dims(each).index(BATCH)) for each in inputs if BATCH in dims(each)]
    found = batch_of(value) or next(iter(given), None)
    if found is None:
        raise Refused("nothing has the batch that it is as long as")
    return found


def literal_shape(shape: Sequence[Dim]) -> tuple[int | None, ...]:
    """``shape`` with None for the batch."""
    return tuple(None if dim == BATCH else int(dim) for dim in shape)


def reshape_sizes(shape: Sequence[Dim]) -> tuple[int, ...]:
    """``shape`` as ``ops.reshape`` wants it: -1 for the batch.

    Raises:
        Refused: The batch is there several times, or something else is empty.
    """
    if shape.count(BATCH) > 1 or (BATCH in shape and 0 in shape):
        raise Refused(f"its result {list(shape)} has several open dimensions")
    return tuple(-1 if dim == BATCH else int(dim) for dim in shape)


@emits("keras", "Shape")
def shape(node: onnx_ir.Node, data: onnx_ir.Value, *, start: int = 0, end: int | None = None) -> list[Statement]:
    """Numbers; a function that counts the rows of an open batch."""
    return [_shape(node, data, dims(data)[start:end])]


def _shape(node: onnx_ir.Node, data: onnx_ir.Value, sizes: Sequence[Dim]) -> Statement:
    known = literal_shape(sizes)
    if None not in known:
        return line(node, 'ops.convert_to_tensor({sizes}, "int64")', sizes=known)
    text = "shape_of({0}, {axis}, {sizes})"
    return line(node, text, data, library=["shape_of"], axis=dims(data).index(BATCH), sizes=known)


@emits("keras", "Size")
def size(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The sum of as many ones."""
    return [line(node, 'ops.sum(ops.ones_like({0}, dtype="int64"))', data)]


@emits("keras", "Reshape")
def reshape(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value, *, allowzero: int = 0) -> list[Statement]:
    """``layers.Reshape`` where the first axis stays, else ``ops.reshape``; no open batch may become a number."""
    del allowzero, sizes  # the result's shape is known
    return [reshaped(node, data)]


def reshaped(node: onnx_ir.Node, data: onnx_ir.Value) -> Statement:
    """``data`` in the shape of the node's output."""
    given, wanted = dims(data), dims(node.outputs[0])
    if given == wanted:
        return line(node, "{0}", data)
    if BATCH in given and BATCH not in wanted:
        raise Refused(f"it makes {list(wanted)} of {list(given)}; give the batch a number")
    target = reshape_sizes(wanted)
    rest = given[1:]
    stays = given[:1] == wanted[:1] and BATCH not in rest and math.prod(map(int, rest)) == math.prod(target[1:])
    if stays and len(wanted) > 1 and data.dtype in FLOATS and not is_stored(data):
        return layer(node, data, "layers.Reshape", target[1:])
    return line(node, "ops.reshape({0}, {shape})", data, shape=target)


@emits("keras", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Statement]:
    """``layers.Flatten`` from the second axis on, else ``ops.reshape``."""
    given = dims(data)
    plain = axis % len(given) == 1 and BATCH not in given[1:] if given else False
    if plain and data.dtype in FLOATS and not is_stored(data):
        # what keras.json says would move the channels
        return [layer(node, data, "layers.Flatten", data_format="channels_last")]
    return [reshaped(node, data)]


@emits("keras", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] = ()) -> list[Statement]:
    """``layers.Permute`` where the first axis stays, else ``ops.transpose``."""
    rank = len(dims(data))
    order = tuple(perm) or tuple(reversed(range(rank)))
    if rank > 1 and order[0] == 0 and data.dtype in FLOATS and not is_stored(data):
        return [layer(node, data, "layers.Permute", order[1:])]
    return [line(node, "ops.transpose({0}, {axes})", data, axes=order)]


@emits("keras", "Squeeze")
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> list[Statement]:
    """``ops.squeeze``."""
    rank = len(dims(data))
    chosen = integers(axes)
    if chosen is None:
        chosen = tuple(axis for axis, dim in enumerate(dims(data)) if dim == 1)
    gone = tuple(sorted({axis % rank for axis in chosen}))
    if any(dims(data)[axis] == BATCH for axis in gone):  # ops.squeeze wants to know that there is one
        return [line(node, "ops.reshape({0}, {shape})", data, shape=reshape_sizes(dims(node.outputs[0])))]
    if not gone:
        return [line(node, "{0}", data)]
    return [line(node, "ops.squeeze({0}, axis={axis})", data, axis=gone[0] if len(gone) == 1 else gone)]


@emits("keras", "Unsqueeze")
def unsqueeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value) -> list[Statement]:
    """``ops.expand_dims``."""
    rank = len(dims(node.outputs[0]))
    new = tuple(sorted(axis % rank for axis in integers(axes) or ()))
    if not new:
        return [line(node, "{0}", data)]
    return [line(node, "ops.expand_dims({0}, axis={axis})", data, axis=new[0] if len(new) == 1 else new)]


@emits("keras", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value) -> list[Statement]:
    """``ops.broadcast_to``; beside an open batch ``ops.tile``, and along it a function that repeats the one row."""
    wanted, given = dims(node.outputs[0]), dims(data)
    if given == wanted:
        return [line(node, "{0}", data)]
    if BATCH not in wanted:
        return [line(node, "ops.broadcast_to({0}, {shape})", data, shape=static(node.outputs[0]))]
    new = tuple(range(len(wanted) - len(given)))
    own: tuple[Dim, ...] = (1,) * len(new) + given
    pairs = list(zip(wanted, own, strict=True))
    repeats = tuple(int(dim) if dim not in (size, BATCH) else 1 for dim, size in pairs)
    text = "ops.expand_dims({0}, axis={new})" if new else "{0}"
    text = f"ops.tile({text}, {{repeats}})" if any(repeat != 1 for repeat in repeats) else text
    rows = [axis for axis, (dim, size) in enumerate(pairs) if dim == BATCH and size != BATCH]
    if not rows:
        return [line(node, text, data, new=new[0] if len(new) == 1 else new, repeats=repeats)]
    source, place = batch_source(node, sizes)
    text = spread(text, rows, "{1}", place)
    library = ["spread"]
    return [line(node, text, data, source, library=library, new=new[0] if len(new) == 1 else new, repeats=repeats)]


def spread(text: str, axes: Sequence[int], source: str, place: int) -> str:
    """``text`` with as many rows along ``axes`` as ``source`` has along its axis ``place``."""
    for axis in axes:
        text = f"spread({text}, {axis}, {source}, {place})"
    return text


@emits("keras", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Statement]:
    """``ops.tile``."""
    return [line(node, "ops.tile({0}, {repeats})", data, repeats=tuple(numbers(repeats)))]


@emits("keras", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Statement]:
    """``layers.Concatenate``; ``ops.concatenate`` of a batch, of whole numbers, or where a part is known before."""
    if len(values) == 1:
        return [line(node, "{0}", values[0])]
    rank = len(dims(values[0]))
    axis %= rank
    operands = ", ".join(f"{{{number}}}" for number in range(len(values)))
    plain = all(value.dtype == onnx_ir.DataType.FLOAT and not is_stored(value) for value in values)
    if axis and plain:
        module = Submodule("layers.Concatenate", (), {"axis": axis})
        return [line(node, f"{{module}}([{operands}])", *values, module=module)]
    return [line(node, f"ops.concatenate([{operands}], axis={{axis}})", *values, axis=axis)]


@emits("keras", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,
    *,
    axis: int = 0,
    num_outputs: int = 0,
) -> list[Statement]:
    """``ops.split``, along any axis but an open batch."""
    del num_outputs, sizes  # the results' shapes are known
    axis %= len(dims(data))
    if len(node.outputs) == 1:
        return [line(node, "{0}", data)]
    if dims(data)[axis] == BATCH:
        raise Refused(f"it splits the open batch into {len(node.outputs)}; give the batch a number")
    chunks = [static(value, axis)[0] for value in node.outputs]
    places = [sum(chunks[: place + 1]) for place in range(len(chunks) - 1)]
    parts = len(chunks) if len(set(chunks)) == 1 else places
    return [line(node, "ops.split({0}, {parts}, axis={axis})", data, parts=parts, axis=axis)]
