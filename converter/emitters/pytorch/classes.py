"""Blocks of the same structure as one class, whose constructor takes the literals in which they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from converter.emitters.names import Names, identifier
from converter.emitters.python import Code
from converter.emitters.pytorch import kinds, naming
from converter.emitters.pytorch.blocks import Block, Item
from converter.emitters.pytorch.labels import attributes
from converter.emitters.pytorch.literals import Columns, Parameter, Path, columns, differs, parameters
from converter.emitters.pytorch.signature import Structure


@dataclass(frozen=True, eq=False)
class Class:
    """A class of the generated code.

    Attributes:
        name: Its name.
        instances: The blocks that it stands for, in the order in which they run.
        parameters: Of its constructor.
        arguments: What stands at each place of a literal: the literal, or an expression of parameters.
        attributes: For each item the attribute that holds its module; None if it has none.
        tensors: The attribute for each tensor of an item that is called by its name in the item's expression.
        stored: The attribute for each expression of parameters that ``forward`` needs.
    """

    name: str
    instances: tuple[Block, ...]
    parameters: tuple[Parameter, ...]
    arguments: Mapping[Path, Any]
    attributes: tuple[str | None, ...]
    tensors: Mapping[tuple[int, str], str]
    stored: Mapping[Code, str]

    @property
    def body(self) -> Block:
        """The first of its instances."""
        return self.instances[0]


@dataclass
class Classes:
    """All classes of a network.

    Attributes:
        taken: Names of functions that they call.
        order: The classes, each after those that it is made of; the network's own is the last.
        of: The class of each block that is not sequential.
        values: For each block what it gives for its class's parameters, by their names.
    """

    taken: frozenset[str]
    order: list[Class] = field(default_factory=list)
    of: dict[Block, Class] = field(default_factory=dict)
    values: dict[Block, dict[str, Any]] = field(default_factory=dict)


def classify(root: Block, name: str, taken: Iterable[str] = ()) -> Classes:
    """The classes that ``root`` is made of.

    Args:
        root: The whole network.
        name: What its class is called.
        taken: Names that no class can have, and no variable.
    """
    structure, result = Structure(), Classes(frozenset(taken))
    groups: dict[int, list[Block]] = {}
    for part in _blocks(root):
        groups.setdefault(structure.of(part), []).append(part)
    names = Names(*naming.GLOBALS, *taken, separator="")
    main = names.take(name)
    stems = _stems(root, groups.values())
    for blocks, stem in zip(groups.values(), stems, strict=True):
        is_main = root in blocks
        chosen = main if is_main else names.take(_class_name(blocks[0], stem, stems.count(stem) > 1))
        made = _class(chosen, blocks, result, is_main=is_main)
        result.order.append(made)
        for index, part in enumerate(blocks):
            result.of[part] = made
            result.values[part] = {parameter.name: parameter.values[index] for parameter in made.parameters}
    return result


def _blocks(item: Item) -> Iterator[Block]:
    """The blocks that become classes, innermost first, each level in the order in which they run."""
    if isinstance(item, Block):
        for part in item.items:
            yield from _blocks(part)
        if not item.sequential:
            yield item


def _class(name: str, blocks: Sequence[Block], classes: Classes, *, is_main: bool) -> Class:
    found = columns(blocks, classes.values)
    class_names = {part: made.name for part, made in classes.of.items()}
    given, tensors = attributes(blocks, found, class_names, is_main=is_main)
    taken, arguments = parameters(blocks[0], found, given)
    names = Names(*naming.RESERVED, *filter(None, given), *tensors.values())
    stored = _stored(found, arguments, names)
    return Class(name, tuple(blocks), taken, arguments, given, tensors, stored)


def _stored(found: Columns, arguments: Mapping[Path, Any], names: Names) -> dict[Code, str]:
    """The attribute for each expression of parameters that stands in a statement rather than in a constructor."""
    stored: dict[Code, str] = {}
    for path, column in found.items():
        if path[1] == "argument" and differs(column) and arguments[path] not in stored:
            stored[arguments[path]] = names.take(identifier(str(path[-1])))
    return stored


# --- names of classes


def _stems(root: Block, groups: Iterable[Sequence[Block]]) -> list[str]:
    """For each of ``groups`` the word that the source calls its blocks by, or nothing."""
    owners = list(_owners_of_words(root, ()))
    shared = Counter(part.words for part in owners)
    told = {part: naming.stem(part.words[-1]) for part in owners if shared[part.words] == 1}
    return [_common([told.get(part, "") for part in blocks]) for blocks in groups]


def _common(stems: Sequence[str]) -> str:
    return stems[0] if len(set(stems)) == 1 and stems[0].lower() not in naming.AUTOMATIC | naming.GENERIC else ""


def _owners_of_words(item: Item, scope: tuple[str, ...]) -> Iterator[Block]:
    """The blocks that are not part of a block of the same words."""
    if isinstance(item, Block):
        if item.words and item.words != scope and not item.sequential:
            yield item
        for part in item.items:
            yield from _owners_of_words(part, scope if item.sequential else item.words)


def _class_name(block: Block, stem: str, ambiguous: bool) -> str:
    """What the source calls ``block`` by the word ``stem``; if it does not, what it is."""
    usual, _ = kinds.kind(block)
    if len(stem) > 2:
        name = naming.camel([naming.compound(stem)]) or usual
        return f"{kinds.prefix(block)}{name}" if ambiguous else name
    return f"{usual}{stem.upper()}" if stem.isalpha() else usual
