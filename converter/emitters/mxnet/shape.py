"""The same elements under another shape, and several times."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.known import numbers, sizes
from converter.emitters.mxnet.call import Call, Chain, call, renamed
from converter.emitters.mxnet.limits import check_transposed
from converter.emitters.mxnet.spread import codes, spread
from converter.ir import dims


@emits("mxnet", "Reshape")
def reshape(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    shape: onnx_ir.Value,  # noqa: ARG001 - the output's shape says the same
    *,
    allowzero: int = 0,  # noqa: ARG001
) -> list[Call]:
    """``reshape``, where 0 keeps the batch in its place and -1 finds it elsewhere."""
    return call(node, "reshape", data, shape=codes(dims(data), dims(only_output(node))))


@emits("mxnet", "Squeeze")
def squeeze(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
) -> list[Call]:
    """``squeeze``; ``reshape`` where no dimension is left."""
    given, made = dims(data), dims(only_output(node))
    if not made:
        return call(node, "reshape", data, shape=(1,))
    places = [place for place, dim in enumerate(given) if dim == 1] if axes is None else numbers(axes)
    places = sorted({place % len(given) for place in places})
    return call(node, "squeeze", data, axis=tuple(places) if len(places) != 1 else places[0])


@emits("mxnet", "Unsqueeze")
def unsqueeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value) -> list[Call]:
    """``expand_dims``; ``reshape`` where there are several new dimensions."""
    given, made = dims(data), dims(only_output(node))
    places = numbers(axes)
    if len(places) == 1 and given:
        return call(node, "expand_dims", data, axis=places[0] % len(made))
    return call(node, "reshape", data, shape=codes(given, made))


@emits("mxnet", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] | None = None) -> list[Call]:
    """``transpose``, of six dimensions at most."""
    check_transposed(len(dims(data)))
    order = tuple(range(len(dims(data))))[::-1] if perm is None else tuple(perm)
    return call(node, "transpose", data, axes=order)


@emits("mxnet", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, shape: onnx_ir.Value) -> list[Call]:
    """``broadcast_axis``, and ``broadcast_like`` for a batch that is read off another value."""
    chain = Chain(node)
    return renamed(chain, spread(chain, "whole", data, dims(only_output(node)), shape))


@emits("mxnet", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Call]:
    """``tile``, one axis after the other."""
    chain, counts = Chain(node), numbers(repeats)
    for axis, count in enumerate(counts):
        if count != 1:
            reps = (1,) * axis + (count,) + (1,) * (len(counts) - axis - 1)
            data = chain.step(f"axis{axis}", "tile", data, reps=reps)
    return renamed(chain, data)


@emits("mxnet", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Call]:
    """``concat``."""
    return call(node, "concat", *values, dim=axis % len(dims(values[0])))


@emits("mxnet", "DepthToSpace")
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Call]:
    """``depth_to_space``; of the mode CRD, two of ``reshape`` around a ``transpose``."""
    if mode == "DCR":
        return call(node, "depth_to_space", data, block_size=blocksize)
    batch, channels, height, width = dims(data)
    chain = Chain(node)
    (planes,) = sizes((channels,), "a number of channels")
    parts = (batch, planes // blocksize**2, blocksize, blocksize, height, width)
    apart = chain.step("apart", "reshape", data, shape=codes(dims(data), parts))
    moved = chain.step("moved", "transpose", apart, axes=(0, 1, 4, 2, 5, 3))
    return chain.last("reshape", moved, shape=codes(parts, dims(only_output(node))))


@emits("mxnet", "SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Call]:
    """``space_to_depth``."""
    return call(node, "space_to_depth", data, block_size=blocksize)


@emits("mxnet", "Shape")
def shape_array(node: onnx_ir.Node, data: onnx_ir.Value, *, start: int = 0, end: int | None = None) -> list[Call]:
    """``shape_array``, cut to size; nothing where the shape is known while the code is written.

    Raises:
        Refused: The value has no dimensions.
    """
    given = dims(data)
    if not given:
        raise Refused(f"{data.name} has no dimensions")
    chain = Chain(node)
    first, last, _ = slice(start, end).indices(len(given))
    if (first, last) == (0, len(given)):
        return chain.last("shape_array", data)
    whole = chain.step("all", "shape_array", data)
    return chain.last("slice_axis", whole, axis=0, begin=first, end=last)


@emits("mxnet", "Size")
def size_array(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``size_array``."""
    return call(node, "size_array", data)
