"""Products of matrices (src/operator/tensor/dot-inl.h, contrib/krprod.cc)."""

from __future__ import annotations

import math

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import rank, size
from converter.parsers.mxnet.operators.shapes import reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of, spell


@parses("dot", ignores=("forward_stype",))
def dot(g: Scope, lhs: Value, rhs: Value, *, transpose_a: bool = False, transpose_b: bool = False) -> Value:
    """Sums over the last axis of ``lhs`` (first: transpose_a) and the first of ``rhs`` (last: transpose_b)."""
    _check_floating(g, lhs)
    axes = len(ir.dims(lhs)), len(ir.dims(rhs))
    if axes == (1, 1):
        if transpose_a or transpose_b:
            raise g.misfit("a vector cannot be transposed")
        return g.emit("Reshape", g.emit("MatMul", lhs, rhs, role="product"), g.ints("shape", [1]))
    if transpose_a and axes[0] > 1:
        lhs = g.emit("Transpose", lhs, role="lhs", perm=[*range(1, axes[0]), 0])
    if transpose_b and axes[1] > 1:
        rhs = g.emit("Transpose", rhs, role="rhs", perm=[axes[1] - 1, *range(axes[1] - 1)])
    if axes[1] <= 2:
        return g.emit("MatMul", lhs, rhs)
    rows, *columns = (size(g, rhs, axis) for axis in range(axes[1]))
    matrix = g.emit("Reshape", rhs, g.ints("matrix", [rows, math.prod(columns)]), role="as-matrix")
    product = g.emit("MatMul", lhs, matrix, role="product")
    return reshaped(g, product, (*ir.dims(lhs)[:-1], *columns))


@parses("batch_dot", ignores=("forward_stype",))
def batch_dot(g: Scope, lhs: Value, rhs: Value, *, transpose_a: bool = False, transpose_b: bool = False) -> Value:
    """The product of each matrix (the last two axes) of ``lhs`` with the one of ``rhs``."""
    check_batches(g, lhs, rhs, least=3)
    return g.emit("MatMul", *sides(g, lhs, rhs, transpose_a, transpose_b))


@parses("khatri_rao", ignores=("num_args",))
def khatri_rao(g: Scope, *args: Value) -> Value:
    """Of matrices with as many columns: each row of the first times each of the second, and so on."""
    made, *others = args
    rank(g, made, 2)
    if not others:
        return g.emit("Identity", made)
    for index, other in enumerate(others):
        rank(g, other, 2)
        if size(g, other, 1) != size(g, made, 1):
            raise g.misfit("its inputs must have as many columns as the first")
        left = g.emit("Unsqueeze", made, g.ints(f"axis-of-left{index}", [1]), role=f"left{index}")
        right = g.emit("Unsqueeze", other, g.ints(f"axis-of-right{index}", [0]), role=f"right{index}")
        product = g.emit("Mul", left, right, role=f"product{index}")
        shape = (size(g, made, 0) * size(g, other, 0), size(g, made, 1))
        made = reshaped(g, product, shape, role=f"rows{index}" if index < len(others) - 1 else "")
    return made


def sides(g: Scope, lhs: Value, rhs: Value, transpose_a: bool, transpose_b: bool) -> tuple[Value, Value]:
    """Both factors, those that are to be transposed so."""
    first = transposed(g, lhs, "lhs") if transpose_a else lhs
    return first, transposed(g, rhs, "rhs") if transpose_b else rhs


def transposed(g: Scope, data: Value, role: str) -> Value:
    """``data`` with its last two axes exchanged."""
    axes = len(ir.dims(data))
    return g.emit("Transpose", data, role=role, perm=[*range(axes - 2), axes - 1, axes - 2])


def check_batches(g: Scope, lhs: Value, rhs: Value, least: int = 2) -> None:
    """Both must have matrices in their last two axes, and be alike in the others: ONNX would broadcast them."""
    _check_floating(g, lhs)
    left, right = ir.dims(lhs), ir.dims(rhs)
    if min(len(left), len(right)) < least or left[:-2] != right[:-2]:
        raise g.misfit(f"its inputs {spell(left)} and {spell(right)} are not matrices in axes that are alike")


def _check_floating(g: Scope, data: Value) -> None:
    if not dtype_of(data).is_floating_point():
        raise g.refuse("an input of whole numbers, of which MXNet itself makes no products")
