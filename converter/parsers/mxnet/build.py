"""Turn a symbol and its parameters into an ONNX graph, in one walk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import onnx_ir

from converter import ir
from converter.errors import BadInput, Unsupported
from converter.parsers.mxnet import ssd
from converter.parsers.mxnet.builder import Builder, Shape
from converter.parsers.mxnet.params import Stored
from converter.parsers.mxnet.problems import Problems, read_attributes
from converter.parsers.mxnet.registry import Input, Label, Operator, Parameter, table
from converter.parsers.mxnet.scope import Scope
from converter.parsers.mxnet.symbol import VARIABLE, Edge, Symbol, SymbolNode
from converter.parsers.mxnet.variables import Argument, variables


@dataclass(frozen=True)
class Built:
    """A graph, and the functions of the domain ``transship`` that it calls."""

    graph: onnx_ir.Graph
    functions: tuple[onnx_ir.Function, ...]


def build(
    symbol: Symbol, params: Mapping[str, Stored | None] | None, inputs: Mapping[str, Shape], *, name: str
) -> Built:
    """Build the graph of ``symbol``.

    Args:
        symbol: The network.
        params: The trained arrays by name; those that the network does not use are left out. None for the structure
            alone: the parameters' shapes are inferred, and they have no values.
        inputs: Shapes of the graph's inputs by name, in the order they are to have. An input that is left out has the
            shape that the symbol records for it, if it does.
        name: The graph's name.

    Raises:
        BadInput: An input or parameter is missing or of the wrong shape, or an edge leads nowhere.
        Unsupported: Everything that cannot be expressed, at once.
    """
    symbol, known = prepared(symbol)
    found = variables(symbol, known)
    params = found.matched(params, inputs)
    inputs = found.check(params, inputs)
    builder = Builder(node.name for node in symbol.nodes if node.op == VARIABLE)
    given = {key: builder.input(key, shape, found.dtypes[key]) for key, shape in inputs.items()}
    values = _Walk(builder, known, found.arguments(params, given)).run(symbol, name)
    heads = [_head(builder, symbol, values, edge) for edge in dict.fromkeys(symbol.heads)]
    detections = ssd.recognise(builder)
    heads = [detections.get(head, head) for head in heads]
    nodes = _live(builder.nodes, heads)
    functions = tuple(builder.functions.values())
    graph = onnx_ir.Graph(
        list(given.values()),
        heads,
        nodes=nodes,
        initializers=_used(builder, nodes, heads),
        opset_imports={"": ir.OPSET, **({ir.DOMAIN: 1} if functions else {})},
        name=name,
    )
    return Built(graph, functions)


def prepared(symbol: Symbol) -> tuple[Symbol, dict[str, Operator]]:
    """What of ``symbol`` its heads depend on, all variables in it; and those of its operators that can be read."""
    symbol = _reachable(symbol)
    known = _known(symbol)
    return _with_auxiliaries(symbol, known), known


def _known(symbol: Symbol) -> dict[str, Operator]:
    """Those of the symbol's operators that can be read, by name."""
    everything = table()
    names = {node.op for node in symbol.nodes} - {VARIABLE}
    return {name: everything[name] for name in names if name in everything}


def _live(nodes: Sequence[onnx_ir.Node], heads: Sequence[onnx_ir.Value]) -> list[onnx_ir.Node]:
    """Drop the nodes that no head depends on: what an operator was given but did not need."""
    wanted = {id(head) for head in heads}
    kept = []
    for node in reversed(nodes):
        if any(id(value) in wanted for value in node.outputs):
            wanted.update(id(value) for value in _reads(node))
            kept.append(node)
    return kept[::-1]


def _used(builder: Builder, nodes: Sequence[onnx_ir.Node], heads: Sequence[onnx_ir.Value]) -> list[onnx_ir.Value]:
    """The constants that are left once some nodes were computed away."""
    kept = {id(value) for node in nodes for value in _reads(node)} | {id(head) for head in heads}
    return [value for value in builder.initializers.values() if id(value) in kept]


def _reads(node: onnx_ir.Node) -> list[onnx_ir.Value]:
    """What a node reads, in the graphs that it holds as well."""
    values = [value for value in node.inputs if value is not None]
    for attribute in node.attributes.values():
        if attribute.type == onnx_ir.AttributeType.GRAPH:
            values.extend(value for inner in attribute.as_graph() for value in _reads(inner))
            values.extend(attribute.as_graph().outputs)
    return values


def _reachable(symbol: Symbol) -> Symbol:
    """Drop the nodes that no head depends on."""
    wanted = {edge.node for edge in symbol.heads}
    for index in range(len(symbol.nodes) - 1, -1, -1):
        if index in wanted:
            wanted.update(edge.node for edge in symbol.nodes[index].inputs)
    if len(wanted) == len(symbol.nodes):
        return symbol
    kept = sorted(wanted)
    place = {old: new for new, old in enumerate(kept)}
    nodes = tuple(_moved(symbol.nodes[index], place) for index in kept)
    return replace(symbol, nodes=nodes, heads=tuple(Edge(place[e.node], e.output) for e in symbol.heads))


def _moved(node: SymbolNode, place: Mapping[int, int]) -> SymbolNode:
    return replace(node, inputs=tuple(Edge(place[edge.node], edge.output) for edge in node.inputs))


def _with_auxiliaries(symbol: Symbol, known: Mapping[str, Operator]) -> Symbol:
    """Add the variables that MXNet before 0.9 left out of the file, named as MXNet's loader names them."""
    if symbol.version >= 900:
        return symbol
    nodes: list[SymbolNode] = []
    place: dict[int, int] = {}
    for index, old in enumerate(symbol.nodes):
        node = _moved(old, place)
        operator = known.get(node.op)
        for absent in [] if operator is None else operator.inputs[len(node.inputs) :]:
            if not absent.optional and operator is not None and not operator.variadic:
                nodes.append(SymbolNode(VARIABLE, f"{node.name}_{absent.name}".removeprefix("_"), (), {}))
                node = replace(node, inputs=(*node.inputs, Edge(len(nodes) - 1, 0)))
        place[index] = len(nodes)
        nodes.append(node)
    return replace(symbol, nodes=tuple(nodes), heads=tuple(Edge(place[e.node], e.output) for e in symbol.heads))


class _Walk:
    """One pass over a symbol in topological order that goes on after a refusal, to find the others."""

    def __init__(
        self,
        builder: Builder,
        known: Mapping[str, Operator],
        variables: Mapping[str, Argument],
    ) -> None:
        self._builder = builder
        self._known = known
        self._variables = variables
        self._problems = Problems()
        self._errors: list[BadInput] = []
        self._read: dict[tuple[object, ...], dict[str, object]] = {}

    def run(self, symbol: Symbol, name: str) -> list[Sequence[Argument] | None]:
        """Return each node's outputs, or raise all that was refused, or else the first thing that is wrong."""
        outputs: list[Sequence[Argument] | None] = []
        for node in symbol.nodes:
            try:
                outputs.append(self._visit(node, outputs))
            except Unsupported as error:
                self._problems.refused(error)
                outputs.append(None)
            except BadInput as error:
                self._errors.append(error)
                outputs.append(None)
        if self._problems.found:
            raise self._problems.error(name)
        if self._errors:
            raise self._errors[0]
        return outputs

    def _visit(self, node: SymbolNode, outputs: Sequence[Sequence[Argument] | None]) -> Sequence[Argument] | None:
        """Emit ``node``; None if it or one of its inputs was refused."""
        if node.op == VARIABLE:
            return (self._variables[node.name],)
        operator = self._known.get(node.op)
        if operator is None:
            self._problems.unknown(node, table())
            return None
        attributes = self._attributes(node, operator)
        _check_count(node, operator)
        sources = [_source(node, edge, outputs) for edge in node.inputs]
        if attributes is None or any(source is None for source in sources):
            return None
        scope = Scope(self._builder, node)
        arguments = [
            _as(scope, source, operator.input_at(index)) for index, source in enumerate(sources) if source is not None
        ]
        result = operator.function(scope, *arguments, **attributes)
        return (result,) if isinstance(result, onnx_ir.Value) else tuple(result)

    def _attributes(self, node: SymbolNode, operator: Operator) -> Mapping[str, Any] | None:
        """A node's attributes by the operator's signature; those that many nodes have alike are read once."""
        key = (node.op, *node.attributes.items())
        if key not in self._read:
            values = read_attributes(node, operator, self._problems)
            if values is None:
                return None
            self._read[key] = values
        return self._read[key]


def _check_count(node: SymbolNode, operator: Operator) -> None:
    """Refuse a node with too few or too many inputs."""
    least = sum(not declared.optional for declared in operator.inputs) - operator.variadic
    most = len(node.inputs) if operator.variadic else len(operator.inputs)
    if not max(least, operator.variadic) <= len(node.inputs) <= most:
        names = ", ".join(declared.name for declared in operator.inputs)
        raise BadInput(f"{node.op} {node.name!r} has {len(node.inputs)} inputs; it takes: {names}")


def _source(node: SymbolNode, edge: Edge, outputs: Sequence[Sequence[Argument] | None]) -> Argument | None:
    available = outputs[edge.node]
    if available is None:
        return None
    if edge.output >= len(available):
        what = f"output {edge.output} of a node that has {len(available)} in inference"
        raise Unsupported(f"{node.op} {node.name!r} reads {what}")
    return available[edge.output]


def _as(scope: Scope, source: Argument, declared: Input | None) -> Argument:
    """Give an operator's function the kind of argument it declares."""
    if declared is None:
        raise AssertionError("the number of inputs was checked")
    if declared.kind is Label:
        return Label(declared.name)
    if isinstance(source, Label):
        raise scope.refuse(f"the label {source.name!r} is used as the input {declared.name!r}")
    if declared.kind is Parameter:
        return source if isinstance(source, Parameter) else Parameter(str(source.name), value=source)
    return scope.value(source) if isinstance(source, Parameter) else source


def _head(builder: Builder, symbol: Symbol, values: Sequence[Sequence[Argument] | None], edge: Edge) -> onnx_ir.Value:
    node = symbol.nodes[edge.node]
    available = values[edge.node] or ()
    value = available[edge.output] if edge.output < len(available) else None
    if node.op == VARIABLE and value is not None:
        raise Unsupported(f"the network's output {node.name!r} is one of its own inputs")
    if not isinstance(value, onnx_ir.Value):
        raise BadInput(f"the network's output {edge.output} of {node.name!r} does not exist")
    return builder.output(value, node.name)
