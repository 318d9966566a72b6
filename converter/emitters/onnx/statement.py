"""What an operator's translation into ONNX Script is: one statement."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx
import onnx_ir

from converter.emitters import emits

OLDEST = 13
"""The oldest opset that code is written for."""
NEWEST = 26
"""The newest opset that both onnx 1.23 and onnxruntime 1.31 support officially."""

Attributes = Mapping[str, Any]
Writer = Callable[..., "Statement"]


@dataclass(frozen=True, eq=False)
class Body:
    """A graph that is an attribute: the body of a loop.

    Attributes:
        graph: Its inputs and outputs.
        statements: What it computes them with.
    """

    graph: onnx_ir.Graph
    statements: tuple[Statement, ...]


@dataclass(frozen=True, eq=False)
class Statement:
    """A call of an operator or of a function, wired by values of the model rather than by variables.

    Attributes:
        node: The node that it says.
        attributes: The attributes worth saying: numbers, texts, tuples of them, tensors.
        infix: Python's own operator for it, if there is one.
        body: The graph that it is given, by its attribute's name.
    """

    node: onnx_ir.Node
    attributes: Attributes = field(default_factory=dict)
    infix: str = ""
    body: tuple[str, Body] | None = None


def writes(*operators: str) -> Callable[[Writer], Writer]:
    """Register the decorated function as the translation of ``operators``.

    It takes the node and those attributes that are given and are not what the operator takes them for anyway. What
    attributes there are, and their defaults, ONNX itself says, for every opset there is code for.
    """

    def register(function: Writer) -> Writer:
        for operator in operators:
            emits("onnx", operator)(_with_attributes(function, operator))
        return function

    return register


def plain(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """The operator as it stands."""
    return Statement(node, attributes)


def _with_attributes(function: Writer, operator: str) -> Writer:
    """``function`` with the signature that ONNX gives ``operator``."""
    defaults = _defaults(operator)

    @functools.wraps(function)
    def translate(node: onnx_ir.Node, *_: onnx_ir.Value | None, **attributes: Any) -> Statement:
        known = _latest(operator, node.version or NEWEST)
        return function(node, {name: value for name, value in attributes.items() if value != known.get(name)})

    kinds = inspect.Parameter
    translate.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            kinds("node", kinds.POSITIONAL_OR_KEYWORD),
            kinds("inputs", kinds.VAR_POSITIONAL),
            *(kinds(name, kinds.KEYWORD_ONLY, default=value) for name, value in defaults.items()),
        ]
    )
    return translate


@functools.cache
def _defaults(operator: str) -> Attributes:
    """The attributes that ``operator`` has in any of the opsets, with the newest one's defaults."""
    found: dict[str, Any] = {}
    for opset in range(OLDEST, NEWEST + 1):
        found |= _latest(operator, opset)
    return found


@functools.cache
def _latest(operator: str, opset: int) -> Attributes:
    """The attributes of ``operator`` as of ``opset`` with their defaults; empty before there is such an operator."""
    if not onnx.defs.has(operator):
        raise ValueError(f"ONNX has no operator {operator}")
    try:
        schema = onnx.defs.get_schema(operator, opset)
    except onnx.defs.SchemaError:
        return {}
    return {name: _default(attribute) for name, attribute in schema.attributes.items()}


def _default(attribute: onnx.defs.OpSchema.Attribute) -> Any:
    value = onnx.helper.get_attribute_value(attribute.default_value) if attribute.default_value.type else None
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list) else value
