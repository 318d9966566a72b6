"""Shapes of which one dimension may be the open batch: what the families that move elements share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from onnx_ir import Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.operators.common import positive_axis
from converter.parsers.mxnet.scope import Scope, Shape, spell


def volume(shape: Sequence[Dim]) -> tuple[int, int]:
    """The product of the numbers of ``shape``, and how many times the batch multiplies it."""
    numbers = [dim for dim in shape if isinstance(dim, int)]
    return math.prod(numbers), len(shape) - len(numbers)


def reshaped(g: Scope, data: Value, made: Shape, role: str = "") -> Value:
    """``data`` in the shape ``made``, which must have as many elements."""
    given = ir.dims(data)
    (elements, batches), (wanted, others) = volume(given), volume(made)
    if batches != others:
        raise g.refuse(f"{spell(given)} as {spell(made)} fixes or repeats the open batch; give the batch a number")
    if elements != wanted:
        raise g.misfit(f"its input {spell(given)} does not have the elements of {spell(made)}")
    codes = [_code(index, dim, given) for index, dim in enumerate(made)]
    return g.emit("Reshape", data, g.ints("shape", codes), role=role, shape=made)


def _code(index: int, dim: Dim, given: Shape) -> int:
    """``dim`` as ONNX writes it: the batch is copied where it stays in place, and inferred where it moves."""
    if isinstance(dim, int):
        return dim
    return 0 if index < len(given) and given[index] == dim else -1


def vector(g: Scope, shape: Shape, source: Value | None) -> Value:
    """``shape`` as a vector of int64, the batch read off ``source``, which must have it, when the model runs."""
    if ir.BATCH not in shape or source is None:
        return g.ints("shape", [dim for dim in shape if isinstance(dim, int)])
    place = ir.dims(source).index(ir.BATCH)
    parts = [
        length(g, source, place) if is_batch else g.ints("numbers", [dim for dim in run if isinstance(dim, int)])
        for is_batch, run in groupby(shape, key=lambda dim: dim == ir.BATCH)
    ]
    return parts[0] if len(parts) == 1 else g.emit("Concat", *parts, role="shape", axis=0)


def length(g: Scope, data: Value, axis: int) -> Value:
    """The size of dimension ``axis`` of ``data`` as a vector of one int64: a constant unless it is the open batch."""
    return g.emit("Shape", data, role="length", start=axis, end=axis + 1)


def positive_axes(g: Scope, data: Value, axes: Sequence[int]) -> list[int]:
    """``axes`` counted from the front, each of which may occur once."""
    found = [positive_axis(g, data, axis) for axis in axes]
    if len(set(found)) < len(found):
        raise g.misfit(f"axis={tuple(axes)} names an axis twice")
    return found


def constant_axes(g: Scope, axes: Sequence[int]) -> Value:
    """``axes`` as the input of Squeeze or Unsqueeze."""
    return g.ints("axes", list(axes))
