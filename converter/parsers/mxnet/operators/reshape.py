"""Elements in the same order under another shape.

Sources: src/operator/tensor/matrix_op-inl.h, elemwise_unary_op_basic.cc (reshape_like).
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx_ir import Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import size
from converter.parsers.mxnet.operators.shapes import constant_axes, positive_axes, reshaped, volume
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, Shape, spell


@parses("Reshape", "reshape")
def reshape(
    g: Scope,
    data: Value,
    *,
    shape: Ints = (),
    reverse: bool = False,
    target_shape: Ints = (),
    keep_highest: bool = False,
) -> Value:
    """``data`` in another shape: 0 keeps a size, -1 takes what is left, -2 keeps the rest, -3 merges, -4 splits.

    ``reverse`` reads the codes from right to left. ``target_shape``, where 0 takes what is left, and ``keep_highest``
    are those of MXNet before 0.9. Refused: neither, and -1 after -2 or -4, which MXNet itself puts elsewhere.
    """
    given = ir.dims(data)
    if shape:
        step = -1 if reverse else 1
        made = _filled(g, given, _target(g, given[::step], shape[::step])[::step])
    elif target_shape:
        made = _filled(g, given, _old_target(given, target_shape, keep_highest))
    else:
        raise g.refuse("without a shape, which MXNet infers from what reads its output")
    return reshaped(g, data, made)


def _target(g: Scope, given: Shape, codes: Ints) -> list[Dim]:
    """Apply MXNet's codes to the shape ``given`` (matrix_op-inl.h, InferReshapeShape); the one -1 is found later.

    MXNet remembers the place of -1 among the codes, not among the dimensions, and so loses it after -2 and -4.
    """
    left = list(given)
    queue = list(codes)
    made: list[Dim] = []
    try:
        while queue:
            code = queue.pop(0)
            if code == 0:
                made.append(left.pop(0))
            elif code == -2:
                made += left
                left = []
            elif code == -3:
                made.append(_product(g, (left.pop(0), left.pop(0))))
            elif code == -4:
                made += _split(g, left.pop(0), queue.pop(0), queue.pop(0))
            elif code == -1 and len(made) != len(codes) - len(queue) - 1:
                raise g.refuse(f"shape={codes} has -1 after -2 or -4, which MXNet itself puts elsewhere")
            else:
                made.append(code)
                del left[:1]
    except IndexError:
        raise g.misfit(f"its input {spell(given)} has too few dimensions for shape={codes}") from None
    return made


def _old_target(given: Shape, target: Ints, keep_highest: bool) -> list[Dim]:
    """The shape that ``target_shape`` asks for, with -1 for what is left."""
    made: list[Dim] = [dim or -1 for dim in target]
    if keep_highest:
        made[0] = given[0]
    return made


def _split(g: Scope, dim: Dim, first: int, second: int) -> list[Dim]:
    """Code -4: ``dim`` as two, one of which may be -1."""
    if dim == ir.BATCH and (first, second) in ((1, -1), (-1, 1)):
        return [dim if part == -1 else part for part in (first, second)]
    if isinstance(dim, str):
        raise g.refuse("its shape splits the open batch dimension; give the batch a number")
    known = second if first == -1 else first
    if known < 1 or dim % known or (first != -1 and second != -1 and first * second != dim):
        raise g.misfit(f"a dimension of {dim} cannot be split into {first} x {second}")
    return [known, dim // known] if first != -1 else [dim // known, known]


def _filled(g: Scope, given: Shape, made: Sequence[Dim]) -> Shape:
    """Replace -1 by what is left of the elements."""
    total, filled = volume(given), list(made)
    holes = filled.count(-1)
    if holes > 1 or any(isinstance(dim, int) and (dim < -1 or dim == 0) for dim in filled):
        raise g.refuse(f"shape {tuple(filled)}")
    known, batches = volume([dim for dim in filled if dim != -1])
    if holes and total[1] - batches in (0, 1) and total[0] % known == 0:
        rest = total[0] // known
        if total[1] == batches or rest == 1:
            filled[filled.index(-1)] = rest if total[1] == batches else ir.BATCH
    if -1 in filled and total[1] != batches:
        raise g.refuse("its shape merges or splits the open batch dimension; give the batch a number")
    if -1 in filled:
        raise g.misfit(f"its input {spell(given)} does not have the elements of {spell(tuple(filled))}")
    return tuple(filled)


def _product(g: Scope, pair: tuple[Dim, Dim]) -> Dim:
    first, second = pair
    if isinstance(first, int) and isinstance(second, int):
        return first * second
    if 1 in pair:
        return ir.BATCH
    raise g.refuse("its shape merges the open batch dimension; give the batch a number")


@parses("reshape_like")
def reshape_like(
    g: Scope,
    lhs: Value,
    rhs: Value,
    *,
    lhs_begin: int | None = None,
    lhs_end: int | None = None,
    rhs_begin: int | None = None,
    rhs_end: int | None = None,
) -> Value:
    """``lhs`` in a shape in which its axes from ``lhs_begin`` to ``lhs_end`` have become those named of ``rhs``."""
    old, new = ir.dims(lhs), ir.dims(rhs)
    first, last = _span(g, len(old), lhs_begin, lhs_end)
    begin, end = _span(g, len(new), rhs_begin, rhs_end)
    return reshaped(g, lhs, (*old[:first], *new[begin:end], *old[last:]))


def _span(g: Scope, count: int, begin: int | None, end: int | None) -> tuple[int, int]:
    """The axes from ``begin`` to ``end`` of ``count``, counted from the front."""
    first, last, _ = slice(begin, end).indices(count)
    if any(place is not None and not -count <= place <= count for place in (begin, end)) or first >= last:
        raise g.misfit(f"a shape of {count} dimensions has no axes from {begin} to {end}")
    return first, last


@parses("Flatten", "flatten")
def flatten(g: Scope, data: Value) -> Value:
    """All axes but the first as one."""
    return g.emit("Flatten", data, axis=1)


@parses("expand_dims")
def expand_dims(g: Scope, data: Value, *, axis: int) -> Value:
    """``data`` with an axis of size 1 before ``axis``, which counts those of the result."""
    count = len(ir.dims(data)) + 1
    if not -count <= axis < count:
        raise g.misfit(f"its output of {count} dimensions has no axis {axis}")
    return g.emit("Unsqueeze", data, constant_axes(g, [axis % count]))


@parses("squeeze")
def squeeze(g: Scope, data: Value, *, axis: Ints | None = None) -> Value:
    """``data`` without ``axis``, or without any of size 1 (refused where the batch is open); one axis stays."""
    given = ir.dims(data)
    if axis is None:
        axes = [place for place in range(len(given)) if size(g, data, place) == 1]
    else:
        axes = positive_axes(g, data, axis)
    wide = [place for place in axes if size(g, data, place) != 1]
    if wide:
        raise g.misfit(f"its axis {wide[0]} has the size {given[wide[0]]}; only axes of size 1 can be left out")
    if not axes:
        return g.emit("Identity", data)
    if len(axes) == len(given):
        return reshaped(g, data, (1,))
    return g.emit("Squeeze", data, constant_axes(g, axes))


@parses("shape_array")
def shape_array(g: Scope, data: Value) -> Value:
    """The sizes of the dimensions of ``data``, int64."""
    return g.emit("Shape", data)


@parses("size_array")
def size_array(g: Scope, data: Value) -> Value:
    """The number of elements of ``data``, int64, as a vector of one."""
    return g.emit("Reshape", g.emit("Size", data, role="size"), g.ints("vector", [1]))
