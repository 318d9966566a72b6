"""Several values as one, and one as several.

Sources: src/operator/nn/concat.cc, slice_channel-inl.h, tensor/matrix_op-inl.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import positive_axis, size
from converter.parsers.mxnet.operators.shapes import constant_axes
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of, spell

MAX_PARTS = 1 << 16
"""No network cuts a value into nearly as many."""


@parses("Concat", "concat", ignores=("num_args",))
def concat(g: Scope, *data: Value, dim: int = 1) -> Value:
    """The inputs one after the other along ``dim``. Refused: along the open batch."""
    place = positive_axis(g, data[0], dim)
    _alike(g, data, except_axis=place)
    for value in data:
        size(g, value, place)
    return g.emit("Concat", *data, axis=place)


@parses("stack", ignores=("num_args",))
def stack(g: Scope, *data: Value, axis: int = 0) -> Value:
    """The inputs, of one shape, along a new axis."""
    count = len(ir.dims(data[0])) + 1
    if not -count <= axis < count:
        raise g.misfit(f"its output of {count} dimensions has no axis {axis}")
    _alike(g, data)
    place = axis % count
    axes = constant_axes(g, [place])
    return g.emit("Concat", *(g.emit("Unsqueeze", value, axes, role="row") for value in data), axis=place)


def _alike(g: Scope, data: Sequence[Value], except_axis: int | None = None) -> None:
    """Refuse several types, and shapes that differ elsewhere, where ONNX's inference takes a number for the batch."""
    shapes = [ir.dims(value) for value in data]
    kept = [tuple(dim for axis, dim in enumerate(shape) if axis != except_axis) for shape in shapes]
    for shape, rest in zip(shapes, kept, strict=True):
        if rest != kept[0] or len(shape) != len(shapes[0]):
            raise g.misfit(f"its inputs {spell(shapes[0])} and {spell(shape)} do not fit each other")
    if len({dtype_of(value) for value in data}) > 1:
        raise g.refuse("inputs of several element types")


@parses("SliceChannel", "split")
def slice_channel(
    g: Scope, data: Value, *, num_outputs: int, axis: int = 1, squeeze_axis: bool = False
) -> Value | list[Value]:
    """``num_outputs`` equal parts along ``axis``, without that axis if ``squeeze_axis``."""
    place = positive_axis(g, data, axis)
    length = size(g, data, place)
    if not 1 <= num_outputs <= MAX_PARTS or length % num_outputs or (squeeze_axis and num_outputs != length):
        raise g.misfit(f"an axis of {length} cannot be split into {num_outputs}")
    names = [f"output{i}" for i in range(num_outputs)]
    return _parts(g, data, place, [length // num_outputs] * num_outputs, names, squeeze_axis)


@parses("_split_v2")
def split_v2(
    g: Scope, data: Value, *, indices: Ints, axis: int = 1, squeeze_axis: bool = False, sections: int = 0
) -> Value | list[Value]:
    """Parts along ``axis`` that begin at ``indices``, or ``sections`` parts of which the first are larger by one."""
    place = positive_axis(g, data, axis)
    length = size(g, data, place)
    if sections > min(length, MAX_PARTS):
        raise g.misfit(f"an axis of {length} cannot be split into {sections}")
    if sections > 0:
        sizes = [length // sections + (part < length % sections) for part in range(sections)]
    else:
        sizes = [end - begin for begin, end in pairwise((*indices, length))]
    if not sizes or sum(sizes) != length or min(sizes) < 1 or (squeeze_axis and max(sizes) > 1):
        raise g.misfit(f"an axis of {length} cannot be split at {indices} or into {sections}")
    names = [f"output{i}" for i in range(len(sizes))] if len(sizes) > 1 else ["output"]
    return _parts(g, data, place, sizes, names, squeeze_axis)


def _parts(
    g: Scope, data: Value, axis: int, sizes: Sequence[int], names: Sequence[str], squeeze: bool
) -> Value | list[Value]:
    """``data`` cut along ``axis`` into ``sizes``, without that axis if told so."""
    if squeeze and len(ir.dims(data)) == 1:
        raise g.refuse("its outputs would be scalars")
    role = "split" if squeeze else ""
    if len(set(sizes)) == 1:
        parts = g.emit_many("Split", data, outputs=names, role=role, axis=axis, num_outputs=len(sizes))
    else:
        parts = g.emit_many("Split", data, g.ints("sizes", sizes), outputs=names, role=role, axis=axis)
    if not squeeze:
        return parts
    axes = constant_axes(g, [axis])
    return [g.emit("Squeeze", part, axes, output=name) for part, name in zip(parts, names, strict=True)]
