"""The text of an ONNX Script module."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir

from converter.emitters import constant, is_constant, python
from converter.emitters.names import Names, identifier
from converter.emitters.onnx.statement import Body, Statement
from converter.emitters.python import Code, literal
from converter.ir import DOMAIN, dims

TAKEN = (
    *("np", "onnx", "op", "script", "graph", "transship", "Opset", "Mapping", "build"),
    *("abs", "all", "any", "bool", "dict", "enumerate", "filter", "float", "format", "hash", "id", "input", "int"),
    *("iter", "len", "list", "map", "max", "min", "next", "object", "pow", "print", "range", "reversed", "round"),
    *("set", "slice", "sorted", "str", "sum", "tuple", "type", "zip"),
    *(kind.name for kind in onnx_ir.DataType),
)
"""Names that mean something in every module, and so are given to no value."""

_GIVEN_OUT = re.compile(
    r"(const|tmp|int64_(m?\d+|True|False)(_1d)?|return_val\d*)(_\d+)*$|.*_(cast|copy|as_bool)(_\d+)*$"
)
"""Names that ONNX Script gives to what it makes up."""
_LIST = 16
"""The longest constant that is written where it is used."""
_TARGETS = 60
"""The longest list of variables that is written on one line."""


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the module.

    Attributes:
        name: What it is called.
        about: Paragraphs that say what it is.
        inputs: Its arguments; the parameters of the network come last.
        outputs: What it returns.
        statements: What it computes them with.
    """

    name: str
    about: Sequence[str]
    inputs: Sequence[onnx_ir.Value]
    outputs: Sequence[onnx_ir.Value]
    statements: Sequence[Statement]


@dataclass(frozen=True)
class Text:
    """A function's text.

    Attributes:
        lines: Its source.
        variables: What its values are called in it.
    """

    lines: Sequence[str]
    variables: Mapping[onnx_ir.Value, str]


def variable(text: str) -> str:
    """``text`` as the name of a variable, one that ONNX Script does not make up itself."""
    name = identifier(text)
    return f"{name}_value" if _GIVEN_OUT.match(name) else name


def write(function: Function, decorator: str, callees: Mapping[onnx_ir.Node, str], opset: int) -> Text:
    """The text of ``function``.

    Args:
        function: What to write.
        decorator: What stands above it.
        callees: Names of the functions that it calls, by the calling node.
        opset: The version of ONNX's operators.
    """
    return _Writer(callees, opset).function(function, decorator)


def annotation(value: onnx_ir.Value) -> str:
    """The type of ``value`` as an annotation: ``FLOAT["batch", 3]``."""
    kind = (value.dtype or onnx_ir.DataType.FLOAT).name
    if value.shape is None:
        return f"{kind}[...]"
    return f"{kind}[{', '.join(literal(dim) for dim in dims(value))}]" if dims(value) else kind


class _Writer:
    """Writes one function, nested ones included, whose variables all have names of their own."""

    def __init__(self, callees: Mapping[onnx_ir.Node, str], opset: int) -> None:
        self._callees = callees
        self._opset = opset
        self._names = Names(*TAKEN, *callees.values())
        self._variables: dict[onnx_ir.Value, str] = {}

    def function(self, function: Function, decorator: str) -> Text:
        arguments = [f"{self._declare(value)}: {annotation(value)}" for value in function.inputs]
        returned = [annotation(value) for value in function.outputs]
        result = returned[0] if len(returned) == 1 else f"tuple[{', '.join(returned)}]"
        lines = [decorator, *_head(function.name, arguments, result)]
        if function.about:
            lines += [python.docstring(function.about, indent=4)]
        lines += [f"    {line}" if line else "" for line in self._block(function.statements, function.outputs)]
        return Text(lines, self._variables)

    def _block(self, statements: Iterable[Statement], outputs: Sequence[onnx_ir.Value]) -> Iterator[str]:
        for statement in statements:
            yield from self._large_constants(statement)
            if statement.body:
                yield from self._body(*statement.body)
            yield from self._statement(statement).split("\n")
        yield from self._large_outputs(outputs)
        yield f"return {', '.join(self._variables[value] for value in outputs)}"

    def _statement(self, statement: Statement) -> str:
        node = statement.node
        operands = [self._operand(node, number) for number in range(len(node.inputs))]
        while operands and operands[-1] == "None":
            operands.pop()
        targets = _targets([self._declare(value, name) for value, name in _listed(node)])
        if statement.infix:
            return _infix(targets, operands[0], statement.infix, operands[1])
        keywords = [f"{name}={_attribute(name, value)}" for name, value in statement.attributes.items()]
        if statement.body:
            keywords.append(f"{statement.body[0]}={self._body_name}")
        callee = self._callees.get(node) or f"op.{node.op_type}"
        return python.statement(targets, callee, [*operands, *keywords])

    def _body(self, name: str, body: Body) -> Iterator[str]:
        graph = body.graph
        self._body_name = self._names.take(variable(graph.name or name))
        arguments = [f"{self._declare(value)}: {annotation(value)}" for value in graph.inputs]
        yield ""
        yield "@graph()"
        yield from _head(self._body_name, arguments, "")
        own = self._body_name
        yield from (f"    {line}" if line else "" for line in self._block(body.statements, graph.outputs))
        self._body_name = own
        yield ""

    def _declare(self, value: onnx_ir.Value, wanted: str | None = None) -> str:
        self._variables[value] = self._names.take(variable(wanted or str(value.name)))
        return self._variables[value]

    def _operand(self, node: onnx_ir.Node, number: int) -> str:
        value = node.inputs[number]
        if value is None:
            return "None"
        if value in self._variables:
            return self._variables[value]
        return _constant(_array(value), bare=self._opset >= _CAST_LIKE or not _adapted(node, number))

    def _large_constants(self, statement: Statement) -> Iterator[str]:
        for value in _read(statement):
            if value not in self._variables and is_constant(value) and not _is_short(_array(value)):
                yield from self._constant(value)

    def _large_outputs(self, outputs: Iterable[onnx_ir.Value]) -> Iterator[str]:
        for value in outputs:
            if value not in self._variables:
                yield from self._constant(value)

    def _constant(self, value: onnx_ir.Value) -> Iterator[str]:
        array = _array(value)
        return iter(python.statement(self._declare(value), "op.Constant", [f"value={_numpy(array)}"]).split("\n"))


_CAST_LIKE = 15
"""The first opset that has CastLike, by which ONNX Script gives a bare number the type of what it is added to."""


def _adapted(node: onnx_ir.Node, number: int) -> bool:
    """Whether ONNX Script would put a CastLike behind a bare number as this input."""
    if node.domain == DOMAIN:
        return False
    schema = onnx.defs.get_schema(node.op_type, node.version or 21)
    formal = schema.inputs[min(number, len(schema.inputs) - 1)]
    return "(" not in formal.type_str and len(node.inputs) > 1


def _read(statement: Statement) -> Iterator[onnx_ir.Value]:
    """Every value that ``statement`` and the bodies in it read."""
    yield from (value for value in statement.node.inputs if value is not None)
    if statement.body:
        for inner in statement.body[1].statements:
            yield from _read(inner)


def _listed(node: onnx_ir.Node) -> list[tuple[onnx_ir.Value, str]]:
    """The outputs of ``node`` up to the last one that there is, and what to call them: an only one like the node."""
    last = max(number for number, value in enumerate(node.outputs) if value.name)
    if last == 0 and node.name:
        return [(node.outputs[0], node.name)]
    return [(value, value.name or "unused") for value in node.outputs[: last + 1]]


def _targets(names: Sequence[str]) -> str:
    line = ", ".join(names)
    return line if len(line) <= _TARGETS else "\n".join(["(", *(f"    {name}," for name in names), ")"])


def _infix(target: str, left: str, operator: str, right: str) -> str:
    line = f"{target} = {left} {operator} {right}"
    return line if len(line) <= python.WIDTH - 8 else f"{target} = (\n    {left}\n    {operator} {right}\n)"


def _head(name: str, arguments: Sequence[str], result: str) -> Iterator[str]:
    arrow = f" -> {result}" if result else ""
    line = f"def {name}({', '.join(arguments)}){arrow}:"
    if len(line) <= python.WIDTH:
        yield line
        return
    yield f"def {name}("
    yield from (f"    {argument}," for argument in arguments)
    yield f"){arrow}:"


def _array(value: onnx_ir.Value) -> npt.NDArray[Any]:
    return constant(value).numpy()


def _is_short(array: npt.NDArray[Any]) -> bool:
    return array.ndim <= 1 and array.size <= _LIST


def _constant(array: npt.NDArray[Any], *, bare: bool) -> str:
    """A short constant where it is used: a bare number or list of them, where ONNX Script takes that for the same."""
    kind = {np.float32: "float", np.int64: "int"}.get(array.dtype.type)
    if bare and array.size and (kind == "int" or array.dtype == np.bool_ or (kind and np.isfinite(array).all())):
        return _numbers(array)
    if kind:
        return f"op.Constant(value_{kind}{'s' if array.ndim else ''}={_numbers(array)})"
    return f"op.Constant(value={_numpy(array)})"


def _numpy(array: npt.NDArray[Any]) -> str:
    return f"np.array({_numbers(array)}, np.{array.dtype.name if array.dtype != np.bool_ else 'bool_'})"


def _numbers(array: npt.NDArray[Any]) -> str:
    return literal(_listed_numbers(array))


def _listed_numbers(array: npt.NDArray[Any]) -> Any:
    if array.ndim:
        return [_listed_numbers(part) for part in array]
    item = array.item()
    if isinstance(item, float) and array.dtype == np.float64:
        return Code(repr(item) if math.isfinite(item) else f'float("{item}")')
    return item


def _attribute(name: str, value: Any) -> str:
    if name in ("to", "dtype") and isinstance(value, int):
        return f"{onnx_ir.DataType(value).name}.dtype"
    if isinstance(value, onnx_ir.TensorProtocol):
        return _tensor(value.numpy())
    return literal(list(value) if isinstance(value, tuple) else value)


def _tensor(array: npt.NDArray[Any]) -> str:
    natural = array.dtype in (np.float32, np.int64, np.bool_) and np.isfinite(array).all() and array.ndim == 1
    return _numbers(array) if natural and array.size else _numpy(array)
