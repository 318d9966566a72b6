"""Attention, as the transformers of GluonNLP have it (src/operator/contrib/transformer.cc)."""

from __future__ import annotations

import math

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import at_least, rank, size
from converter.parsers.mxnet.operators.matrix import check_batches, transposed
from converter.parsers.mxnet.operators.shapes import reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope


@parses("_contrib_interleaved_matmul_selfatt_qk")
def interleaved_matmul_selfatt_qk(g: Scope, queries_keys_values: Value, *, heads: int) -> Value:
    """Attention's scores ``[N * heads, T, T]``, over the root of q: data ``[T, N, heads * (q, k, v)]``."""
    queries, keys, _ = _heads(g, queries_keys_values, heads, "interleaved", ("queries", "keys", "values"))
    return _scores(g, queries, keys)


@parses("_contrib_interleaved_matmul_selfatt_valatt")
def interleaved_matmul_selfatt_valatt(g: Scope, queries_keys_values: Value, attention: Value, *, heads: int) -> Value:
    """Attention's values weighted by ``attention`` ``[N * heads, T, T]``: ``[T, N, heads * v]``."""
    *_, values = _heads(g, queries_keys_values, heads, "interleaved", ("queries", "keys", "values"))
    return _weighted(g, values, attention, heads)


@parses("_contrib_interleaved_matmul_encdec_qk")
def interleaved_matmul_encdec_qk(g: Scope, queries: Value, keys_values: Value, *, heads: int) -> Value:
    """Scores of queries ``[Tq, N, heads * q]`` and keys and values ``[Tk, N, heads * (k, v)]``."""
    (asked,) = _heads(g, queries, heads, "queries", ("queries",))
    keys, _ = _heads(g, keys_values, heads, "interleaved", ("keys", "values"))
    return _scores(g, asked, keys)


@parses("_contrib_interleaved_matmul_encdec_valatt")
def interleaved_matmul_encdec_valatt(g: Scope, keys_values: Value, attention: Value, *, heads: int) -> Value:
    """Weighted values ``[Tq, N, heads * v]`` of keys and values ``[Tk, N, heads * (k, v)]``."""
    _, values = _heads(g, keys_values, heads, "interleaved", ("keys", "values"))
    return _weighted(g, values, attention, heads)


def _heads(g: Scope, data: Value, heads: int, role: str, parts: tuple[str, ...]) -> list[Value]:
    """The ``parts`` that alternate in the last axis, each ``[N * heads, T, size]``."""
    rank(g, data, 3)
    batches, features = size(g, data, 1) * at_least(g, "heads", heads), size(g, data, 2)
    if features % (heads * len(parts)):
        raise g.misfit(f"{features} features are not {len(parts)} for each of {heads} heads")
    each = features // heads
    flat = reshaped(g, data, (ir.dims(data)[0], batches, each), role=role)
    moved = g.emit("Transpose", flat, role=f"{role}-heads-first", perm=(1, 0, 2))
    if len(parts) == 1:
        return [moved]
    return g.emit_many("Split", moved, outputs=list(parts), role="parts", axis=2, num_outputs=len(parts))


def _scores(g: Scope, queries: Value, keys: Value) -> Value:
    scale = g.scalar("scale", 1 / math.sqrt(size(g, queries, 2)))
    return g.emit("MatMul", g.emit("Mul", queries, scale, role="scaled"), transposed(g, keys, "keys-transposed"))


def _weighted(g: Scope, values: Value, attention: Value, heads: int) -> Value:
    check_batches(g, attention, values, least=3)
    product = g.emit("MatMul", attention, values, role="product")
    moved = g.emit("Transpose", product, role="time-first", perm=(1, 0, 2))
    made = (ir.dims(moved)[0], size(g, values, 0) // heads, size(g, values, 2) * heads)
    return reshaped(g, moved, made)


@parses("_contrib_div_sqrt_dim")
def div_sqrt_dim(g: Scope, data: Value) -> Value:
    """``data`` divided by the square root of the size of its last axis."""
    return g.emit("Div", data, g.scalar("root", math.sqrt(size(g, data, -1))))
