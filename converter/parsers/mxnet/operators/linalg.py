"""Linear algebra on the matrices that the last two axes are (src/operator/tensor/la_op-inl.h)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import size
from converter.parsers.mxnet.operators.matrix import check_batches, sides
from converter.parsers.mxnet.operators.shapes import reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell

MAX_SIDE = 1024
"""Triangles and diagonals are tables of indices, which are structure: larger ones are refused."""

Step: TypeAlias = tuple[str, str, tuple[Value, ...], Mapping[str, Any]]
Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


@parses("_linalg_gemm2", "linalg_gemm2")
def linalg_gemm2(
    g: Scope,
    A: Value,  # noqa: N803 - MXNet's name
    B: Value,  # noqa: N803
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    axis: int = -2,
) -> Value:
    """``alpha A B`` of matrices whose rows are along ``axis`` and whose columns are the last axis."""
    order = _rows_last(g, A, axis)
    left, right = (_moved(g, value, order, role) for value, role in ((A, "A"), (B, "B")))
    check_batches(g, left, right)
    product = _product(sides(g, left, right, transpose_a, transpose_b))
    return _chain(g, product, *_scale(g, alpha), *_moved_back(order))


@parses("_linalg_gemm", "linalg_gemm")
def linalg_gemm(
    g: Scope,
    A: Value,  # noqa: N803
    B: Value,  # noqa: N803
    C: Value,  # noqa: N803
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 1.0,
    axis: int = -2,
) -> Value:
    """``alpha A B + beta C`` of matrices whose rows are along ``axis`` and whose columns are the last axis."""
    order = _rows_last(g, A, axis)
    left, right, added = (_moved(g, value, order, role) for value, role in ((A, "A"), (B, "B"), (C, "C")))
    check_batches(g, left, right)
    check_batches(g, left, added)
    product = _product(sides(g, left, right, transpose_a, transpose_b))
    if beta not in (0, 1):
        added = g.emit("Mul", added, g.scalar("beta", beta), role="scaled-C")
    steps: list[Step] = [("sum", "Add", (added,), {})] if beta else []
    return _chain(g, product, *_scale(g, alpha), *steps, *_moved_back(order))


@parses("_linalg_syrk", "linalg_syrk")
def linalg_syrk(g: Scope, A: Value, *, transpose: bool = False, alpha: float = 1.0) -> Value:  # noqa: N803
    """``alpha A A'``, or ``alpha A' A`` with ``transpose``."""
    check_batches(g, A, A)
    return _chain(g, _product(sides(g, A, A, transpose, not transpose)), *_scale(g, alpha))


@parses("_linalg_trmm", "linalg_trmm")
def linalg_trmm(
    g: Scope,
    A: Value,  # noqa: N803
    B: Value,  # noqa: N803
    *,
    transpose: bool = False,
    rightside: bool = False,
    lower: bool = True,
    alpha: float = 1.0,
) -> Value:
    """``alpha op(A) B`` or, on the right side, ``alpha B op(A)``, of which only one triangle of ``A`` is read."""
    check_batches(g, A, B)
    _square(g, A)
    half = g.emit("Trilu", A, role="triangle", upper=int(not lower))
    factors = sides(g, B, half, False, transpose) if rightside else sides(g, half, B, transpose, False)
    return _chain(g, _product(factors), *_scale(g, alpha))


def _chain(g: Scope, *steps: Step) -> Value:
    """Emit one node after the other, each taking what the one before it made; the last is the MXNet node itself."""
    value: Value | None = None
    for index, (role, op, inputs, attributes) in enumerate(steps):
        taken = inputs if value is None else (value, *inputs)
        value = g.emit(op, *taken, role=role if index < len(steps) - 1 else "", **attributes)
    if value is None:
        raise AssertionError("a chain of nothing")
    return value


def _product(factors: tuple[Value, Value]) -> Step:
    return "product", "MatMul", factors, {}


def _scale(g: Scope, alpha: float) -> list[Step]:
    return [] if alpha == 1 else [("scaled", "Mul", (g.scalar("alpha", alpha),), {})]


def _square(g: Scope, matrices: Value) -> int:
    """The number of rows of square matrices."""
    shape = ir.dims(matrices)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise g.misfit(f"its input {spell(shape)} is not of square matrices")
    return size(g, matrices, -1)


def _rows_last(g: Scope, data: Value, axis: int) -> list[int]:
    """The order of axes that puts ``axis``, the rows of its matrices, before the last."""
    axes = len(ir.dims(data))
    place = axis + axes if axis < 0 else axis
    if not 0 <= place < axes - 1:
        raise g.misfit(f"axis={axis} cannot be the rows of its input {spell(ir.dims(data))}")
    return [*(index for index in range(axes - 1) if index != place), place, axes - 1]


def _moved(g: Scope, data: Value, order: list[int], role: str) -> Value:
    if len(ir.dims(data)) != len(order):
        raise g.misfit(f"its input {spell(ir.dims(data))} must have {len(order)} dimensions as the first")
    return data if order == sorted(order) else g.emit("Transpose", data, role=f"{role}-rows-last", perm=order)


def _moved_back(order: list[int]) -> list[Step]:
    back = [order.index(axis) for axis in range(len(order))]
    return [] if order == sorted(order) else [("rows-back", "Transpose", (), {"perm": back})]


@parses("_linalg_det", "linalg_det")
def linalg_det(g: Scope, A: Value) -> Value:  # noqa: N803
    """The determinant of each matrix."""
    _square(g, A)
    if len(ir.dims(A)) > 2:
        return g.emit("Det", A, output="output0")
    return g.emit("Reshape", g.emit("Det", A, role="det"), g.ints("shape", [1]), output="output0")


@parses("_linalg_sumlogdiag", "linalg_sumlogdiag")
def linalg_sumlogdiag(g: Scope, A: Value) -> Value:  # noqa: N803
    """The sum of the logarithms of each matrix's diagonal."""
    diagonal = _extract(g, A, _diagonal(_reach(g, _square(g, A), 0), 0), role="diagonal")
    logs = g.emit("Log", diagonal, role="log")
    return g.emit("ReduceSum", logs, g.ints("axes", [-1]), keepdims=int(len(ir.dims(A)) == 2))


@parses("_linalg_extractdiag", "linalg_extractdiag")
def linalg_extractdiag(g: Scope, A: Value, *, offset: int = 0) -> Value:  # noqa: N803
    """The diagonal of each matrix, or the one that is ``offset`` to its right."""
    return _extract(g, A, _diagonal(_reach(g, _square(g, A) - abs(offset), offset), offset))


@parses("_linalg_extracttrian", "linalg_extracttrian")
def linalg_extracttrian(g: Scope, A: Value, *, offset: int = 0, lower: bool = True) -> Value:  # noqa: N803
    """A triangle of each matrix, row by row the lower, column by column the upper; ``lower`` counts at offset 0."""
    return _extract(g, A, _triangle(_reach(g, _square(g, A) - abs(offset), offset), offset, lower=lower))


@parses("_linalg_makediag", "linalg_makediag")
def linalg_makediag(g: Scope, A: Value, *, offset: int = 0) -> Value:  # noqa: N803
    """Matrices that are zero but for a diagonal, the last axis of ``A``."""
    return _make(g, A, _diagonal(_reach(g, size(g, A, -1), offset), offset))


@parses("_linalg_maketrian", "linalg_maketrian")
def linalg_maketrian(g: Scope, A: Value, *, offset: int = 0, lower: bool = True) -> Value:  # noqa: N803
    """Matrices that are zero but for a triangle, the last axis of ``A``; see _linalg_extracttrian."""
    count = size(g, A, -1)
    side = (math.isqrt(8 * count + 1) - 1) // 2
    if side * (side + 1) // 2 != count:
        raise g.misfit(f"{count} elements do not fill a triangle")
    return _make(g, A, _triangle(_reach(g, side, offset), offset, lower=lower))


def _reach(g: Scope, length: int, offset: int) -> int:
    """``length``, which is that of a diagonal at ``offset``, if such matrices can be."""
    if length < 1:
        raise g.misfit(f"offset={offset} lies outside of its matrices")
    if length + abs(offset) > MAX_SIDE:
        raise g.refuse(f"matrices of {length + abs(offset)} rows; {MAX_SIDE} at most")
    return length


def _diagonal(length: int, offset: int) -> Places:
    """Rows and columns of a diagonal of ``length`` elements."""
    steps = np.arange(length)
    return np.stack([steps + max(0, -offset), steps + max(0, offset)])


def _triangle(side: int, offset: int, *, lower: bool) -> Places:
    """Rows and columns of a triangle in the corner, ``side`` elements high and wide."""
    far, near = np.tril_indices(side)
    down = offset < 0 or (offset == 0 and lower)
    return np.stack([far - offset, near] if down else [near, far + offset])


def _extract(g: Scope, matrices: Value, places: Places, role: str = "") -> Value:
    """The elements at ``places`` of each matrix."""
    batches, side = ir.dims(matrices)[:-2], size(g, matrices, -1)
    flat = reshaped(g, matrices, (*batches, side * side), role="flatten")
    return g.emit("Gather", flat, g.array("places", places[0] * side + places[1]), role=role, axis=len(batches))


def _make(g: Scope, elements: Value, places: Places) -> Value:
    """Square matrices with ``elements`` at ``places``, else zero."""
    side = int(places.max()) + 1
    table = np.full((side, side), -1, np.int64)
    table[tuple(places)] = np.arange(places.shape[1])
    axis = len(ir.dims(elements)) - 1
    spread = g.emit("Gather", elements, g.array("places", np.maximum(table, 0)), role="spread", axis=axis)
    return g.emit("Where", g.array("filled", table >= 0), spread, g.scalar("zero", 0, like=elements))
