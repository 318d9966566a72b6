"""Convolution, normalization and activation as one block, where that makes a network easier to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from converter.emitters.pytorch.blocks import Block, Item, is_link
from converter.emitters.pytorch.signature import Structure
from converter.emitters.statement import Statement

_NAMES = """
CELU ELU GELU Hardsigmoid Hardswish Hardtanh LeakyReLU Mish PReLU ReLU ReLU6 SELU SiLU Softplus Tanh
"""
_ACTIVATIONS = frozenset(_NAMES.split())
_SHORT = 14
"""A class of at most so many statements is left as it is, unless it is one of several branches."""
_WORTH = {2: 8, 3: 5}
"""How often a unit of so many statements has to occur."""


def type_of(item: Item) -> str:
    """The class of the module that a statement calls, without ``nn.``; or nothing."""
    return item.module.type.removeprefix("nn.") if isinstance(item, Statement) and item.module is not None else ""


def is_activation(item: Item) -> bool:
    """Whether ``item`` calls a module that is an activation."""
    return type_of(item) in _ACTIVATIONS


def grouped(root: Block) -> Block:
    """``root`` with units where they occur often enough, in classes that are not short without."""
    counts: Counter[Any] = Counter()
    structure, seen = Structure(), set()
    for part in _long_classes(root, root):
        number = structure.of(part)
        if number not in seen:
            seen.add(number)
            for run in _runs_within(part, part is root):
                counts[tuple(structure.of(item) for item in run)] += 1
    worth = {key for key, count in counts.items() if count >= _WORTH[len(key)]}
    return _rewritten(root, worth, structure, is_root=True) if worth else root


def _long_classes(part: Block, root: Block) -> Iterator[Block]:
    if not part.sequential and (part is root or not _is_short(part)):
        yield part
    for item in part.items:
        if isinstance(item, Block):
            yield from _long_classes(item, root)


def _is_short(part: Block) -> bool:
    count = sum(len(item.items) if isinstance(item, Block) and item.sequential else 1 for item in part.items)
    join = part.items[-1]
    branches = isinstance(join, Statement) and "torch.cat" in join.expression and part.inputs[0] not in join.inputs
    return count <= _SHORT and not branches


def _runs_within(part: Block, is_root: bool) -> Iterator[tuple[Statement, ...]]:
    for _, run in _runs(part.items):
        if len(run) > 2 or not is_root:
            yield run
    for item in part.items:
        if isinstance(item, Block) and item.sequential:
            yield from _runs_within(item, is_root)


def _runs(items: Sequence[Item]) -> Iterator[tuple[int, tuple[Statement, ...]]]:
    """Convolutions with the normalization and activation that follow them, and where they begin."""
    index = 0
    while index < len(items):
        run = _run(items, index)
        if len(run) > 1:
            yield index, run
        index += max(len(run), 1)


def _run(items: Sequence[Item], index: int) -> tuple[Statement, ...]:
    run: list[Statement] = []
    for wanted in (_is_convolution, _is_normalization, is_activation):
        item = items[index] if index < len(items) else None
        if (
            isinstance(item, Statement)
            and wanted(item)
            and is_link(item)
            and (not run or _follows(item, run[-1], items))
        ):
            run.append(item)
            index += 1
        elif not run:
            return ()
    return tuple(run)


def _follows(item: Statement, before: Statement, items: Sequence[Item]) -> bool:
    readers = sum(before.outputs[0] in other.inputs for other in items)
    return item.inputs == before.outputs and readers == 1


def _is_convolution(item: Item) -> bool:
    return type_of(item).startswith("Conv")


def _is_normalization(item: Item) -> bool:
    return type_of(item).startswith(("BatchNorm", "InstanceNorm", "GroupNorm"))


def _rewritten(part: Block, worth: set[Any], structure: Structure, *, is_root: bool = False) -> Block:
    wanted = worth if is_root or part.sequential or not _is_short(part) else set()
    units = {start: run for start, run in _runs(part.items) if tuple(structure.of(item) for item in run) in wanted}
    items: list[Item] = []
    index = 0
    while index < len(part.items):
        if index in units:
            items.append(_unit(units[index]))
            index += len(units[index])
            continue
        item = part.items[index]
        if isinstance(item, Block):
            inner = worth if not item.sequential else wanted
            item = _unwrapped(_rewritten(item, inner, structure))
        items.append(item)
        index += 1
    return replace(part, items=tuple(items))


def _unit(run: Sequence[Statement]) -> Block:
    return Block(tuple(run), run[0].inputs, run[-1].outputs, role="conv")


def _unwrapped(part: Block) -> Block:
    if part.sequential and len(part.items) == 1 and isinstance(part.items[0], Block):
        return replace(part.items[0], role=part.role, words=part.words)
    return part
