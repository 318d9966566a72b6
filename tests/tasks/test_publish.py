"""Publishing: the old state or the new, never a mixture."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from tasks import publish, runs
from tasks.digests import DigestCache
from tasks.runs import Run
from tasks.store import LINKED, Missing, Store


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with runs.begin(tmp_path / "cache" / "runs") as run:
        yield run


@pytest.fixture
def store(tmp_path: Path, run: Run) -> Store:
    return Store(tmp_path / "cache", run.folder)


@pytest.fixture
def digests(tmp_path: Path) -> Iterator[DigestCache]:
    digests = DigestCache(tmp_path / "digests.db")
    yield digests
    digests.close()


def test_a_whole_folder_is_replaced(tmp_path: Path, store: Store, run: Run, digests: DigestCache) -> None:
    build, folder = tmp_path / "build", tmp_path / "build" / "m" / "ir"
    first = {"a": store.put(b"1"), "sub/b": store.put(b"2")}
    second = {"c": store.put(b"3")}
    publish.publish(store, first, folder, build, run, whole=True)
    assert publish.is_published(first, folder, digests, whole=True)
    publish.publish(store, second, folder, build, run, whole=True)
    assert publish.is_published(second, folder, digests, whole=True)
    assert not (folder / "sub").exists()
    assert list((build / ".partial").glob("*/*")) == []


def test_a_single_file_leaves_its_neighbours(tmp_path: Path, store: Store, run: Run, digests: DigestCache) -> None:
    build = tmp_path / "build"
    (build / "m").mkdir(parents=True)
    (build / "m" / "notes").write_text("mine")
    tree = {"verify.json": store.put(b"{}")}
    publish.publish(store, tree, build / "m", build, run, whole=False)
    assert publish.is_published(tree, build / "m", digests, whole=False)
    assert (build / "m" / "notes").read_text() == "mine"


@pytest.mark.parametrize("whole", [True, False])
def test_a_missing_blob_changes_nothing(
    tmp_path: Path, store: Store, run: Run, digests: DigestCache, whole: bool
) -> None:
    build, folder = tmp_path / "build", tmp_path / "build" / "m"
    good = {"a": store.put(b"1"), "b": store.put(b"2")}
    publish.publish(store, good, folder, build, run, whole=whole)
    bad = {"a": store.put(b"3"), "b": store.put(b"4")}
    store.path(bad["b"]).unlink()
    with pytest.raises(Missing):
        publish.publish(store, bad, folder, build, run, whole=whole)
    assert publish.is_published(good, folder, digests, whole=whole)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda file: file.write_bytes(b"x"),
        lambda file: file.unlink(),
        lambda file: (file.parent / "extra").write_bytes(b""),
        lambda file: (file.unlink(), file.symlink_to("/dev/null")),
    ],
    ids=["changed", "removed", "added", "linked"],
)
def test_tampering_is_noticed(tmp_path: Path, store: Store, run: Run, digests: DigestCache, tamper: object) -> None:
    folder = tmp_path / "build" / "m"
    tree = {"a": store.put(b"1")}
    publish.publish(store, tree, folder, tmp_path / "build", run, whole=True)
    (folder / "a").chmod(0o644)
    before = (folder / "a").stat()
    assert callable(tamper)
    tamper(folder / "a")
    if (folder / "a").is_file() and not (folder / "a").is_symlink():
        os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not publish.is_published(tree, folder, digests, whole=True)


def test_a_same_sized_change_with_its_old_mtime_is_noticed(tmp_path: Path, digests: DigestCache) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    os.utime(file, ns=(1, 1))
    time.sleep(0.2)  # until the file has settled, its digest is not remembered
    old = digests.of(file)
    assert digests.of(file) == old
    file.write_bytes(b"new")
    os.utime(file, ns=(1, 1))
    assert digests.of(file) != old


def test_a_reader_never_sees_a_mixture(tmp_path: Path, store: Store, run: Run) -> None:
    build, folder = tmp_path / "build", tmp_path / "build" / "m"
    trees = [{name: store.put(content * 100) for name in "abcdef"} for content in (b"old", b"new")]
    publish.publish(store, trees[0], folder, build, run, whole=True)
    mixtures: list[object] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            try:
                handle = os.open(folder, os.O_RDONLY)
            except FileNotFoundError:
                mixtures.append("there was no folder at all")
                continue
            try:
                contents = {_read(handle, name) for name in "abcdef"}
            except FileNotFoundError:
                continue  # the old folder, opened before the exchange, is being removed
            finally:
                os.close(handle)
            if len(contents) != 1:
                mixtures.append(contents)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for turn in range(200):
        publish.publish(store, trees[turn % 2], folder, build, run, whole=True)
    stop.set()
    watcher.join()
    assert mixtures == []


def test_what_a_dead_run_left_is_swept(tmp_path: Path, run: Run) -> None:
    partial = tmp_path / "build" / ".partial"
    (partial / "dead" / "new").mkdir(parents=True)
    (partial / run.id).mkdir()
    publish.sweep(tmp_path / "build", tmp_path / "cache" / "runs")
    assert [folder.name for folder in partial.iterdir()] == [run.id]


def _read(folder: int, name: str) -> bytes:
    handle = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(handle, 1 << 16)
    finally:
        os.close(handle)


LARGE = b"0123456789abcdef" * (LINKED // 16)


def test_a_large_file_takes_no_space_of_its_own(tmp_path: Path, store: Store, run: Run, digests: DigestCache) -> None:
    folder = tmp_path / "build" / "m"
    tree = {"large": store.put(LARGE), "small": store.put(b"1")}
    publish.publish(store, tree, folder, tmp_path / "build", run, whole=True)
    assert (folder / "large").samefile(store.path(tree["large"]))
    assert not (folder / "small").samefile(store.path(tree["small"]))
    assert publish.is_published(tree, folder, digests, whole=True)


def test_beside_an_onnx_model_a_large_file_is_one_of_its_own(tmp_path: Path, store: Store, run: Run) -> None:
    folder = tmp_path / "build" / "ir"
    weights = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [0], b"", raw=True)
    graph = onnx.helper.make_graph([], "net", [], [], [weights])
    model = onnx.helper.make_model(graph)
    tensor = model.graph.initializer[0]
    tensor.dims[0], tensor.data_location = len(LARGE) // 4, onnx.TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="weights.safetensors")
    tree = {"model.onnx": store.put(model.SerializeToString()), "weights.safetensors": store.put(LARGE)}
    publish.publish(store, tree, folder, tmp_path / "build", run, whole=True)
    read = onnx.load(folder / "model.onnx")
    assert read.graph.initializer[0].raw_data == LARGE


def test_a_large_file_written_into_is_noticed_and_its_blob_distrusted(
    tmp_path: Path, store: Store, run: Run, digests: DigestCache
) -> None:
    folder = tmp_path / "build" / "m"
    tree = {"large": store.put(LARGE)}
    publish.publish(store, tree, folder, tmp_path / "build", run, whole=True)
    assert publish.is_published(tree, folder, digests, whole=True)
    (folder / "large").chmod(0o644)
    (folder / "large").write_bytes(LARGE[::-1])
    assert not publish.is_published(tree, folder, digests, whole=True)
    with pytest.raises(Missing):
        publish.publish(store, tree, folder, tmp_path / "build", run, whole=True)
    assert not store.has(tree["large"])


def test_a_name_more_or_less_does_not_make_a_file_be_read_again(tmp_path: Path, digests: DigestCache) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    os.link(file, tmp_path / "second")
    time.sleep(0.2)  # until the file has settled, its digest is not remembered
    known = digests.of(file)
    os.link(file, tmp_path / "third")
    file.chmod(0o200)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "open", lambda *_: pytest.fail("it was read again"))
        assert digests.of(file) == known


def test_a_folder_that_was_seen_is_looked_at_again_only_where_it_has_changed(
    store: Store, tmp_path: Path, digests: DigestCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build" / "m"
    folder.mkdir(parents=True)
    tree = {"a": store.put(b"a"), "b": store.put(b"b")}
    for name, digest in tree.items():
        store.extract(digest, folder / name)
    time.sleep(0.15)
    assert publish.is_published(tree, folder, digests, whole=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda _: pytest.fail("the folder was read again"))
        assert publish.is_published(tree, folder, digests, whole=True)
        assert not publish.is_published({"a": tree["a"]}, folder, digests, whole=True)
    (folder / "c").write_text("more")
    assert not publish.is_published(tree, folder, digests, whole=True)
    (folder / "c").unlink()
    assert publish.is_published(tree, folder, digests, whole=True)
    (folder / "b").unlink()
    assert not publish.is_published(tree, folder, digests, whole=True)


def test_a_file_in_a_folder_that_was_empty_is_seen(store: Store, tmp_path: Path, digests: DigestCache) -> None:
    folder = tmp_path / "build" / "m"
    (folder / "below").mkdir(parents=True)
    tree = {"a": store.put(b"a")}
    store.extract(tree["a"], folder / "a")
    time.sleep(0.15)
    assert publish.is_published(tree, folder, digests, whole=True)
    (folder / "below" / "c").write_text("more")
    assert not publish.is_published(tree, folder, digests, whole=True)
