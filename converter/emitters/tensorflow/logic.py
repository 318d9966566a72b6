"""Comparisons, logic, and choices between two values."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.operand import check_broadcast, number
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.elementwise import one_varies
from converter.emitters.tensorflow.operand import is_number, line

_OPERATORS = {
    "Equal": "==",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "Less": "<",
    "LessOrEqual": "<=",
    "And": "&",
    "Or": "|",
    "Xor": "^",
}


@emits("tensorflow", *_OPERATORS)
def operator(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """Python's own operator; a constant of one element is a number in it. No truth is below 0: ``tf.zeros``."""
    check_broadcast(left, right)
    if node.op_type == "Less" and _is_truth(left) and is_number(right) and number(right) == 0:
        # TensorFlow Lite's converter (2.21) makes of a truth below 0 what it has no operator for
        return [line(node, "tf.zeros(tf.shape({0}), tf.bool)", left)]
    return [line(node, f"{{0}} {_OPERATORS[node.op_type]} {{1}}", left, right, scalars=one_varies(left, right))]


def _is_truth(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a truth made a number."""
    node = value.producer()
    source = node.inputs[0] if node is not None and node.op_type == "Cast" else None
    return source is not None and source.dtype == onnx_ir.DataType.BOOL


@emits("tensorflow", "Not")
def logical_not(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``~``, on booleans."""
    return [line(node, "~{0}", data)]


@emits("tensorflow", "Where")
def where(
    node: onnx_ir.Node, condition: onnx_ir.Value, chosen: onnx_ir.Value, other: onnx_ir.Value
) -> list[Statement]:
    """``tf.where``."""
    check_broadcast(condition, chosen, other)
    typed = not is_number(chosen) or chosen.dtype == onnx_ir.DataType.FLOAT
    return [
        line(node, "tf.where({0}, {1}, {2})", condition, chosen, other, scalars=typed and not is_number(condition))
    ]
