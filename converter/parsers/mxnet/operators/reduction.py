"""One element out of many: along axes, or along all of them, which gives the shape ``[1]``.

Sources: src/operator/tensor/broadcast_reduce_op.h, broadcast_reduce_op_value.cc, broadcast_reduce_op_index.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import onnx_ir
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import positive_axis
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("sum", "sum_axis")
def total(g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False) -> Value:
    """The sum over ``axis``, over all axes but these with ``exclude``, or over all."""
    return _reduced(g, "ReduceSum", data, _axes(g, data, axis, exclude), keepdims)


@parses("mean")
def mean(g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False) -> Value:
    """The mean over ``axis``, over all axes but these with ``exclude``, or over all."""
    return _reduced(g, "ReduceMean", data, _axes(g, data, axis, exclude), keepdims)


@parses("max", "max_axis")
def greatest(
    g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False
) -> Value:
    """The greatest over ``axis``, over all axes but these with ``exclude``, or over all."""
    return _reduced(g, "ReduceMax", data, _axes(g, data, axis, exclude), keepdims)


@parses("min", "min_axis")
def least(g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False) -> Value:
    """The least over ``axis``, over all axes but these with ``exclude``, or over all."""
    return _reduced(g, "ReduceMin", data, _axes(g, data, axis, exclude), keepdims)


@parses("prod")
def product(
    g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False
) -> Value:
    """The product over ``axis``, over all axes but these with ``exclude``, or over all."""
    return _reduced(g, "ReduceProd", data, _axes(g, data, axis, exclude), keepdims)


@parses("nansum")
def sum_of_numbers(
    g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False
) -> Value:
    """As sum, of what is a number."""
    return _reduced(g, "ReduceSum", _numbers(g, data, 0), _axes(g, data, axis, exclude), keepdims)


@parses("nanprod")
def product_of_numbers(
    g: Scope, data: Value, *, axis: Ints | None = None, keepdims: bool = False, exclude: bool = False
) -> Value:
    """As prod, of what is a number."""
    return _reduced(g, "ReduceProd", _numbers(g, data, 1), _axes(g, data, axis, exclude), keepdims)


@parses("norm")
def norm(
    g: Scope,
    data: Value,
    *,
    ord: Literal["1", "2"] = "2",  # noqa: A002 - MXNet's name
    axis: Ints | None = None,
    keepdims: bool = False,
    out_dtype: Literal["float32"] | None = None,  # noqa: ARG001 - its type refuses the others
) -> Value:
    """The sum of absolute values (1), or the root of the sum of squares (2), over ``axis`` or all axes."""
    if not dtype_of(data).is_floating_point():
        raise g.refuse("an input of whole numbers")
    return _reduced(g, f"ReduceL{ord}", data, _axes(g, data, axis, exclude=False), keepdims)


@parses("argmax")
def argmax(g: Scope, data: Value, *, axis: int | None = None, keepdims: bool = False) -> Value:
    """Where the greatest is, the first of several, along ``axis`` or in all elements; of the type of ``data``."""
    return _place(g, "ArgMax", data, axis, keepdims)


@parses("argmin")
def argmin(g: Scope, data: Value, *, axis: int | None = None, keepdims: bool = False) -> Value:
    """Where the least is, the first of several, along ``axis`` or in all elements; of the type of ``data``."""
    return _place(g, "ArgMin", data, axis, keepdims)


@parses("argmax_channel")
def argmax_channel(g: Scope, data: Value) -> Value:
    """As argmax along axis 1."""
    return _place(g, "ArgMax", data, 1, keepdims=False)


def _axes(g: Scope, data: Value, axis: Ints | None, exclude: bool) -> list[int]:
    """The axes to reduce, in order; all of them where none are given, whatever ``exclude`` says."""
    every = range(len(ir.dims(data)))
    if not axis:
        return [*every]
    given = {positive_axis(g, data, each) for each in axis}
    if len(given) < len(axis):
        raise g.misfit(f"axis={axis} has an axis twice")
    return [each for each in every if (each in given) is not exclude]


def _reduced(g: Scope, op: str, data: Value, axes: Sequence[int], keepdims: bool) -> Value:
    kind = dtype_of(data)
    if kind.itemsize == 1 and (kind == onnx_ir.DataType.BOOL or op not in ("ReduceMax", "ReduceMin")):
        raise g.refuse(f"an input of {kind.name}")
    if not axes:
        return g.emit("Identity", data)
    count = len(ir.dims(data))
    if keepdims or len(axes) < count or count == 1:
        return g.emit(op, data, g.ints("axes", axes), keepdims=int(keepdims or len(axes) == count))
    scalar = g.emit(op, data, g.ints("axes", axes), role="reduce", keepdims=0)
    return g.emit("Reshape", scalar, g.ints("shape", [1]))


def _numbers(g: Scope, data: Value, other: int) -> Value:
    """``data`` with ``other`` in place of what is not a number."""
    if not dtype_of(data).is_floating_point():
        return data
    absent = g.emit("IsNaN", data, role="absent")
    return g.emit("Where", absent, g.scalar("other", other, data), data, role="numbers")


def _place(g: Scope, op: str, data: Value, axis: int | None, keepdims: bool) -> Value:
    kind, count = dtype_of(data), len(ir.dims(data))
    if kind == onnx_ir.DataType.BOOL:
        raise g.refuse("an input of truth values")
    if axis is None and count > 1:
        flat = g.emit("Reshape", data, g.ints("flat", [-1]), role="flatten")
        place = g.emit(op, flat, role="place", axis=0, keepdims=1)
        if keepdims:
            place = g.emit("Reshape", place, g.ints("shape", [1] * count), role="expand")
        return g.emit("Cast", place, to=int(kind))
    along = positive_axis(g, data, axis or 0)
    place = g.emit(op, data, role="place", axis=along, keepdims=int(keepdims or count == 1))
    return g.emit("Cast", place, to=int(kind))
