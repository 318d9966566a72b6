"""What depends on which element is the larger one."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import emits, is_constant
from converter.emitters.operand import array, fresh
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import line
from converter.ir import dims


@emits("tensorflow", "ArgMax", "ArgMin")
def arg(
    node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> list[Statement]:
    """``tf.argmax`` and ``tf.argmin``, which take the first of equal elements; the last one behind ``tf.reverse``."""
    text = f"tf.{node.op_type.lower()}({{0}}, axis={{axis}})"
    size = dims(data)[axis]
    last = str(size - 1) if isinstance(size, int) else "tf.shape({0}, out_type=tf.int64)[{axis}] - 1"
    if select_last_index:
        text = f"{last} - {text.replace('{0}', 'tf.reverse({0}, [{axis}])')}"
    return [line(node, f"tf.expand_dims({text}, {{axis}})" if keepdims else text, data, axis=axis)]


@emits("tensorflow", "TopK")
def top_k(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002 - ONNX's name
) -> list[Statement]:
    """``tf.math.top_k`` of the last axis' largest elements; of another one, or the smallest, a function."""
    del sorted  # always
    rank = len(dims(data))
    values, places = node.outputs
    narrow = fresh(node, "places")
    number, k = ("{k}", int(array(count).reshape(-1)[0])) if is_constant(count) else ("{1}", 0)
    operands = [data] if is_constant(count) else [data, count]
    number = number if is_constant(count) else "tf.cast({1}[0], tf.int32)"
    if largest and axis % rank == rank - 1:
        text = f"tf.math.top_k({{0}}, {number})"
        found = line(node, text, *operands, outputs=(values, narrow), k=k)
    else:
        text = f"top_k({{0}}, {number}, axis={{axis}}, largest={{largest}})"
        settings: dict[str, Any] = {"k": k, "axis": axis, "largest": bool(largest)}
        found = line(node, text, *operands, outputs=(values, narrow), library=["top_k"], **settings)
    if not (places.uses() or places.is_graph_output()):
        return [found]
    return [found, line(node, "tf.cast({0}, tf.int64)", narrow, outputs=(places,))]
