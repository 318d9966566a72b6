"""How values of the IR lie in ncnn's memory.

A ``Mat`` of ncnn is ``(w)``, ``(h, w)``, ``(c, h, w)`` or ``(c, d, h, w)``, and holds float32.
None of them is the batch: a network is run once for each row of it. So an axis of a value is either the batch, which
ncnn never sees, or one of its Mat's.

Where the IR leaves the batch open, the batch is wherever the open dimension is. Where all inputs are fixed, either
their first dimension is the batch, or there is none and each value is one Mat as a whole; :func:`readings` says which
of both are worth a try, and :func:`mark` applies one to a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import onnx_ir

from converter.emitters import Refused, operator_of
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_KEY: Final = "ncnn.batch"
_MIXED: Final = -1
"""Stands for the axis of a value that depends on the batch and does not have it as a dimension."""
_MOST_DIMENSIONS: Final = 4

Rule = Callable[[onnx_ir.Node, onnx_ir.Value, int], int]


def readings(graph: onnx_ir.Graph) -> list[Dim | None]:
    """What the batch may be, the most likely first.

    The open dimension; of fixed inputs the first one, none, or what recurrent layers have as their batch.
    """
    shapes = [dims(value) for value in graph.inputs]
    if any(BATCH in shape for shape in shapes):
        return [BATCH]
    first = {shape[0] if shape else None for shape in shapes}
    found = [first.pop(), None] if len(first) == 1 and None not in first else [None]
    layers = [node.inputs[0] for node in graph if operator_of(node) in _RECURRENT]
    return list(dict.fromkeys([*found, *(dims(value)[1] for value in layers if value is not None)]))


def mark(graph: onnx_ir.Graph, batch: Dim | None) -> None:
    """Note in every value of ``graph`` which axis of it is the ``batch``, as one of :func:`readings` has it."""
    for value in graph.inputs:
        _note(value, None if batch is None else _axis_of(value, batch))
    for node in graph:
        axes = [value.meta[_KEY] for value in node.inputs if value is not None and value.meta.get(_KEY) is not None]
        for value in node.outputs:
            if axes and batch is not None:
                _note(value, _following(node, value, axes[0], batch))
            else:
                _note(value, _axis_of(value, batch) if batch == BATCH else None)


def batch_axis(value: onnx_ir.Value) -> int | None:
    """The axis of ``value`` that is the batch; None where the value is the same for all rows, as a parameter is.

    Raises:
        Refused: The value mixes the rows of the batch.
    """
    axis: int | None = value.meta.get(_KEY)
    if axis == _MIXED:
        raise Refused(f"{value.name} mixes the rows of the batch, which ncnn computes one by one")
    return axis


def mat_shape(value: onnx_ir.Value) -> tuple[int, ...]:
    """The shape of the Mat that holds a row of ``value``, outermost dimension first; ``(1,)`` for a single number.

    Raises:
        Refused: No Mat holds that.
    """
    if value.dtype not in (None, onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL):
        raise Refused(f"{value.name} is {value.dtype.name.lower()}, and ncnn computes with float32 only")
    axis = batch_axis(value)
    shape = [dim for index, dim in enumerate(dims(value)) if index != axis]
    sizes = tuple(dim for dim in shape if isinstance(dim, int))
    if len(sizes) < len(shape):
        raise Refused(f"{value.name} has the batch as a dimension twice")
    if len(sizes) > _MOST_DIMENSIONS:
        raise Refused(f"{value.name} has {len(sizes)} dimensions beside the batch, a Mat has at most 4")
    if 0 in sizes:
        raise Refused(f"{value.name} is empty")
    return sizes or (1,)


def mat_axis(value: onnx_ir.Value, axis: int) -> int:
    """The Mat's dimension, 0 for the outermost one, that is ``axis`` of ``value``.

    Raises:
        Refused: It is the batch.
    """
    positive, batch = axis % len(dims(value)), batch_axis(value)
    if positive == batch:
        raise Refused(f"axis {axis} of {value.name} is the batch, whose rows ncnn computes one by one")
    return positive - (batch is not None and batch < positive)


def _note(value: onnx_ir.Value, axis: int | None) -> None:
    value.meta[_KEY] = axis


def _axis_of(value: onnx_ir.Value, batch: Dim) -> int | None:
    """The first dimension that is the batch, if there is one."""
    return dims(value).index(batch) if batch in dims(value) else None


def _following(node: onnx_ir.Node, value: onnx_ir.Value, axis: int, batch: Dim) -> int:
    """The axis of a value computed from such a one whose batch is ``axis``."""
    shape: Sequence[Dim] = dims(value)
    if axis == _MIXED:
        return _MIXED
    if batch == BATCH:
        return shape.index(BATCH) if BATCH in shape else _MIXED
    moved = _MOVING[operator_of(node)](node, value, axis) if operator_of(node) in _MOVING else axis
    return moved if moved < len(shape) and shape[moved] == batch else _MIXED


def _transposed(node: onnx_ir.Node, value: onnx_ir.Value, axis: int) -> int:
    rank = len(dims(value))
    perm = node.attributes["perm"].value if "perm" in node.attributes else range(rank)[::-1]
    return list(perm).index(axis)


def _reshaped(node: onnx_ir.Node, value: onnx_ir.Value, axis: int) -> int:
    """The first axis of its size that has as many elements before it."""
    read = dims(node.inputs[0]) if node.inputs[0] is not None else ()
    before, shape = _elements(read[:axis]), dims(value)
    places = (place for place, size in enumerate(shape) if size == read[axis] and _elements(shape[:place]) == before)
    return next(places, axis)


def _recurrent(node: onnx_ir.Node, value: onnx_ir.Value, axis: int) -> int:  # noqa: ARG001 - a Rule
    """``[time, directions, batch, hidden]``, and the last states ``[directions, batch, hidden]``."""
    return len(dims(value)) - 2


def _elements(shape: Sequence[Dim]) -> int:
    return math.prod(dim for dim in shape if isinstance(dim, int))


_RECURRENT: Final = ("LSTM", "GRU", "RNN")
_MOVING: Mapping[str, Rule] = {
    "Transpose": _transposed,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshaped),
    **dict.fromkeys(_RECURRENT, _recurrent),
}
"""Operators that have the batch of a fixed size elsewhere in their output than in their input."""
