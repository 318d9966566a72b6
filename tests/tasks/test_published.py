"""Files of a model zoo: fetched once, and known from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from tasks import published, runs
from tasks.action import Digest, Image
from tasks.claims import Claims
from tasks.errors import EngineError
from tasks.execution import Execution, LookUp, Miss
from tasks.executors import Executor
from tasks.index import DownloadError
from tasks.manifest import Source
from tasks.published import Published
from tasks.store import Store

ONE = Published("one-01234567.params", "0" * 40, "https://a.example/", "gluon/models/one-01234567.zip")
OTHER = Published("other-89abcdef.params", "8" * 40, "https://a.example/", "gluon/models/other-89abcdef.zip")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", tmp_path / "work")


def execution(store: Store, *, network: bool = True) -> Execution:
    """A process that fetches files whose content is their name, or cannot."""

    def fetch(source: Source) -> NoReturn:
        raise AssertionError(source)

    def fetch_published(file: Published) -> Digest:
        if not network:
            raise DownloadError(f"{file.name} cannot be had")
        return store.put(file.name.encode())

    def image(toolchain: str) -> Image:
        raise EngineError(toolchain)

    def executor(image: Image) -> Executor:
        raise EngineError(image.toolchain)

    run = runs.Run("test", store.root / "runs" / "test")
    claims = Claims(store.root / "claims")
    return Execution(store, run, store.root / "logs", fetch, fetch_published, lambda _: None, image, executor, claims)


def look_up(store: Store) -> LookUp:
    return LookUp(store, lambda _: None)


def test_the_step_s_answer_is_read() -> None:
    files = [{"file": file.name, "sha1": file.sha1, "path": file.path} for file in (ONE, OTHER)]
    content = json.dumps({"base": "https://a.example/", "files": files}).encode()
    assert published.read(content) == (ONE, OTHER)


def test_what_was_fetched_is_looked_up_from_then_on(store: Store) -> None:
    with pytest.raises(Miss):
        look_up(store).published([ONE])
    first = execution(store)
    tree = first.published([ONE])
    assert tree == {ONE.name: Digest.of(ONE.name.encode())}
    assert first.ran == 1
    again = execution(store, network=False)
    assert again.published([ONE]) == look_up(store).published([ONE]) == tree
    assert again.ran == 0


def test_one_that_is_missing_is_fetched_alone(store: Store) -> None:
    execution(store).published([ONE])
    with pytest.raises(Miss):
        look_up(store).published([ONE, OTHER])
    both = execution(store)
    assert set(both.published([ONE, OTHER])) == {ONE.name, OTHER.name}
    assert both.ran == 1


def test_nothing_is_on_record_of_what_could_not_be_had(store: Store) -> None:
    with pytest.raises(DownloadError):
        execution(store, network=False).published([ONE])
    with pytest.raises(Miss):
        look_up(store).published([ONE])


def test_content_that_the_store_has_lost_is_fetched_again(store: Store) -> None:
    (digest,) = execution(store).published([ONE]).values()
    store.path(digest).unlink()
    with pytest.raises(Miss):
        look_up(store).published([ONE])
    assert execution(store).published([ONE]) == {ONE.name: digest}


def test_a_mirror_makes_no_difference_and_another_file_does(store: Store) -> None:
    execution(store).published([ONE])
    mirrored = Published(ONE.name, ONE.sha1, "file:///mirror/", ONE.path)
    assert look_up(store).published([mirrored])
    with pytest.raises(Miss):
        look_up(store).published([Published(ONE.name, "1" * 40, ONE.base, ONE.path)])
