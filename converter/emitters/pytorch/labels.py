"""What a class calls the modules and tensors of its items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from converter.emitters.names import Names, identifier
from converter.emitters.python import literal
from converter.emitters.pytorch import naming
from converter.emitters.pytorch.blocks import Block, Item, words_of
from converter.emitters.pytorch.literals import Columns, Path
from converter.emitters.statement import Statement, identity


def attributes(
    blocks: Sequence[Block], found: Columns, class_names: Mapping[Block, str], *, is_main: bool
) -> tuple[tuple[str | None, ...], dict[tuple[int, str], str]]:
    """The attribute that holds the module of each item, or None, and that for each tensor of an item.

    Items that call the same module share an attribute, and so do those whose modules have no weights and are made
    alike. An attribute is called what the source calls it, if all instances agree, otherwise what is usual.

    Args:
        blocks: The instances of a class.
        found: Their literals.
        class_names: The classes of the blocks that they are made of.
        is_main: Whether the class is the network.
    """
    body = blocks[0]
    usual = [_usual_label(item, class_names) for item in body.items]
    labels = [told or label for told, label in zip(_told_labels(blocks, is_main=is_main), usual, strict=True)]
    owners = _owners(body, found)
    sharing = Counter(owners)
    labels = [usual[index] if sharing[index] > 1 else label for index, label in enumerate(labels)]
    uses = Counter(labels[owner] for owner in dict.fromkeys(owners) if owner is not None)
    names, numbers = Names(*naming.RESERVED), Counter[str]()
    given: dict[int | None, str | None] = {None: None}
    for owner in owners:
        if owner is not None and owner not in given:
            label = labels[owner]
            numbers[label] += 1
            given[owner] = names.take(f"{label}{numbers[label]}" if uses[label] > 1 else label)
    tensors = {
        (index, key): names.take(identifier(f"{labels[index]}_{key}"))
        for index, item in enumerate(body.items)
        if isinstance(item, Statement)
        for key in item.tensors
    }
    return tuple(given[owner] for owner in owners), tensors


def _owners(body: Block, found: Columns) -> list[int | None]:
    """For each item the first one that has the same module: the very same weights, or none and the same literals."""
    literals: dict[int, dict[Path, tuple[str, ...]]] = {}
    for path, column in found.items():
        literals.setdefault(int(path[0]), {})[path[1:]] = tuple(map(literal, column))
    first: dict[Any, int] = {}
    owners: list[int | None] = []
    for index, item in enumerate(body.items):
        if isinstance(item, Block):
            owners.append(index)
        elif item.module is None:
            owners.append(None)
        elif item.module.state:
            owners.append(first.setdefault(identity(item.module), index))
        else:
            made = {path: texts for path, texts in literals.get(index, {}).items() if path[0] == "module"}
            owners.append(first.setdefault((item.module.type, tuple(sorted(made.items(), key=str))), index))
    return owners


def _told_labels(blocks: Sequence[Block], *, is_main: bool) -> list[str]:
    """What the source calls the items, without what the whole block is called; nothing where it does not tell."""
    labels = [_tails(part) for part in blocks]
    first = labels[0]
    told = all(other == first for other in labels)
    if told and (is_main or (all(first) and _is_telling(first, blocks[0]))):
        return first
    return [""] * len(first)


def _tails(part: Block) -> list[str]:
    found = [words_of(item) for item in part.items]
    common = naming.shared(name for name in found if len(name) > 1)
    roles = [item.role if isinstance(item, Block) else "" for item in part.items]
    tails = [
        (role,) if role else name[len(common) :] if name[: len(common)] == common else name
        for name, role in zip(found, roles, strict=True)
    ]
    return [naming.attribute(tail[-2:]) if tail else "" for tail in tails]


def _is_telling(labels: Iterable[str], part: Block) -> bool:
    """Whether an author has thought of ``labels``, rather than a framework."""
    plain = [label for label, item in zip(labels, part.items, strict=True) if isinstance(item, Statement)]
    return any(naming.stem(label).lower() not in naming.AUTOMATIC for label in plain)


def _usual_label(item: Item, class_names: Mapping[Block, str]) -> str:
    if isinstance(item, Statement):
        return naming.by_type(item.module.type) if item.module is not None else identifier(naming.stem(item.name))
    return item.role or ("layers" if item.sequential else naming.snake(class_names[item]))
