"""A part of the task graph as it stands: the steps that some tasks need, and what would become of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter

from doit.task import Task

from converter.errors import TransshipError
from tasks import publish
from tasks.action import Action, encode
from tasks.execution import Miss
from tasks.explain.reason import Prediction
from tasks.progress.words import about
from tasks.session import Session, Step
from tasks.store import Missing


class State(StrEnum):
    """What a run would do about a step. Of a task that is no step: the last of these that it comes after."""

    UP_TO_DATE = "up to date"
    RESTORED = "restored"
    UNKNOWN = "unknown"
    TO_RUN = "to run"


@dataclass(frozen=True)
class Node:
    """A task in the picture.

    Attributes:
        name: As on the command line: ``checkpoint:mtcnn-onet-caffe``.
        kind: The part before the colon.
        state: What a run would do about it.
        label: The part behind the colon; empty where there is none.
        details: What else there is to say, as names and values.
    """

    name: str
    kind: str
    state: State
    label: str
    details: tuple[tuple[str, str], ...] = ()


Edge = tuple[str, str]
"""Names of two nodes; the second comes after the first."""


@dataclass(frozen=True)
class Graph:
    """Nodes, each behind those that it comes after, and edges without those that others imply."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(session: Session, tasks: Mapping[str, Task], selected: Iterable[str]) -> Graph:
    """The picture of ``selected`` tasks and all that they need. Nothing runs, and nothing is put into ``build/``.

    A task that has nothing to do itself, as ``convert`` for all models, gives way to those that it depends on.
    """
    before = needed(session.steps, tasks, selected)
    nodes: dict[str, Node] = {}
    for name in TopologicalSorter(before).static_order():
        states = [nodes[other].state for other in before[name]]
        nodes[name] = _node(session, name, tasks[name], states)
    return Graph(tuple(nodes.values()), reduced({name: before[name] for name in nodes}))


def needed(steps: Mapping[str, Step], tasks: Mapping[str, Task], selected: Iterable[str]) -> dict[str, list[str]]:
    """For each task that is to be drawn those directly before it."""
    before: dict[str, list[str]] = {}
    waiting = _drawn(steps, tasks, selected)
    while waiting:
        name = waiting.pop()
        if name not in before:
            before[name] = _drawn(steps, tasks, _direct(steps, tasks[name]))
            waiting += before[name]
    return before


def reduced(before: Mapping[str, Iterable[str]]) -> tuple[Edge, ...]:
    """The edges of a graph without those that longer paths imply.

    Args:
        before: For each name those directly before it; in an order in which each is behind these.
    """
    names = list(before)
    place = {name: index for index, name in enumerate(names)}
    above: list[int] = []
    edges: list[Edge] = []
    for name, others in before.items():
        reached = 0
        for index in sorted({place[other] for other in others}, reverse=True):
            if not reached >> index & 1:
                edges.append((names[index], name))
            reached |= above[index] | 1 << index
        above.append(reached)
    return tuple(edges)


def _direct(steps: Mapping[str, Step], task: Task) -> list[str]:
    after = steps[task.name].after if task.name in steps else ()
    return [*task.task_dep, *task.setup_tasks, *after]


def _drawn(steps: Mapping[str, Step], tasks: Mapping[str, Task], names: Iterable[str]) -> list[str]:
    """The tasks of ``names``, those that do nothing themselves replaced by what they depend on."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = list(names)[::-1]
    while waiting:
        name = waiting.pop()
        if name in steps or tasks[name].actions:
            found[name] = None
        elif name not in seen:
            waiting += _direct(steps, tasks[name])[::-1]
        seen.add(name)
    return list(found)


def _node(session: Session, name: str, task: Task, states: Iterable[State]) -> Node:
    kind, _, label = name.partition(":")
    step = session.steps.get(name)
    what = [("what", task.doc or "")]
    if step is None:
        return Node(name, kind, max(states, key=list(State).index, default=State.UNKNOWN), label, tuple(what))
    prediction = Prediction(session.look_up())
    state = _state(session, step, prediction)
    usually = session.durations.expected(name)
    facts = [
        *what,
        ("makes", f"build/{step.claim}"),
        ("usually takes", "" if usually is None else about(usually)),
        *_actions(prediction, state),
    ]
    return Node(name, kind, state, label, tuple((name, value) for name, value in facts if value))


def _state(session: Session, step: Step, prediction: Prediction) -> State:
    """As :meth:`Session.is_current`, but nothing is published."""
    try:
        tree = step.produce(prediction)
        step.accept(tree)
        if publish.is_published(tree, session.build / step.folder, session.digests, whole=step.whole):
            return State.UP_TO_DATE
    except (Miss, Missing, TransshipError, OSError):
        return State.TO_RUN
    is_there = session.beyond is not None or all(map(session.store.has, tree.values()))
    return State.RESTORED if is_there else State.TO_RUN


def _actions(prediction: Prediction, state: State) -> list[tuple[str, str]]:
    """The action that has to run first, or the one that made the step's outputs."""
    if state is State.TO_RUN:
        return _components("first to run", prediction.missing if isinstance(prediction.missing, Action) else None)
    return _components("made by", next(reversed(prediction.actions.values()), None))


def _components(role: str, action: Action | None) -> list[tuple[str, str]]:
    """What the key of ``action`` is made of."""
    if action is None:
        return []
    size = sum(digest.size for _, digest in action.inputs)
    return [
        (role, " ".join(action.argv)),
        ("in the image", f"{action.image.toolchain} {action.image.identity[:12]}"),
        ("reads", f"{len(action.inputs)} file{'s' * (len(action.inputs) != 1)}, {size:,} bytes"),
        ("writes", ", ".join(action.outputs)),
        ("environment", " ".join(f"{name}={value}" for name, value in action.env)),
        ("at most", f"{action.timeout} s"),
        ("key", encode(action).key.hash),
    ]
