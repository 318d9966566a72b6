"""Axes and elements in another order.

Sources: src/operator/tensor/matrix_op-inl.h, swapaxis-inl.h, tensor/diag_op-inl.h.
"""

from __future__ import annotations

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, positive_axis, rank, size
from converter.parsers.mxnet.operators.shapes import constant_axes, reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("transpose")
def transpose(g: Scope, data: Value, *, axes: Ints = ()) -> Value:
    """The axes of ``data`` in the order ``axes``; by default reversed."""
    count = len(ir.dims(data))
    order = axes or tuple(reversed(range(count)))
    if sorted(order) != list(range(count)):
        raise g.misfit(f"axes={axes} is no order of {count} axes")
    return g.emit("Transpose", data, perm=order)


@parses("SwapAxis", "swapaxes")
def swap_axis(g: Scope, data: Value, *, dim1: int = 0, dim2: int = 0) -> Value:
    """``data`` with two axes exchanged."""
    order = [*range(len(ir.dims(data)))]
    first, second = positive_axis(g, data, dim1), positive_axis(g, data, dim2)
    order[first], order[second] = second, first
    return g.emit("Transpose", data, perm=order)


@parses("reverse", "flip")
def reverse(g: Scope, data: Value, *, axis: Ints) -> Value:
    """``data`` with the elements along each ``axis`` in the opposite order; an axis that occurs twice stays."""
    count = len(ir.dims(data))
    if any(not 0 <= place < count for place in axis):
        raise g.misfit(f"its input of {count} dimensions has no axes {axis}, which are counted from the front")
    turned = [place for place in range(count) if axis.count(place) % 2]
    if not turned:
        return g.emit("Identity", data)
    far = np.iinfo(np.int64)
    start, end = g.ints("start", [far.max] * len(turned)), g.ints("end", [far.min] * len(turned))
    steps = g.ints("steps", [-1] * len(turned))
    return g.emit("Slice", data, start, end, g.ints("axes", turned), steps, shape=ir.dims(data))


@parses("depth_to_space")
def depth_to_space(g: Scope, data: Value, *, block_size: int) -> Value:
    """``block_size``² channels as squares of pixels; those of one square are ``C / block_size``² apart."""
    rank(g, data, 4)
    _floating(g, data)
    square = at_least(g, "block_size", block_size) ** 2
    if size(g, data, 1) % square:
        raise g.misfit(f"its {size(g, data, 1)} channels are not a multiple of {square}")
    return g.emit("DepthToSpace", data, blocksize=block_size, mode="DCR")


@parses("space_to_depth")
def space_to_depth(g: Scope, data: Value, *, block_size: int) -> Value:
    """Squares of ``block_size`` by ``block_size`` pixels as channels: the inverse of depth_to_space."""
    rank(g, data, 4)
    _floating(g, data)
    at_least(g, "block_size", block_size)
    for axis in (2, 3):
        if size(g, data, axis) % block_size:
            raise g.misfit(f"its axis {axis} has the size {size(g, data, axis)}, no multiple of {block_size}")
    return g.emit("SpaceToDepth", data, blocksize=block_size)


def _floating(g: Scope, data: Value) -> None:
    """ONNX's two operators have no kernels for whole numbers."""
    if not dtype_of(data).is_floating_point():
        raise g.refuse("an input of whole numbers")


@parses("diag")
def diag(g: Scope, data: Value, *, k: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """The diagonal ``k`` of the matrices along ``axis1`` and ``axis2``, as the last axis; of a vector, the matrix."""
    if len(ir.dims(data)) == 1:
        return _matrix(g, data, k)
    first, second = positive_axis(g, data, axis1), positive_axis(g, data, axis2)
    if first == second:
        raise g.misfit(f"axis1={axis1} and axis2={axis2} are the same axis")
    rows, columns = size(g, data, first), size(g, data, second)
    top, left = max(-k, 0), max(k, 0)
    count = min(rows - top, columns - left)
    if count < 1:
        raise g.misfit(f"its matrices of {rows} x {columns} have no diagonal {k}")
    others = [axis for axis in range(len(ir.dims(data))) if axis not in (first, second)]
    moved = g.emit("Transpose", data, role="matrices-last", perm=[*others, first, second])
    flat = reshaped(g, moved, (*(ir.dims(data)[axis] for axis in others), rows * columns), role="flat")
    places = np.arange(count) * (columns + 1) + top * columns + left
    return g.emit("Gather", flat, g.array("places", places), axis=len(others))


def _matrix(g: Scope, data: Value, k: int) -> Value:
    """The square matrix whose diagonal ``k`` is ``data`` and whose other elements are 0."""
    if dtype_of(data) == DataType.INT8:
        raise g.refuse("a vector of int8")
    count = size(g, data, 0) + abs(k)
    border = g.ints("border", [max(-k, 0), max(k, 0)])
    column = g.emit("Unsqueeze", g.emit("Pad", data, border, role="rows"), constant_axes(g, [1]), role="column")
    ground = g.emit("ConstantOfShape", g.ints("shape", [count, count]), role="ground", shape=(count, count))
    eye = g.emit("EyeLike", ground, role="eye", k=k, dtype=DataType.INT32)
    mask = g.emit("Cast", eye, role="mask", to=DataType.BOOL)
    return g.emit("Where", mask, column, g.scalar("zero", 0, like=data))
