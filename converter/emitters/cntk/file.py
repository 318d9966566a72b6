"""The generated file: its imports, functions and ``create_model()``."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters.batch import batch_axis, row_shape
from converter.emitters.library import Library
from converter.emitters.names import Names, identifier
from converter.emitters.program import Program, Style, fold
from converter.emitters.program import write as write_program
from converter.emitters.python import Code, call, docstring, literal
from converter.emitters.statement import State, Statement, Submodule

_HERE = Path(__file__).parent
_RESERVED = ("C", "_", "create_model", "load", "model", "np", "path")
_BUILTINS = ("enumerate", "float", "len", "list", "range", "reversed", "tuple", "zip")


@dataclass(frozen=True)
class File:
    """The generated file.

    Attributes:
        text: Its source, ASCII.
        inputs: Each of the graph's inputs to the name of CNTK's.
        outputs: Each of the graph's outputs to the name of CNTK's.
        program: The body of its ``create_model()``.
    """

    text: str
    inputs: Mapping[onnx_ir.Value, str]
    outputs: Mapping[onnx_ir.Value, str]
    program: Program

    def parameters(self) -> list[plan.Parameter]:
        """The rows of a weight plan: ``<name>`` for a parameter, ``<layer>.<name>`` for that of a layer."""
        layers = [
            plan.Parameter(f"{layer}.{name}", state.shape, state.value, state.dtype)
            for layer, module in self.program.modules.items()
            for name, state in module.state.items()
        ]
        return [*self.program.parameters(), *layers]


def write(statements: Sequence[Statement], graph: onnx_ir.Graph, description: Sequence[str]) -> File:
    """The file for a network.

    Args:
        statements: In an order in which they can run.
        graph: Whose inputs and outputs they read and compute.
        description: Lines for the docstring.

    Raises:
        Refused: An input or output mixes the rows of the batch.
    """
    library = Library.read(_HERE / "library.py")
    style = Style(
        reserved=(*_RESERVED, *_BUILTINS, *library.nodes),
        state="{}".format,
        declare=_declared,
        construct=_constructed,
    )
    program = write_program(_needed(statements, graph), graph, style)
    inputs = dict(zip(graph.inputs, program.inputs, strict=True))
    names = Names()
    outputs = {value: names.take(identifier(str(value.name))) for value in graph.outputs}
    sections = [
        *(library.text(each) for each in library.needed(program.library)),
        _create(program, inputs, outputs),
        _LOAD,
    ]
    body = "\n\n\n".join("\n".join(lines) for lines in sections)
    text = f"{_top(body, graph, description)}\n\n\n{body}\n"
    return File(text, inputs, outputs, program)


def _needed(statements: Sequence[Statement], graph: onnx_ir.Graph) -> list[Statement]:
    """Those of ``statements`` that something reads: a shape that is known when the code is written, nothing does."""
    read = set(graph.outputs)
    found = []
    for statement in reversed(statements):
        if read.intersection(statement.outputs):
            read.update(statement.inputs)
            found.append(statement)
    return found[::-1]


def _declared(state: State, name: str) -> str:
    """A parameter, or a constant of the network where nothing is learnt."""
    if state.trained:
        return f"C.Parameter({literal(state.shape)}, init=0, name={literal(name)})"
    return f"C.Constant(0, shape={literal(state.shape)}, name={literal(name)})"


def _constructed(module: Submodule, name: str) -> str:
    return call(module.type, module.positional, {**module.keywords, "name": name})


def _top(body: str, graph: onnx_ir.Graph, description: Sequence[str]) -> str:
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    said = docstring([str(graph.name or "A network"), *(["\n".join(description)] if description else [])])
    numpy = ["import numpy as np"] if "np" in used else []
    ascii_only = said.encode("ascii", "backslashreplace").decode()
    return "\n".join([ascii_only, "", "from __future__ import division", "", "import cntk as C", *numpy])


def _create(program: Program, inputs: Mapping[onnx_ir.Value, str], outputs: Mapping[onnx_ir.Value, str]) -> list[str]:
    lines = ["def create_model():", '    """The network, its parameters not trained."""']
    for value, name in inputs.items():
        lines += fold(f"{name} = {_input(value, name)}")
    lines += program.lines
    named = [call("C.alias", [Code(program.variables[value])], {"name": name}) for value, name in outputs.items()]
    return [*lines, *fold(f"return C.combine([{', '.join(named)}])")]


def _input(value: onnx_ir.Value, name: str) -> str:
    """An input variable; one that is not of the batch has no dynamic axis."""
    still: dict[str, Any] = {} if batch_axis(value) is not None else {"dynamic_axes": []}
    return call("C.input_variable", [row_shape(value)], {**still, "name": name})


_LOAD = [
    "def load(path):",
    '    """The network with the parameters of the checkpoint ``path``."""',
    "    model = create_model()",
    "    model.restore(path)",
    "    return model",
]
