"""What ``doit explain`` says, in the real doit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.chain import STEP, Chain

ALL = ("first", "second", "third", "fourth")
OTHER = STEP.replace("[::-1]", "")


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "a project")


def explained(chain: Chain, *words: str) -> dict[str, dict[str, Any]]:
    done = chain.doit("explain", "--json", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return {each["step"].removeprefix("make:"): each for each in json.loads(done.stdout)}


def states(chain: Chain, *words: str) -> dict[str, str]:
    return {name: each["state"] for name, each in explained(chain, *words).items()}


def test_nothing_was_ever_built(chain: Chain) -> None:
    found = explained(chain)
    assert list(found) == list(ALL)
    assert {each["state"] for each in found.values()} == {"run"}
    assert found["first"]["differences"][0]["why"] == "this step was never built from here"
    assert not (chain.folder / "build").exists()


def test_nothing_has_changed(chain: Chain) -> None:
    chain.doit()
    assert states(chain) == dict.fromkeys(ALL, "up to date")
    assert chain.doit("explain").stdout == "4 up to date\n"
    assert "up to date make:first  nothing has changed" in chain.doit("explain", "--all").stdout


def test_a_change_is_named_at_the_step_that_has_it_and_the_rest_comes_after_that(chain: Chain) -> None:
    chain.doit()
    chain.write("second", OTHER)
    found = explained(chain)
    assert {name: each["state"] for name, each in found.items()} == {
        "first": "up to date",
        "second": "run",
        "third": "run",
        "fourth": "run",
    }
    (difference,) = found["second"]["differences"]
    (change,) = difference["changes"]
    assert (change["component"], change["name"]) == ("code", "step.py")
    assert change["before"] != change["after"]
    assert "(+1 -1 lines)" in change["after"]
    assert found["fourth"]["differences"] == []
    assert found["fourth"]["why"] == "comes after make:second, unless that gives what it gave before"


def test_an_input_that_has_changed_is_named(chain: Chain) -> None:
    chain.doit()
    (chain.folder / "build.txt").write_text("other cargo")
    (difference,) = explained(chain, "make:first")["first"]["differences"]
    assert [(each["component"], each["name"]) for each in difference["changes"]] == [("input file", "text")]


def test_what_was_there_before_is_restored_and_still_explained(chain: Chain) -> None:
    chain.doit()
    chain.write("third", OTHER)
    chain.doit()
    chain.write("third", STEP)
    found = explained(chain)
    assert {name: each["state"] for name, each in found.items()} == {
        "first": "up to date",
        "second": "up to date",
        "third": "restored",
        "fourth": "restored",
    }
    assert found["third"]["differences"][0]["changes"][0]["name"] == "step.py"


def test_files_that_are_gone_are_restored(chain: Chain) -> None:
    chain.doit()
    shutil.rmtree(chain.folder / "build")
    assert states(chain) == dict.fromkeys(ALL, "restored")
    assert not (chain.folder / "build" / "first").exists()


def test_results_that_are_gone_are_said_to_be(chain: Chain) -> None:
    chain.doit()
    shutil.rmtree(chain.cache / "ac")
    found = explained(chain, "make:second")
    assert list(found) == ["first", "second"]
    assert found["first"]["differences"][0]["why"] == "its result was removed from the cache"


@pytest.mark.parametrize("damage", ["nothing", "no database", "blobs"])
def test_without_a_history_it_says_less(chain: Chain, damage: str) -> None:
    chain.doit()
    chain.write("first", OTHER)
    if damage == "nothing":
        (chain.cache / "history.db").unlink()
    elif damage == "no database":
        (chain.cache / "history.db").write_bytes(b"no database" * 1000)
    else:
        shutil.rmtree(chain.cache / "cas")
    done = chain.doit("explain", "make:first")
    assert (done.returncode, done.stderr) == (0, "")
    assert "make:first" in done.stdout


def test_what_it_says_comes_true(chain: Chain) -> None:
    chain.doit()
    chain.write("second", STEP + "# a comment\n")
    assert states(chain)["second"] == "run"
    chain.doit()
    assert states(chain) == dict.fromkeys(ALL, "up to date")


def test_what_would_only_be_needed_by_a_step_that_runs_is_left_out(chain: Chain) -> None:
    chain.doit("make:third")
    shutil.rmtree(chain.folder / "build" / "first")
    assert states(chain, "make:third") == {"third": "up to date"}
    chain.write("third", OTHER)
    assert states(chain, "make:third") == {"second": "up to date", "third": "run"}


def test_another_checkout_has_its_own_history(chain: Chain, tmp_path: Path) -> None:
    chain.doit()
    other = Chain(tmp_path / "other")
    other.cache = chain.cache
    found = explained(other)
    assert {each["state"] for each in found.values()} == {"restored"}
