"""Series and parallel parts of a network: chains of statements, and forks whose branches join again.

A chain is a list of elements, each of which alone reads what the one before it computes. A fork is an element: its
branches, chains themselves, read the same values, and its join alone reads what they compute. What is neither remains
a chain of one statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import onnx_ir

from converter.emitters.statement import Statement


@dataclass(frozen=True)
class Fork:
    """Branches that read the same values, and the statement that joins them."""

    branches: tuple[tuple[Element, ...], ...]
    join: Statement

    @property
    def outputs(self) -> tuple[onnx_ir.Value, ...]:
        """What the join computes."""
        return self.join.outputs


Element = Statement | Fork


@dataclass
class _Chain:
    """A chain that may still grow at its end."""

    elements: list[Element]
    reads: Counter[onnx_ir.Value]
    last: int
    outputs: tuple[onnx_ir.Value, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.outputs = self.elements[-1].outputs

    def append(self, other: _Chain) -> None:
        self.elements += other.elements
        self.last, self.outputs = other.last, other.outputs


class Uses:
    """How often each value is read: once a statement, and once more where it is an output of the network."""

    def __init__(self, statements: Iterable[Statement], kept: Iterable[onnx_ir.Value]) -> None:
        self._counts = Counter(kept)
        for statement in statements:
            self._counts.update(set(statement.inputs))

    def covered(self, values: Iterable[onnx_ir.Value], reads: Counter[onnx_ir.Value]) -> bool:
        """Whether ``reads`` are all uses of ``values``."""
        return all(self._counts[value] == reads[value] for value in values)


def reduce(statements: Sequence[Statement], uses: Uses) -> list[tuple[Element, ...]]:
    """``statements`` as chains, in an order in which they can run."""
    chains: dict[onnx_ir.Value, _Chain] = {}
    found: dict[int, _Chain] = {}
    for index, statement in enumerate(statements):
        chain = _joined(statement, index, chains, uses, found)
        before = _predecessor(chain, chains, uses)
        if before is not None:
            del found[before.last]
            before.append(chain)
            chain = before
        found[index] = chain
        chains.update(dict.fromkeys(statement.outputs, chain))
    return [tuple(chain.elements) for _, chain in sorted(found.items())]


def _predecessor(chain: _Chain, chains: dict[onnx_ir.Value, _Chain], uses: Uses) -> _Chain | None:
    """The chain that ends where ``chain`` begins, and nowhere else does anything begin."""
    before = {id(chains[value]): chains[value] for value in chain.reads if value in chains}
    if len(before) != 1 or any(value not in chains for value in chain.reads):
        return None
    (candidate,) = before.values()
    return candidate if uses.covered(candidate.outputs, chain.reads) else None


def _joined(
    statement: Statement, index: int, chains: dict[onnx_ir.Value, _Chain], uses: Uses, found: dict[int, _Chain]
) -> _Chain:
    """``statement`` as a chain, with the branches that it joins, if it does."""
    inputs = Counter(set(statement.inputs))
    branches = {
        chain.last: chain for value in inputs if (chain := chains.get(value)) and uses.covered(chain.outputs, inputs)
    }
    direct = Counter(
        {value: 1 for value in inputs if (chain := chains.get(value)) is None or chain.last not in branches}
    )
    reads = direct + sum((branch.reads for branch in branches.values()), Counter())
    if len(inputs) < 2 or not branches or not _one_source(reads, chains):
        return _Chain([statement], inputs, index)
    if len(branches) == 1 and not direct:
        return _Chain([statement], inputs, index)
    for last in branches:
        del found[last]
    ordered = tuple(tuple(branch.elements) for _, branch in sorted(branches.items()))
    return _Chain([Fork(ordered, statement)], reads, index)


def _one_source(reads: Counter[onnx_ir.Value], chains: dict[onnx_ir.Value, _Chain]) -> bool:
    return len(reads) == 1 or len({id(chains.get(value)) for value in reads} - {id(None)}) == 1


def statements_of(elements: Iterable[Element]) -> Iterator[Statement]:
    """All statements of ``elements`` in an order in which they can run."""
    for element in elements:
        if isinstance(element, Fork):
            for branch in element.branches:
                yield from statements_of(branch)
            yield element.join
        else:
            yield element
