"""The course of a run: which steps there are, what became of each, and where every conversion stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CONVERT = "convert:"
"""What the name of a task that stands for a whole conversion begins with."""

WAITING, FAILED, NOT_RUN = "waiting", "failed", "not run"
"""Stages of a conversion besides the kinds of its steps and, at its end, its verdict."""

_CACHED = ("restored", "up to date")


class Pair(NamedTuple):
    """A conversion: a model and a target."""

    model: str
    target: str

    @staticmethod
    def of(task: str) -> Pair:
        """The conversion that ``convert:<model>-<target>`` or a step of it is of; targets have no hyphen."""
        model, _, target = task.partition(":")[2].rpartition("-")
        return Pair(model, target)


@dataclass(frozen=True)
class Left:
    """What is still to come.

    Attributes:
        seconds: How long it takes at most, if it takes as long as it used to: a step still to be looked at may turn
            out to have nothing to do.
        unknown: How many steps there is nothing to tell from.
    """

    seconds: float
    unknown: int


@dataclass
class Course:
    """A run from its start on; told what happens, asked by what shows it.

    Attributes:
        selected: What was asked for.
        steps: What became of each step, in order; empty for one still to come.
        conversions: The steps of every conversion.
        settled: The conversions that have come to an end, and to which.
        running: The tasks that are being done, and when each began.
        started: When the run began.
        now: The clock, in seconds.
    """

    selected: Sequence[str] = ()
    steps: dict[str, str] = field(default_factory=dict)
    conversions: Mapping[Pair, Sequence[str]] = field(default_factory=dict)
    settled: dict[Pair, str] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    now: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    _reached: dict[Pair, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.started = self.now()

    def begin(self, task: str) -> None:
        """``task`` is being done."""
        self.running[task] = self.now()
        self._reached |= dict.fromkeys(self._served(task), task.partition(":")[0])

    def end(self, task: str, outcome: str) -> float:
        """``task`` is done, or need not be; the seconds that it took.

        Args:
            task: Its name.
            outcome: One of :data:`~tasks.progress.words.OUTCOMES`; empty for what is not a step.
        """
        now = self.now()
        took = now - self.running.pop(task, now)
        if task in self.steps or outcome:
            self.steps[task] = outcome
        return took

    def settle(self, pair: Pair, stage: str) -> None:
        """A conversion has come to its end: a verdict, or that it failed or was not run. The first word holds."""
        self.settled.setdefault(pair, stage)

    def fail(self, task: str, stage: str) -> None:
        """``task`` has failed or was not run, and so have the conversions that it is a step of."""
        for pair in self._served(task):
            self.settle(pair, stage)

    def stage(self, pair: Pair) -> str:
        """Where a conversion stands: its end, the kind of the last of its steps that began, or that it waits."""
        return self.settled.get(pair) or self._reached.get(pair, WAITING)

    def is_at_work(self, pair: Pair) -> bool:
        """Whether a step of a conversion is being done."""
        return not self.running.keys().isdisjoint(self.conversions[pair])

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.now() - self.started

    @property
    def finished(self) -> int:
        """How many steps something has become of."""
        return sum(map(bool, tuple(self.steps.values())))

    @property
    def cached(self) -> int:
        """How many steps had nothing to run."""
        return sum(outcome in _CACHED for outcome in tuple(self.steps.values()))

    def is_cached(self, pair: Pair) -> bool:
        """Whether nothing had to run for a conversion alone; what it shares with others may have."""
        own = [step for step in self.conversions[pair] if Pair.of(step) == pair]
        return all(self.steps.get(step) in _CACHED for step in own)

    def _served(self, task: str) -> list[Pair]:
        return [pair for pair, steps in self.conversions.items() if task in steps]

    def left(self, expected: Callable[[str], float | None]) -> Left:
        """What is still to come, from how long each step is expected to take."""
        waiting = [step for step, outcome in tuple(self.steps.items()) if not outcome]
        known = {step: seconds for step in waiting if (seconds := expected(step)) is not None}
        for task, since in tuple(self.running.items()):
            if task in known:
                known[task] = max(known[task] - (self.now() - since), 0.0)
        return Left(sum(known.values()), len(waiting) - len(known))


def planned(tasks: Mapping[str, Collection[str]], selected: Iterable[str]) -> list[str]:
    """The tasks that have to be looked at for those selected, in the order in which they come.

    Args:
        tasks: What each task always needs before it.
        selected: What was asked for.
    """
    found: dict[str, None] = {}
    todo = list(reversed(list(selected)))
    while todo:
        name = todo.pop()
        if name not in found and name in tasks:
            found[name] = None
            todo += reversed(list(tasks[name]))
    return list(found)
