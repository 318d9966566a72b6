"""A whole ONNX Script module, and what is called what in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import is_parameter, live_nodes, python, translate
from converter.emitters.about import about
from converter.emitters.names import Names, identifier
from converter.emitters.onnx.functions import calls, every, functions_of
from converter.emitters.onnx.source import TAKEN, Function, Text, annotation, write
from converter.emitters.python import literal
from converter.ir import DOMAIN

_WITH_CLASS = 23
"""The newest opset that ONNX Script 0.7 has a name for."""


@dataclass(frozen=True)
class Module:
    """A module's source.

    Attributes:
        text: The source.
        function: The function that is the network.
        ir_version: The version of the file format.
        parameters: The network's parameters in the order of its arguments.
        variables: What the values of the network are called in it.
    """

    text: bytes
    function: str
    ir_version: int
    parameters: Sequence[onnx_ir.Value]
    variables: Mapping[onnx_ir.Value, str]


def write_module(model: onnx_ir.Model, opset: int, ir_version: int) -> Module:
    """Write ``model``, whose nodes are of ``opset``."""
    names = Names(*TAKEN, "array", "model", "value", "weights", "STORED")
    functions = {function: names.take(identifier(function.name)) for function in functions_of(model)}
    main = names.take(identifier(model.graph.name or "network"))
    callees = {
        node: functions[model.functions[node.op_identifier()]]
        for graph in (model.graph, *(function.graph for function in functions))
        for node in calls(model, graph)
    }
    texts = [_function(function, name, callees, opset) for function, name in functions.items()]
    parameters = _parameters(model.graph)
    network = _network(model, main, parameters, callees, opset)
    body = [line for text in (*texts, network) for line in (*text.lines, "", "")]
    build = _build(main, ir_version, _renamed(parameters, network.variables))
    head = [python.docstring(_about(model)), "", *_imports([*body, *build], opset, bool(functions)), "", ""]
    text = "\n".join([*head, *body, *build]).rstrip("\n") + "\n"
    return Module(text.encode(), main, ir_version, parameters, network.variables)


def _about(model: onnx_ir.Model) -> list[str]:
    return [f"{_words(model.graph.name)} in ONNX Script.", "\n".join(about(model))]


def _words(text: str | None) -> str:
    return text or "A network"


def _parameters(graph: onnx_ir.Graph) -> list[onnx_ir.Value]:
    """The parameters that are used, in the order in which they are."""
    read = (value for node in every(live_nodes(graph)) for value in node.inputs if value is not None)
    return list(dict.fromkeys(value for value in read if is_parameter(value)))


def _network(
    model: onnx_ir.Model,
    name: str,
    parameters: Sequence[onnx_ir.Value],
    callees: Mapping[onnx_ir.Node, str],
    opset: int,
) -> Text:
    graph = model.graph
    function = Function(name, [], [*graph.inputs, *parameters], graph.outputs, translate(graph, "onnx"))
    return write(function, _decorator(function), callees, opset)


def _decorator(function: Function) -> str:
    """ONNX Script forgets what a function returns where another one is nested in it, unless it is told again."""
    if not any(statement.body for statement in function.statements):
        return "@script(default_opset=op)"
    return f"@script(default_opset=op, output_types=[{', '.join(map(annotation, function.outputs))}])"


def _function(function: onnx_ir.Function, name: str, callees: Mapping[onnx_ir.Node, str], opset: int) -> Text:
    statements = translate(function.graph, "onnx")
    written = Function(name, [str(function.doc_string)], function.inputs, function.outputs, statements)
    return write(written, "@script(transship, default_opset=op)", callees, opset)


def _imports(lines: Iterable[str], opset: int, with_functions: bool) -> Iterator[str]:
    text = "\n".join(lines)
    known = sorted(kind.name for kind in onnx_ir.DataType)
    types = [kind for kind in known if re.search(rf"\b{kind}\b(\[|,|\)|\.| |:)", text)]
    decorators = [name for name in ("graph", "script") if f"@{name}(" in text]
    yield "from collections.abc import Mapping"
    yield ""
    yield "import numpy as np"
    yield "import onnx"
    yield f"from onnxscript import {', '.join([*types, *decorators])}"
    if opset <= _WITH_CLASS:
        yield f"from onnxscript import opset{opset} as op"
    if opset > _WITH_CLASS or with_functions:
        yield "from onnxscript.values import Opset"
        yield ""
    if opset > _WITH_CLASS:
        yield f'op = Opset("", {opset})'
    if with_functions:
        yield f"transship = Opset({literal(DOMAIN)}, 1)"


def _renamed(parameters: Iterable[onnx_ir.Value], variables: Mapping[onnx_ir.Value, str]) -> dict[str, str]:
    """Arguments that are not called what the parameter is."""
    return {variables[value]: str(value.name) for value in parameters if variables[value] != value.name}


def _build(main: str, ir_version: int, renamed: Mapping[str, str]) -> list[str]:
    stored = "value.name"
    table: list[str] = []
    if renamed:
        table = ["STORED = {", *(f"    {literal(name)}: {literal(stored)}," for name, stored in renamed.items()), "}"]
        table += ['"""What arguments that cannot have their parameter\'s name are called in an ``.onnx``."""', "", ""]
        stored = "STORED.get(value.name, value.name)"
    return [
        *table,
        "def build(weights: Mapping[str, np.ndarray]) -> onnx.ModelProto:",
        '    """The model with those of the parameters inside it that ``weights`` has, by name; others stay inputs.',
        "",
        "    An ``.onnx`` that was built of an earlier version of this file has them:",
        "    ``{tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}``.",
        '    """',
        f"    model = {main}.to_model_proto(ir_version={ir_version})",
        "    for value in list(model.graph.input):",
        f"        array = weights.get({stored})",
        "        if array is not None:",
        "            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))",
        "            model.graph.input.remove(value)",
        "    onnx.checker.check_model(model, full_check=True)",
        "    return model",
    ]
