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

import fnmatch
import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias, Union, get_args, get_origin

import onnx_ir

from converter import ir
from converter.parsers.mxnet.attributes import Attribute
from converter.parsers.mxnet.params import Stored

Function: TypeAlias = Callable[..., "onnx_ir.Value | Sequence[onnx_ir.Value]"]


@dataclass(frozen=True)
class Parameter:
    """A trained array, found by following an edge to a variable, or one that the network computes from such arrays.

    Attributes:
        name: The variable's name, or the value's.
        stored: What the params file holds; None where the network computes it, or where there are no weights at all.
        hint: The shape that the symbol itself records (``__shape__``); None where it does not.
        dtype: Its element type in the IR.
        value: What the network computes.
    """

    name: str
    stored: Stored | None = None
    hint: tuple[int, ...] | None = None
    dtype: onnx_ir.DataType = onnx_ir.DataType.FLOAT
    value: onnx_ir.Value | None = None

    @property
    def shape(self) -> tuple[ir.Dim, ...] | None:
        """The shape that it is known to have; None if only its use can tell."""
        if self.value is not None:
            return ir.dims(self.value)
        return self.hint if self.stored is None else self.stored.shape

    def tensor(self, name: str, shape: tuple[int, ...]) -> onnx_ir.TensorProtocol:
        """Its elements as a tensor called ``name`` of ``shape``, read when asked for."""
        if self.stored is None:
            return ir.Absent(name, self.dtype, shape)
        return self.stored.tensor(name, shape, self.dtype)


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

    def input_at(self, index: int) -> Input | None:
        """What is declared about input ``index``; None if there is no such input."""
        if index < len(self.inputs):
            return self.inputs[index]
        return self.inputs[-1] if self.variadic else None


_TABLE: dict[str, Callable[[], Operator]] = {}
"""Operators by name; a signature is read when its operator is asked for."""
_REFUSED: dict[str, str] = {}


def parses(*names: str, ignores: Sequence[str] = ()) -> Callable[[Function], Function]:
    """Register the decorated function for the operators ``names``, the current name first.

    Raises:
        ValueError: One of them is registered already.
    """

    def register(function: Function) -> Function:
        operator = cache(partial(_operator, names, function, ignores))
        for name in names:
            if name in _TABLE:
                other = _TABLE[name]().function
                raise ValueError(f"{name} is registered twice: {other.__name__}, {function.__name__}")
        _TABLE.update(dict.fromkeys(names, operator))
        return function

    return register


def refuses(*names: str, because: str) -> None:
    """Put operators on record that cannot be read at all, with the reason for errors and the documentation.

    Args:
        *names: Their names; in one that has an asterisk, it stands for any text.
        because: Why, and what to do instead.

    Raises:
        ValueError: One of them is on record already.
    """
    for name in names:
        if name in _REFUSED:
            raise ValueError(f"{name} is refused twice")
        _REFUSED[name] = because


def reason(name: str) -> str | None:
    """Why the operator ``name`` cannot be read; None if nothing is on record."""
    exact = refused().get(name)
    patterns = (because for pattern, because in refused().items() if fnmatch.fnmatchcase(name, pattern))
    return exact or next(patterns, None)


def refused() -> Mapping[str, str]:
    """Why operators cannot be read, by name; in a name that has an asterisk, it stands for any text."""
    _import_families()
    return types.MappingProxyType(_REFUSED)


def operators() -> list[Operator]:
    """Every operator the frontend reads, by family and name."""
    unique = {operator.names: operator for operator in table().values()}
    return sorted(unique.values(), key=lambda operator: (operator.family, operator.names))


def table() -> Mapping[str, Operator]:
    """Operators by each of their names. A look-up imports the families that may hold the operator, and no others."""
    return _Table()


class _Table(Mapping[str, Operator]):
    """All operators, imported as they are asked for: importing every family takes longer than reading most models."""

    def __getitem__(self, name: str) -> Operator:
        if name not in _TABLE:
            _import_families(naming=name)
        if name not in _TABLE:
            _import_families()
        return _TABLE[name]()

    def __iter__(self) -> Iterator[str]:
        _import_families()
        return iter(_TABLE)

    def __len__(self) -> int:
        _import_families()
        return len(_TABLE)


def _import_families(naming: str = "") -> None:
    """Import the modules of operators; if told so, only those whose text has ``naming`` as a string in it."""
    for module, text in _families().items():
        if f'"{naming}"' in text or not naming:
            importlib.import_module(module)


@cache
def _families() -> Mapping[str, str]:
    """The text of each module of operators."""
    families = importlib.import_module("converter.parsers.mxnet.operators")
    folder = Path(families.__path__[0])
    found = [module.name for module in pkgutil.iter_modules(families.__path__)]
    return {f"{families.__name__}.{name}": (folder / f"{name}.py").read_text(encoding="utf-8") for name in found}


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
