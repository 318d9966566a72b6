"""The generated file: its docstring, imports, what it takes of the library, ``network()`` and ``load()``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused
from converter.emitters.keras.operand import dtype
from converter.emitters.library import Library
from converter.emitters.names import Names, file_stem
from converter.emitters.program import Program, Style, fold
from converter.emitters.program import write as write_program
from converter.emitters.python import call, docstring
from converter.emitters.statement import State, Statement, Submodule
from converter.errors import Unsupported
from converter.ir import BATCH, dims

_HERE = Path(__file__).parent
_GLOBALS = ("keras", "math", "layers", "ops", "network", "load")
_ARITHMETIC = ("add", "subtract", "multiply", "true_divide", "floor_divide", "mod", "power", "matmul")
_COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
_LOGIC = ("logical_and", "logical_or", "logical_xor")
_OPERATORS = {
    **dict(zip(("+", "-", "*", "/", "//", "%", "**", "@"), _ARITHMETIC, strict=True)),
    **dict(zip(("==", "!=", "<", "<=", ">", ">=", "&", "|", "^"), (*_COMPARISONS, *_LOGIC), strict=True)),
}
"""What Keras calls the operations of Python's operators."""
_UNARY = {"get_item", "negative", "absolute", "logical_not", "round"}
"""What Keras calls the operations of Python's ways with one tensor."""
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "allclose": ("all_close",),
    "batch_normalization": ("batch_norm",),
    "cdist": ("c_dist",),
    "extract_patches_3d": ("extract_patches",),
    "hard_swish": ("hard_silu",),
    "isin": ("is_in",),
    "layer_normalization": ("layer_norm",),
    "rms_normalization": ("rms_norm",),
    "searchsorted": ("search_sorted",),
    "swish": ("silu",),
}
"""Functions of ``keras.ops`` whose operation has another name than they."""


@dataclass(frozen=True)
class File:
    """The generated file.

    Attributes:
        text: Its source.
        program: The body of ``network()``.
        parameters: The rows of the weight plan.
        trace: The variables of ``network()`` that hold the IR's values, by their names.
    """

    text: str
    program: Program
    parameters: Sequence[plan.Parameter]
    trace: Mapping[str, str]


def write(
    statements: Sequence[Statement], graph: onnx_ir.Graph, description: Sequence[str], known: Collection[str]
) -> File:
    """The file for the network that ``statements`` compute.

    Args:
        statements: In an order in which they can run.
        graph: What they compute.
        description: Lines for the docstring.
        known: Names of the values that are of interest to a trace.

    Raises:
        Unsupported: The network has no input, which Keras cannot do without.
    """
    if not graph.inputs:
        raise Unsupported("keras cannot express a network without inputs", fix="convert to another target")
    libraries = _libraries()
    taken = [name for library in libraries for name in library.nodes]
    layers = _layer_names(statements, graph)
    style = Style((*_GLOBALS, *taken), str, _construct, layers)
    draft = write_program(statements, graph, style)
    program = write_program(statements, graph, replace(style, reserved=(*style.reserved, *draft.states)))
    inputs, states = _input_layers(program, graph)
    body = [*inputs, *_parameter_lines(program, states), *program.lines, *_return(program, graph)]
    needed = [*program.library, *(module.type for module in program.modules.values() if "." not in module.type)]
    needed += ["Parameter"] * bool(states)
    sections = [
        *(library.text(name) for library in libraries for name in library.needed({*needed} & library.nodes.keys())),
        ["def network() -> keras.Model:", '    """The network, untrained."""', *body],
        _load(),
    ]
    lines = _head([line for section in sections for line in section], graph, description)
    lines += [line for section in sections for line in ("", "", *section)]
    traced = {value: str(value.name) for node in graph for value in node.outputs}
    traced = {value: name for value, name in traced.items() if name in known}
    return File("\n".join(lines) + "\n", program, _rows(program, states), program.trace(traced))


def _libraries() -> list[Library]:
    return [Library.read(path) for path in sorted(_HERE.glob("library*.py"))]


def _head(body: Sequence[str], graph: onnx_ir.Graph, description: Sequence[str]) -> list[str]:
    title = str(graph.name or "A network")
    lines = docstring([title, *(["\n".join(description)] if description else [])]).split("\n")
    used = [name for name in ("layers", "ops") if any(re.search(rf"\b{name}\.", line) for line in body)]
    imports = [f"from keras import {', '.join(used)}"] if used else []
    math = ["import math", ""] if any("math." in line for line in body) else []
    return [*lines, "", *math, "import keras", *imports]


def _load() -> list[str]:
    return [
        "def load(path: str) -> keras.Model:",
        '    """The network with the weights of a .weights.h5 file, or a .keras file as a whole."""',
        '    if str(path).endswith(".keras"):',
        "        return keras.saving.load_model(path)",
        "    model = network()",
        "    model.load_weights(path)",
        "    return model",
    ]


def _construct(module: Submodule, name: str) -> str:
    return call(module.type, module.positional, {**module.keywords, "name": name})


def layer_name(text: str) -> str:
    """``text`` as Keras, which has no ``/`` in names, and TensorFlow's scopes can call a layer."""
    name = re.sub(r"[^A-Za-z0-9_.>-]+", "_", text).strip("_") or "layer"
    return name if name[0].isalnum() else f"layer_{name.lstrip('.>-_')}"


def _layer_names(statements: Sequence[Statement], graph: onnx_ir.Graph) -> Callable[[str], str]:
    """How layers are called: as nodes are, but for the names of inputs, and those that Keras gives operations."""
    inputs = {layer_name(str(value.name)) for value in graph.inputs}
    automatic = _automatic(statements)

    def clean(text: str) -> str:
        name = layer_name(text)
        return f"{name}_layer" if name in inputs or re.sub(r"_\d+$", "", name) in automatic else name

    return clean


def _automatic(statements: Iterable[Statement]) -> set[str]:
    """The names, but for numbers, that Keras may give the operations of ``statements``."""
    spelled = [item.expression for item in statements]
    libraries = _libraries()
    wanted = {name for item in statements for name in item.library}
    for library in libraries:
        names = library.needed(wanted & library.nodes.keys())
        spelled += ["\n".join(library.text(name)) for name in names]
    text = "\n".join(spelled)
    found = {name.rpartition(".")[2] for name in re.findall(r"\bops\.([\w.]+)", text)}
    found = {part for name in found for part in operation_names(name)}
    return found | _UNARY | {name for symbol, name in _OPERATORS.items() if symbol in text}


def operation_names(function: str) -> tuple[str, ...]:
    """What Keras may call the operations of a function of ``keras.ops``, but for a number behind."""
    return (function, *_OTHER_NAMES.get(function, ()))


def operator_names() -> frozenset[str]:
    """What Keras may call the operations of Python's operators, but for a number behind."""
    return frozenset({*_OPERATORS.values(), *_UNARY})


def _input_layers(program: Program, graph: onnx_ir.Graph) -> tuple[list[str], dict[str, str]]:
    """The lines that make inputs, and the layer's name of each parameter."""
    given = Names(*program.modules, *program.layers)
    lines = []
    for value, variable in zip(graph.inputs, program.inputs, strict=True):
        lines += fold(f"{variable} = {_input(value, given.take(layer_name(str(value.name))))}")
    return lines, {name: given.take(layer_name(name)) for name in program.states}


def _input(value: onnx_ir.Value, name: str) -> str:
    shape: tuple[Any, ...] = tuple(None if dim == BATCH else dim for dim in dims(value))
    settings: dict[str, Any] = {}
    if value.dtype not in {None, onnx_ir.DataType.FLOAT}:
        settings["dtype"] = _checked_dtype(value)
    settings["name"] = name
    if shape and shape[0] is None:
        return call("keras.Input", [shape[1:]], settings)
    return call("keras.Input", [], {"batch_shape": shape, **settings})


def _checked_dtype(value: onnx_ir.Value) -> str:
    try:
        return dtype(value)
    except Refused as refusal:
        raise Unsupported(f"keras cannot express the input {value.name}: {refusal}") from None


def _parameter_lines(program: Program, names: Mapping[str, str]) -> list[str]:
    """The lines that make the parameters that no layer of Keras's own holds."""
    lines = []
    for variable, state in program.states.items():
        settings: dict[str, Any] = {} if state.trained else {"trainable": False}
        settings |= {} if state.dtype == "float32" else {"dtype": state.dtype}
        made = call("Parameter", [state.shape], {**settings, "name": names[variable]})
        lines += fold(f"{variable} = {made}({program.inputs[0]})")
    return lines


def _return(program: Program, graph: onnx_ir.Graph) -> list[str]:
    inputs, outputs = (names[0] if len(names) == 1 else f"[{', '.join(names)}]" for names in _ends(program))
    name = layer_name(file_stem(graph.name))
    return fold(f'return keras.Model({inputs}, {outputs}, name="{name}")')


def _ends(program: Program) -> tuple[Sequence[str], Sequence[str]]:
    return program.inputs, program.outputs


def _rows(program: Program, names: Mapping[str, str]) -> list[plan.Parameter]:
    """The rows of the plan: a variable is called ``<layer>/<variable>``."""
    states: dict[str, State] = {f"{names[name]}/value": state for name, state in program.states.items()}
    states |= {
        f"{layer}/{key}": state for layer, module in program.modules.items() for key, state in module.state.items()
    }
    return [plan.Parameter(name, state.shape, state.value, state.dtype) for name, state in states.items()]
