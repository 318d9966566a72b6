"""The functions that a model calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx_ir

from converter.emitters import live_nodes, python


def functions_of(model: onnx_ir.Model) -> list[onnx_ir.Function]:
    """The functions that the outputs of ``model`` depend on, each after those that it calls itself."""
    found: dict[onnx_ir.Function, None] = {}

    def visit(graph: onnx_ir.Graph) -> None:
        for node in calls(model, graph):
            function = model.functions[node.op_identifier()]
            if function not in found:
                visit(function.graph)
                found[function] = None

    visit(model.graph)
    return list(found)


def calls(model: onnx_ir.Model, graph: onnx_ir.Graph) -> Iterator[onnx_ir.Node]:
    """The nodes of ``graph`` and of the bodies in it that call a function of ``model``."""
    return (node for node in every(live_nodes(graph)) if node.op_identifier() in model.functions)


def every(nodes: Iterable[onnx_ir.Node]) -> Iterator[onnx_ir.Node]:
    """``nodes``, and before each those of the bodies in it."""
    for node in nodes:
        for attribute in node.attributes.values():
            if attribute.type == onnx_ir.AttributeType.GRAPH:
                yield from every(live_nodes(attribute.as_graph()))
        yield node


def specialise(model: onnx_ir.Model) -> None:
    """Say in each function what its calls say of it: its attributes, for which its body is made, and its types.

    The attributes are taken off the calls, and the function's text is how it was called.
    """
    for graph in (model.graph, *(function.graph for function in reversed(functions_of(model)))):
        for node in calls(model, graph):
            function = model.functions[node.op_identifier()]
            function.doc_string = _call(node)
            node.attributes.clear()
            for formal, value in zip(function.inputs, node.inputs, strict=False):
                if value is not None:
                    formal.type, formal.shape = value.type, value.shape


def _call(node: onnx_ir.Node) -> str:
    given = ", ".join(f"{name}={python.literal(attribute.value)}" for name, attribute in node.attributes.items())
    return f"{node.op_type} with {given}, for which its body is made." if given else f"{node.op_type}."
