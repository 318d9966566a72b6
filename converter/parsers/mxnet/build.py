"""Turn a symbol and its parameters into an ONNX graph, in one walk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import onnx_ir

from converter import ir
from converter.errors import BadInput, Unsupported
from converter.parsers.mxnet.params import Stored
from converter.parsers.mxnet.problems import Problems, read_attributes
from converter.parsers.mxnet.registry import Input, Label, Operator, Parameter, table
from converter.parsers.mxnet.scope import Builder, Scope, Shape
from converter.parsers.mxnet.symbol import VARIABLE, Edge, Symbol, SymbolNode

Argument: TypeAlias = onnx_ir.Value | Parameter | Label


def build(
    symbol: Symbol, params: Mapping[str, Stored | None], inputs: Mapping[str, Shape], *, name: str
) -> onnx_ir.Graph:
    """Build the graph of ``symbol``.

    Args:
        symbol: The network.
        params: The trained arrays by name; those that the network does not use are left out.
        inputs: Shapes of the graph's inputs by name, in the order they are to have.
        name: The graph's name.

    Raises:
        BadInput: An input or parameter is missing or of the wrong shape, or an edge leads nowhere.
        Unsupported: Everything that cannot be expressed, at once.
    """
    known = table()
    symbol = _with_auxiliaries(_reachable(symbol), known)
    variables = _variables(symbol, known)
    _check_variables(variables, params, inputs)
    builder = Builder({node.name for node in symbol.nodes if node.op == VARIABLE})
    given = {key: builder.input(key, shape) for key, shape in inputs.items()}
    values = _Walk(builder, known, params, given).run(symbol, name)
    return onnx_ir.Graph(
        list(given.values()),
        [_head(symbol, values, edge) for edge in _distinct(symbol)],
        nodes=builder.nodes,
        initializers=list(builder.initializers.values()),
        opset_imports={"": ir.OPSET},
        name=name,
    )


def _reachable(symbol: Symbol) -> Symbol:
    """Drop the nodes that no head depends on."""
    wanted = {edge.node for edge in symbol.heads}
    for index in range(len(symbol.nodes) - 1, -1, -1):
        if index in wanted:
            wanted.update(edge.node for edge in symbol.nodes[index].inputs)
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
            if not absent.optional and not _is_variadic(operator):
                nodes.append(SymbolNode(VARIABLE, f"{node.name}_{absent.name}".removeprefix("_"), (), {}))
                node = replace(node, inputs=(*node.inputs, Edge(len(nodes) - 1, 0)))
        place[index] = len(nodes)
        nodes.append(node)
    return replace(symbol, nodes=tuple(nodes), heads=tuple(Edge(place[e.node], e.output) for e in symbol.heads))


def _is_variadic(operator: Operator | None) -> bool:
    """Whether ``operator`` takes any number of inputs."""
    return operator is not None and operator.variadic


def _input_at(operator: Operator, index: int) -> Input | None:
    """What ``operator`` declares about its input ``index``; None if it has no such input."""
    if index < len(operator.inputs):
        return operator.inputs[index]
    return operator.inputs[-1] if operator.variadic else None


@dataclass(frozen=True)
class _Variables:
    """Names of the symbol's variables: those that are only a loss's label, and all others, in order."""

    labels: tuple[str, ...]
    needed: tuple[str, ...]


def _variables(symbol: Symbol, known: Mapping[str, Operator]) -> _Variables:
    used = {edge.node for edge in symbol.heads}
    for node in symbol.nodes:
        for index, edge in enumerate(node.inputs):
            declared = _input_at(known[node.op], index) if node.op in known else None
            if declared is None or declared.kind is not Label:
                used.add(edge.node)
    names = [(index, node.name) for index, node in enumerate(symbol.nodes) if node.op == VARIABLE]
    needed = dict.fromkeys(name for index, name in names if index in used)
    labels = dict.fromkeys(name for _, name in names if name not in needed)
    return _Variables(tuple(labels), tuple(needed))


def _check_variables(variables: _Variables, params: Mapping[str, Stored | None], inputs: Mapping[str, Shape]) -> None:
    """Refuse inputs that are none, and variables that have neither a shape nor a value."""
    real = [name for name in variables.needed if params.get(name) is None]
    wrong = [name for name in inputs if name not in variables.needed]
    if wrong:
        labels = [name for name in wrong if name in variables.labels]
        why = "training needs it, the network does not" if labels else f"the inputs are: {_some(real)}"
        raise BadInput(f"the network has no input {_some(labels or wrong)}", fix=why)
    both = [name for name in inputs if params.get(name) is not None]
    if both:
        raise BadInput(
            f"{_some(both)} is a parameter with a value, not an input", fix=f"the inputs are: {_some(real)}"
        )
    missing = [name for name in real if name not in inputs]
    if missing:
        what = "value" if len(missing) == 1 else "values"
        raise BadInput(
            f"no {what} for {len(missing)} of the network's variables: {_some(missing)}",
            fix="give the shapes of those that are inputs, and the params file that holds the others",
        )


def _some(names: Sequence[str], limit: int = 10) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(map(repr, names[:limit])) or "none") + rest


class _Walk:
    """One pass over a symbol in topological order that goes on after a refusal, to find the others."""

    def __init__(
        self,
        builder: Builder,
        known: Mapping[str, Operator],
        params: Mapping[str, Stored | None],
        given: Mapping[str, onnx_ir.Value],
    ) -> None:
        self._builder = builder
        self._known = known
        self._params = params
        self._given = given
        self._problems = Problems()
        self._errors: list[BadInput] = []

    def run(self, symbol: Symbol, name: str) -> list[Sequence[Argument] | None]:
        """Return each node's outputs, or raise all that was refused, or else the first thing that is wrong."""
        outputs: list[Sequence[Argument] | None] = []
        for node in symbol.nodes:
            try:
                outputs.append(self._visit(node, outputs))
            except Unsupported as error:
                self._problems.add(error.what)
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
            return (self._variable(node.name),)
        operator = self._known.get(node.op)
        if operator is None:
            self._problems.unknown(node, self._known)
            return None
        attributes = read_attributes(node, operator, self._problems)
        _check_count(node, operator)
        sources = [_source(node, edge, outputs) for edge in node.inputs]
        if attributes is None or any(source is None for source in sources):
            return None
        scope = Scope(self._builder, node)
        arguments = [
            _as(scope, source, _input_at(operator, index))
            for index, source in enumerate(sources)
            if source is not None
        ]
        result = operator.function(scope, *arguments, **attributes)
        return (result,) if isinstance(result, onnx_ir.Value) else tuple(result)

    def _variable(self, name: str) -> Argument:
        if name in self._given:
            return self._given[name]
        stored = self._params.get(name)
        return Label(name) if stored is None else Parameter(name, stored)


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
        if isinstance(source, Parameter):
            return source
        raise scope.refuse(f"its {declared.name!r} is computed by the network, not stored")
    return scope.value(source) if isinstance(source, Parameter) else source


def _distinct(symbol: Symbol) -> list[Edge]:
    return list(dict.fromkeys(symbol.heads))


def _head(symbol: Symbol, values: Sequence[Sequence[Argument] | None], edge: Edge) -> onnx_ir.Value:
    node = symbol.nodes[edge.node]
    available = values[edge.node] or ()
    value = available[edge.output] if edge.output < len(available) else None
    if not isinstance(value, onnx_ir.Value):
        raise BadInput(f"the network's output {edge.output} of {node.name!r} does not exist")
    if value.producer() is None:
        raise Unsupported(f"the network's output {node.name!r} is one of its own inputs")
    return value
