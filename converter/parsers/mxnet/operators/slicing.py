"""Parts of a value.

Sources: src/operator/tensor/matrix_op-inl.h, crop-inl.h.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints, OptionalInts
from converter.parsers.mxnet.operators.common import extents, positive_axis, rank, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import MAX_ELEMENTS, Scope, spell


@parses("slice", "crop")
def slice_(g: Scope, data: Value, *, begin: OptionalInts, end: OptionalInts, step: OptionalInts = ()) -> Value:
    """From ``begin`` to ``end`` by ``step`` along the first axes, as in Python. Refused: part of the open batch."""
    steps = step or (None,) * len(begin)
    if not len(begin) == len(end) == len(steps) <= len(ir.dims(data)):
        raise g.misfit(f"its input {spell(ir.dims(data))} cannot be cut from {begin} to {end} by {step}")
    if 0 in steps:
        raise g.misfit(f"step={step} has a 0")
    return _cut(g, data, {axis: slice(*cut) for axis, cut in enumerate(zip(begin, end, steps, strict=True))})


@parses("slice_axis")
def slice_axis(g: Scope, data: Value, *, axis: int, begin: int, end: int | None) -> Value:
    """From ``begin`` to ``end`` along ``axis``; both may be negative. Refused: part of the open batch."""
    place = positive_axis(g, data, axis)
    if (begin, end) != (0, None):
        count = size(g, data, place)
        if any(not -count <= bound <= count for bound in (begin, end) if bound is not None):
            raise g.misfit(f"an axis of {count} has no elements from {begin} to {end}")
    return _cut(g, data, {place: slice(begin, end)})


@parses("slice_like")
def slice_like(g: Scope, data: Value, shape_like: Value, *, axes: Ints = ()) -> Value:
    """The beginning of ``data``, as much as ``shape_like`` is long, along ``axes`` or along all."""
    given, like = ir.dims(data), ir.dims(shape_like)
    places = {positive_axis(g, data, axis) for axis in axes} or set(range(len(given)))
    if max(places) >= len(like) or (not axes and len(given) != len(like)):
        raise g.misfit(f"its inputs {spell(given)} and {spell(like)} do not have the axes {axes}")
    cuts = {}
    for axis in sorted(places):
        if given[axis] != like[axis]:
            longest, wanted = size(g, data, axis), size(g, shape_like, axis)
            if wanted > longest:
                raise g.misfit(f"its axis {axis} of {longest} is shorter than {wanted}")
            cuts[axis] = slice(wanted)
    return _cut(g, data, cuts)


@parses("Crop", ignores=("num_args",))
def crop(
    g: Scope,
    data: Value,
    crop_like: Value | None = None,
    *,
    offset: Ints = (0, 0),
    h_w: Ints = (0, 0),
    center_crop: bool = False,
) -> Value:
    """A window of a picture: of the size ``h_w`` or that of ``crop_like``, at ``offset`` or in the middle."""
    rank(g, data, 4)
    if crop_like is not None:
        rank(g, crop_like, 4)
    cuts = {}
    for index, axis in enumerate((2, 3)):
        whole = size(g, data, axis)
        window = extents(g, "h_w", h_w, 2)[index] if crop_like is None else size(g, crop_like, axis)
        begin = (whole - window) // 2 if center_crop else extents(g, "offset", offset, 2, least=0)[index]
        if begin + window > whole or window > whole:
            raise g.misfit(f"a window of {window} at {begin} does not fit axis {axis} of {whole}")
        cuts[axis] = slice(begin, begin + window)
    return _cut(g, data, cuts)


def _cut(g: Scope, data: Value, cuts: Mapping[int, slice]) -> Value:
    """``data`` cut along the axes of ``cuts``, those of all elements in order aside."""
    ranges = {}
    for axis, cut in cuts.items():
        if cut.start in (None, 0) and cut.stop is None and cut.step in (None, 1):
            continue
        whole = size(g, data, axis)
        chosen = range(*cut.indices(whole))
        if not chosen:
            raise g.misfit(f"an axis of {whole} has no elements from {cut.start} to {cut.stop} by {cut.step or 1}")
        if chosen != range(whole):
            ranges[axis] = chosen
    if not ranges:
        return g.emit("Identity", data)
    starts = g.ints("start", [chosen.start for chosen in ranges.values()])
    # A negative end counts from the back: one before the first element is far before it.
    ends = g.ints("end", [chosen.stop if chosen.stop >= 0 else -MAX_ELEMENTS - 1 for chosen in ranges.values()])
    steps = g.ints("steps", [chosen.step for chosen in ranges.values()])
    return g.emit("Slice", data, starts, ends, g.ints("axes", list(ranges)), steps)
