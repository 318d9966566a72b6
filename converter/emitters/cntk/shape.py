"""Shapes: what looks at them, and what changes nothing else; the batch, CNTK's dynamic axis, is no part of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis, made, row_axis, row_shape
from converter.emitters.cntk.operand import aligned, line, own_shape
from converter.emitters.known import batch_of, contents
from converter.emitters.operand import is_stored
from converter.emitters.statement import State, Statement
from converter.ir import BATCH, Dim, dims

WHOLE = (onnx_ir.DataType.INT64, onnx_ir.DataType.INT32, onnx_ir.DataType.UINT8, onnx_ir.DataType.INT8)
"""Types of whole numbers that are moved like any others."""
MOST_AXES = 5
"""How many axes, the batch among them, CNTK's CPU has loops over; axes that stay neighbours count as one."""
_EXACT = 1 << 24


def known(node: onnx_ir.Node) -> list[Statement] | None:
    """The statement of the whole numbers that a node computes of shapes, if they are known."""
    value = node.outputs[0]
    found = contents(value)
    if found is None or BATCH in found.reshape(-1).tolist() or found.size == 0:
        return None
    numbers = [int(each) for each in found.reshape(-1)]
    if max(map(abs, numbers)) >= _EXACT:
        raise Refused("its numbers are too large for float32")
    held = State(found.shape, plan.reshape(plan.literal(numbers), found.shape), trained=False)
    return [line(node, "{sizes}", tensors={"sizes": held})]


@emits("cntk", "Shape", dtypes=WHOLE)
def shape(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    start: int = 0,
    end: int | None = None,
) -> list[Statement]:
    """A constant; the batch, if it is needed at all, is counted."""
    given = dims(data)[start:end]
    if BATCH not in given:
        return known(node) or []
    if is_stored(data) or batch_axis(data) is None:
        raise Refused(f"{data.name} has no batch to count")
    before, after = ([int(dim) for dim in part if dim != BATCH] for part in _around(given))
    count = "C.reduce_sum(C.reconcile_dynamic_axes(C.constant(1, (1,)), {0}), C.Axis.default_batch_axis())"
    parts = [f"C.constant({before})"] * bool(before) + [count] + [f"C.constant({after})"] * bool(after)
    return [line(node, f"C.splice({', '.join(parts)}, axis=0)" if len(parts) > 1 else count, data)]


def _around(given: Sequence[Dim]) -> tuple[Sequence[Dim], Sequence[Dim]]:
    place = given.index(BATCH)
    return given[:place], given[place + 1 :]


@emits("cntk", "Size", dtypes=WHOLE)
def size(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """A constant; the batch is counted."""
    if BATCH not in dims(data):
        return known(node) or []
    if is_stored(data) or batch_axis(data) is None:
        raise Refused(f"{data.name} has no batch to count")
    one = "C.reconcile_dynamic_axes(C.constant({count}), {0})"
    count = math.prod(row_shape(data))
    return [line(node, f"C.reduce_sum({one}, C.Axis.default_batch_axis())", data, count=count)]


@emits("cntk", "Reshape", dtypes=WHOLE)
def reshape(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value,  # noqa: ARG001 - the result's shape is known
    *,
    allowzero: int = 0,  # noqa: ARG001
) -> list[Statement]:
    """``reshape``; between ``unpack_batch`` and ``to_batch`` where the batch is joined with other axes."""
    return _reshaped(node, data)


@emits("cntk", "Flatten", dtypes=WHOLE)
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Statement]:  # noqa: ARG001 - as above
    """``reshape``; between ``unpack_batch`` and ``to_batch`` where the batch is joined with other axes."""
    return _reshaped(node, data)


@emits("cntk", "Squeeze", "Unsqueeze", dtypes=WHOLE)
def squeeze(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,  # noqa: ARG001 - the result's shape is known
) -> list[Statement]:
    """``reshape``."""
    return _reshaped(node, data)


def _reshaped(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    found = known(node)
    if found is not None:
        return found
    result = node.outputs[0]
    if batch_axis(result) is None or (_row(data) == _row(result) and _before(data) == _before(result)):
        return [viewed(node, data, result)]
    if is_stored(data) or batch_axis(data) is None:
        raise Refused(f"it gives {data.name} a batch")
    return [line(node, _joined(data, result), data)]


def viewed(node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value) -> Statement:
    """``result``: the elements of ``data``, row by row, in its own shape."""
    shape = row_shape(result)
    if own_shape(data) == shape:
        return line(node, "{0}", data, outputs=[result], scalars=False)
    return line(node, "C.reshape({0}, {shape})", data, outputs=[result], scalars=False, shape=shape)


def _row(value: onnx_ir.Value) -> int:
    return math.prod(own_shape(value))


def _before(value: onnx_ir.Value) -> int:
    """How many elements come before the second one of the batch."""
    axis = None if is_stored(value) else batch_axis(value)
    return -1 if axis is None else math.prod(int(dim) for dim in dims(value)[axis + 1 :])


def _joined(data: onnx_ir.Value, result: onnx_ir.Value) -> str:
    """``reshape`` of the whole, the batch among its axes, which has one of the result's as its batch."""
    given, wanted = batch_axis(data), batch_axis(result)
    if given is None or wanted is None:
        raise AssertionError("both have a batch")
    text = "C.unpack_batch({0})"
    if given != 0:
        text = f"C.transpose({text}, {(*range(1, given + 1), 0, *range(given + 1, len(dims(data))))})"
    whole = tuple(-1 if axis == wanted else int(dim) for axis, dim in enumerate(dims(result)))
    text = f"C.reshape({text}, {whole})"
    if wanted != 0:
        order = (wanted, *range(wanted), *range(wanted + 1, len(whole)))
        text = f"C.transpose({text}, {order})"
    return f"C.to_batch({text})"


@emits("cntk", "Transpose", dtypes=WHOLE)
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] = ()) -> list[Statement]:
    """``transpose``; nothing where only the batch moves. A function where there are more axes than CNTK takes."""
    result = node.outputs[0]
    order = list(perm) or list(range(len(dims(data))))[::-1]
    batch = batch_axis(data)
    if batch is not None and batch_axis(result) != order.index(batch):
        raise Refused(f"the batch of {data.name} is not that of {result.name}")
    return [permuted(node, data, result, [row_axis(data, axis) for axis in order if axis != batch])]


def permuted(node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, order: Sequence[int]) -> Statement:
    """``result``: ``data`` with the axes of a row in another order."""
    if list(order) == sorted(order):
        return line(node, "{0}", data, outputs=[result], scalars=False)
    groups = sum(axis != before + 1 for before, axis in zip([-2, *order], order, strict=False))
    most = MOST_AXES - (batch_axis(result) is not None)
    library = ["permuted"] if groups > most else []
    text = f"{'permuted' if library else 'C.transpose'}({{0}}, {{order}})"
    return line(node, text, data, outputs=[result], scalars=False, library=library, order=tuple(order))


@emits("cntk", "Expand", dtypes=WHOLE)
def expand(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value) -> list[Statement]:
    """A product with ones; ``reconcile_dynamic_axes`` where it gets the batch."""
    return spread(node, data, node.outputs[0], sizes)


def spread(
    node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, sizes: onnx_ir.Value | None = None
) -> list[Statement]:
    """Statements that broadcast ``data`` to ``result``, whose batch is that of what ``sizes`` is made of."""
    own, wanted = aligned(data, result), row_shape(result)
    text = _product(own, wanted, MOST_AXES - (batch_axis(result) is not None))
    if batch_axis(result) is None or (not is_stored(data) and batch_axis(data) is not None):
        return [line(node, text, data, outputs=[result], broadcast=True, scalars=False, shape=wanted)]
    found = None if sizes is None else batch_of(sizes)
    if found is None or batch_axis(found[0]) is None:
        raise Refused(f"it gives {data.name} a batch")
    whole = made(f"{node.name}/whole", wanted, None)
    source = "{0}" if own == own_shape(data) else f"C.reshape({{0}}, {own})"
    statements = [line(node, text.replace("{0}", source), data, outputs=[whole], scalars=False, shape=wanted)]
    return [*statements, line(node, "C.reconcile_dynamic_axes({0}, {1})", whole, found[0], outputs=[result])]


def _product(own: Sequence[int], wanted: Sequence[int], most: int) -> str:
    """The product of ``{0}`` with ones, axis by axis where that is of more axes than CNTK takes at once."""
    if tuple(own) == tuple(wanted):
        return "{0}"
    shape = [1] * (len(wanted) - len(own)) + list(own)
    grown = [axis for axis, (old, new) in enumerate(zip(shape, wanted, strict=True)) if old != new]
    if sum(axis == 0 or (axis in grown) != (axis - 1 in grown) for axis in range(len(wanted))) <= most:
        return "{0} * C.constant(1, {shape})"
    text = "{0}"
    for axis in grown:
        shape[axis] = wanted[axis]
        text = f"{text} * C.constant(1, {tuple(shape)})"
    return text
