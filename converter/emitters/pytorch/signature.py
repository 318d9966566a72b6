"""What pieces of code have in common: statements and blocks of the same structure can be one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from converter.emitters.python import Code
from converter.emitters.pytorch.blocks import Block, Item
from converter.emitters.statement import State, Statement, Submodule, identity

Key = tuple[Any, ...]

_CONV = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
_AVERAGE = {"padding": 0, "ceil_mode": False, "count_include_pad": True}
_USUAL: Mapping[str, Mapping[str, Any]] = {
    "Conv": _CONV,
    "ConvTranspose": {**_CONV, "output_padding": 0},
    "BatchNorm": {"eps": 1e-5, "momentum": 0.1},
    "MaxPool": {"padding": 0, "dilation": 1, "ceil_mode": False},
    "AvgPool": _AVERAGE,
}
DEFAULTS = {f"nn.{name}{rank}d": defaults for name, defaults in _USUAL.items() for rank in (1, 2, 3)}
"""Defaults of keyword arguments: uses of a module that give them and uses that do not are of the same structure."""


class Structure:
    """Gives blocks of the same structure the same number."""

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._known: dict[Item, Key | int] = {}

    def of(self, item: Item) -> Any:
        """What ``item`` has in common with all items that the same code can stand for."""
        if isinstance(item, Statement):
            return _statement_key(item)
        if item not in self._known:
            key = ("sequential" if item.sequential else "block", *self._parts(item))
            self._known[item] = self._numbers.setdefault(key, len(self._numbers))
        return self._known[item]

    def _parts(self, item: Block) -> Iterator[Any]:
        numbers = {value: number for number, value in enumerate(item.inputs)}
        shared: dict[str, int] = {}
        for index, part in enumerate(item.items):
            yield (self.of(part), tuple(numbers[value] for value in part.inputs), _twin(part, index, shared))
            for value in part.outputs:
                numbers[value] = len(numbers)
        yield tuple(numbers[value] for value in item.outputs)


def _statement_key(statement: Statement) -> Key:
    return (
        statement.expression,
        tuple((name, str(value) if _has_code(value) else "") for name, value in sorted(statement.arguments.items())),
        _module_key(statement.module),
        tuple((name, *_state_key(state)) for name, state in statement.tensors.items()),
        statement.library,
        len(statement.inputs),
        len(statement.outputs),
    )


def _module_key(module: Submodule | None) -> Key | None:
    if module is None:
        return None
    optional = DEFAULTS.get(module.type, {})
    return (
        module.type,
        len(module.positional),
        tuple(sorted(set(module.keywords) - set(optional))),
        tuple((name, *_state_key(state)) for name, state in module.state.items()),
    )


def _has_code(value: Any) -> bool:
    """Whether ``value`` is an expression or holds one, which cannot be handed on as a number can."""
    return isinstance(value, Code) or (isinstance(value, tuple | list) and any(map(_has_code, value)))


def _state_key(state: State) -> Key:
    return (len(state.shape), state.dtype, state.trained)


def _twin(item: Item, index: int, shared: dict[str, int]) -> int:
    """The number of the first item whose module, weights included, is the one of ``item``."""
    if isinstance(item, Block) or item.module is None or not item.module.state:
        return index
    return shared.setdefault(identity(item.module), index)
