"""The generated file: its imports, functions and class."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx_ir

from converter.emitters.library import Library
from converter.emitters.names import Names, class_name, identifier
from converter.emitters.program import Program, Style
from converter.emitters.program import write as write_program
from converter.emitters.python import docstring, literal, statement
from converter.emitters.statement import State, Statement
from converter.emitters.tensorflow.operand import dtype
from converter.ir import BATCH, dims

_HERE = Path(__file__).parent
_MODULE = (
    "name",
    "name_scope",
    "non_trainable_variables",
    "submodules",
    "trainable_variables",
    "variables",
    "with_name_scope",
)
"""What a ``tf.Module`` has itself."""
_IMPORTS = {"itertools": "import itertools", "math": "import math"}


@dataclass(frozen=True)
class File:
    """The generated file.

    Attributes:
        text: Its source.
        name: The class that is the network.
        inputs: The IR's inputs to those of the signature.
        outputs: The IR's outputs to those of the signature.
        program: The body of its ``__call__``.
    """

    text: str
    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    program: Program


def write(statements: Sequence[Statement], graph: onnx_ir.Graph, description: Sequence[str]) -> File:
    """The file for a network.

    Args:
        statements: In an order in which they can run.
        graph: Whose inputs and outputs they read and compute.
        description: Lines for the docstring.
    """
    library = Library.read(_HERE / "library.py")
    name = class_name(str(graph.name or ""))
    name = f"{name}Network" if name in library.nodes or name == "Path" else name
    reserved = ("self", "tf", "_", "dict", "float", "load", "range", "zip", *_IMPORTS, *library.nodes, name)
    program = write_program(statements, graph, Style(reserved=reserved, taken=_MODULE, indent=8))
    inputs = {str(value.name): variable for value, variable in zip(graph.inputs, program.inputs, strict=True)}
    outputs = _outputs(graph)
    sections = [
        *(library.text(each) for each in library.needed(program.library)),
        [*_head(name, graph, description), "", *_init(program.states), "", *_call(graph, program, outputs)],
        _load(name),
    ]
    body = "\n\n\n".join("\n".join(lines) for lines in sections)
    return File(f"{_top(body, graph, description)}\n\n\n{body}\n", name, inputs, outputs, program)


def _outputs(graph: onnx_ir.Graph) -> Mapping[str, str]:
    """What the signature calls each output."""
    names = Names()
    return {str(value.name): names.take(identifier(str(value.name))) for value in graph.outputs}


def _top(body: str, graph: onnx_ir.Graph, description: Sequence[str]) -> str:
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    said = docstring([str(graph.name or "A network"), *(["\n".join(description)] if description else [])])
    imports = [line for name, line in _IMPORTS.items() if name in used]
    return "\n".join([said, "", *imports, *([""] if imports else []), "import tensorflow as tf"])


def _head(name: str, graph: onnx_ir.Graph, description: Sequence[str]) -> list[str]:
    takes = [f"  {line}" for line in description if line.startswith(("Input", "Output"))]
    said = [f"{graph.name or 'The network'}.", *(["\n".join(["Takes and returns:", *takes])] if takes else [])]
    return [f"class {name}(tf.Module):", *docstring(said, indent=4).split("\n")]


def _init(states: Mapping[str, State]) -> list[str]:
    lines = ["    def __init__(self):", "        super().__init__()"]
    for name, state in states.items():
        lines += statement(f"self.{name}", "tf.Variable", _variable(name, state), indent=8).split("\n")
    return lines


def _variable(name: str, state: State) -> list[str]:
    shape = literal(list(state.shape))
    zeros = f"tf.zeros({shape})" if state.dtype == "float32" else f"tf.zeros({shape}, tf.{state.dtype})"
    return [zeros, *([] if state.trained else ["trainable=False"]), f"name={literal(name)}"]


def _call(graph: onnx_ir.Graph, program: Program, outputs: Mapping[str, str]) -> list[str]:
    specs = [_spec(value, variable) for value, variable in zip(graph.inputs, program.inputs, strict=True)]
    one = f"    @tf.function(input_signature=[{', '.join(specs)}])"
    lines = (
        [one]
        if len(one) <= 100
        else ["    @tf.function(", "        input_signature=[", *_each(specs), "        ]", "    )"]
    )
    lines.append(f"    def __call__({', '.join(['self', *program.inputs])}):")
    lines += program.lines
    pairs = [f"{literal(name)}: {variable}" for name, variable in zip(outputs.values(), program.outputs, strict=True)]
    result = f"        return {{{', '.join(pairs)}}}"
    if len(result) <= 100:
        return [*lines, result]
    return [*lines, "        return {", *(f"            {pair}," for pair in pairs), "        }"]


def _each(specs: Sequence[str]) -> list[str]:
    return [f"            {spec}," for spec in specs]


def _spec(value: onnx_ir.Value, name: str) -> str:
    shape = [None if dim == BATCH else dim for dim in dims(value)]
    return f"tf.TensorSpec({literal(shape)}, {dtype(value)}, name={literal(name)})"


def _load(name: str) -> list[str]:
    return [
        "def load(path):",
        '    """The network with the variables of the SavedModel in the folder ``path``."""',
        f"    network = {name}()",
        "    checkpoint = tf.train.Checkpoint(network)",
        '    checkpoint.read(f"{path}/variables/variables").assert_existing_objects_matched()',
        "    return network",
    ]
