"""What is in a picture: the steps that are needed, no edge that others imply, and states that are so."""

from __future__ import annotations

from doit.task import Task
from hypothesis import given
from hypothesis import strategies as st

from tasks.graph.model import needed, reduced
from tests.support import dag


def above(before: dict[str, list[str]]) -> dict[str, set[str]]:
    """For each name, given behind those before it, all that are before it."""
    found: dict[str, set[str]] = {}
    for name, others in before.items():
        found[name] = {*others, *(far for other in others for far in found[other])}
    return found


numbers = st.integers(0, 15)
dags = st.lists(st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1]), max_size=80).map(
    lambda pairs: {str(name): [str(first) for first, second in pairs if second == name] for name in range(16)}
)


@given(dags)
def test_only_edges_that_others_imply_are_left_out(before: dict[str, list[str]]) -> None:
    edges = reduced(before)
    left = {name: [first for first, second in edges if second == name] for name in before}
    assert above(left) == above(before)
    for first, second in edges:
        without = {
            name: [other for other in others if (other, name) != (first, second)] for name, others in left.items()
        }
        assert first not in above(without)[second]


def test_an_edge_beside_a_longer_way_is_left_out() -> None:
    assert reduced(dag.parse("a -> b c d; b -> c; c -> d")) == (("a", "b"), ("b", "c"), ("c", "d"))


def test_only_what_is_needed_is_drawn() -> None:
    steps = dag.steps("a -> b c; b -> d; x -> y")
    tasks = {name: Task(name, None) for name in steps}
    assert needed(steps, tasks, ["b", "c"]) == {"b": ["a"], "c": ["a"], "a": []}


def test_a_task_with_nothing_to_do_gives_way_to_those_before_it() -> None:
    steps = dag.steps("a; b")
    tasks = {name: Task(name, None) for name in steps}
    tasks["both"] = Task("both", None, task_dep=["a", "b", "none"])
    tasks["none"] = Task("none", None, task_dep=["both"])
    tasks["told"] = Task("told", ["true"], task_dep=["both"])
    assert needed(steps, tasks, ["told"]) == {"told": ["a", "b"], "a": [], "b": []}
    assert needed(steps, tasks, ["both"]) == {"a": [], "b": []}
