"""Reading and writing elements at indices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.batch import batch_axis, made, row_axis, row_shape
from converter.emitters.cntk.creation import table
from converter.emitters.cntk.operand import line, own_shape
from converter.emitters.cntk.shape import WHOLE, known, viewed
from converter.emitters.cntk.slicing import Span, cut
from converter.emitters.known import contents
from converter.emitters.operand import array, is_nonnegative, is_stored
from converter.emitters.python import literal
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_RUNS = 4
"""How many slices are put together rather than elements gathered."""
_MOST_UPDATES = 256
"""How many elements are written one after the other."""


@emits("cntk", "Gather", dtypes=WHOLE)
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Statement]:
    """Slices where the indices are known and few; ``gather``, between ``unpack_batch`` and ``to_batch`` if need be.

    Behind a function if an index may be negative.
    """
    found = known(node)
    if found is not None:
        return found
    at = contents(indices)
    if at is not None and BATCH not in at.reshape(-1).tolist():
        return _known_places(node, data, at.astype(np.int64), axis)
    if not is_stored(data) and batch_axis(data) is not None:
        if batch_axis(indices) is not None:
            raise Refused("data and indices both have rows of their own")
        axis = row_axis(data, axis)
    axis %= len(own_shape(data))
    return _gathered(node, data, indices, axis)


def _gathered(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> list[Statement]:
    """Statements that gather along a row's ``axis``, at indices that are computed."""
    result, shape = node.outputs[0], own_shape(indices)
    index, library = wrapped("{1}", indices, own_shape(data)[axis])
    if not is_stored(data) and batch_axis(data) is not None:
        count, flat = math.prod(shape), list(row_shape(data))
        flat[axis] = count
        index = index if len(shape) == 1 else f"C.reshape({index}, {(count,)})"
        text = f"C.to_batch(C.gather(C.unpack_batch({{0}}), {index}, axis={axis + 1}))"
        text = text if row_shape(result) == tuple(flat) else f"C.reshape({text}, {row_shape(result)})"
    else:
        # along another axis than the first the indices have to be of one axis
        count = math.prod(shape)
        index = index if axis == 0 or len(shape) == 1 else f"C.reshape({index}, {(count,)})"
        text = f"C.gather({{0}}, {index})" if axis == 0 else f"C.gather({{0}}, {index}, axis={axis})"
        text = text if axis == 0 or len(shape) == 1 else f"C.reshape({text}, {row_shape(result)})"
    return [line(node, text, data, indices, scalars=False, roles=("table", "index"), library=library)]


def wrapped(text: str, indices: onnx_ir.Value, size: int) -> tuple[str, list[str]]:
    """The indices that ``text`` spells as CNTK takes them: none is negative."""
    if is_nonnegative(indices):
        return text, []
    return f"wrapped({text}, {size})", ["wrapped"]


def _known_places(node: onnx_ir.Node, data: onnx_ir.Value, at: np.ndarray, axis: int) -> list[Statement]:
    """Statements that take the elements ``at`` known places of an axis."""
    result, axis = node.outputs[0], axis % len(dims(data))
    place = axis if is_stored(data) else row_axis(data, axis)
    size, flat = own_shape(data)[place], [int(index) for index in at.reshape(-1)]
    found = [index + size if index < 0 else index for index in flat]
    if not found:
        raise Refused(f"{result.name} has no elements")
    shape = list(own_shape(data))
    shape[place] = len(found)
    target = result if row_shape(result) == tuple(shape) else _part(node, "taken", shape, result)
    statements = taken(node, data, target, place, found)
    return statements if target is result else [*statements, viewed(node, target, result)]


def _part(node: onnx_ir.Node, role: str, shape: Sequence[int], like: onnx_ir.Value) -> onnx_ir.Value:
    """A value of rows of ``shape`` that has a batch where ``like`` has one."""
    has = batch_axis(like) is not None
    return made(f"{node.name}/{role}", (BATCH, *shape) if has else tuple(shape), 0 if has else None)


def taken(
    node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, axis: int, found: Sequence[int]
) -> list[Statement]:
    """Statements that take the elements at the places ``found`` of a row's ``axis``."""
    runs = _runs(found)
    if len(runs) == 1:
        return cut(node, data, result, {axis: Span.of(runs[0])})
    if len(runs) <= _RUNS:
        before = ":, " * axis
        parts = ", ".join(_slice(run, axis, before) for run in runs)
        return [line(node, f"C.splice({parts}, axis={axis})", data, outputs=[result], scalars=False)]
    held = {"index": table(found)}
    if is_stored(data) or batch_axis(data) is None:
        text = f"C.gather({{0}}, {{index}}{f', axis={axis}' if axis else ''})"
    else:
        text = f"C.to_batch(C.gather(C.unpack_batch({{0}}), {{index}}, axis={axis + 1}))"
    return [line(node, text, data, outputs=[result], scalars=False, tensors=held)]


def _slice(run: range, axis: int, before: str) -> str:
    span = Span.of(run)
    if span.step < 0:
        return f"C.slice({{0}}, {axis}, {span.begin}, {span.end}, {span.step})"
    return f"{{0}}[{before}{span.begin}:{span.end}{'' if span.step == 1 else f':{span.step}'}]"


def _runs(found: Sequence[int]) -> list[range]:
    """``found`` as ranges, each as long as can be."""
    runs: list[range] = []
    for index in found:
        last = runs[-1] if runs else None
        step = 0 if last is None else index - last[-1]
        if last is not None and step != 0 and (len(last) == 1 or step == last.step):
            runs[-1] = range(last[0], index + (1 if step > 0 else -1), step)
        else:
            runs.append(range(index, index + 1))
    return runs


@emits("cntk", "GatherElements", dtypes=WHOLE)
def gather_elements(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0
) -> list[Statement]:
    """A function: ``element_select`` by ``one_hot``, and a sum, along an axis made the last."""
    batch = _common(data, indices)
    given, wanted = _own(data, batch), _own(indices, batch)
    place = _row_place(axis % len(dims(data)), batch)
    spans = {number: Span(0, count) for number, count in enumerate(wanted) if number != place}
    data, statements = _rows(node, data, batch)
    if any(wanted[number] != given[number] for number in spans):
        shape = [given[place] if number == place else count for number, count in enumerate(wanted)]
        part = _part(node, "part", shape, data) if not is_stored(data) else made(f"{node.name}/part", shape, None)
        statements += cut(node, data, part, spans)
        data = part
    index, library = wrapped("{1}", indices, given[place])
    text = f"gather_elements({{0}}, {index}, {place})"
    library = [*library, "gather_elements", "picked", "permuted"]
    return [
        *statements,
        line(node, text, data, indices, scalars=False, roles=("table", "index"), library=library),
    ]


def _rows(node: onnx_ir.Node, data: onnx_ir.Value, batch: int | None) -> tuple[onnx_ir.Value, list[Statement]]:
    """``data`` as rows, where a constant may have an axis for the batch."""
    if batch is None or not is_stored(data):
        return data, []
    shape = _own(data, batch)
    rows = made(f"{node.name}/rows", shape, None)
    return rows, [line(node, "C.reshape({0}, {shape})", data, outputs=[rows], scalars=False, shape=shape)]


def _common(*values: onnx_ir.Value) -> int | None:
    """The axis of all ``values`` that is the batch.

    Raises:
        Refused: They do not agree on it.
    """
    axes = {batch_axis(value) for value in values if not is_stored(value)}
    found = axes - {None}
    if len(found) > 1 or (found and (None in axes or any(is_stored(value) for value in values))):
        raise Refused("only some of its inputs have the batch, or another axis for it")
    return next(iter(found), None)


def _own(value: onnx_ir.Value, batch: int | None) -> tuple[int, ...]:
    shape = [dim for number, dim in enumerate(dims(value)) if number != batch]
    if BATCH in shape:
        raise Refused(f"{value.name} has the batch as a dimension twice")
    return tuple(int(dim) for dim in shape)


def _row_place(axis: int, batch: int | None) -> int:
    if axis == batch:
        raise Refused("its axis is the batch, whose rows are computed one by one")
    return axis - (batch is not None and batch < axis)


@emits("cntk", "GatherND", dtypes=WHOLE)
def gather_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0
) -> list[Statement]:
    """``gather`` at places counted through all indexed axes; in rows of their own a function with ``one_hot``."""
    depth = int(dims(indices)[-1])
    if is_stored(data) or batch_axis(data) is None:
        if batch_dims:
            batch = _common(data, indices)
            return _picked_nd(node, data, indices, batch_dims, depth, batch)
        return _gathered_nd(node, data, indices, depth)
    if (batch_axis(data) or 0) >= batch_dims:
        raise Refused("it gathers across the batch")
    batch = _common(data, indices)
    return _picked_nd(node, data, indices, batch_dims, depth, batch)


def _gathered_nd(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, depth: int) -> list[Statement]:
    sizes = own_shape(data)
    shape = (math.prod(sizes[:depth]), *sizes[depth:])
    place, library = _linear("{1}", indices, sizes[:depth])
    text = f"C.gather({'{0}' if shape == sizes else f'C.reshape({{0}}, {shape})'}, {place})"
    return [line(node, text, data, indices, scalars=False, roles=("table", "index"), library=library)]


def _linear(text: str, indices: onnx_ir.Value, sizes: Sequence[int]) -> tuple[str, list[str]]:
    """The places, counted through axes of ``sizes``, of tuples of indices, of which their last axis is made."""
    if len(sizes) == 1 and is_nonnegative(indices):
        return f"C.reshape({text}, {own_shape(indices)[:-1]})", []
    return f"places({text}, {literal(list(sizes))})", ["places"]


def _picked_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, batch_dims: int, depth: int, batch: int | None
) -> list[Statement]:
    sizes = _own(data, batch)
    pairs = batch_dims - (batch is not None)
    before, middle, rest = sizes[:pairs], sizes[pairs : pairs + depth], sizes[pairs + depth :]
    place, library = _linear("{1}", indices, middle)
    shape = (math.prod(before), math.prod(middle), math.prod(rest))
    count = math.prod(_own(indices, batch)[pairs:-1])
    text = f"picked(C.reshape({{0}}, {shape}), C.reshape({place}, {(shape[0], count)}))"
    text = f"C.reshape({text}, {row_shape(node.outputs[0])})"
    library = [*library, "picked"]
    return [line(node, text, data, indices, scalars=False, roles=("table", "index"), library=library)]


@emits("cntk", "OneHot", dtypes=WHOLE)
def one_hot(
    node: onnx_ir.Node, indices: onnx_ir.Value, depth: onnx_ir.Value, values: onnx_ir.Value, *, axis: int = -1
) -> list[Statement]:
    """``one_hot``, behind a function if an index may be negative; ``element_select`` of others than 0 and 1."""
    if not is_constant(depth):
        raise Refused("its depth is computed")
    result, count = node.outputs[0], int(array(depth).reshape(-1)[0])
    place = row_axis(result, axis)
    index, library = wrapped("{0}", indices, count)
    text = f"C.one_hot({index}, {count}{'' if place == len(own_shape(indices)) else f', axis={place}'})"
    if not is_constant(values):
        text = f"C.element_select({text}, {{1}}[1:2], {{1}}[0:1])"
        return [line(node, text, indices, values, scalars=False, roles=("index", "values"), library=library)]
    off, on = (float(number) for number in array(values).reshape(-1))
    if (off, on) != (0.0, 1.0):
        text = f"C.element_select({text}, {{on}}, {{off}})"
    return [line(node, text, indices, scalars=False, roles=("index",), library=library, on=on, off=off)]


@emits("cntk", "ReverseSequence", dtypes=WHOLE)
def reverse_sequence(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value,
    *,
    batch_axis: int = 1,
    time_axis: int = 0,
) -> list[Statement]:
    """A function: ``element_select`` by ``one_hot`` of the places that the elements come from."""
    batch = _batch_of(data)
    order = _without_batch(data, batch, [batch_axis, time_axis])
    if batch is not None and batch != batch_axis:
        raise Refused("its batch is another axis than the rows'")
    if is_stored(lengths) and batch is not None:
        raise Refused(f"{lengths.name} has rows of its own where {data.name} has the batch")
    text = f"reverse_sequence({{0}}, {{1}}, {literal(tuple(order))})"
    library = ["reverse_sequence", "picked", "permuted"]
    return [line(node, text, data, lengths, scalars=False, roles=("", "lengths"), library=library)]


def _batch_of(data: onnx_ir.Value) -> int | None:
    return None if is_stored(data) else batch_axis(data)


def _without_batch(data: onnx_ir.Value, batch: int | None, first: Sequence[int]) -> list[int]:
    """The axes of a row, those that are ``first`` before the others."""
    axes = [*first, *(axis for axis in range(len(dims(data))) if axis not in first)]
    return [_row_place(axis, batch) for axis in axes if axis != batch]


@emits("cntk", "ScatterElements", dtypes=WHOLE)
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Statement]:
    """A function: ``element_select`` by ``one_hot``, one update after the other."""
    batch = _common(data, indices, updates)
    given, wanted = _own(data, batch), _own(indices, batch)
    place = _row_place(axis % len(dims(data)), batch)
    _check_updates(wanted[place])
    index, library = wrapped("{1}", indices, given[place])
    pattern = [(0, 0 if axis == place else given[axis] - count) for axis, count in enumerate(wanted)]
    update = "{2}"
    if pattern != [(0, 0)] * len(pattern):  # no element is at -1
        index, update = f"C.pad({index}, {{pattern}}, constant_value=-1)", "C.pad({2}, {pattern})"
    text = f"scatter_elements({{0}}, {index}, {update}, {place}, {literal(reduction)})"
    library = [*library, "scatter_elements", "updated", "permuted"]
    roles = ("data", "index", "updates")
    return [line(node, text, data, indices, updates, scalars=False, roles=roles, library=library, pattern=pattern)]


def _check_updates(count: int) -> None:
    if count > _MOST_UPDATES:
        raise Refused(f"{count} elements are written one after the other")


@emits("cntk", "ScatterND", dtypes=WHOLE)
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Statement]:
    """A function: ``element_select`` by ``one_hot``, one update after the other."""
    if _common(data, indices, updates) is not None:
        raise Refused("it writes across the batch")
    sizes, depth = own_shape(data), int(dims(indices)[-1])
    count = math.prod(own_shape(indices)[:-1])
    _check_updates(count)
    place, library = _linear("{1}", indices, sizes[:depth])
    whole = (1, math.prod(sizes[:depth]), math.prod(sizes[depth:]))
    parts = (
        f"C.reshape({{0}}, {whole})",
        f"C.reshape({place}, {(1, count)})",
        f"C.reshape({{2}}, {(1, count, whole[2])})",
    )
    text = f"C.reshape(updated({', '.join(parts)}, {literal(reduction)}), {sizes})"
    roles = ("data", "index", "updates")
    return [line(node, text, data, indices, updates, scalars=False, roles=roles, library=[*library, "updated"])]
