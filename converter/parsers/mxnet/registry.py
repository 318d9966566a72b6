"""The table of MXNet operators that the frontend reads, filled by the decorator :func:`parses`.

An operator is a function whose signature is its MXNet schema. After the scope come the inputs under MXNet's names,
each of them a :class:`~onnx_ir.Value` (an activation), a :class:`Parameter` (a trained array) or a :class:`Label`
(training's target, which an inference graph does not have); then, keyword-only, the attributes, with their types and
MXNet's own defaults::

    @parses("FullyConnected", ignores=("workspace",))
    def fully_connected(g: Scope, data: Value, weight: Parameter, bias: Parameter | None = None, *,
                        num_hidden: int, no_bias: bool = False, flatten: bool = True) -> Value: ...

It emits ONNX nodes through the scope and returns its visible outputs. What the types do not refuse, it refuses by
raising :class:`~converter.errors.Unsupported`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Union, get_args, get_origin

import onnx_ir

from converter.parsers.mxnet.attributes import Attribute
from converter.parsers.mxnet.params import Stored

Function: TypeAlias = Callable[..., "onnx_ir.Value | Sequence[onnx_ir.Value]"]


@dataclass(frozen=True)
class Parameter:
    """A trained array, found by following an edge to a variable: its name there and what the params file holds."""

    name: str
    stored: Stored


@dataclass(frozen=True)
class Label:
    """The target of a training loss; an inference graph has none."""

    name: str


@dataclass(frozen=True)
class Input:
    """An operator's input: MXNet's name, what it must be (Value, Parameter or Label), whether it may be absent."""

    name: str
    kind: type
    optional: bool


@dataclass(frozen=True)
class Operator:
    """What the frontend knows about one MXNet operator.

    Attributes:
        names: The operator's name in symbol files, and its aliases.
        family: The module that holds it: ``convolution``, ``pooling``, ...
        function: The function that emits it.
        inputs: In MXNet's order.
        variadic: Whether the last of the inputs may occur any number of times.
        attributes: By name, those that have a meaning.
        ignores: Names of attributes that do not change the result of inference.
    """

    names: tuple[str, ...]
    family: str
    function: Function
    inputs: tuple[Input, ...]
    variadic: bool
    attributes: Mapping[str, Attribute]
    ignores: frozenset[str]


_TABLE: dict[str, Operator] = {}


def parses(*names: str, ignores: Sequence[str] = ()) -> Callable[[Function], Function]:
    """Register the decorated function for the operators ``names``, the current name first.

    Raises:
        ValueError: One of them is registered already.
    """

    def register(function: Function) -> Function:
        operator = _operator(names, function, ignores)
        for name in names:
            if name in _TABLE:
                raise ValueError(f"{name} is registered twice: {_TABLE[name].function.__name__}, {function.__name__}")
        _TABLE.update(dict.fromkeys(names, operator))
        return function

    return register


def operators() -> list[Operator]:
    """Every operator the frontend reads, by family and name."""
    unique = {operator.names: operator for operator in table().values()}
    return sorted(unique.values(), key=lambda operator: (operator.family, operator.names))


def table() -> Mapping[str, Operator]:
    """Operators by each of their names."""
    families = importlib.import_module("converter.parsers.mxnet.operators")
    for module in pkgutil.iter_modules(families.__path__):
        importlib.import_module(f"{families.__name__}.{module.name}")
    return types.MappingProxyType(_TABLE)


def _operator(names: tuple[str, ...], function: Function, ignores: Sequence[str]) -> Operator:
    _, *parameters = inspect.signature(function, eval_str=True).parameters.values()
    inputs = [parameter for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    attributes = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    return Operator(
        names=names,
        family=function.__module__.rpartition(".")[2],
        function=function,
        inputs=tuple(_input(parameter) for parameter in inputs),
        variadic=any(parameter.kind is parameter.VAR_POSITIONAL for parameter in inputs),
        attributes={parameter.name: _attribute(parameter) for parameter in attributes},
        ignores=frozenset(ignores),
    )


def _input(parameter: inspect.Parameter) -> Input:
    kinds = get_args(parameter.annotation) if _is_union(parameter.annotation) else (parameter.annotation,)
    (kind,) = (kind for kind in kinds if kind is not types.NoneType)
    return Input(parameter.name, kind, parameter.default is not parameter.empty)


def _attribute(parameter: inspect.Parameter) -> Attribute:
    required = parameter.default is parameter.empty
    default: Any = None if required else parameter.default
    return Attribute(parameter.name, parameter.annotation, required, default)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)
