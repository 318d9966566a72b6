"""What is noted of the actions behind a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.action import Action, Digest, Image, encode
from tasks.execution import LookUp, Miss
from tasks.store import Store
from tasks.timings import Noted


def action(toolchain: str, *argv: str) -> Action:
    return Action(argv, Image(toolchain, toolchain), (), ("file",))


PARSE = action("host", "python", "-m", "converter.steps.parse")
RUN = action("tensorflow", "python3", "in/step/keras_run.py")
NEVER = action("host", "python", "-m", "converter.steps.emit")


@pytest.fixture
def noted(tmp_path: Path) -> Noted:
    store = Store(tmp_path / "store", tmp_path / "work")
    for done, took in ((PARSE, 1.23456), (RUN, 0.5)):
        store.record(encode(done).key, {"file": store.put(b"content")}, took)
    return Noted(LookUp(store, lambda toolchain: Image(toolchain, toolchain)))


def test_actions_are_noted_once_in_order_with_what_they_took(noted: Noted) -> None:
    for asked in (RUN, PARSE, RUN):
        assert noted.action(asked) == {"file": Digest.of(b"content")}
    assert noted.timings() == [
        {"step": "keras_run", "where": "tensorflow", "seconds": 0.5},
        {"step": "parse", "where": "host", "seconds": 1.23},
    ]


def test_what_is_not_on_record_is_not_noted(noted: Noted) -> None:
    with pytest.raises(Miss):
        noted.action(NEVER)
    assert noted.timings() == []
