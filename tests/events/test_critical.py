"""The chain that a run had to wait for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.events.critical import critical_path
from tasks.events.log import StepEvent


def steps(text: str) -> list[StepEvent]:
    """Steps in the order in which they ended, from ``a 3; b 2: a``: each with its seconds and what it came after."""
    found = []
    for line in filter(None, map(str.strip, text.split(";"))):
        head, _, after = line.partition(":")
        name, seconds = head.split()
        found.append(StepEvent(name, "ran", 0, int(float(seconds) * 1e9), after=tuple(after.split())))
    return found


CASES = {
    "a 3; b 2: a": [("a", 3, 3), ("b", 2, 2)],
    "a 3; b 2": [("a", 3, 1)],
    "a 1; b 5: a; c 2: a; d 1: b c": [("a", 1, 1), ("b", 5, 3), ("d", 1, 1)],
    "a 1: gone; b 1: a": [("a", 1, 1), ("b", 1, 1)],
    "": [],
}


@pytest.mark.parametrize("text", CASES)
def test_known_chains(text: str) -> None:
    links = critical_path(steps(text))
    assert [(link.step, link.seconds, link.gain) for link in links] == CASES[text]


@given(st.lists(st.tuples(st.integers(0, 9), st.sets(st.integers(0, 6), max_size=3)), max_size=7))
def test_it_is_the_longest_of_all_chains(made: list[tuple[int, set[int]]]) -> None:
    text = "; ".join(
        f"t{n} {seconds}: {' '.join(f't{each}' for each in after if each < n)}"
        for n, (seconds, after) in enumerate(made)
    )
    events = {event.step: event for event in steps(text)}
    longest = max(
        (
            sum(events[name].ended for name in chain) / 1e9
            for size in range(1, len(events) + 1)
            for chain in itertools.combinations(events, size)
            if all(before in events[name].after for before, name in itertools.pairwise(chain))
        ),
        default=0,
    )
    links = critical_path(list(events.values()))
    assert sum(link.seconds for link in links) == pytest.approx(longest)
    assert all(0 <= link.gain <= link.seconds for link in links)
