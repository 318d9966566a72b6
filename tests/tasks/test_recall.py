"""What was read from the records before is recalled as long as nothing has changed, and never otherwise."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import recall as recalling
from tasks.action import Action, Digest, Image, encode
from tasks.execution import LookUp, Miss
from tasks.recall import Recall
from tasks.store import FRESH, Store

ACTION = Action(("run",), Image("host", "i"), (("a", Digest.of(b"a")),), ("o",))


class Place:
    """A store with the result of an action, and what recalls it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "cache", folder / "work")
        self.key = encode(ACTION).key
        self.outputs = {"o": self.store.put(b"made")}
        self.store.record(self.key, self.outputs, 1.0)
        self.recall = Recall(folder / "recall.db", self.store)

    def look_up(self) -> LookUp:
        return LookUp(self.store, lambda _: None, recall=self.recall)

    def again(self) -> None:
        """As the next process opens it."""
        self.recall.close()
        self.recall = Recall(self.folder / "recall.db", self.store)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    assert place.recall.get(ACTION) is None
    assert place.look_up().action(ACTION) == place.outputs
    yield place
    place.recall.close()


@pytest.mark.parametrize("reopened", [False, True])
def test_a_result_is_not_read_twice(place: Place, monkeypatch: pytest.MonkeyPatch, reopened: bool) -> None:
    if reopened:
        place.again()
    monkeypatch.setattr(Store, "result", lambda *_: pytest.fail("the record was read again"))
    look_up = place.look_up()
    assert look_up.action(ACTION) == place.outputs
    assert list(look_up.asked.trail().actions()) == [place.key]


def test_who_asks_for_many_is_told_the_same(place: Place) -> None:
    place.again()
    for number in range(200):
        assert place.recall.get(Action(("other", str(number)), Image("host", "i"), (), ("o",))) is None
        assert place.recall.get(ACTION) == (place.key, place.outputs)


def test_a_result_that_was_removed_is_not_recalled(place: Place) -> None:
    place.store.record_of(place.key).unlink()
    with pytest.raises(Miss):
        place.look_up().action(ACTION)


def test_a_result_that_has_changed_is_read(place: Place) -> None:
    other = {"o": place.store.put(b"made otherwise")}
    place.store.record(place.key, other, 1.0)
    assert place.look_up().action(ACTION) == other


def test_that_an_old_result_is_used_is_noted(place: Place) -> None:
    record = place.store.record_of(place.key)
    old = record.stat().st_mtime - FRESH - 10
    os.utime(record, (old, old))
    assert place.look_up().action(ACTION) == place.outputs
    assert record.stat().st_mtime > old + FRESH
    assert place.recall.get(ACTION) == (place.key, place.outputs)


@pytest.mark.parametrize("content", [b"no database" * 1000, b""])
def test_a_database_that_is_none_is_begun_anew(place: Place, content: bytes) -> None:
    place.recall.close()
    (place.folder / "recall.db").write_bytes(content)
    place.recall = Recall(place.folder / "recall.db", place.store)
    assert place.look_up().action(ACTION) == place.outputs
    place.again()
    assert place.recall.get(ACTION) == (place.key, place.outputs)


def test_a_database_that_has_grown_large_is_begun_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalling, "_MOST", 0)
    place.again()
    assert place.recall.get(ACTION) is None


def test_rows_that_nobody_wrote_so_are_not_believed(place: Place) -> None:
    place.recall.close()
    with sqlite3.connect(place.folder / "recall.db") as database:
        database.execute("update recalled set outputs = '{\"o\": 3'")
    place.recall = Recall(place.folder / "recall.db", place.store)
    assert place.look_up().action(ACTION) == place.outputs


words = st.sampled_from(["", "a", "b", "a=b", "1", "a1"])
actions = st.builds(
    Action,
    argv=st.lists(words, max_size=3).map(tuple),
    image=st.builds(Image, words, words),
    inputs=st.dictionaries(
        st.sampled_from(["a", "b", "a1"]), st.builds(Digest, st.sampled_from(["a", "b", "b1"]), st.integers(0, 12))
    ).map(lambda tree: tuple(sorted(tree.items()))),
    outputs=st.lists(st.sampled_from(["a", "b", "a1"]), max_size=2, unique=True).map(
        lambda names: tuple(sorted(names))
    ),
    env=st.dictionaries(st.sampled_from(["a", "b"]), words).map(lambda env: tuple(sorted(env.items()))),
    timeout=st.integers(1, 12),
)


@given(actions, actions)
def test_actions_are_taken_for_the_same_where_their_keys_are(first: Action, second: Action) -> None:
    same = encode(first).key == encode(second).key
    assert (recalling._fingerprint(first) == recalling._fingerprint(second)) == same
