"""Sequences: their last, first, reversed and summed steps.

Sources: src/operator/sequence_mask-inl.h, sequence_last-inl.h, sequence_reverse-inl.h, numpy/np_cumsum-inl.h.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.operators.indexing import counted, whole
from converter.parsers.mxnet.operators.ordering import along
from converter.parsers.mxnet.operators.shapes import length
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of, spell

_LARGEST = np.iinfo(np.int64).max


@parses("_np_cumsum", "cumsum")
def cumsum(
    g: Scope,
    a: Value,
    *,
    axis: int | None = None,
    dtype: Literal["float32", "int32", "int64", "int8"] | None = None,
) -> Value:
    """Sums of all elements so far along ``axis``, or of the flattened input, added up as ``dtype``."""
    if axis is not None and axis < 0:
        raise g.misfit(f"axis={axis}; MXNet counts it from the front only")
    flat, place = along(g, a, axis)
    wanted = dtype_of(a) if dtype is None else DataType.from_numpy(np.dtype(dtype))
    axis_of_sum = g.array("axis", np.array(place, np.int64))
    if wanted in (DataType.INT8, DataType.UINT8):
        wide = _cast(g, _cast(g, flat, wanted, "as-type"), DataType.INT32, "widen")
        return g.emit("Cast", g.emit("CumSum", wide, axis_of_sum, role="sum"), to=wanted)
    return g.emit("CumSum", _cast(g, flat, wanted, "as-type"), axis_of_sum)


def _cast(g: Scope, data: Value, dtype: DataType, role: str) -> Value:
    return data if dtype_of(data) == dtype else g.emit("Cast", data, role=role, to=dtype)


@parses("SequenceMask")
def sequence_mask(
    g: Scope,
    data: Value,
    sequence_length: Value | None = None,
    *,
    use_sequence_length: bool = False,
    value: float = 0.0,
    axis: int = 0,
) -> Value:
    """``data`` ``[T, N, ...]`` (axis 1: ``[N, T, ...]``) with ``value`` from each sequence's length on.

    A length is at least 0; below that MXNet writes into foreign memory.
    """
    _sequences(g, data, axis)
    if not use_sequence_length:
        return g.emit("Identity", data)
    axes = len(ir.dims(data))
    lengths = _lengths(g, data, sequence_length, axis)
    aligned = g.emit("Unsqueeze", lengths, g.ints("axes", [axis, *range(2, axes)]), role="aligned")
    steps = g.emit(
        "Unsqueeze",
        counted(g, length(g, data, axis), ir.dims(data)[axis]),
        g.ints("others", _others(axes, axis)),
        role="steps-aligned",
    )
    kept = g.emit("Less", steps, aligned, role="kept")
    filler = value if dtype_of(data).is_floating_point() else int(value)
    return g.emit("Where", kept, data, g.scalar("value", filler, like=data), shape=ir.dims(data))


@parses("SequenceLast")
def sequence_last(
    g: Scope,
    data: Value,
    sequence_length: Value | None = None,
    *,
    use_sequence_length: bool = False,
    axis: int = 0,
) -> Value:
    """The last step of each sequence of ``data`` ``[T, N, ...]`` (axis 1: ``[N, T, ...]``).

    A length is from 1 to T; beyond that MXNet reads foreign memory.
    """
    _sequences(g, data, axis)
    if not use_sequence_length:
        return g.emit("Gather", data, g.array("last", np.array(-1, np.int64)), axis=axis)
    lengths = _lengths(g, data, sequence_length, axis)
    last = g.emit("Sub", lengths, g.ints("one", [1]), role="last")
    rows = g.emit("Unsqueeze", last, g.ints("axes", [1]), role="rows")
    if axis == 0:
        order = [1, 0, *range(2, len(ir.dims(data)))]
        data = g.emit("Transpose", data, role="batch-first", perm=order)
    return g.emit("GatherND", data, rows, batch_dims=1)


@parses("SequenceReverse")
def sequence_reverse(
    g: Scope,
    data: Value,
    sequence_length: Value | None = None,
    *,
    use_sequence_length: bool = False,
    axis: int = 0,
) -> Value:
    """``data`` ``[T, N, ...]`` with the first steps of each sequence, as many as its length is, in reverse order.

    A length is from 0 to T; beyond that MXNet reads foreign memory.
    """
    _sequences(g, data, axis)
    if axis != 0:
        raise g.misfit(f"axis={axis}; MXNet takes 0 only")
    if use_sequence_length:
        lengths = _lengths(g, data, sequence_length, axis)
        return g.emit("ReverseSequence", data, lengths, batch_axis=1, time_axis=0)
    numbers = {"start": -1, "end": -_LARGEST, "axes": 0, "step": -1}
    limits = (g.ints(role, [number]) for role, number in numbers.items())
    return g.emit("Slice", data, *limits, shape=ir.dims(data))


def _sequences(g: Scope, data: Value, axis: int) -> None:
    if axis not in (0, 1) or len(ir.dims(data)) < 2:
        raise g.misfit(f"axis={axis} of an input {spell(ir.dims(data))}; it must be 0 or 1 of two dimensions or more")


def _lengths(g: Scope, data: Value, lengths: Value | None, axis: int) -> Value:
    """The sequences' lengths as whole numbers, one for each."""
    count = ir.dims(data)[1 - axis]
    if lengths is None or ir.dims(lengths) != (count,):
        found = "none" if lengths is None else spell(ir.dims(lengths))
        raise g.misfit(f"its sequence_length is {found}; it must be {count}")
    return whole(g, lengths, "lengths")


def _others(axes: int, axis: int) -> list[int]:
    return [index for index in range(axes) if index != axis]
