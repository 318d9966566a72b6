"""Statements grouped into blocks: what becomes a module of its own in the generated code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import onnx_ir

from converter.emitters.pytorch import naming
from converter.emitters.statement import Statement

_MODULE_CALL = re.compile(r"\{module\}\((?:\{\d+\}(?:, )?)*\)")


@dataclass(frozen=True, eq=False)
class Block:
    """Statements that follow each other, as one module.

    Attributes:
        items: What it runs, in order.
        inputs: The values that it is called with.
        outputs: The values that it returns.
        words: What the names of all its nodes begin with, word by word.
        role: What it is to the block that it is part of, where the source does not tell: ``branch``, ``shortcut``.
        sequential: Whether it is an ``nn.Sequential`` rather than a class of its own.
    """

    items: tuple[Item, ...]
    inputs: tuple[onnx_ir.Value, ...]
    outputs: tuple[onnx_ir.Value, ...]
    words: tuple[str, ...] = ()
    role: str = ""
    sequential: bool = False


Item = Statement | Block


def statements(item: Item) -> Iterator[Statement]:
    """All statements of ``item``, in the order in which they run."""
    if isinstance(item, Statement):
        yield item
    else:
        for part in item.items:
            yield from statements(part)


def words_of(item: Item) -> tuple[str, ...]:
    """The words of the name that ``item`` has in the source."""
    return item.words if isinstance(item, Block) else naming.words(item.name)


def is_module_call(item: Item) -> bool:
    """Whether ``item`` is a module called with values and nothing else: its value is what the module returns."""
    if isinstance(item, Statement):
        return item.module is not None and len(item.outputs) == 1 and bool(_MODULE_CALL.fullmatch(item.expression))
    return len(item.outputs) == 1


def is_link(item: Item) -> bool:
    """Whether ``item`` can be part of an ``nn.Sequential``: a module of one input and one output."""
    return is_module_call(item) and len(item.inputs) == 1


def is_chain(items: Sequence[Item]) -> bool:
    """Whether each of ``items`` is a link that reads what the one before it computes."""
    pairs = pairwise(items)
    return all(map(is_link, items)) and all(next_.inputs == item.outputs for item, next_ in pairs)
