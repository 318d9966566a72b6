"""A textual graph of tasks and a machine that is made up: what a schedule does, without doing anything.

Each line is ``task: before | setup {seconds cores}``; all but the name may be left out::

    first
    second: first {3}
    third: first | second {1 2}
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from tasks.running.resources import Needs
from tasks.running.schedule import Outcome, Phase, Schedule, Start, Wants

_LINE = re.compile(r"(\S+?)(?::([^|{]*))?(?:\|([^{]*))?\s*(?:\{\s*(\S+)\s*(\d*)\s*\})?\s*$")


@dataclass(frozen=True)
class Graph:
    """Tasks by name, and the seconds that each runs."""

    wants: Mapping[str, Wants]
    seconds: Mapping[str, float]


def graph(text: str) -> Graph:
    """The graph that ``text`` writes down."""
    wants, seconds = {}, {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.match(line)
        assert match, line
        name, before, setup, lasts, cores = match.groups()
        wants[name] = Wants(tuple((before or "").split()), tuple((setup or "").split()), Needs(cores=int(cores or 1)))
        seconds[name] = float(lasts or 1)
    return Graph(wants, seconds)


@dataclass
class Simulation:
    """A run of a graph.

    Attributes:
        told: What happened: ``check a``, ``run a``, ``done a``, ``fail a``, ``skip a``, in order.
        now: The clock; checks take no time.
        most: How much was in use at once, at most, of each resource.
    """

    graph: Graph
    workers: int = 1
    room: Needs = field(default_factory=lambda: Needs(1000, 1000, 1000, 1000))
    current: Collection[str] = ()
    failing: Collection[str] = ()
    keep_going: bool = False
    by_weight: bool = False
    told: list[str] = field(default_factory=list)
    now: float = 0.0
    most: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, *selected: str) -> list[str]:
        """Run to the end; what was run, in order."""
        weight: Callable[[str], float] | None = self.graph.seconds.__getitem__ if self.by_weight else None
        schedule = Schedule(self.graph.wants.__getitem__, selected, self.room, weight)
        ends: list[tuple[float, int, str]] = []
        while True:
            while len(ends) < self.workers and (start := schedule.take()):
                self._begin(schedule, start, ends)
            self.most = max(self.most, sum(self.graph.wants[name].needs.cores for _, _, name in ends))
            if not ends:
                break
            self.now, _, name = heapq.heappop(ends)
            self._end(schedule, name)
        assert schedule.active == 0
        assert self.keep_going or self.failing or not schedule.pending
        self.outcomes = schedule.outcomes
        return [line.removeprefix("run ") for line in self.told if line.startswith("run ")]

    def _begin(self, schedule: Schedule, start: Start, ends: list[tuple[float, int, str]]) -> None:
        if start.because:
            self.told.append(f"skip {start.task}")
            schedule.end(start.task, Outcome.NOT_RUN)
        elif start.phase is Phase.CHECK:
            self.told.append(f"check {start.task}")
            if start.task in self.current:
                schedule.end(start.task, Outcome.DONE)
            else:
                schedule.stale(start.task)
        else:
            self.told.append(f"run {start.task}")
            heapq.heappush(ends, (self.now + self.graph.seconds[start.task], len(self.told), start.task))

    def _end(self, schedule: Schedule, name: str) -> None:
        failed = name in self.failing
        self.told.append(f"{'fail' if failed else 'done'} {name}")
        schedule.end(name, Outcome.FAILED if failed else Outcome.DONE)
        if failed and not self.keep_going:
            schedule.halt()
