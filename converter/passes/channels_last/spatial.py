"""Operators over images."""

from __future__ import annotations

import onnx_ir

from converter.passes.channels_last.families import DOMAIN, WEAK, operator_name
from converter.passes.channels_last.layout import RANKS, channels_last
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Rewriter


def spatial(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Channels last, where the target has that form; what is done by channel, in the order of the image."""
    first = node.inputs[0]
    if first is None or not _is_possible(rewriter, node, first):
        plain(rewriter, node)
        return
    node.replace_input_with(0, rewriter.stored(first, channels_last(len(rewriter.shape(first)))))
    for index, value in enumerate(node.inputs):
        if index and value is not None:
            node.replace_input_with(index, rewriter.plain(value))
    node.domain = DOMAIN
    output = node.outputs[0]
    rewriter.put(output, channels_last(len(rewriter.shape(output))))


def _is_possible(rewriter: Rewriter, node: onnx_ir.Node, first: onnx_ir.Value) -> bool:
    ranks = (len(rewriter.shape(first)), len(rewriter.shape(node.outputs[0])))
    if operator_name(node) not in rewriter.operators or any(rank not in RANKS for rank in ranks):
        return False
    if any(other.uses() or other.is_graph_output() for other in node.outputs[1:]):
        return False
    return node.op_type not in WEAK or not rewriter.place(first).plain
