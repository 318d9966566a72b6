"""What an answer rests on."""

from __future__ import annotations

import pytest

from tasks.action import Digest, Tree
from tasks.memo import Asked, Memo, Trail, remembered, together

A, B, C = (Digest.of(name) for name in (b"a", b"b", b"c"))


def test_actions_come_in_the_order_in_which_they_were_asked_for_and_once() -> None:
    first = Trail([A, B])
    assert list(Trail([first, C, first, B]).actions()) == [A, B, C]
    assert list(together([Trail([C]), first])) == [C, A, B]


def test_trails_of_the_same_actions_are_the_same() -> None:
    assert Trail([Trail([A]), B]).digest == Trail([Trail([A]), B]).digest
    others = [Trail([A, B]), Trail([Trail([B]), A]), Trail([Trail([A, B])]), Trail([]), Trail([Trail([])])]
    assert len({trail.digest for trail in others}) == len(others)


def test_a_chain_is_walked_once() -> None:
    trail = Trail([A])
    for number in range(5000):
        trail = Trail([trail, trail, Digest.of(str(number).encode())])
    assert len(trail.actions()) == 5001


def test_a_call_is_answered_once_and_rests_on_the_same() -> None:
    memo, calls = Memo(), []

    def compute(asked: Asked) -> Tree:
        calls.append(1)
        asked.add(A)
        return {"a": A}

    trails = []
    for _ in range(2):
        asked = Asked()
        assert remembered(memo, asked, memo, ("call",), lambda asked=asked: compute(asked)) == {"a": A}  # type: ignore[misc]
        trails.append(asked.trail())
    assert calls == [1]
    assert trails[0].digest == trails[1].digest
    assert list(trails[1].actions()) == [A]


def test_what_failed_is_asked_again() -> None:
    memo, asked = Memo(), Asked()

    def fail() -> Tree:
        asked.add(A)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        remembered(memo, asked, memo, ("call",), fail)
    assert memo.get(memo, ("call",)) is None
    asked.add(B)
    assert list(asked.trail().actions()) == [A, B]
