"""A network as the straight body of a Python function: line after line, each value in a variable of its own."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters.names import Names, identifier
from converter.emitters.python import WIDTH, literal
from converter.emitters.statement import State, Statement, Submodule, identity


@dataclass(frozen=True)
class Style:
    """How a target spells what statements refer to.

    Attributes:
        reserved: Names that no variable can have: modules, functions, what the function is given besides inputs.
        state: The reference to the parameter of that name; by default ``self.<name>``.
        construct: The expression that makes a module, which is given the layer's name; needed where there are any.
        clean: A text that the IR calls a node by, as the target can call it.
        taken: Names that no parameter can have: what the target's own class calls something.
        indent: How far the lines are indented.
        declare: The expression that makes the parameter of that name, where it is a variable of the function itself,
            assigned before its first use.
    """

    reserved: Iterable[str] = ("self",)
    state: Callable[[str], str] = "self.{}".format
    construct: Callable[[Submodule, str], str] = lambda module, _: module.type
    clean: Callable[[str], str] = identifier
    taken: Iterable[str] = ()
    indent: int = 4
    declare: Callable[[State, str], str] | None = None


@dataclass(frozen=True)
class Program:
    """The body of a function.

    Attributes:
        lines: Its lines without the ``return``, indented.
        inputs: The variable of each of the graph's inputs.
        outputs: The variable of each of the graph's outputs.
        variables: The variable of each value that is computed or given.
        layers: The name of each statement, as its template's ``{name}`` and the constructor were given it.
        states: The parameters that statements refer to (``tensors``), by name.
        modules: Those that statements call, by the layer's name; one that several share is there once.
        library: The functions that it calls.
    """

    lines: Sequence[str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    variables: Mapping[onnx_ir.Value, str]
    layers: Sequence[str]
    states: Mapping[str, State]
    modules: Mapping[str, Submodule]
    library: Sequence[str]

    def parameters(self) -> list[plan.Parameter]:
        """The rows of a weight plan for ``states``."""
        return [plan.Parameter(name, state.shape, state.value, state.dtype) for name, state in self.states.items()]

    def trace(self, names: Mapping[onnx_ir.Value, str]) -> dict[str, str]:
        """The variables of the values that have ``names``, by these."""
        return {names[value]: variable for value, variable in self.variables.items() if value in names}


def write(statements: Sequence[Statement], graph: onnx_ir.Graph, style: Style) -> Program:
    """The body of a function that computes ``graph``'s outputs.

    In an expression ``{name}`` is the layer's name as a literal, besides what :class:`Statement` says. A value that
    nothing reads is assigned to ``_``.

    Args:
        statements: In an order in which they can run.
        graph: Whose inputs and outputs they read and compute.
        style: How the target spells things.
    """
    read = {value for item in statements for value in item.inputs} | set(graph.outputs)
    uses = Counter(identity(item.module) for item in statements if item.module is not None)
    writer = _Writer(style, read, uses)
    inputs = [writer.variable(value, str(value.name)) for value in graph.inputs]
    for item in statements:
        writer.write(item)
    return Program(
        writer.lines,
        inputs,
        [writer.variables[value] for value in graph.outputs],
        writer.variables,
        writer.layers,
        writer.states,
        writer.modules,
        list(dict.fromkeys(name for item in statements for name in item.library)),
    )


@dataclass
class _Writer:
    """Gives everything a name, and writes line after line."""

    style: Style
    read: Container[onnx_ir.Value]
    uses: Mapping[str, int]
    lines: list[str] = field(default_factory=list)
    variables: dict[onnx_ir.Value, str] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    modules: dict[str, Submodule] = field(default_factory=dict)
    _shared: dict[str, tuple[str, str]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._variables = Names(*self.style.reserved)
        self._layers = Names()
        self._states = Names(*self.style.taken) if self.style.declare is None else self._variables

    def variable(self, value: onnx_ir.Value, wanted: str) -> str:
        """A variable of its own for ``value``."""
        name = self._variables.take(identifier(wanted))
        self.variables[value] = name
        return name

    def write(self, item: Statement) -> None:
        """Write one statement."""
        name, module = self._layer(item)
        self.layers.append(name)
        fields = {"name": literal(name), "module": module}
        fields |= {key: literal(value) for key, value in item.arguments.items()}
        fields |= {key: self.style.state(self._state(name, key, state)) for key, state in item.tensors.items()}
        text = item.expression.format(*(self.variables[value] for value in item.inputs), **fields)
        results = [self._result(value, item) for value in item.outputs]
        self.lines += fold(f"{', '.join(results)} = {text}", self.style.indent)

    def _result(self, value: onnx_ir.Value, item: Statement) -> str:
        if value not in self.read:
            return "_"
        own = len(item.outputs) == 1 and value.producer() is not None
        return self.variable(value, item.name if own else str(value.name))

    def _layer(self, item: Statement) -> tuple[str, str]:
        """The name of the layer, and the expression for its module; one with parameters is made once."""
        known = None if item.module is None else self._shared.get(identity(item.module))
        if known is not None:
            return known
        wanted = item.name if item.outputs[0].producer() is not None else str(item.outputs[0].name)
        name = self._layers.take(self.style.clean(wanted))
        if item.module is None:
            return name, ""
        self.modules[name] = item.module
        made = self.style.construct(item.module, name)
        if item.module.state and self.uses[identity(item.module)] > 1:
            variable = self._variables.take(identifier(f"{name}_layer"))
            self.lines += fold(f"{variable} = {made}", self.style.indent)
            self._shared[identity(item.module)] = name, variable
            return name, variable
        return name, made

    def _state(self, layer: str, key: str, state: State) -> str:
        """The name of a parameter; one that is set to the same is the same."""
        content = json.dumps([state.value, state.shape, state.dtype])
        if content not in self._known:
            name = self._states.take(identifier(_source(state.value) or f"{layer}_{key}"))
            self._known[content] = name
            self.states[name] = state
            if self.style.declare is not None:
                self.lines += fold(f"{name} = {self.style.declare(state, name)}", self.style.indent)
        return self._known[content]


def _source(value: Any) -> str:
    """The one tensor that an expression only moves; empty if there is no such one."""
    while isinstance(value, Mapping):
        if "tensor" in value:
            return str(value["tensor"])
        value = next((value[kind] for kind in ("reshape", "transpose") if kind in value), None)
    return ""


def fold(line: str, indent: int = 4) -> list[str]:
    """``line``, an assignment or a ``return``, indented; the arguments of a wide call on lines of their own."""
    margin = " " * indent
    if len(margin) + len(line) <= WIDTH:
        return [margin + line]
    call = _widest_call(line)
    if call is None:
        return [margin + part for part in _in_parentheses(line)]
    head, arguments, tail = call
    inner = [", ".join(arguments)]
    if len(margin) + 4 + len(inner[0]) > WIDTH:
        inner = [text for argument in arguments for text in _argument(argument, WIDTH - len(margin) - 4)]
    return [f"{margin}{head}(", *(f"{margin}    {text}" for text in inner), f"{margin}){tail}"]


def _argument(text: str, width: int) -> list[str]:
    """An argument on lines of its own; a list that is too wide has its elements on lines of theirs."""
    name, _, value = text.partition("=") if text.partition("=")[0].isidentifier() else ("", "", text)
    if len(text) < width or not value.startswith("["):
        return [f"{text},"]
    found = ast.parse(value).body[0]
    elements = found.value.elts if isinstance(found, ast.Expr) and isinstance(found.value, ast.List) else []
    parts = [ast.get_source_segment(value, element) or "" for element in elements]
    return [f"{name}=[" if name else "[", *(f"    {part}," for part in parts), "],"] if parts else [f"{text},"]


def _in_parentheses(line: str) -> list[str]:
    """The two sides of an assigned sum, product or the like on lines of their own; any other ``line`` as it is."""
    node = ast.parse(line).body[0]
    found = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(found, ast.BinOp):
        return [line]
    start, middle, last = found.col_offset, found.left.end_col_offset or 0, found.right.col_offset
    if "(" in line[middle:last] or ")" in line[middle:last] or found.left.col_offset != start or line[-1] == ")":
        return [line]
    return [f"{line[:start]}(", f"    {line[start:middle]}", f"    {line[middle:].strip()}", ")"]


def _widest_call(line: str) -> tuple[str, list[str], str] | None:
    """What is before the arguments of the call that ``line`` is mostly made of, its arguments, and what is behind."""
    node = ast.parse(line).body[0]
    found = node.value if isinstance(node, ast.Assign | ast.Return) else None
    if not isinstance(found, ast.Call):
        return None
    calls = [found, found.func] if isinstance(found.func, ast.Call) else [found]
    split = [_split(line, call) for call in calls if isinstance(call, ast.Call)]
    return max(split, key=lambda parts: sum(map(len, parts[1])))


def _split(line: str, call: ast.Call) -> tuple[str, list[str], str]:
    values = [*call.args, *(key.value for key in call.keywords)]
    names = [*("" for _ in call.args), *(f"{key.arg}=" for key in call.keywords)]
    parts = [name + (ast.get_source_segment(line, part) or "") for name, part in zip(names, values, strict=True)]
    return line[: call.func.end_col_offset], parts, line[call.end_col_offset :]
