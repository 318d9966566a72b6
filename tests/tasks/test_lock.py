"""The record of downloads: what was first seen stays, whoever writes and whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converter.errors import BadInput
from tasks.action import Digest
from tasks.lock import NAME, Lock, Seen
from tasks.manifest import File, Source

ROOT = Path(__file__).parents[2]
ONE = Seen(Digest.of(b"one"), "http://a.example/x-symbol.json", "2026-11-22")
OTHER = Seen(Digest.of(b"other"), "a local file", "2026-11-23")


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return Lock(tmp_path / NAME)


def source(*files: File, model: str = "a-model") -> Source:
    return Source(files, base=("http://a.example/",), model=model)


def unpublished(name: str) -> File:
    return File("graph", name, None, path=name)


def test_nothing_is_known_before_the_first_download(lock: Lock) -> None:
    declared = File("weights", "x.params", Digest.of(b"weights"), path="x.params")
    assert lock.known(source(unpublished("x"), declared)) == {"x.params": Digest.of(b"weights")}
    assert not lock.path.exists()


def test_what_is_recorded_is_known_to_everybody(lock: Lock) -> None:
    assert lock.record("a-model", {"x": ONE}) == {"x"}
    assert Lock(lock.path).known(source(unpublished("x"))) == {"x": ONE.digest}
    assert Lock(lock.path).known(source(unpublished("y"))) == {}
    assert Lock(lock.path).known(source(unpublished("x"), model="another")) == {}


def test_a_manifest_s_digest_counts_more(lock: Lock) -> None:
    lock.record("a-model", {"x": ONE, "y": OTHER})
    declared = File("graph", "x", Digest.of(b"declared"), path="x")
    assert lock.known(source(declared, unpublished("y"))) == {"x": Digest.of(b"declared"), "y": OTHER.digest}


def test_the_file_is_for_people_and_the_same_whatever_came_first(lock: Lock) -> None:
    lock.record("b", {"y": OTHER})
    lock.record("a.model", {"x-symbol.json": ONE})
    text = lock.path.read_text()
    assert text.startswith("# What was first seen")
    assert text.partition("\n\n")[2].splitlines() == [
        '["a.model"."x-symbol.json"]',
        f'sha256 = "{ONE.digest.hash}"',
        "size = 3",
        'seen = "http://a.example/x-symbol.json"',
        'date = "2026-11-22"',
        "",
        '["b"."y"]',
        f'sha256 = "{OTHER.digest.hash}"',
        "size = 5",
        'seen = "a local file"',
        'date = "2026-11-23"',
    ]
    lock.path.unlink()
    lock.record("a.model", {"x-symbol.json": ONE})
    lock.record("b", {"y": OTHER})
    assert lock.path.read_text() == text
    assert [path.name for path in lock.path.parent.iterdir()] == [NAME]


def test_the_first_one_stays(lock: Lock) -> None:
    lock.record("a-model", {"x": ONE})
    before = lock.path.read_bytes()
    assert lock.record("a-model", {"x": Seen(ONE.digest, "elsewhere", "2030-01-01")}) == set()
    with pytest.raises(BadInput) as caught:
        lock.record("a-model", {"x": Seen(OTHER.digest, "elsewhere", "2030-01-01"), "y": ONE})
    assert ONE.digest.hash in caught.value.what
    assert OTHER.digest.hash in caught.value.what
    assert lock.path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<<<<<<< ours\n", "it is not TOML"),
        (b"\xff", "it is not TOML"),
        (b'["m"]\nx = 5\n', "m.x is to be a table, not 5"),
        (b'["m"."x"]\nsha256 = "%s"\nseen = "u"\ndate = "d"\n' % (b"0" * 64), "m.x.size is missing"),
        (b'["m"."x"]\nsha256 = "0"\nsize = 1\nseen = "u"\ndate = "d"\n', "m.x.sha256 is to be 64 hexadecimal digits"),
        (
            b'["m"."x"]\nsha256 = "%s"\nsize = 1\nseen = "u"\ndate = "d"\nold = 1\n' % (b"0" * 64),
            "m.x.old is not known",
        ),
    ],
)
def test_a_damaged_file_is_one_error_and_stays_as_it_is(lock: Lock, content: bytes, problem: str) -> None:
    lock.path.write_bytes(content)
    for attempt in (lambda: lock.known(source(unpublished("x"))), lambda: lock.record("a-model", {"x": ONE})):
        with pytest.raises(BadInput) as caught:
            attempt()
        assert f"models.lock, the record of downloads, is damaged: {problem}" in caught.value.what
        assert len(str(caught.value).splitlines()) == 3
    assert lock.path.read_bytes() == content


def test_a_damaged_file_is_no_matter_to_whom_it_says_nothing(lock: Lock) -> None:
    lock.path.write_bytes(b"<<<<<<< ours\n")
    assert lock.known(source(File("graph", "x", ONE.digest, path="x"))) == {"x": ONE.digest}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(place=st.text(st.characters(), min_size=1).filter(str.strip))
def test_any_place_can_be_recorded(lock: Lock, place: str) -> None:
    lock.path.unlink(missing_ok=True)
    lock.record("a-model", {"x": Seen(ONE.digest, place, "2026-11-22")})
    assert lock.path.read_bytes().isascii()
    assert lock.known(source(unpublished("x"))) == {"x": ONE.digest}


def test_an_interruption_leaves_the_file_as_it_was(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    lock.record("a-model", {"x": ONE})
    before = lock.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            lock.record("a-model", {"y": OTHER})
    assert lock.path.read_bytes() == before
    assert lock.record("a-model", {"y": OTHER}) == {"y"}
    assert [path.name for path in lock.path.parent.iterdir()] == [NAME]


def test_processes_do_not_lose_each_other_s_records(lock: Lock) -> None:
    program = """
import pathlib, sys
from tasks.action import Digest
from tasks.lock import Lock, Seen
for index in range(20):
    Lock(pathlib.Path(sys.argv[1])).record(sys.argv[2], {f"file-{index}": Seen(Digest.of(b"x"), "u", "d")})
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(lock.path), f"model-{number}"], cwd=ROOT)
        for number in range(3)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for number in range(3):
        files = [unpublished(f"file-{index}") for index in range(20)]
        assert len(lock.known(source(*files, model=f"model-{number}"))) == 20
