"""The store: whole or absent, checked on the way in and out."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from tasks.action import Digest
from tasks.digests import DigestCache
from tasks.store import LINKED, Missing, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", tmp_path / "work")


def test_round_trip(store: Store, tmp_path: Path) -> None:
    digest = store.put(b"hull")
    assert store.read(digest) == b"hull"
    store.extract(digest, tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").read_bytes() == b"hull"
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o444


def test_files_are_copied_not_moved(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"cargo" * 1000)
    digest = store.put_file(source)
    source.write_bytes(b"changed")
    assert store.read(digest) == b"cargo" * 1000


@pytest.mark.parametrize("damage", [b"", b"haxx", b"hull and more"])
def test_a_damaged_blob_is_a_miss_and_is_removed(store: Store, tmp_path: Path, damage: bytes) -> None:
    for read in (store.read, store.check, lambda digest: store.extract(digest, tmp_path / "out")):
        digest = store.put(b"hull")
        store.path(digest).chmod(0o644)
        store.path(digest).write_bytes(damage)
        with pytest.raises(Missing):
            read(digest)
        assert not store.has(digest)
        assert not (tmp_path / "out").exists()


def test_a_result_counts_only_while_all_its_blobs_are_there(store: Store) -> None:
    key = Digest.of(b"key")
    outputs = {"a": store.put(b"one"), "b/c": store.put(b"two")}
    assert store.result(key) is None
    store.record(key, outputs, 1.5)
    assert store.result(key) == outputs
    store.path(outputs["b/c"]).unlink()
    assert store.result(key) is None


def test_a_record_that_is_no_message_is_a_miss(store: Store) -> None:
    key = Digest.of(b"key")
    store.record(key, {"a": store.put(b"one")}, 1.5)
    record = next((store.root / "ac").rglob(key.hash))
    record.chmod(0o644)
    record.write_bytes(b"\xff\xff\xff\xff")
    assert store.result(key) is None
    assert store.took(key) is None


def test_how_long_an_action_took_is_on_record(store: Store) -> None:
    key = Digest.of(b"key")
    assert store.took(key) is None
    store.record(key, {"a": store.put(b"one")}, 12.25)
    assert store.took(key) == pytest.approx(12.25)


def test_a_record_that_was_cut_off_anywhere_is_no_result(store: Store) -> None:
    key, outputs = Digest.of(b"key"), {"a": store.put(b"one"), "b": store.put(b"two")}
    store.record(key, outputs, 1.5)
    assert store.result(key) == outputs
    record = store.root / "ac" / key.hash[:2] / key.hash
    whole = record.read_bytes()
    record.chmod(0o644)
    for size in range(len(whole)):
        record.write_bytes(whole[:size])
        assert store.result(key) is None, size


def test_nothing_is_left_of_a_write_that_fails(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "absent")
    assert list(store.work.iterdir()) == []


def test_a_source_is_read_once_for_all_who_are_given_it_and_in_later_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"cargo" * 1000)
    time.sleep(0.15)
    read: list[Path] = []
    put_file = Store.put_file
    monkeypatch.setattr(Store, "put_file", lambda store, path: read.append(path) or put_file(store, path))
    for _ in range(2):
        digests = DigestCache(tmp_path / "digests.db")
        store = Store(tmp_path / "store", tmp_path / "work", digests=digests)
        assert {store.keep(source) for _ in range(4)} == {Digest.of(b"cargo" * 1000)}
        digests.close()
    assert read == [source]
    source.write_bytes(b"other")
    assert Store(tmp_path / "store", tmp_path / "work", digests=digests_of(tmp_path)).keep(source) == Digest.of(
        b"other"
    )


def digests_of(folder: Path) -> DigestCache:
    return DigestCache(folder / "digests.db")


def test_a_source_whose_blob_is_gone_is_read_again(tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"cargo")
    time.sleep(0.15)
    for _ in range(2):
        store = Store(tmp_path / "store", tmp_path / "work", digests=digests_of(tmp_path))
        kept = store.keep(source)
        store.path(kept).unlink()
        with pytest.raises(Missing):
            store.read(store.keep(source))
        assert store.read(store.keep(source)) == b"cargo"


@pytest.fixture
def knowing(tmp_path: Path) -> Store:
    """A store that remembers what is in large blobs."""
    return Store(tmp_path / "store", tmp_path / "work", digests=digests_of(tmp_path))


LARGE = bytes(range(256)) * (LINKED // 256 + 1)


def test_a_large_blob_is_read_once_however_often_it_is_used(
    knowing: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = knowing.put(LARGE)
    knowing.check(digest)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("it was read again"))
    for number in range(3):
        knowing.place(digest, tmp_path / "build" / f"linked-{number}")
        knowing.extract(digest, tmp_path / "build" / f"copied-{number}")
        assert knowing.check(digest) == knowing.path(digest)
    again = Store(tmp_path / "store", tmp_path / "work", digests=digests_of(tmp_path))
    assert again.check(digest).read_bytes() == LARGE
    copies = [path for path in (tmp_path / "build").iterdir() if path.name.startswith("copied")]
    assert [path.read_bytes() == LARGE and path.stat().st_nlink == 1 for path in copies] == [True] * 3
    assert (tmp_path / "build" / "linked-0").samefile(knowing.path(digest))


@pytest.mark.parametrize("through", ["check", "extract", "place"])
def test_a_large_blob_that_was_written_into_is_a_miss(knowing: Store, tmp_path: Path, through: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(LARGE)
    digest = knowing.put_file(source)
    knowing.place(digest, tmp_path / "shown")
    time.sleep(0.05)
    (tmp_path / "shown").chmod(0o644)
    with (tmp_path / "shown").open("r+b") as writer:
        writer.write(b"edited")
    with pytest.raises(Missing):
        knowing.check(digest) if through == "check" else getattr(knowing, through)(digest, tmp_path / "out")
    assert not knowing.has(digest)
    assert not (tmp_path / "out").exists()


def test_where_the_file_system_copies_nothing_we_do(
    knowing: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "not between these")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    knowing.extract(knowing.put(LARGE), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == LARGE
