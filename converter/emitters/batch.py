"""Which axis of a value is the batch, for targets whose networks are written for one row of it.

ncnn has no batch at all, and in CNTK it is a dynamic axis beside those of a value's shape.

Where the IR leaves the batch open, the batch is wherever the open dimension is. Where all inputs are fixed, either
their first dimension is the batch, or there is none and each value is a whole; :func:`readings` says which of both
are worth a try, and :func:`mark` applies one to a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final

import onnx_ir

from converter.emitters import Refused, operator_of
from converter.ir import BATCH, Dim, dims

_KEY: Final = "batch"
_MIXED: Final = -1
"""Stands for the axis of a value that depends on the batch and does not have it as a dimension."""

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


def mark(graph: onnx_ir.Graph, batch: Dim | None, across: Container[str] = ()) -> None:
    """Note in every value of ``graph`` which axis of it is the ``batch``, as one of :func:`readings` has it.

    The target computes the operators ``across`` for all rows together: a result without the batch is a whole.
    """
    for value in graph.inputs:
        _note(value, None if batch is None else _axis_of(value, batch))
    for node in graph:
        axes = [value.meta[_KEY] for value in node.inputs if value is not None and value.meta.get(_KEY) is not None]
        for value in node.outputs:
            if batch == BATCH and _MIXED not in axes and operator_of(node) in across:
                _note(value, _axis_of(value, batch))
            elif axes and batch is not None and operator_of(node) not in _OF_SHAPES:
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
        raise Refused(f"{value.name} mixes the rows of the batch, which are computed one by one")
    return axis


def row_shape(value: onnx_ir.Value) -> tuple[int, ...]:
    """The shape of ``value`` without the batch.

    Raises:
        Refused: It mixes the rows of the batch, or has the batch twice.
    """
    axis = batch_axis(value)
    shape = [dim for index, dim in enumerate(dims(value)) if index != axis]
    sizes = tuple(dim for dim in shape if isinstance(dim, int))
    if len(sizes) < len(shape):
        raise Refused(f"{value.name} has the batch as a dimension twice")
    return sizes


def row_axis(value: onnx_ir.Value, axis: int) -> int:
    """The axis of a row of ``value`` that is ``axis`` of it.

    Raises:
        Refused: It is the batch.
    """
    positive, batch = axis % len(dims(value)), batch_axis(value)
    if positive == batch:
        raise Refused(f"axis {axis} of {value.name} is the batch, whose rows are computed one by one")
    return positive - (batch is not None and batch < positive)


def made(name: str, shape: Sequence[Dim], axis: int | None) -> onnx_ir.Value:
    """A value that the IR does not have, of ``shape``, whose ``axis`` is the batch."""
    value = onnx_ir.Value(
        name=name, shape=onnx_ir.Shape(list(shape)), type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT)
    )
    _note(value, axis)
    return value


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


_OF_SHAPES: Final = ("Shape", "Size", "transship::PriorBox")
"""Operators whose output is the same for all rows."""
_RECURRENT: Final = ("LSTM", "GRU", "RNN")
_MOVING: Mapping[str, Rule] = {
    "Transpose": _transposed,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshaped),
    **dict.fromkeys(_RECURRENT, _recurrent),
}
"""Operators that have the batch of a fixed size elsewhere in their output than in their input."""
