"""Order: sorting, and the largest or smallest elements.

Source: src/operator/tensor/ordering_op-inl.h.

Of equal elements the first comes first. So it does in MXNet where it puts in order all of up to 16; elsewhere its
choice among them is arbitrary, for it sorts by std::sort and std::partial_sort. So is its place for a NaN.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.operators.common import positive_axis, size
from converter.parsers.mxnet.operators.shapes import length, reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, Shape

IndexType: TypeAlias = Literal["float32", "int32", "int64", "uint8"]


@parses("sort")
def sort(g: Scope, data: Value, *, axis: int | None = -1, is_ascend: bool = True) -> Value:
    """``data`` in order along ``axis``, or all of it."""
    return _best(g, *along(g, data, axis), 0, largest=not is_ascend, output="output0")[0]


@parses("argsort")
def argsort(
    g: Scope, data: Value, *, axis: int | None = -1, is_ascend: bool = True, dtype: IndexType = "float32"
) -> Value:
    """The indices that put ``data`` in order.

    Of equal elements the first comes first, as in MXNet for up to 16; for more MXNet's own order is arbitrary.
    """
    flat, place = along(g, data, axis)
    _, indices = _best(g, flat, place, 0, largest=not is_ascend)
    return g.emit("Cast", indices, to=_type(dtype))


@parses("topk")
def topk(
    g: Scope,
    data: Value,
    *,
    axis: int | None = -1,
    k: int = 1,
    ret_typ: Literal["value", "indices", "mask", "both"] = "indices",
    is_ascend: bool = False,
    dtype: IndexType = "float32",
) -> Value | list[Value]:
    """The ``k`` largest or smallest elements along ``axis`` (all of them if ``k`` is 0), in order; or where they are.

    Of equal elements the first comes first, as in MXNet where all of up to 16 are put in order; elsewhere MXNet's
    own choice is arbitrary.
    """
    flat, place = along(g, data, axis)
    if ret_typ == "mask":
        return _mask(g, data, flat, place, _best(g, flat, place, k, largest=not is_ascend)[1])
    output = "" if ret_typ == "indices" else "output0"
    values, indices = _best(g, flat, place, k, largest=not is_ascend, output=output)
    if ret_typ == "indices":
        return g.emit("Cast", indices, to=_type(dtype))
    return values if ret_typ == "value" else [values, g.emit("Cast", indices, output="output1", to=_type(dtype))]


def along(g: Scope, data: Value, axis: int | None) -> tuple[Value, int]:
    """``data`` and its axis; flattened if there is none."""
    if axis is not None:
        return data, positive_axis(g, data, axis)
    given = ir.dims(data)
    if len(given) == 1:
        return data, 0
    total = math.prod(size(g, data, index) for index in range(len(given)))
    return reshaped(g, data, (total,), role="flatten"), 0


def _best(g: Scope, data: Value, axis: int, k: int, *, largest: bool, output: str = "") -> list[Value]:
    """Values and indices of the first ``k`` in order, all if that is 0; ``output`` is MXNet's name of the values."""
    dim = ir.dims(data)[axis]
    if k > 0 and isinstance(dim, int) and k > dim:
        raise g.misfit(f"k={k} of an axis of {dim}")
    made: Shape = (*ir.dims(data)[:axis], k if k > 0 else dim, *ir.dims(data)[axis + 1 :])
    return g.emit_many(
        "TopK",
        data,
        g.ints("k", [k]) if k > 0 else length(g, data, axis),
        outputs=[output or "values", "indices"],
        role="" if output else "order",
        shapes=[made, made],
        axis=axis,
        largest=int(largest),
    )


def _filled(g: Scope, role: str, value: int, shape: Value, dims: Shape, like: Value) -> Value:
    """A tensor of ``shape``, which is ``dims``, of ``value`` everywhere in the element type of ``like``."""
    return g.emit("Expand", g.scalar(f"{role}-value", value, like=like), shape, role=role, shape=dims)


def _mask(g: Scope, data: Value, flat: Value, axis: int, indices: Value) -> Value:
    """One at ``indices`` of ``flat``, else zero, in the shape of ``data``."""
    zeros, ones = (
        _filled(g, role, value, g.emit("Shape", alike, role=f"{role}-shape"), ir.dims(alike), data)
        for role, value, alike in (("zeros", 0, flat), ("ones", 1, indices))
    )
    if flat is data:
        return g.emit("ScatterElements", zeros, indices, ones, axis=axis)
    made = g.emit("ScatterElements", zeros, indices, ones, role="scatter", axis=axis)
    return reshaped(g, made, ir.dims(data))


def _type(name: str) -> DataType:
    return DataType.from_numpy(np.dtype(name))
