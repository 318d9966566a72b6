"""Shapes: what looks at them, and what changes nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.known import contents
from converter.emitters.operand import integers, is_positive
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import line
from converter.ir import BATCH, Dim, dims


@emits("tensorflow", "Shape")
def shape(node: onnx_ir.Node, data: onnx_ir.Value, *, start: int = 0, end: int | None = None) -> list[Statement]:
    """``tf.shape``."""
    rank = len(dims(data))
    first, last, _ = slice(start, end).indices(rank)
    part = "" if (first, last) == (0, rank) else f"[{first or ''}:{'' if last == rank else last}]"
    return [line(node, f"tf.shape({{0}}, out_type=tf.int64){part}", data)]


@emits("tensorflow", "Size")
def size(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``tf.size``."""
    return [line(node, "tf.size({0}, out_type=tf.int64)", data)]


@emits("tensorflow", "Reshape")
def reshape(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value, *, allowzero: int = 0) -> list[Statement]:
    """``tf.reshape``; an open batch may be joined with other axes, not be made a number of them."""
    return [_reshaped(node, data, sizes, bool(allowzero))]


@emits("tensorflow", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Statement]:
    """``tf.reshape``."""
    del axis  # the result's shape is known
    return [_reshaped(node, data)]


def _reshaped(
    node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value | None = None, allowzero: bool = False
) -> Statement:
    wanted = dims(node.outputs[0])
    if BATCH in dims(data) and BATCH not in wanted:
        raise Refused(f"it makes {list(wanted)} of {list(dims(data))}; give the batch a number")
    if wanted.count(BATCH) <= 1 and not (BATCH in wanted and 0 in wanted):
        return line(node, "tf.reshape({0}, {shape})", data, shape=_open(wanted))
    if sizes is None or is_constant(sizes):
        raise Refused(f"its result {list(wanted)} has several open dimensions")
    if not allowzero and not is_positive(sizes):
        raise Refused("one of the sizes, which are computed, may be 0, which stands for another size")
    return line(node, "tf.reshape({0}, {1})", data, sizes)


def _open(wanted: Sequence[Dim]) -> list[int]:
    return [dim if isinstance(dim, int) else -1 for dim in wanted]


@emits("tensorflow", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] = ()) -> list[Statement]:
    """``tf.transpose``."""
    order = list(perm) or list(reversed(range(len(dims(data)))))
    return [line(node, "tf.transpose({0}, {perm})", data, perm=order)]


@emits("tensorflow", "Squeeze")
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> list[Statement]:
    """``tf.squeeze``."""
    rank = len(dims(data))
    chosen = integers(axes)
    if chosen is None:
        chosen = tuple(axis for axis, dim in enumerate(dims(data)) if dim == 1)
    gone = sorted(axis % rank for axis in chosen)
    if not gone:
        return [line(node, "{0}", data)]
    return [line(node, "tf.squeeze({0}, axis={axis})", data, axis=gone)]


@emits("tensorflow", "Unsqueeze")
def unsqueeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value) -> list[Statement]:
    """``tf.expand_dims``, once for each axis."""
    rank = len(dims(node.outputs[0]))
    text = "{0}"
    for axis in sorted(axis % rank for axis in integers(axes) or ()):
        text = f"tf.expand_dims({text}, {axis})"
    return [line(node, text, data)]


@emits("tensorflow", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value) -> list[Statement]:
    """``tf.broadcast_to``; ``tf.tile`` where an open batch stays as it is."""
    wanted = dims(node.outputs[0])
    if BATCH not in wanted:
        return [line(node, "tf.broadcast_to({0}, {shape})", data, shape=list(wanted))]
    repeats = _repeats(dims(data), wanted)
    if repeats is not None:
        return [line(node, "tf.tile({0}, {multiples})", data, multiples=repeats)]
    found = contents(sizes)
    if found is not None and found.reshape(-1).tolist() == list(wanted):
        return [line(node, "tf.broadcast_to({0}, {1})", data, sizes)]
    text = "tf.broadcast_to({0}, tf.broadcast_dynamic_shape(tf.shape({0}, out_type=tf.int64), {1}))"
    return [line(node, text, data, sizes)]


def _repeats(given: Sequence[Dim], wanted: Sequence[Dim]) -> list[int] | None:
    """How often each axis is repeated; None where that is not known, or there are more axes than before."""
    if len(given) != len(wanted):
        return None
    counts = [1 if own == dim else dim for own, dim in zip(given, wanted, strict=True)]
    return [count for count in counts if isinstance(count, int)] if BATCH not in counts else None
