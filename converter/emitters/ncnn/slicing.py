"""Parts of Mats, put together, repeated or padded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.ncnn.elementwise import mat_shape_like
from converter.emitters.ncnn.layer import Alias, Layer, Params, inner, mat_params
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import Step, series
from converter.emitters.ncnn.shape import viewed
from converter.ir import BATCH, dims

Parts = list[Layer | Alias]

_PADDING = {"constant": 0, "edge": 1, "reflect": 2}
_SIDES = ((7, 8), (0, 1), (2, 3))
"""``Padding``'s numbers for before and after: channels (or depth), rows, columns."""
_OPEN_END = 2**31 - 1
"""Where a slice ends that is to reach the end, however many rows there are."""


@emits("ncnn", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> Parts:
    """``Concat``, along any dimension but the batch.

    Raises:
        Refused: An input has not the rows of the batch that others have.
    """
    top = only_output(node)
    for value in values:
        if batch_axis(value) != batch_axis(top):
            raise Refused(f"{value.name} has not the rows of the batch that others have")
    if len(values) == 1:
        return [Alias(top, values[0])]
    return [Layer(str(node.name), "Concat", values, (top,), {0: row_axis(top, axis)})]


@emits("ncnn", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,  # noqa: ARG001 - the outputs' shapes say the same
    *,
    axis: int = 0,
    num_outputs: int | None = None,  # noqa: ARG001
) -> Parts:
    """``Slice``, along any dimension but the batch."""
    place = row_axis(data, axis)
    if len(node.outputs) == 1:
        return [Alias(node.outputs[0], data)]
    lengths = tuple(mat_shape(part)[place] for part in node.outputs)
    return [Layer(str(node.name), "Slice", (data,), tuple(node.outputs), {0: lengths, 1: place})]


@emits("ncnn", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> Parts:
    """``Crop``, behind ``Flip`` for steps below 0; of longer steps the first elements, by ``Reshape`` and ``Crop``.

    Raises:
        Refused: The batch is cut.
    """
    ranges = _ranges(data, *(None if value is None else _integers(value) for value in (starts, ends, axes, steps)))
    return selected(node, data, ranges)


@emits("ncnn", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> Parts:
    """``Padding``; of four dimensions, the outermost in a Mat of three. ``Crop`` where less than nothing is padded.

    Raises:
        Refused: The batch is padded, or the mode is ``wrap``.
    """
    if mode not in _PADDING:
        raise Refused(f"mode {mode}")
    rank, amounts = len(dims(data)), _integers(pads)
    listed = [axis % rank for axis in _integers(axes)] if axes is not None else list(range(rank))
    half = len(listed)
    sides = {
        row_axis(data, axis): (amounts[i], amounts[i + half])
        for i, axis in enumerate(listed)
        if amounts[i] or amounts[i + half]
    }
    fill = 0.0 if value is None else float(constant(value).numpy().reshape(()))
    return _padded(node, data, sides, {4: _PADDING[mode], **({5: fill} if mode == "constant" and fill else {})})


@emits("ncnn", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> Parts:
    """``Tile``, along any dimension but the batch."""
    top, batch = only_output(node), batch_axis(data)
    times = _integers(repeats)
    if batch is not None and times[batch] != 1:
        raise Refused("the rows of the batch are repeated")
    return _tiled(node, data, tuple(count for axis, count in enumerate(times) if axis != batch) or (1,), top)


@emits("ncnn", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, shape: onnx_ir.Value | None) -> Parts:  # noqa: ARG001
    """``Tile``, behind ``Reshape`` where dimensions are added; nothing where the Mat stays as it is."""
    top = only_output(node)
    before, wanted = mat_shape_like(data, top), mat_shape(top)
    times = tuple(new // old for old, new in zip(before, wanted, strict=True))
    if before == mat_shape(data):
        return _tiled(node, data, times, top)
    if before == wanted:
        return [viewed(str(node.name), data, top, wanted)]
    view = inner(node, "view")
    return [viewed(str(view.name), data, view, before), *_tiled(node, view, times, top)]


def selected(node: onnx_ir.Node, data: onnx_ir.Value, ranges: dict[int, range]) -> Parts:
    """The elements of ``data`` that ``ranges`` has for some of its Mat's dimensions, as the output of ``node``."""
    shape = mat_shape(data)
    mat_shape(only_output(node))
    ranges = {axis: range(kept[0], kept[0] + 1) if len(kept) == 1 else kept for axis, kept in ranges.items()}
    ranges = {axis: kept for axis, kept in ranges.items() if kept != range(shape[axis])}
    flipped = tuple(axis for axis, kept in ranges.items() if kept.step < 0)
    steps: list[Step] = [("Flip", {0: flipped})] if flipped else []
    forward = {axis: _from_the_end(kept, shape[axis]) if kept.step < 0 else kept for axis, kept in ranges.items()}
    near = {axis: kept for axis, kept in forward.items() if kept.step == 1 and kept != range(shape[axis])}
    if near:
        steps.append(cropped(near))
    sizes = [len(near[axis]) if axis in near else size for axis, size in enumerate(shape)]
    for axis, kept in forward.items():
        if kept.step != 1:
            steps += _strided(sizes, axis, kept)
            sizes[axis] = len(kept)
    return [*series(node, data, *steps)] if steps else [Alias(only_output(node), data)]


def cropped(ranges: dict[int, range]) -> Step:
    """``Crop`` to ``ranges`` of a Mat's dimensions."""
    axes = tuple(sorted(ranges))
    return "Crop", {9: tuple(ranges[a].start for a in axes), 10: tuple(ranges[a].stop for a in axes), 11: axes}


def _ranges(
    data: onnx_ir.Value,
    starts: Sequence[int] | None,
    ends: Sequence[int] | None,
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> dict[int, range]:
    """What is kept of the Mat's dimensions that are cut."""
    shape, starts, ends = dims(data), starts or (), ends or ()
    axes, steps = axes or range(len(starts)), steps or [1] * len(starts)
    ranges = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis]
        if size == BATCH and (start, step) == (0, 1) and end >= _OPEN_END:
            continue
        if size == BATCH or _kept(int(size), start, end, step) != range(int(size)):
            place = row_axis(data, axis)
            ranges[place] = _kept(mat_shape(data)[place], start, end, step)
    return ranges


def _kept(size: int, start: int, end: int, step: int) -> range:
    """What a slice keeps of ``size`` elements: backwards, it begins within them, however far before them it would."""
    return range(size)[max(start, -size) if step < 0 else start : end : step]


def _from_the_end(kept: range, size: int) -> range:
    """Where the elements of ``kept`` are in a dimension of ``size`` that has been turned round."""
    first, step = size - 1 - kept.start, -kept.step
    return range(first, first + (len(kept) - 1) * step + 1, step)


def _strided(shape: Sequence[int], axis: int, kept: range) -> list[Step]:
    """Every so many of a dimension: as rows of ``kept.step`` each, of which the first element stays."""
    before, size, after = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    end = kept.start + len(kept) * kept.step
    steps: list[Step] = [_reshape((before, size, after)), cropped({1: range(kept.start, min(end, size))})]
    if end > size:
        steps.append(("Padding", {1: end - size}))
    steps += [_reshape((before * len(kept), kept.step, after)), cropped({1: range(1)})]
    return [*steps, _reshape((*shape[:axis], len(kept), *shape[axis + 1 :]))]


def _padded(node: onnx_ir.Node, data: onnx_ir.Value, sides: dict[int, tuple[int, int]], params: Params) -> Parts:
    """``data`` with as many elements more as ``sides`` says before and after its Mat's dimensions."""
    shape = list(mat_shape(data))
    steps: list[Step] = []
    if any(side < 0 for pair in sides.values() for side in pair):
        if params[4] != _PADDING["constant"]:
            raise Refused(f"pads {list(sides.values())} in a mode other than constant")
        kept = {axis: range(max(0, -before), shape[axis] + min(0, after)) for axis, (before, after) in sides.items()}
        steps.append(cropped(kept))
        shape = [len(kept[axis]) if axis in kept else size for axis, size in enumerate(shape)]
    more = {axis: (max(0, before), max(0, after)) for axis, (before, after) in sides.items()}
    inner_sides = {3 + axis - len(shape): pair for axis, pair in more.items() if axis > len(shape) - 4 and any(pair)}
    if inner_sides:
        steps.append(_padding(inner_sides, params))
        shape = [size + sum(more.get(axis, (0, 0))) * (axis > len(shape) - 4) for axis, size in enumerate(shape)]
    if len(shape) == 4 and any(more.get(0, (0, 0))):
        count, *rest = shape
        flat = (rest[0] * rest[1], rest[2])
        steps += [_reshape((count, *flat)), _padding({0: more[0]}, params), _reshape((count + sum(more[0]), *rest))]
    return [*series(node, data, *steps)] if steps else [Alias(only_output(node), data)]


def _padding(sides: dict[int, tuple[int, int]], params: Params) -> Step:
    """``Padding`` of a Mat of three dimensions, the lowest ones of which others lack."""
    return "Padding", {
        **{number: side for axis, pair in sides.items() for number, side in zip(_SIDES[axis], pair, strict=True)},
        **params,
    }


def _tiled(node: onnx_ir.Node, data: onnx_ir.Value, times: Sequence[int], top: onnx_ir.Value) -> Parts:
    if set(times) == {1}:
        return [Alias(top, data)]
    return [Layer(str(node.name), "Tile", (data,), (top,), {2: tuple(times)})]


def _reshape(shape: Sequence[int]) -> Step:
    return "Reshape", mat_params(shape)


def _integers(value: onnx_ir.Value) -> list[int]:
    return [int(number) for number in constant(value).numpy().reshape(-1)]
