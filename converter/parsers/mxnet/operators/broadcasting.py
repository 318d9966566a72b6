"""Elements several times.

Sources: src/operator/tensor/broadcast_reduce_op.h, matrix_op-inl.h (tile, repeat).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from onnx_ir import Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, positive_axis, size
from converter.parsers.mxnet.operators.shapes import constant_axes, reshaped, vector
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import MAX_ELEMENTS, Scope, Shape, dtype_of, spell


@parses("broadcast_to")
def broadcast_to(g: Scope, data: Value, *, shape: Ints = ()) -> Value:
    """``data`` with its axes of size 1 repeated to ``shape``, where 0 keeps a size."""
    given = ir.dims(data)
    if len(shape) != len(given):
        raise g.misfit(f"its input {spell(given)} does not have the {len(shape)} dimensions of shape={shape}")
    return _expanded(g, data, tuple(new or old for new, old in zip(shape, given, strict=True)), data)


@parses("broadcast_axis", "broadcast_axes")
def broadcast_axis(g: Scope, data: Value, *, axis: Ints = (), size: Ints = ()) -> Value:
    """``data`` with each ``axis``, of size 1, repeated to the ``size`` at its place."""
    given = ir.dims(data)
    made = list(given)
    if len(axis) != len(size):
        raise g.misfit(f"axis={axis} and size={size} are not of one length")
    for place, new in zip(axis, size, strict=True):
        if not 0 <= place < len(given):
            raise g.misfit(f"its input of {len(given)} dimensions has no axis {place}, counted from the front")
        _check_one(g, data, made, place)
        made[place] = at_least(g, "size", new)
    return _expanded(g, data, tuple(made), data)


@parses("broadcast_like")
def broadcast_like(
    g: Scope, lhs: Value, rhs: Value, *, lhs_axes: Ints | None = None, rhs_axes: Ints | None = None
) -> Value:
    """``lhs`` with its axes of size 1 repeated to those of ``rhs``: all of them, or ``lhs_axes`` to ``rhs_axes``."""
    given, like = ir.dims(lhs), ir.dims(rhs)
    if lhs_axes is None or rhs_axes is None:
        if len(given) != len(like):
            raise g.misfit(f"its inputs {spell(given)} and {spell(like)} do not have one number of dimensions")
        return _expanded(g, lhs, like, rhs)
    if not lhs_axes or len(lhs_axes) != len(rhs_axes):
        raise g.misfit(f"lhs_axes={lhs_axes} and rhs_axes={rhs_axes} are not pairs")
    made = list(given)
    for old, new in zip(lhs_axes, rhs_axes, strict=True):
        place = positive_axis(g, lhs, old)
        _check_one(g, lhs, made, place)
        made[place] = like[positive_axis(g, rhs, new)]
    return _expanded(g, lhs, tuple(made), rhs)


def _check_one(g: Scope, data: Value, made: Sequence[Dim], place: int) -> None:
    """Refuse to repeat an axis of another size than 1, or a second time."""
    if size(g, data, place) != 1 or made[place] != 1:
        raise g.misfit(f"its axis {place} has the size {made[place]}; only an axis of size 1 can be repeated")


def _expanded(g: Scope, data: Value, made: Shape, source: Value) -> Value:
    """``data`` broadcast to ``made``, whose batch, if it is new, is that of ``source``."""
    given = ir.dims(data)
    if any(old not in (1, new) for old, new in zip(given, made, strict=True)):
        if ir.BATCH in given and ir.BATCH not in made:
            raise g.refuse(f"the open batch as {spell(made)}; give the batch a number")
        raise g.misfit(f"its input {spell(given)} cannot be repeated to {spell(made)}")
    if given == made:
        return g.emit("Identity", data)
    # To ONNX 1 is as good as the size of an axis that stays.
    target: tuple[Dim, ...] = tuple(1 if new == old else new for old, new in zip(given, made, strict=True))
    return g.emit("Expand", data, vector(g, target, source), shape=made)


@parses("tile")
def tile(g: Scope, data: Value, *, reps: Ints) -> Value:
    """``data`` next to itself as often as ``reps`` says for the last axes. Refused: along the open batch."""
    given = ir.dims(data)
    for count in reps:
        at_least(g, "reps", count)
    new = max(len(reps) - len(given), 0)
    if new:
        data = g.emit("Unsqueeze", data, constant_axes(g, range(new)), role="axes-before")
    counts = [1] * (len(given) + new - len(reps)) + list(reps)
    if set(counts) <= {1}:
        return g.emit("Identity", data)
    for axis, count in enumerate(counts):
        if count > 1:
            size(g, data, axis)
    shape = tuple(dim if isinstance(dim, str) else dim * n for dim, n in zip(ir.dims(data), counts, strict=True))
    return g.emit("Tile", data, g.ints("repeats", counts), shape=shape)


@parses("repeat")
def repeat(g: Scope, data: Value, *, repeats: int, axis: int | None = None) -> Value:
    """Each element along ``axis``, or of all as a vector, ``repeats`` times. Refused: along the open batch."""
    at_least(g, "repeats", repeats)
    given = ir.dims(data)
    if axis is None:
        count = math.prod(size(g, data, place) for place in range(len(given)))
        _longer(g, count, repeats)
        return _rows_repeated(g, data, (count,), 0, repeats)
    place = positive_axis(g, data, axis)
    if repeats == 1:
        return g.emit("Identity", data)
    longer = _longer(g, size(g, data, place), repeats)
    if len(given) == 4 and place > 1 and dtype_of(data).is_floating_point():
        return _enlarged(g, data, place, longer)
    return _rows_repeated(g, data, given, place, repeats)


def _longer(g: Scope, count: int, repeats: int) -> int:
    """The length of ``count`` elements ``repeats`` times."""
    if count * repeats > MAX_ELEMENTS:
        raise g.misfit(f"its output would have {count} elements {repeats} times")
    return count * repeats


def _rows_repeated(g: Scope, data: Value, given: Shape, place: int, repeats: int) -> Value:
    """``data``, seen as of the shape ``given``, with the elements of the axis ``place`` repeated."""
    before, (count,), after = given[:place], given[place : place + 1], given[place + 1 :]
    rows = reshaped(g, data, (*before, count, 1, *after), role="rows")
    target = [1] * len(before) + [1, repeats] + [1] * len(after)
    wide = g.emit("Expand", rows, g.ints("repeats", target), role="repeated", shape=(*before, count, repeats, *after))
    return reshaped(g, wide, (*before, int(count) * repeats, *after))


def _enlarged(g: Scope, data: Value, place: int, longer: int) -> Value:
    """A feature map with one of its spatial axes made ``longer``, as UpSampling does for both."""
    sizes = [longer if axis == place else size(g, data, axis) for axis in (2, 3)]
    return g.emit(
        "Resize",
        data,
        None,
        None,
        g.ints("sizes", sizes),
        axes=(2, 3),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        shape=(*ir.dims(data)[:2], *sizes),
    )
