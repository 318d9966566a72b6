"""Elements found by their places: known ones are cut out and put together, computed ones are looked up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_constant, only_output
from converter.emitters.caffe.layer import Blob, Fields, Token
from converter.emitters.caffe.logic import compared
from converter.emitters.caffe.moves import (
    Parts,
    ended,
    filled,
    joined,
    length,
    permuted,
    taken,
    tiled,
    viewed,
    volume,
)
from converter.emitters.caffe.rounding import WHOLE, threshold
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import array, expression, is_nonnegative, is_stored, static
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_MOST = 1 << 22
"""Most places that are compared with indices, for one example."""


@emits("caffe", "Gather", dtypes=WHOLE)
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> Parts:
    """``Slice`` and ``Concat`` where the indices are known; ``Embed`` of a table that is a parameter.

    Of what is computed, ``BatchReindex``, whose first dimension the one that is indexed becomes as of ``Transpose``.

    Raises:
        Refused: An index is out of range, or there is none.
    """
    steps, place = Steps(node), axis % len(dims(data))
    if is_constant(indices) and (place or dims(data)[0] != BATCH):
        size = length(data, place)
        wanted = [int(index) % size if -size <= index < size else size for index in array(indices).reshape(-1)]
        if size in wanted or not wanted:
            raise Refused("an index is out of range, or there is none")
        source = steps.stored(data, role="table") if is_stored(data) else data
        found = taken(steps, source, place, wanted, role="taken")
        return ended(steps, viewed(steps, found, dims(only_output(node)), role="shape"))
    found = (_embedded if is_stored(data) else _reindexed)(steps, data, indices, place)
    return ended(steps, found)


def _reindexed(steps: Steps, data: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> onnx_ir.Value:
    """``BatchReindex`` of ``data`` along ``axis``, in the place of which the dimensions of ``indices`` come."""
    shape, before = dims(data), dims(indices)
    if is_constant(indices):
        if (array(indices) < 0).any():
            raise Refused("an index counts from the end of the open batch")
        line = steps.stored(indices, role="indices", shape=(array(indices).size,))
    else:
        line = indices if is_nonnegative(indices) else _from_start(steps, indices, length(data, axis))
        line = viewed(steps, line, (volume(before),), role="line")
    others = [place for place in range(len(shape)) if place != axis]
    rows = permuted(steps, data, [axis, *others], role="first")
    sizes = [shape[place] for place in others]
    found = steps.add("BatchReindex", rows, line, role="reindexed", shape=(dims(line)[0], *sizes))
    found = viewed(steps, found, (*before, *sizes), role="elements")
    count = len(before)
    perm = [*range(count, count + axis), *range(count), *range(count + axis, count + len(others))]
    return permuted(steps, found, perm, role="moved") if axis else found


def _embedded(steps: Steps, table: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> onnx_ir.Value:
    """``Embed`` of the rows of ``table`` along ``axis``, which take the place of that axis."""
    sizes = [int(size) for size in dims(table)]
    others = [size for place, size in enumerate(sizes) if place != axis]
    width = math.prod(others)
    order = [axis, *(place for place in range(len(sizes)) if place != axis)]
    if sizes[axis] * width == 0 or sizes[axis] >= 1 << 24:
        raise Refused(f"the table is {sizes}")
    weight = plan.reshape(plan.transpose(expression(table), order), (sizes[axis], width))
    if not is_nonnegative(indices):
        indices = _from_start(steps, indices, sizes[axis])
    params: Fields = {"input_dim": sizes[axis], "num_output": width, "bias_term": False}
    before = dims(indices)
    found = steps.add(
        "Embed",
        indices,
        role="rows",
        params={"embed_param": params},
        blobs=[Blob((sizes[axis], width), weight)],
        shape=(*before, width),
    )
    rows = viewed(steps, found, (*before, *others), role="elements")
    count = len(before)
    perm = [*range(count, count + axis), *range(count), *range(count + axis, count + len(others))]
    return permuted(steps, rows, perm, role="moved") if axis else rows


def _from_start(steps: Steps, indices: onnx_ir.Value, size: int) -> onnx_ir.Value:
    """``indices``, of which those below 0 count from the end."""
    opposite = steps.power(indices, role="opposite", scale=-1.0)
    behind = threshold(steps, opposite, 0.0, role="behind")
    return steps.eltwise("SUM", indices, behind, role="indices", coeff=(1.0, float(size)))


@emits("caffe", "GatherElements", dtypes=WHOLE)
def gather_elements(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> Parts:
    """``Slice`` and ``Concat`` of the flattened blob, where the indices are known.

    Else the largest, by ``Pooling``, of all elements along the axis to which the logarithm of 1 or 0 is added; so
    minus infinity or NaN that is chosen is the lowest number.

    Raises:
        Refused: The open batch is indexed, or the indices are fewer than the data along another axis.
    """
    place = axis % len(dims(data))
    if is_constant(indices) and BATCH not in dims(data):
        wanted, places = _known(indices), _places(data)
        return _from_flat(node, [data], places[_coordinates(wanted, axis, places.shape[place])])
    steps = Steps(node)
    return _picked(steps, data, _places_taken(steps, indices, dims(data), place))


def _picked(steps: Steps, data: onnx_ir.Value, hot: onnx_ir.Value) -> Parts:
    """The elements of ``data`` where ``hot``, of four dimensions, of which the third is theirs, is 1."""
    table = steps.stored(data, role="table") if is_stored(data) else data
    outer, count, size, inner = dims(hot)
    rows = tiled(steps, viewed(steps, table, (outer, 1, size, inner), role="data"), 1, int(count), role="rows")
    nothing = steps.add("Log", hot, role="chosen", in_place=True)
    found = _largest(steps, steps.eltwise("SUM", rows, nothing, role="candidates"), 2, role="largest")
    return ended(steps, viewed(steps, found, dims(steps.output), role="shape"))


def _places_taken(steps: Steps, indices: onnx_ir.Value, shape: Sequence[Dim], axis: int) -> onnx_ir.Value:
    """1 where an index is a place along ``axis`` of ``shape``, else 0: ``before x indices x places x behind``."""
    own, size = dims(indices), shape[axis]
    if not isinstance(size, int) or any(own[place] != shape[place] for place in range(len(shape)) if place != axis):
        raise Refused("the open batch is indexed, or the indices are fewer than the data along another axis")
    count, inner = length(indices, axis), volume(shape[axis + 1 :])
    if not isinstance(inner, int) or count * size * inner > _MOST:
        raise Refused(f"{count} x {size} places are too many to be compared, or the batch is behind them")
    value = steps.stored(indices, role="indices") if is_stored(indices) else indices
    value = value if is_nonnegative(indices) else _from_start(steps, value, size)
    return _hot(steps, viewed(steps, value, (volume(shape[:axis]), count, 1, inner), role="column"), size)


def _hot(steps: Steps, indices: onnx_ir.Value, size: int) -> onnx_ir.Value:
    """1 where one of ``indices``, ``before x indices x 1 x behind``, is a place below ``size``, else 0."""
    value = tiled(steps, indices, 2, size, role="places")
    numbers = Blob((size,), plan.literal([-float(place) for place in range(size)]))
    value = steps.add("Bias", value, role="distance", params={"bias_param": {"axis": 2}}, blobs=[numbers])
    return compared(steps, "Equal", value, 0.0, role="is_place")


def _largest(steps: Steps, value: onnx_ir.Value, axis: int, *, role: str) -> onnx_ir.Value:
    """``Pooling``: the largest number along the second or third of four dimensions."""
    outer, count, size, inner = dims(value)
    view = dims(value) if axis == 2 else (outer, 1, count, int(size) * int(inner))
    image = viewed(steps, value, view, role=f"{role}/image")
    kernel: Fields = {"pool": Token("MAX"), "kernel_h": length(image, 2), "kernel_w": 1}
    shape = (*dims(image)[:2], 1, dims(image)[3])
    return steps.add("Pooling", image, role=role, params={"pooling_param": kernel}, shape=shape)


@emits("caffe", "GatherND", dtypes=WHOLE)
def gather_nd(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0) -> Parts:
    """``Slice`` and ``Concat`` of the flattened blob, where the indices are known; else ``BatchReindex`` of its rows.

    The number of a row is the ``Reduction`` of indices that are multiplied by ``Scale``. With ``batch_dims``, as of
    ``GatherElements`` with computed indices.

    Raises:
        Refused: An index of the open batch counts from its end; or ``batch_dims`` is 1 and there are several indices
            a row, or it is more than 1.
    """
    if batch_dims:
        return _row_by_row(Steps(node), data, indices, batch_dims)
    if is_constant(indices) and BATCH not in dims(data):
        wanted, places = _known(indices), _places(data)
        return _from_flat(node, [data], places[tuple(np.moveaxis(wanted, -1, 0))])
    steps, shape = Steps(node), dims(data)
    *_, count = static(indices, -1)
    table = steps.stored(data, role="table") if is_stored(data) else data
    rows = viewed(steps, table, (volume(shape[:count]), *shape[count:]), role="rows")
    line = _row_numbers(steps, indices, shape[:count])
    found = steps.add("BatchReindex", rows, line, role="reindexed", shape=(dims(line)[0], *shape[count:]))
    return ended(steps, viewed(steps, found, dims(steps.output), role="shape"))


def _row_by_row(steps: Steps, data: onnx_ir.Value, indices: onnx_ir.Value, batch_dims: int) -> Parts:
    """For each row of ``data`` what is at its own place along the second dimension, as of ``GatherElements``."""
    shape = dims(data)
    if batch_dims != 1 or len(shape) < 2 or dims(indices) != (shape[0], 1):
        raise Refused(f"batch_dims is {batch_dims}, with indices of the shape {list(dims(indices))}")
    size, inner = length(data, 1), volume(shape[2:])
    if not isinstance(inner, int) or size * inner > _MOST:
        raise Refused(f"{size} places are too many to be compared")
    value = steps.stored(indices, role="indices") if is_stored(indices) else indices
    value = value if is_nonnegative(indices) else _from_start(steps, value, size)
    column = viewed(steps, value, (shape[0], 1, 1, 1), role="column")
    return _picked(steps, data, _hot(steps, tiled(steps, column, 3, inner, role="row"), size))


def _row_numbers(steps: Steps, indices: onnx_ir.Value, sizes: Sequence[Dim]) -> onnx_ir.Value:
    """The numbers of the rows that ``indices``, of dimensions of ``sizes``, mean when these are one dimension."""
    inner = [int(size) for size in sizes[1:]]
    strides = [math.prod(inner[place:]) for place in range(len(sizes))]
    view = (volume(dims(indices)[:-1]), len(sizes))
    known = is_constant(indices)
    if BATCH in sizes and not (is_nonnegative(indices) or (known and (array(indices) >= 0).all())):
        raise Refused("an index may count from the end of the open batch")
    if known:
        value = steps.stored(indices, role="indices", shape=[int(size) for size in view])
    else:
        value = viewed(steps, indices, view, role="indices")
    if BATCH not in sizes and not is_nonnegative(indices):
        behind = threshold(steps, steps.power(value, role="opposite", scale=-1.0), 0.0, role="behind")
        length_ = _times(steps, behind, [int(size) for size in sizes], role="lengths")
        value = steps.eltwise("SUM", value, length_, role="from_start")
    value = _times(steps, value, strides, role="strides")
    return steps.add("Reduction", value, role="line", params={"reduction_param": {"axis": 1}}, shape=view[:1])


def _times(steps: Steps, value: onnx_ir.Value, factors: Sequence[int], *, role: str) -> onnx_ir.Value:
    blob = Blob((len(factors),), plan.literal([float(factor) for factor in factors]))
    return steps.add("Scale", value, role=role, blobs=[blob], in_place=True)


@emits("caffe", "ScatterElements", dtypes=WHOLE)
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> Parts:
    """``Slice`` and ``Concat`` of both flattened blobs, where the indices are known; ``Eltwise`` combines elements.

    Raises:
        Refused: They are computed, or the batch is open.
    """
    if not is_constant(indices):
        return _marked(node, data, indices, updates, axis, reduction)
    wanted, places = _known(indices), _places(data)
    coordinates = _coordinates(wanted, axis, places.shape[axis])
    return _scattered(node, data, updates, places, coordinates, reduction)


def _marked(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, updates: onnx_ir.Value, axis: int, reduction: str
) -> Parts:
    """One number where an index is, and another everywhere else."""
    other, number = _everywhere(data), _everywhere(updates)
    if reduction != "none" or other is None or number is None or np.float32(number - other) + other != number:
        raise Refused("the indices are computed, and what is put there or is there is not one number")
    steps, shape = Steps(node), dims(data)
    places = _places_taken(steps, indices, shape, axis % len(shape))
    found = _largest(steps, places, 1, role="taken")
    marked = steps.power(found, role="numbers", scale=number - other, shift=other)
    return ended(steps, viewed(steps, marked, shape, role="shape"))


def _everywhere(value: onnx_ir.Value) -> float | None:
    """The number that all elements of ``value`` are, if that is known."""
    if is_constant(value):
        found = np.unique(array(value))
        return float(found[0]) if found.size == 1 else None
    node = value.producer()
    if node is None or node.domain:
        return None
    if node.op_type == "Expand" and node.inputs[0] is not None:
        return _everywhere(node.inputs[0])
    if node.op_type == "ConstantOfShape":
        filler = node.attributes.get("value")
        return 0.0 if filler is None else float(filler.as_tensor().numpy().reshape(()))
    return None


@emits("caffe", "ScatterND", dtypes=WHOLE)
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> Parts:
    """``Slice`` and ``Concat`` of both flattened blobs, where the indices are known; ``Eltwise`` combines elements.

    Raises:
        Refused: They are computed, or the batch is open.
    """
    wanted, places = _known(indices), _places(data)
    return _scattered(node, data, updates, places, tuple(np.moveaxis(wanted, -1, 0)), reduction)


def _scattered(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    updates: onnx_ir.Value,
    places: npt.NDArray[np.int64],
    where: tuple[npt.NDArray[np.int64], ...],
    reduction: str,
) -> Parts:
    if reduction == "none":
        places[where] = places.size + _places(updates)
        return _from_flat(node, [data, updates], places)
    if reduction not in _REDUCTIONS:
        raise Refused(f"reduction is {reduction}")
    operation, neutral, sign = _REDUCTIONS[reduction]
    steps = Steps(node)
    flat, added = _line(steps, data, "flat_0"), _line(steps, updates, "flat_1")
    one = filled(steps, taken(steps, added, 1, [0], role="first"), neutral, role="neutral")
    if sign < 0:
        flat, added = (
            steps.power(each, role=f"opposite_{index}", scale=sign) for index, each in enumerate((flat, added))
        )
    source = joined(steps, [added, one], axis=1, role="all")
    for number, chosen in enumerate(_rounds(_targets(places, where, updates), places.size)):
        part = taken(steps, source, 1, chosen, role=f"updates_{number}")
        flat = steps.eltwise(operation, flat, part, role=f"combined_{number}")
    flat = steps.power(flat, role="sign", scale=sign) if sign < 0 else flat
    return ended(steps, viewed(steps, flat, dims(steps.output), role="shape"))


_REDUCTIONS: Mapping[str, tuple[str, float, float]] = {
    "add": ("SUM", 0.0, 1.0),
    "mul": ("PROD", 1.0, 1.0),
    "max": ("MAX", -math.inf, 1.0),
    "min": ("MAX", -math.inf, -1.0),
}
"""How elements are combined: Caffe's operation, what changes nothing, and by what everything is multiplied for it."""


def _targets(
    places: npt.NDArray[np.int64], where: tuple[npt.NDArray[np.int64], ...], updates: onnx_ir.Value
) -> npt.NDArray[np.int64]:
    """Where each of ``updates`` goes."""
    return np.asarray(places[where]).reshape(_places(updates).shape).reshape(-1)


def _rounds(targets: npt.NDArray[np.int64], count: int) -> list[list[int]]:
    """For each of ``count`` elements the update that goes there, round by round; else the number of updates.

    ``targets`` are the places of the updates, in their order.
    """
    rounds: list[list[int]] = []
    for update, target in enumerate(targets.tolist()):
        free = next((each for each in rounds if each[target] == targets.size), None)
        if free is None:
            free = [targets.size] * count
            rounds.append(free)
        free[target] = update
    return rounds


@emits("caffe", "Trilu", dtypes=WHOLE)
def triangle(node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1) -> Parts:
    """``Slice`` and ``Concat`` of the flattened matrices and of a 0, made by ``Power`` with a ``scale`` of 0.

    Raises:
        Refused: A dimension of the matrix is the open batch, or there would be more than 4096 parts.
    """
    shape = dims(data)
    count, columns = length(data, -2), length(data, -1)
    outer, offset = volume(shape[:-2]), 0 if k is None else int(array(k).reshape(-1)[0])
    distance = np.arange(columns) - np.arange(count)[:, None]
    inside = distance >= offset if upper else distance <= offset
    places = np.where(inside, np.arange(count * columns).reshape(count, columns), count * columns)
    steps = Steps(node)
    flat = viewed(steps, data, (outer, count * columns), role="flat")
    zero = filled(steps, taken(steps, flat, 1, [0], role="first"), 0.0, role="zero")
    source = joined(steps, [flat, zero], axis=1, role="with_zero")
    chosen = taken(steps, source, 1, [int(place) for place in places.reshape(-1)], role="taken")
    return ended(steps, viewed(steps, chosen, shape, role="shape"))


def _coordinates(wanted: npt.NDArray[np.int64], axis: int, size: int) -> tuple[npt.NDArray[np.int64], ...]:
    found: list[npt.NDArray[np.int64]] = list(np.indices(wanted.shape, np.int64))
    found[axis % wanted.ndim] = wanted % size
    return tuple(found)


def _known(indices: onnx_ir.Value) -> npt.NDArray[np.int64]:
    if not is_constant(indices):
        raise Refused("the indices are computed")
    return array(indices).astype(np.int64)


def _places(value: onnx_ir.Value) -> npt.NDArray[np.int64]:
    shape: Sequence[Dim] = dims(value)
    if BATCH in shape:
        raise Refused(f"{value.name} has the open batch; give the batch a number")
    sizes = [int(size) for size in shape]
    return np.arange(math.prod(sizes)).reshape(sizes)


def _from_flat(node: onnx_ir.Node, sources: Sequence[onnx_ir.Value], places: npt.NDArray[Any]) -> Parts:
    """The elements ``places`` of all ``sources``, one after the other."""
    steps = Steps(node)
    flat = [_line(steps, value, f"flat_{index}") for index, value in enumerate(sources)]
    source = joined(steps, flat, axis=1, role="all")
    chosen = taken(steps, source, 1, [int(place) for place in places.reshape(-1)], role="taken")
    return ended(steps, viewed(steps, chosen, dims(only_output(node)), role="shape"))


def _line(steps: Steps, value: onnx_ir.Value, role: str) -> onnx_ir.Value:
    shape = (1, int(volume(dims(value))))
    return steps.stored(value, role=role, shape=shape) if is_stored(value) else viewed(steps, value, shape, role=role)
