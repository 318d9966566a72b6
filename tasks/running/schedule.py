"""Which task comes next.

A task is first *checked*, once those that it always comes after are done: is there anything to run? If there is, it
*runs*, once those are done, too, that it comes after only then. What was asked for last in a conversion is looked at
first, so that nothing above a result that is on record is ever looked at.

Nothing here knows what a task is or does: a :class:`Schedule` is told what ended and says what to start.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from tasks.running.resources import NOTHING, Needs


class Phase(Enum):
    """What is to be done with a task."""

    CHECK = 0
    RUN = 1


class Outcome(Enum):
    """How a task ended."""

    DONE = "done"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Wants:
    """What a task comes after.

    Attributes:
        before: Tasks that are done before it is looked at.
        setup: Tasks that are done before it runs, if it has to.
        needs: What it takes while it runs.
    """

    before: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    needs: Needs = NOTHING


@dataclass(frozen=True)
class Start:
    """Something to do now.

    Attributes:
        task: With which task.
        phase: What.
        because: Tasks that failed or were not run, so that this one cannot be: nothing is to be done, its
            outcome is :attr:`Outcome.NOT_RUN`.
    """

    task: str
    phase: Phase
    because: tuple[str, ...] = ()


Rank = tuple[float, ...]
"""The smaller, the sooner."""


class Schedule:
    """The order of a run.

    Without ``weight`` tasks come depth first, in the order in which they are named. With it, all checks come first,
    and of what is to run that comes first which the longest chain of others waits for.
    """

    def __init__(
        self,
        tasks: Callable[[str], Wants],
        selected: Collection[str],
        room: Needs,
        weight: Callable[[str], float] | None = None,
    ) -> None:
        """Begin.

        Args:
            tasks: What each task wants.
            selected: The tasks that are asked for.
            room: What there is of resources.
            weight: Seconds that a task is expected to run.
        """
        self.outcomes: dict[str, Outcome] = {}
        self._tasks = tasks
        self._all = room
        self._room = room
        self._weight = weight
        self._wants: dict[str, Wants] = {}
        self._phase: dict[str, Phase] = {}
        self._left: dict[str, int] = {}
        self._waiting: dict[str, list[str]] = {}
        self._order: dict[str, tuple[int, int]] = {}
        self._length: dict[str, float] = {}
        self._ready: dict[Needs, list[tuple[Rank, str]]] = {}
        self._rank: dict[str, Rank] = {}
        self._active: set[str] = set()
        self._groups = 0
        self._is_halted = False
        self._request(selected)

    def take(self) -> Start | None:
        """The next thing to start, whose resources are then taken; None where nothing can start now."""
        found = None if self._is_halted else self._first()
        if found is None:
            return None
        needs, task = found
        heapq.heappop(self._ready[needs])
        del self._rank[task]
        self._active.add(task)
        if needs is not NOTHING:
            self._room -= needs
        phase = self._phase[task]
        wants = self._wants[task]
        after = wants.before if phase is Phase.CHECK else ()
        return Start(task, phase, tuple(name for name in after if self.outcomes[name] is not Outcome.DONE))

    def stale(self, task: str) -> None:
        """The check of ``task`` found that it has to run."""
        self._release(task)
        self._phase[task] = Phase.RUN
        setup = self._wants[task].setup
        self._request(setup)
        for name in setup:
            self._lift(name, self._length[task])
        self._await(task, setup)

    def end(self, task: str, outcome: Outcome) -> None:
        """``task`` ended: it had nothing to run, or ran, or failed, or could not be tried."""
        self._release(task)
        self.outcomes[task] = outcome
        for name in self._waiting.pop(task, ()):
            self._left[name] -= 1
            if not self._left[name]:
                self._push(name)

    def halt(self) -> None:
        """Start nothing more."""
        self._is_halted = True

    @property
    def active(self) -> int:
        """How many are started and not ended."""
        return len(self._active)

    @property
    def pending(self) -> list[str]:
        """The tasks that were asked for or are needed, and were not started yet."""
        return [name for name in self._order if name not in self.outcomes and name not in self._active]

    def _request(self, names: Collection[str]) -> None:
        """Have ``names`` done, and what comes before them, sooner than all that was asked for until now."""
        found = list(self._needed(names))
        self._groups += 1
        fresh = []
        for number, name in enumerate(found):
            self._order[name] = (-self._groups, number)
            if name not in self._phase:
                self._phase[name] = Phase.CHECK
                self._length[name] = self._weight(name) if self._weight else 0.0
                fresh.append(name)
            elif name in self._rank:
                self._push(name)
        for name in reversed(fresh):
            for before in self._wants[name].before:
                self._lift(before, self._length[name])
        for name in fresh:
            self._await(name, self._wants[name].before)

    def _needed(self, names: Collection[str]) -> Iterator[str]:
        """``names`` and what comes before them, but for what is done or at work: each behind what it needs."""

        def after(name: str) -> tuple[str, ...]:
            wants = self._known(name)
            return wants.setup if self._phase.get(name) is Phase.RUN else wants.before

        return ordered(names, after, lambda name: name not in self.outcomes and name not in self._active)

    def _known(self, name: str) -> Wants:
        if name not in self._wants:
            self._wants[name] = self._tasks(name)
        return self._wants[name]

    def _await(self, task: str, names: Collection[str]) -> None:
        """Have ``task`` ready once ``names`` have ended."""
        left = [name for name in dict.fromkeys(names) if name not in self.outcomes]
        for name in left:
            self._waiting.setdefault(name, []).append(task)
        self._left[task] = len(left)
        if not left:
            self._push(task)

    def _push(self, task: str) -> None:
        phase = self._phase[task]
        rank: Rank = self._order[task]
        if self._weight:
            rank = (phase.value, -self._length[task], *rank)
        needs = self._wants[task].needs.within(self._all) if phase is Phase.RUN else NOTHING
        self._rank[task] = rank
        heapq.heappush(self._ready.setdefault(needs, []), (rank, task))

    def _first(self) -> tuple[Needs, str] | None:
        """The first task for which there is room. Entries that a later rank has replaced are dropped on the way."""
        first, found = None, None
        for needs, queue in self._ready.items():
            while queue and self._rank.get(queue[0][1]) != queue[0][0]:
                heapq.heappop(queue)
            if queue and (first is None or queue[0] < first) and needs.fits(self._room):
                first, found = queue[0], needs
        return (found, first[1]) if first is not None and found is not None else None

    def _release(self, task: str) -> None:
        self._active.remove(task)
        if self._phase[task] is Phase.RUN:
            self._room += self._wants[task].needs.within(self._all)

    def _lift(self, task: str, below: float) -> None:
        """``task`` comes before something that the rest of the run waits ``below`` seconds for."""
        todo = [(task, below)]
        while todo and self._weight:
            name, behind = todo.pop()
            length = self._weight(name) + behind
            if name in self.outcomes or length <= self._length[name]:
                continue
            self._length[name] = length
            if name in self._rank:
                self._push(name)
            wants = self._wants[name]
            todo += [(before, length) for before in wants.before if before in self._length]
            if self._phase[name] is Phase.RUN:
                todo += [(before, length) for before in wants.setup if before in self._length]


def ordered(
    names: Collection[str], after: Callable[[str], Collection[str]], is_asked: Callable[[str], bool] = lambda _: True
) -> Iterator[str]:
    """``names`` and what they come ``after``, depth first: each once, behind what it comes after."""
    seen: set[str] = set()
    todo = [(name, False) for name in reversed(list(names))]
    while todo:
        name, is_behind = todo.pop()
        if is_behind:
            yield name
        elif name not in seen and is_asked(name):
            seen.add(name)
            todo.append((name, True))
            todo += [(before, False) for before in reversed(list(after(name)))]
