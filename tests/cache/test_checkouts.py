"""Several checkouts with a server between them, in the real doit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.chain import STEP, Chain
from tests.support.servers import Server, free_port

ALL = 4


class Checkout(Chain):
    """A project with a cache of its own and one beyond it."""

    def __init__(self, folder: Path, url: str, mode: str = "") -> None:
        super().__init__(folder)
        self.url = url
        self.mode = mode

    def environment(self) -> dict[str, str]:
        """What doit runs with."""
        own = {"TRANSSHIP_REMOTE_CACHE": self.url, "TRANSSHIP_REMOTE_CACHE_MODE": self.mode, "no_proxy": "*"}
        return {**super().environment(), **own}


@pytest.fixture
def built(server: Server, tmp_path: Path) -> Checkout:
    """A checkout that has shared all that it built."""
    made = Checkout(tmp_path / "first", server.url, "read-write")
    done = made.doit()
    assert (done.returncode, done.stderr, done.stdout.count("ran ")) == (0, "", ALL)
    return made


def words(done: subprocess.CompletedProcess[str], word: str) -> int:
    return sum(line.startswith(f"{word} ") for line in done.stdout.splitlines())


def test_another_machine_runs_nothing(built: Checkout, server: Server, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", server.url)
    done = other.doit()
    assert (done.returncode, done.stderr) == (0, "")
    assert (words(done, "ran"), words(done, "restored")) == (0, ALL)
    assert f"; {ALL} results from the shared cache" in done.stdout
    assert other.contents() == built.contents()
    assert other.doit().stdout == "make: up to date, nothing to run\n"


def test_of_what_is_asked_for_nothing_above_is_fetched(built: Checkout, server: Server, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", server.url)
    before = len(server.requests())
    done = other.doit("make:fourth")
    assert (words(done, "ran"), words(done, "restored")) == (0, 1)
    fetched = [line for line in server.requests()[before:] if line.startswith("GET /cache/cas/")]
    assert len(fetched) == len([name for name in built.contents() if name.startswith("fourth/")])


def test_what_the_server_has_lost_is_built(built: Checkout, server: Server, tmp_path: Path) -> None:
    for name in server.names("cas"):
        (server.files / "cache" / "cas" / name).unlink()
    other = Checkout(tmp_path / "other", server.url)
    done = other.doit()
    assert (done.returncode, done.stderr) == (0, "")
    assert words(done, "ran") == ALL
    assert other.contents() == built.contents()


@pytest.mark.parametrize("damage", ["ac", "cas"])
def test_what_the_server_has_damaged_is_built(built: Checkout, server: Server, tmp_path: Path, damage: str) -> None:
    for name in server.names(damage):
        path = server.files / "cache" / damage / name
        path.write_bytes(path.read_bytes()[::-1] + b"x")
    other = Checkout(tmp_path / "other", server.url)
    done = other.doit()
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert ("has other bytes under the name" in done.stderr) == (damage == "cas")
    assert other.contents() == built.contents()


def test_without_a_server_it_is_built_with_a_warning(built: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", f"http://127.0.0.1:{free_port()}/cache", "read-write")
    done = other.doit("-n", "3")
    assert done.returncode == 0
    assert words(done, "ran") == ALL
    assert len(done.stderr.splitlines()) == 2
    assert "Connection refused" in done.stderr
    assert other.contents() == built.contents()


def test_a_server_that_goes_away_on_the_way(built: Checkout, server: Server, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", server.url)
    other.doit("make:second")
    other.url = f"http://127.0.0.1:{free_port()}/cache"
    shutil.rmtree(other.folder / "build")
    done = other.doit()
    assert done.returncode == 0
    assert other.contents() == built.contents()


def test_a_failure_is_not_shared(built: Checkout, server: Server) -> None:
    before = server.names("ac")
    built.write("second", "raise SystemExit(1)")
    assert built.doit().returncode == 1
    assert server.names("ac") == before


def test_a_change_is_shared_and_what_rests_on_it(built: Checkout, server: Server, tmp_path: Path) -> None:
    before = server.names("ac")
    built.write("third", STEP.replace("[::-1]", ""))
    built.doit()
    assert len(server.names("ac") - before) == 2
    other = Checkout(tmp_path / "other", server.url)
    other.write("third", STEP.replace("[::-1]", ""))
    assert words(other.doit(), "ran") == 0


def test_settings_that_are_not_right_are_one_message(tmp_path: Path) -> None:
    done = Checkout(tmp_path / "one", "ftp://host").doit()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "TRANSSHIP_REMOTE_CACHE is no address of a cache" in done.stderr
