"""What a value is used for further down."""

from __future__ import annotations

from collections.abc import Collection

import onnx_ir

from converter.passes.channels_last.families import BROADCAST, STRONG, UNARY, WEAK, operator_name
from converter.passes.channels_last.layout import Mixed
from converter.passes.channels_last.rewriter import Rewriter
from converter.passes.fold import is_constant, is_parameter

_ALONG = frozenset(["Concat", "LogSoftmax", "Pad", "Slice", "Softmax", "Split"])
"""Operators along axes whose output has the axes of their input."""


def wants_channels_last(value: onnx_ir.Value, operators: Collection[str]) -> bool:
    """Whether an operator over images reads ``value``, or what is made of it element by element."""
    pending, seen = [value], {value}
    for each in pending:
        for node, index in each.uses():
            if node.op_type in STRONG and operator_name(node) in operators and index == 0:
                return True
            if node.op_type in UNARY | BROADCAST | WEAK | _ALONG:
                pending += [output for output in node.outputs if output not in seen]
                seen.update(node.outputs)
    return False


def absorbs(rewriter: Rewriter, value: onnx_ir.Value, mixed: Mixed) -> bool:
    """Whether all that reads ``value`` can have the elements of an axis in another order, at no cost."""
    if value.is_graph_output():
        return False
    return all(_absorbs(rewriter, node, index, value, mixed) for node, index in value.uses())


def _absorbs(rewriter: Rewriter, node: onnx_ir.Node, index: int, value: onnx_ir.Value, mixed: Mixed) -> bool:
    if node.domain == "" and node.op_type in ("Gemm", "MatMul"):
        return index == 0 and weight_axis(node, len(rewriter.shape(value)), mixed) is not None
    if node.op_type in UNARY:
        return index == 0 and all(absorbs(rewriter, output, mixed) for output in node.outputs if output.uses())
    if node.op_type in BROADCAST:
        others = [other for other in node.inputs if other is not None and other is not value]
        same = all(is_mixable(rewriter, other, value) for other in others)
        return same and absorbs(rewriter, node.outputs[0], mixed)
    return False


def is_mixable(rewriter: Rewriter, other: onnx_ir.Value, value: onnx_ir.Value) -> bool:
    """Whether ``other`` is a parameter or a constant that goes with ``value`` in any order of elements."""
    stored = is_parameter(other) or is_constant(other)
    return stored and len(rewriter.shape(other)) <= len(rewriter.shape(value))


def weight_axis(node: onnx_ir.Node, rank: int, mixed: Mixed) -> int | None:
    """The axis of the weights of a dense layer that goes with the mixed axis of its data; None if there is none."""
    weight = node.inputs[1]
    if weight is None or not is_parameter(weight) or mixed.axis != rank - 1 or len(weight.shape or ()) < 2:
        return None
    flag = {name: node.attributes[name].value for name in node.attributes}
    if node.op_type == "Gemm":
        return None if flag.get("transA") else int(bool(flag.get("transB")))
    return len(weight.shape or ()) - 2
