"""``doit cache``: what it says, what it removes and never removes, what it moves."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tasks import runs
from tasks.action import Digest
from tasks.cache import sweep
from tasks.store import Store
from tests.cache.test_checkouts import Checkout, words
from tests.support.chain import STEP, Chain
from tests.support.servers import Server

DAY = 86400.0


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    made = Chain(tmp_path / "a project")
    made.doit()
    return made


def aged(chain: Chain, seconds: float, *kinds: str) -> None:
    """Make the cache's files so old."""
    then = time.time() - seconds
    for kind in kinds or ("ac",):
        for path in (chain.cache / kind).rglob("*"):
            os.utime(path, (then, then))


def files(chain: Chain, kind: str) -> set[str]:
    return {path.name for path in (chain.cache / kind).rglob("*") if path.is_file()}


def test_stats(chain: Chain) -> None:
    told = chain.doit("cache", "stats").stdout
    assert "4 results, " in told
    assert "beyond: none" in told
    found = json.loads(chain.doit("cache", "stats", "--json").stdout)
    assert (found["results"], found["blobs"]) == (4, len(files(chain, "cas")))
    assert found["bytes"] == sum(path.stat().st_size for path in (chain.cache / "cas").rglob("*") if path.is_file())


def test_stats_of_nothing(tmp_path: Path) -> None:
    done = Chain(tmp_path / "one").doit("cache", "stats")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 results, 0 blobs, 0 bytes" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "doit cache to do what?"),
        (["stat"], "did you mean stats?"),
        (["gc"], "down to what?"),
        (["gc", "--max-size", "much"], "'much' is not a size"),
        (["gc", "--max-age", "30 years"], "'30 years' is not an age"),
        (["stats", "make:first"], "takes no 'make:first'"),
        (["rm"], "rm which results?"),
        (["rm", "make:x*"], "there is no task or command 'make:x*'"),
        (["rm", "make:frist"], "did you mean: make:first"),
        (["push"], "there is no cache beyond"),
        (["stats", "--jsno"], "doit does not take --jsno here"),
    ],
)
def test_what_is_not_right_is_one_message(chain: Chain, arguments: list[str], said: str) -> None:
    done = chain.doit("cache", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_not_used_for_long_goes_with_its_blobs(chain: Chain) -> None:
    chain.write("fourth", STEP.replace("[::-1]", ""))
    chain.doit()
    aged(chain, 40 * DAY)
    assert chain.doit("cache", "gc", "--max-age", "60d").stdout.startswith("0 results")
    store, now = Store(chain.cache, chain.cache / "work"), time.time()
    chain.doit()
    plan = sweep.plan(store, None, 30 * DAY, now, now + 1)
    assert len(plan.results) == 1
    sweep.remove((*plan.results, *plan.blobs))
    shutil.rmtree(chain.folder / "build")
    assert words(chain.doit(), "ran") == 0
    chain.write("fourth", STEP)
    assert words(chain.doit(), "ran") == 1


def test_a_limit_keeps_what_was_used_last(chain: Chain) -> None:
    store = Store(chain.cache, chain.cache / "work")
    whole = sum(size for _, size in sweep.blobs(chain.cache).values())
    entries = sweep.entries(chain.cache)
    for number, entry in enumerate(entries):
        os.utime(entry.path, (1000 - number, 1000 - number))
    now = time.time()
    least = sweep.plan(store, 0, None, now, now + 1)
    assert (len(least.results), least.left, least.freed) == (4, 0, whole)
    some = sweep.plan(store, whole // 2, None, now, now + 1)
    assert 0 < len(some.results) < len(entries)
    assert entries[0].path not in some.results
    assert some.left <= whole // 2
    assert sweep.plan(store, whole, None, now, now + 1).results == ()


def test_what_is_kept_can_be_built_upon(chain: Chain) -> None:
    """The inputs of a kept result stay: also those that no result has made."""
    store, now = Store(chain.cache, chain.cache / "work"), time.time()
    for path in (chain.cache / "ac").rglob("*"):
        os.utime(path, (1000, 1000))
    chain.doit("make:second")
    plan = sweep.plan(store, None, DAY, now, now + 1)
    sweep.remove((*plan.results, *plan.blobs))
    names = files(chain, "cas")
    for entry in sweep.entries(chain.cache):
        assert sweep.reached(store, entry, sweep.blobs(chain.cache)) <= names


def test_what_a_build_at_work_has_looked_at_stays(chain: Chain) -> None:
    store = Store(chain.cache, chain.cache / "work")
    aged(chain, DAY, "ac", "cas")
    key = Digest(sweep.entries(chain.cache)[0].key, 0)
    with runs.begin(chain.cache / "runs") as run:
        since = sweep.oldest_run(chain.cache / "runs")
        assert since == (run.folder / "lock").stat().st_mtime
        time.sleep(0.02)
        assert store.result(key)
        plan = sweep.plan(store, 0, 0.0, time.time(), since)
        assert len(plan.results) == 3
        sweep.remove((*plan.results, *plan.blobs))
        assert all(map(store.has, (store.result(key) or {}).values()))
    assert sweep.oldest_run(chain.cache / "runs") > since


def test_trying_removes_nothing(chain: Chain) -> None:
    aged(chain, 40 * DAY)
    before = files(chain, "cas") | files(chain, "ac")
    done = chain.doit("cache", "gc", "--max-age", "30d", "--dry-run")
    assert "4 results and 0 blobs would go" in done.stdout
    assert files(chain, "cas") | files(chain, "ac") == before


def test_damage_is_found_and_removed(chain: Chain) -> None:
    assert chain.doit("cache", "verify").returncode == 0
    blob = next(path for path in sorted((chain.cache / "cas").rglob("*")) if path.is_file())
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    done = chain.doit("cache", "verify")
    assert done.returncode == 1
    assert f"damaged, removed: {blob}" in done.stdout
    assert chain.doit("cache", "verify").returncode == 0
    shutil.rmtree(chain.folder / "build")
    assert chain.doit().returncode == 0


def test_what_is_forgotten_runs_again(chain: Chain) -> None:
    assert chain.doit("cache", "rm", "make:second", "make:f*").stdout == "3 results forgotten\n"
    again = chain.doit()
    assert words(again, "ran") == 3


@pytest.fixture
def pushed(server: Server, tmp_path: Path) -> Checkout:
    """A checkout that built without sharing, and then shared all."""
    made = Checkout(tmp_path / "first", "")
    made.doit()
    made.url, made.mode = server.url, "read-write"
    done = made.doit("cache", "push")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 of 4 results shared, ")
    return made


def test_what_is_pushed_is_all_that_another_needs(pushed: Checkout, server: Server, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", server.url)
    assert words(other.doit(), "ran") == 0
    assert other.contents() == pushed.contents()
    assert pushed.doit("cache", "push").stdout == "4 of 4 results shared, 0 bytes sent\n"


def test_what_is_pulled_is_here_when_the_server_is_gone(pushed: Checkout, server: Server, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", server.url)
    done = other.doit("cache", "pull", "make:third")
    assert (done.returncode, done.stdout.partition(",")[0]) == (0, "3 of 3 results here")
    assert not (other.folder / "build").exists()
    other.url = ""
    assert words(other.doit("make:third"), "ran") == 0


def test_who_only_reads_cannot_push(pushed: Checkout) -> None:
    pushed.mode = "read-only"
    done = pushed.doit("cache", "push")
    assert done.returncode == 1
    assert "is only read from" in done.stderr
