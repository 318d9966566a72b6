"""What makes a task graph impossible, found as it is loaded: before anything runs, and all of it at once."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from doit.task import Task

from converter.errors import BadInput
from tasks.graph.pins import unpinned
from tasks.session import Step
from tasks.terminal import harmless

Graph = Mapping[str, Collection[str]]
"""For each task the tasks that come before it, by name."""

_SHOWN = 20
"""Problems of one sort that are told; who has more has one cause for all of them."""


def check(tasks: Collection[Task], steps: Mapping[str, Step], images: Path) -> None:
    """Refuse a task graph that cannot be built, or not twice with the same result.

    Args:
        tasks: As doit has loaded them.
        steps: Those of the tasks that are steps, by name.
        images: The folder of the toolchains.

    Raises:
        BadInput: It has a cycle, a task that does not exist, a file that two steps make, or an image that is not
            pinned. All that is wrong is said at once.
    """
    graph = dependencies(tasks, steps)
    sorts = missing(graph), cycles(graph), shared(steps.values()), unpinned(images)
    problems = [problem for sort in sorts for problem in _first(sort)]
    if len(problems) == 1:
        raise BadInput(harmless(problems[0]))
    if problems:
        told = "".join(f"\n  - {problem}" for problem in problems)
        raise BadInput(harmless(f"the task graph cannot be built as it is:{told}"))


def dependencies(tasks: Collection[Task], steps: Mapping[str, Step]) -> dict[str, list[str]]:
    """For each task what comes before it: its task_dep with wildcards resolved, its setup, what its step is after."""
    graph = {task.name: [*task.task_dep, *task.setup_tasks] for task in tasks}
    for task in tasks:
        for pattern in task.wild_dep:
            graph[task.name] += fnmatch.filter(graph, pattern)
    for name, step in steps.items():
        graph.setdefault(name, []).extend(step.after)
    return graph


def missing(graph: Graph) -> Iterator[str]:
    """What is wrong with names: each that is no task's, with the tasks that come after it and the nearest name."""
    wanted: dict[str, list[str]] = {}
    for name, before in graph.items():
        for other in before:
            if other not in graph:
                wanted.setdefault(other, []).append(name)
    for name, wanting in wanted.items():
        first, *others = dict.fromkeys(wanting)
        more = f" and {len(others)} more come" if others else " comes"
        yield f"there is no task {name!r}, which {first}{more} after{_nearest(name, graph)}"


def cycles(graph: Graph) -> Iterator[str]:
    """Every cycle that a depth-first walk closes, as ``a -> b -> a``: each task comes before the next."""
    seen: set[str] = set()
    for start in graph:
        path = {} if start in seen else {start: iter(graph[start])}
        seen.add(start)
        while path:
            for name in path[next(reversed(path))]:
                if name in path:
                    yield f"tasks wait for each other: {_closed(list(path), name)}"
                elif name in graph and name not in seen:
                    seen.add(name)
                    path[name] = iter(graph[name])
                    break
            else:
                path.popitem()


def shared(steps: Iterable[Step]) -> Iterator[str]:
    """Places below ``build/`` that two steps write to, where one is the other's or lies in it."""
    owners: dict[str, str] = {}
    for step in steps:
        place = f"build/{step.claim}/".replace("/./", "/")
        owner = owners.setdefault(place, step.name)
        if owner != step.name:
            yield f"two steps make {place[:-1]}: {owner} and {step.name}"
    outer = None
    for place in sorted(owners):
        if outer and place.startswith(outer):
            yield f"{owners[place]} makes {place[:-1]}, in {outer[:-1]}, which is {owners[outer]}'s alone"
        else:
            outer = place


def _nearest(name: str, names: Iterable[str]) -> str:
    """What to say after a ``name`` that is none of ``names``: the one that is most like it, if any is."""
    near = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _closed(path: list[str], name: str) -> str:
    """The end of ``path`` from ``name`` on, and ``name`` again, the task that comes first in front."""
    return " -> ".join(reversed([*path[path.index(name) :], name]))


def _first(problems: Iterator[str]) -> list[str]:
    """As many as one reads, each once."""
    found = list(dict.fromkeys(islice(problems, _SHOWN + 1)))
    return [*found[:_SHOWN], "more of the same"] if len(found) > _SHOWN else found
