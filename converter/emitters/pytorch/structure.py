"""Finds the blocks that a network is made of.

A fork of branches that join again (a residual unit, a Fire or Inception module, squeeze and excitation) is a block,
together with what always stands before or behind it. So is what the source gives a name of its own, more than once.
What runs one after the other under one name is an ``nn.Sequential``. Where convolution, normalization and activation
follow each other often, these are a block too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import onnx_ir

from converter.emitters.pytorch import naming, units
from converter.emitters.pytorch.blocks import Block, Item, is_chain, statements, words_of
from converter.emitters.pytorch.regions import Element, Fork, Uses, reduce
from converter.emitters.pytorch.signature import Structure
from converter.emitters.statement import Statement

_SMALL = 4
"""Forks of fewer statements are no blocks, and neither are chains that occur once."""
_BEFORE = 4
"""Most statements that a block takes over from before a fork."""
_REPEATED = 3
"""How long a chain has to be, and how often it has to occur, to be a block."""
_INPUTS = 3
"""Most inputs of a block."""
_LONG = 14
"""A chain of more modules is divided into features and classifier."""
_HEADS = ("Flatten", "Adaptive", "Dropout", "Linear")
"""Modules that a classifier begins with."""


def structure(parts: Sequence[Statement], graph: onnx_ir.Graph) -> Block:
    """The network as a block of blocks."""
    kept, outputs = _without_aliases(parts, graph.outputs)
    return _Builder(kept, outputs).network(kept, tuple(graph.inputs))


def _without_aliases(
    parts: Iterable[Statement], outputs: Iterable[onnx_ir.Value]
) -> tuple[list[Statement], tuple[onnx_ir.Value, ...]]:
    """The statements that compute something that is read, reading what those that do not stand for."""
    same: dict[onnx_ir.Value, onnx_ir.Value] = {}
    kept = []
    for part in parts:
        read = replace(part, inputs=tuple(same.get(value, value) for value in part.inputs))
        if read.expression == "{0}" and len(read.outputs) == 1:
            same[read.outputs[0]] = read.inputs[0]
        else:
            kept.append(read)
    results = tuple(same.get(value, value) for value in outputs)
    return _live(kept, results), results


def _live(parts: Sequence[Statement], outputs: Iterable[onnx_ir.Value]) -> list[Statement]:
    """The statements of which something is read."""
    wanted, live = set(outputs), []
    for part in reversed(parts):
        if not wanted.isdisjoint(part.outputs):
            live.append(part)
            wanted.update(part.inputs)
    return live[::-1]


class _Builder:
    """Makes blocks of one network."""

    def __init__(self, parts: Sequence[Statement], outputs: tuple[onnx_ir.Value, ...]) -> None:
        self._outputs = outputs
        self._uses = Uses(parts, outputs)
        self._structure = Structure()

    def network(self, parts: Sequence[Statement], inputs: tuple[onnx_ir.Value, ...]) -> Block:
        chains = [self._chain(chain) for chain in reduce(parts, self._uses)]
        items = [item for chain in self._with_repeated(chains) for item in chain]
        root = Block(tuple(self._grouped(items)), inputs, self._outputs)
        root = units.grouped(replace(root, items=tuple(self._with_runs(root.items))))
        return replace(root, items=tuple(self._divided(root.items)))

    def _block(self, items: Sequence[Item], role: str = "", *, sequential: bool = False) -> Block:
        """The block of ``items``, with all values that are used elsewhere as outputs."""
        parts = [part for item in items for part in statements(item)]
        reads = Counter(value for part in parts for value in set(part.inputs))
        made = {value: None for item in items for value in item.outputs}
        inputs = dict.fromkeys(value for item in items for value in item.inputs if value not in made)
        outputs = tuple(value for value in made if not self._uses.covered([value], reads))
        return Block(tuple(items), tuple(inputs), outputs, _shared_words(items), role, sequential)

    # --- forks

    def _chain(self, elements: Sequence[Element]) -> list[Item]:
        """The items of a chain: statements, and blocks of forks."""
        items: list[Item] = []
        for element in elements:
            items += self._fork(element) if isinstance(element, Fork) else [element]
        return self._with_neighbours(items)

    def _fork(self, fork: Fork) -> list[Item]:
        """A fork as a block, or if it is small its statements."""
        branches = [self._chain(branch) for branch in fork.branches]
        if _is_sum(fork.join):
            branches.sort(key=len, reverse=True)
        many = len(branches) > 2
        items: list[Item] = []
        for number, branch in enumerate(branches):
            role = "branch" if many else "shortcut" if number and _is_sum(fork.join) else ""
            items += self._branch(branch, role)
        items.append(fork.join)
        if sum(1 for item in items for _ in statements(item)) < _SMALL:
            return items
        return [self._block(items)]

    def _branch(self, items: list[Item], role: str) -> list[Item]:
        if role and len(items) > 1 and is_chain(items):
            return [self._block(items, role, sequential=True)]
        return items

    def _with_neighbours(self, items: list[Item]) -> list[Item]:
        """Extend the blocks that occur more than once by what each time stands before and behind them."""
        places: dict[int, list[int]] = {}
        for index, item in enumerate(items):
            if isinstance(item, Block):
                places.setdefault(self._structure.of(item), []).append(index)
        behind, before = [0] * len(items), [0] * len(items)
        for found in places.values():
            if len(found) > 1:
                count = self._common(items, found, behind, 1)
                for index in found:
                    behind[index] = count
        for found in places.values():
            if len(found) > 1:
                count = self._common(items, found, behind, -1)
                for index in found:
                    before[index] = count
        return list(self._extended(items, before, behind))

    def _common(self, items: Sequence[Item], found: Sequence[int], behind: Sequence[int], step: int) -> int:
        """How many statements behind, or before, all blocks at ``found`` are alike."""
        count = 0
        while count < (_BEFORE if step < 0 else 1):
            places = [index + step * (count + 1) for index in found]
            if not all(0 <= place < len(items) for place in places):
                break
            parts = [items[place] for place in places]
            if (
                any(isinstance(part, Block) for part in parts)
                or len({self._structure.of(part) for part in parts}) > 1
            ):
                break
            if step > 0 and not all(
                _is_sum_block(items[index]) and _is_activation(items[index + 1]) for index in found
            ):
                break
            if step < 0 and any(place and behind[place - 1] for place in places):
                break
            if any(not _same_scope(items[place], items[index]) for place, index in zip(places, found, strict=True)):
                break
            count += 1
        return count

    def _extended(self, items: Sequence[Item], before: Sequence[int], behind: Sequence[int]) -> Iterator[Item]:
        index = 0
        while index < len(items):
            next_block = next((i for i in range(index, len(items)) if isinstance(items[i], Block)), len(items))
            if next_block == len(items):
                yield from items[index:]
                return
            start, end = next_block - before[next_block], next_block + 1 + behind[next_block]
            yield from items[index:start]
            yield self._opened(items[start:end]) if end - start > 1 else items[next_block]
            index = end

    def _opened(self, items: Iterable[Item]) -> Block:
        """The block of ``items`` and of what is in the block among them."""
        return self._block([part for item in items for part in (item.items if isinstance(item, Block) else (item,))])

    # --- names

    def _grouped(self, items: Sequence[Item]) -> list[Item]:
        """Put what the source has under one name into a block of its own."""
        depth = len(_shared_words(items))
        runs = _runs([_word(item, depth) for item in items])
        if len(runs) < 2:
            return list(items)
        candidates: list[tuple[list[Item], Block | None]] = []
        for word, start, end in runs:
            part = list(items[start:end])
            made = None
            if word is not None and end - start > 1:
                part = self._grouped(part)
                made = self._group(part)
            candidates.append((part, made))
        counts = Counter(self._structure.of(made) for _, made in candidates if made is not None)
        result: list[Item] = []
        for part, made in candidates:
            if made is not None and (made.sequential or counts[self._structure.of(made)] > 1):
                result.append(made)
            elif made is not None and is_chain(part) and len(part) >= _SMALL:
                result.append(replace(made, sequential=True))
            else:
                result += part
        return result

    def _group(self, items: list[Item]) -> Block | None:
        made = self._block(items)
        if len(made.outputs) != 1 or len(made.inputs) > _INPUTS:
            return None
        mostly_blocks = 2 * sum(isinstance(item, Block) for item in items) >= len(items)
        return replace(made, sequential=True) if mostly_blocks and is_chain(items) else made

    # --- long chains

    def _with_runs(self, items: Sequence[Item]) -> Iterator[Item]:
        """Put the same statements between blocks, time and again, into blocks too."""
        runs = _stretches(items)
        counts = Counter(self._run_key(items[start:end]) for start, end in runs)
        for start, end in runs:
            part = items[start:end]
            if counts[self._run_key(part)] > 1 and len(part) > 2 and is_chain(part):
                yield self._block(part)
            else:
                yield from part

    def _with_repeated(self, chains: Sequence[list[Item]]) -> Iterator[list[Item]]:
        """Put chains that occur time and again, in a network that is more than one chain, into blocks."""
        if len(chains) <= _REPEATED:
            yield from chains
            return
        counts = Counter(map(self._run_key, chains))
        for chain in chains:
            repeated = counts[self._run_key(chain)] >= _REPEATED and len(chain) >= _REPEATED and is_chain(chain)
            yield [self._block(chain)] if repeated else chain

    def _run_key(self, part: Sequence[Item]) -> tuple[Any, ...]:
        return tuple(self._structure.of(item) for item in part)

    def _divided(self, items: Sequence[Item]) -> list[Item]:
        """A long chain as its features, and from where the image is averaged or made flat its classifier."""
        named = any(isinstance(item, Block) and item.sequential for item in items)
        if named or len(items) <= _LONG or not is_chain(items):
            return list(items)
        blocks = [index for index, item in enumerate(items) if isinstance(item, Block)]
        start = blocks[-1] + 1 if blocks else 0
        cut = next((i for i in range(start, len(items)) if units.type_of(items[i]).startswith(_HEADS)), len(items))
        parts = ((items[:cut], "features"), (items[cut:], "classifier"))
        return [
            item
            for part, role in parts
            for item in ([self._block(part, role, sequential=True)] if len(part) > 1 else part)
        ]


def _stretches(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Where statements follow each other, and where blocks are, one by one."""
    runs: list[tuple[int, int]] = []
    for index, item in enumerate(items):
        alone = isinstance(item, Block) or not index or isinstance(items[index - 1], Block)
        runs.append((index, index + 1) if alone else (runs.pop()[0], index + 1))
    return runs


def _is_sum(statement: Item) -> bool:
    return isinstance(statement, Statement) and statement.expression == "{0} + {1}"


def _is_sum_block(item: Item) -> bool:
    return isinstance(item, Block) and _is_sum(item.items[-1])


def _is_activation(item: Item) -> bool:
    return isinstance(item, Statement) and units.is_activation(item)


def _same_scope(statement: Item, block: Item) -> bool:
    """Whether the source does not have ``statement`` somewhere else than ``block``."""
    words, scope = words_of(statement), words_of(block)
    return len(words) < 2 or words[: len(scope)] == scope


def _shared_words(items: Iterable[Item]) -> tuple[str, ...]:
    named = [words_of(item) for item in items]
    telling = [words if isinstance(item, Block) else words[:-1] for item, words in zip(items, named, strict=True)]
    return naming.shared(words for words in telling if words)


def _word(item: Item, depth: int) -> str | None:
    """The name of the part of the network that ``item`` is in, ``depth`` levels down."""
    words = words_of(item)
    inner = len(words) > depth + (0 if isinstance(item, Block) else 1)
    return words[depth] if inner else "" if len(words) < 2 and not isinstance(item, Block) else None


def _runs(labels: Sequence[str | None]) -> list[tuple[str | None, int, int]]:
    """Stretches of the same word. An empty word, of a name that tells nothing, goes with those around it."""
    runs: list[tuple[str | None, int, int]] = []
    for index, label in enumerate(labels):
        if label is not None and runs and runs[-1][0] == label:
            runs[-1] = (label, runs[-1][1], index + 1)
        else:
            runs.append((label, index, index + 1))
    merged: list[tuple[str | None, int, int]] = []
    for run in runs:
        if len(merged) > 1 and run[0] and merged[-1][0] == "" and merged[-2][0] == run[0]:
            merged.pop()
            merged[-1] = (run[0], merged[-1][1], run[2])
        else:
            merged.append(run)
    return [(label or None, start, end) for label, start, end in merged]
