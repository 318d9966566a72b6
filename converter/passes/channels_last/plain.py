"""What can be computed in the IR's own order only."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir

from converter.passes.channels_last.rewriter import Rewriter


def plain(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Everything as in the IR, what bodies of loops and branches read of the graph around them included."""
    for index, value in enumerate(node.inputs):
        if value is not None:
            node.replace_input_with(index, rewriter.plain(value))
    for body in _bodies(node):
        _capture(rewriter, body)


def _capture(rewriter: Rewriter, body: onnx_ir.Graph) -> None:
    own = {*body.inputs, *body.initializers.values(), *(value for inner in body for value in inner.outputs)}
    for inner in body:
        for index, value in enumerate(inner.inputs):
            if value is not None and value not in own and rewriter.knows(value):
                inner.replace_input_with(index, rewriter.plain(value))
        for nested in _bodies(inner):
            _capture(rewriter, nested)
    for index, value in enumerate(body.outputs):
        if value not in own and rewriter.knows(value):
            body.outputs[index] = rewriter.plain(value)


def _bodies(node: onnx_ir.Node) -> Iterator[onnx_ir.Graph]:
    for attribute in node.attributes.values():
        if attribute.type == onnx_ir.AttributeType.GRAPH:
            yield attribute.as_graph()
