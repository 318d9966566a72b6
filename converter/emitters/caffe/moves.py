"""Elements put elsewhere, without arithmetic: what a node's composition is made of.

Each function appends its layers to a :class:`~converter.emitters.caffe.steps.Steps` under a role and returns the
value that they compute; :func:`ended` makes such a value the node's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import onnx_ir

from converter.emitters import Refused
from converter.emitters.caffe import cut
from converter.emitters.caffe.layer import Alias, Fields, Layer
from converter.emitters.caffe.steps import Steps
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

Parts = list[Layer | Alias]

_MOST = 4096
"""Most parts that one blob is cut into."""


def ended(steps: Steps, value: onnx_ir.Value) -> Parts:
    """The layers of ``steps``, of which ``value``, one of theirs or none, is the node's output."""
    made = [layer for layer in steps.layers if value in layer.tops]
    if not made or value is steps.output:
        return [*steps.layers, *([] if value is steps.output else [Alias(steps.output, value)])]
    return [_renamed(layer, value, steps, last=layer is made[0]) for layer in steps.layers]


def _renamed(layer: Layer, value: onnx_ir.Value, steps: Steps, *, last: bool) -> Layer:
    bottoms = tuple(steps.output if bottom is value else bottom for bottom in layer.bottoms)
    if not last:
        return replace(layer, bottoms=bottoms)
    names = tuple(steps.name if top is value else str(top.name) for top in layer.tops)
    tops = tuple(steps.output if top is value else top for top in layer.tops)
    return replace(layer, name=steps.name, bottoms=bottoms, tops=tops, top_names=names if len(names) > 1 else ())


def volume(shape: Sequence[Dim]) -> Dim:
    """The number of elements of ``shape``, which is open where one of its dimensions is.

    Raises:
        Refused: There are none.
    """
    if 0 in shape:
        raise Refused("a blob would be empty")
    return BATCH if BATCH in shape else math.prod(int(size) for size in shape)


def length(value: onnx_ir.Value, axis: int) -> int:
    """The size of a dimension.

    Raises:
        Refused: It is the open batch.
    """
    size = dims(value)[axis]
    if not isinstance(size, int):
        raise Refused(f"axis {axis} of {value.name} is the open batch; give the batch a number")
    return size


def viewed(steps: Steps, value: onnx_ir.Value, shape: Sequence[Dim], *, role: str) -> onnx_ir.Value:
    """``Reshape`` to ``shape``; nothing where ``value`` has it already.

    Raises:
        Refused: The batch is there twice, or nothing is there.
    """
    before = dims(value)
    if before == tuple(shape):
        return value
    volume(shape)
    wanted = [size if isinstance(size, int) else -1 for size in shape]
    if wanted.count(-1) > 1 or sum(size == BATCH for size in before) > 1:
        raise Refused("the open batch is a dimension twice")
    if before[:1] == tuple(shape[:1]) == (BATCH,) and volume(before[1:]) == volume(shape[1:]):
        wanted[0] = 0
    params = {"reshape_param": {"shape": {"dim": wanted}}}
    return steps.add("Reshape", value, role=role, params=params, shape=shape, shares=True)


def joined(steps: Steps, values: Sequence[onnx_ir.Value], *, axis: int, role: str) -> onnx_ir.Value:
    """``Concat`` along ``axis``; nothing for one value."""
    if len(values) == 1:
        return values[0]
    size: Dim = BATCH
    if all(isinstance(dims(value)[axis], int) for value in values):
        size = sum(length(value, axis) for value in values)
    shape = [size if place == axis else dim for place, dim in enumerate(dims(values[0]))]
    params: Fields = {} if axis == 1 else {"axis": axis}
    return steps.add("Concat", *values, role=role, params={"concat_param": params}, shape=shape)


def tiled(steps: Steps, value: onnx_ir.Value, axis: int, times: int, *, role: str) -> onnx_ir.Value:
    """``Tile``: ``value`` again and again along ``axis``; nothing for once.

    Raises:
        Refused: Not even once.
    """
    if times == 1:
        return value
    if times < 1:
        raise Refused("a blob would be empty")
    size = dims(value)[axis]
    after = size * times if isinstance(size, int) else size
    shape = [after if place == axis else dim for place, dim in enumerate(dims(value))]
    params: Fields = {**({} if axis == 1 else {"axis": axis}), "tiles": times}
    return steps.add("Tile", value, role=role, params={"tile_param": params}, shape=shape)


def filled(steps: Steps, value: onnx_ir.Value, number: float, *, role: str) -> onnx_ir.Value:
    """``Power`` with a ``scale`` of 0: ``number`` everywhere in the shape of ``value``, NaN or not.

    ``power_layer.cpp`` does not read its bottom then.
    """
    return steps.power(value, role=role, scale=0.0, shift=number)


def cropped(steps: Steps, value: onnx_ir.Value, axis: int, start: int, count: int, *, role: str) -> onnx_ir.Value:
    """``Slice``: ``count`` elements from ``start`` on; nothing where that is all.

    Raises:
        Refused: The axis is the open batch, or nothing would be left.
    """
    size, shape = length(value, axis), dims(value)
    if count < 1:
        raise Refused("a blob would be empty")
    if count == size:
        return value
    name = f"{steps.name}/{role}"
    sizes = {f"{name}/before": start, name: count, f"{name}/after": size - start - count}
    made = {
        part: cut.value(part, (*shape[:axis], number, *shape[axis + 1 :])) for part, number in sizes.items() if number
    }
    points = [point for point in (start, start + count) if 0 < point < size]
    params: Fields = {**({} if axis == 1 else {"axis": axis}), "slice_point": points}
    tops = tuple(made.values())
    steps.layers.append(Layer(name, "Slice", (value,), tops, {"slice_param": params}, top_names=tuple(made)))
    return made[name]


def taken(steps: Steps, value: onnx_ir.Value, axis: int, indices: Sequence[int], *, role: str) -> onnx_ir.Value:
    """The elements ``indices`` along ``axis``: ``Slice`` and ``Concat`` of the runs that are in it.

    Of every so many elements the first ones of a ``Reshape``.

    Raises:
        Refused: The axis is the open batch, or there would be too many parts.
    """
    size, count = length(value, axis), len(indices)
    step = indices[1] - indices[0] if count > 1 else 1
    if list(indices) == list(range(indices[0], indices[0] + count)) if count else True:
        return cropped(steps, value, axis, indices[0] if count else 0, count, role=role)
    if step > 1 and list(indices) == list(range(indices[0], indices[-1] + 1, step)) and count * step <= size:
        return _every(steps, value, axis, indices[0], step, count, role)
    runs = _runs(indices)
    bounds = sorted({0, size, *(edge for run in runs for edge in run)})
    if len(bounds) > _MOST or len(runs) > _MOST:
        raise Refused(f"{max(len(bounds), len(runs))} parts are too many to be put together again")
    sizes = [end - start for start, end in pairwise(bounds)]
    pieces = dict(zip(bounds, cut.parts(steps, value, sizes, axis=axis, role=f"{role}/parts"), strict=False))
    chosen = [pieces[bound] for start, end in runs for bound in bounds if start <= bound < end]
    return joined(steps, chosen, axis=axis, role=role)


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """The ascending runs of ``indices``: where each starts, and where it ends."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _every(
    steps: Steps, value: onnx_ir.Value, axis: int, start: int, step: int, count: int, role: str
) -> onnx_ir.Value:
    """``count`` elements, each ``step`` after the last: one column of rows of ``step`` elements."""
    shape = dims(value)
    base = min(start, length(value, axis) - count * step)
    whole = cropped(steps, value, axis, base, count * step, role=f"{role}/whole")
    rows = viewed(steps, whole, (*shape[:axis], count, step, *shape[axis + 1 :]), role=f"{role}/rows")
    column = cropped(steps, rows, axis + 1, start - base, 1, role=f"{role}/column")
    return viewed(steps, column, (*shape[:axis], count, *shape[axis + 1 :]), role=role)


def repeated(steps: Steps, value: onnx_ir.Value, axis: int, times: int, *, role: str) -> onnx_ir.Value:
    """Each element along ``axis`` so many times: ``Tile`` of a dimension behind it."""
    shape = dims(value)
    split = viewed(steps, value, (*shape[: axis + 1], 1, *shape[axis + 1 :]), role=f"{role}/split")
    tiles = tiled(steps, split, axis + 1, times, role=f"{role}/tiles")
    return viewed(steps, tiles, (*shape[:axis], length(value, axis) * times, *shape[axis + 1 :]), role=role)


def permuted(steps: Steps, value: onnx_ir.Value, perm: Sequence[int], *, role: str) -> onnx_ir.Value:
    """``value`` with its axes in the order ``perm``: ``Reshape`` where no element moves.

    Otherwise neighbouring dimensions change places, one pair after the other: the blob is cut along the smaller one
    (``Slice``), and its parts are put beside each other along another dimension (``Concat``).

    Raises:
        Refused: There would be too many parts.
    """
    shape = dims(value)
    target = [axis for axis in perm if shape[axis] != 1]
    current = sorted(target)
    for place, axis in enumerate(target):
        index = current.index(axis)
        if index == place:
            continue
        end = index + 1
        while current[index : end + 1] == target[place : place + end + 1 - index] and end < len(current):
            end += 1
        groups = current[:place], current[place:index], current[index:end], current[end:]
        sizes = [volume([shape[axis] for axis in group]) for group in groups]
        value = _exchanged(steps, value, sizes, f"{role}/{place}")
        current = [*groups[0], *groups[2], *groups[1], *groups[3]]
    return viewed(steps, value, [shape[axis] for axis in perm], role=role)


def _exchanged(steps: Steps, value: onnx_ir.Value, sizes: Sequence[Dim], role: str) -> onnx_ir.Value:
    """The second and the third of four dimensions, of ``sizes``, in each other's place."""
    outer, left, right, inner = sizes
    rest = () if inner == 1 else (inner,)
    first = isinstance(left, int) and (not isinstance(right, int) or left <= right)
    shape = (outer, left, right, 1, *rest) if first else (outer, 1, left, right, *rest)
    count, axis, other = (left, 1, 3) if first else (right, 3, 1)
    if not isinstance(count, int) or count > _MOST:
        raise Refused(f"{count} parts are too many to be put together again")
    view = viewed(steps, value, shape, role=f"{role}/view")
    return joined(
        steps, cut.parts(steps, view, [1] * count, axis=axis, role=f"{role}/parts"), axis=other, role=f"{role}/moved"
    )


def rows(steps: Steps, *, role: str) -> onnx_ir.Value:
    """A zero for each row of the batch, ``batch x 1``, made of an input of the net.

    Raises:
        Refused: No input has an open batch.
    """
    graph = steps.output.producer()
    inputs = [] if graph is None or graph.graph is None else list(graph.graph.inputs)
    source = next((value for value in inputs if dims(value).count(BATCH) == 1), None)
    if source is None:
        raise Refused("no input has the open batch")
    shape = dims(source)
    place = shape.index(BATCH)
    outer, inner = volume(shape[:place]), volume(shape[place + 1 :])
    if place == 0:
        table = viewed(steps, source, (BATCH, inner), role=f"{role}/table")
        return filled(steps, cropped(steps, table, 1, 0, 1, role=f"{role}/first"), 0.0, role=role)
    cube = viewed(steps, source, (outer, BATCH, inner), role=f"{role}/cube")
    first = cropped(steps, cube, 0, 0, 1, role=f"{role}/outer")
    column = cropped(steps, first, 2, 0, 1, role=f"{role}/inner")
    return filled(steps, viewed(steps, column, (BATCH, 1), role=f"{role}/column"), 0.0, role=role)


def zeros(steps: Steps, shape: Sequence[Dim], *, role: str) -> onnx_ir.Value:
    """Zeros of ``shape``, in which the batch is open, for as many rows as the net is given."""
    place = tuple(shape).index(BATCH)
    others = [size for axis, size in enumerate(shape) if axis != place]
    line = rows(steps, role=f"{role}/rows")
    if len(others) < len(shape) - 1 or BATCH in others:
        raise Refused("the open batch is a dimension twice")
    table = tiled(steps, line, 1, int(volume(others)), role=f"{role}/table")
    if place == 0:
        return viewed(steps, table, shape, role=role)
    block = viewed(steps, table, (BATCH, *others), role=f"{role}/block")
    perm = [*range(1, place + 1), 0, *range(place + 1, len(shape))]
    return permuted(steps, block, perm, role=role)
