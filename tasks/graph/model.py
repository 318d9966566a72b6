"""The part of the task graph that some tasks need, and where each step stands: what a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from tasks.running.schedule import ordered


@dataclass(frozen=True)
class Node:
    """A step.

    Attributes:
        name: As on the command line.
        state: ``up to date``, ``restored`` (it would be) or ``run`` (it would).
        why: In a line.
        seconds: How long it usually takes; None where that is not known.
    """

    name: str
    state: str
    why: str = ""
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """What it does: ``verify``."""
        return self.name.partition(":")[0]

    @property
    def subject(self) -> str:
        """To what: ``mtcnn-onet-caffe``."""
        return self.name.partition(":")[2]


@dataclass(frozen=True)
class Picture:
    """A graph to be drawn.

    Attributes:
        nodes: Its steps, each behind those that it comes after.
        edges: Pairs of names: the first comes before the second. No pair that others already say.
    """

    nodes: Sequence[Node]
    edges: Sequence[tuple[str, str]]


def picture(
    needs: Mapping[str, Collection[str]],
    selected: Sequence[str],
    is_step: Callable[[str], bool],
    node: Callable[[str], Node],
) -> Picture:
    """The graph of the steps that the tasks ``selected`` need.

    Args:
        needs: What each task comes after.
        selected: Names of tasks.
        is_step: Whether a task is a step; others are left out, and what they come after is drawn.
        node: What is to be said of a step.
    """
    names = [name for name in ordered(selected, lambda name: needs.get(name, ())) if is_step(name)]
    after = {name: [each for each in dict.fromkeys(needs[name]) if is_step(each)] for name in names}
    return Picture([node(name) for name in names], list(_reduced(names, after)))


def _reduced(names: Sequence[str], after: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The edges that no longer chain already says; ``names`` are in order."""
    place = {name: number for number, name in enumerate(names)}
    above: dict[str, set[str]] = {}
    edges = []
    for name in names:
        found: set[str] = set()
        for before in sorted(after[name], key=place.__getitem__, reverse=True):
            if before not in found:
                edges.append((before, name))
                found |= above[before] | {before}
        above[name] = found
    return edges
