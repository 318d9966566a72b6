"""Loops."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, translate
from converter.emitters.onnx.statement import Attributes, Body, Statement, writes
from converter.errors import Unsupported


@writes("Loop")
def loop(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator, its body a nested function with the decorator ``@graph()``.

    A ``for`` would read better, but ONNX Script keeps several values that go round in no fixed order.

    Raises:
        Refused: Something in the body cannot be expressed.
    """
    graph: onnx_ir.Graph = attributes["body"]
    try:
        body = Body(graph, tuple(translate(graph, "onnx")))
    except Unsupported as error:
        raise Refused(f"in its body: {error.where}") from error
    return Statement(node, body=("body", body))
