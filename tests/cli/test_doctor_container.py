"""``transship doctor`` where an engine is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tasks import engine
from tasks.cli import engines
from tasks.cli.checks import BROKEN, MISSING, OK, bounded
from tasks.session import default_cache
from tests.cli.command import Command
from tests.support.project import ROOT

pytestmark = pytest.mark.container


def findings(command: Command) -> dict[str, str]:
    done = command.run("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True), done.stdout + done.stderr
    return {each["name"]: each["state"] for each in found["findings"]}


def test_all_works_and_no_container_is_left(tmp_path: Path) -> None:
    before = {each.id for each in engine.connect().containers.list(all=True)}
    found = findings(Command(tmp_path, default_cache()))
    assert (found["engine"], found["images"], found["containers"], found["disk"]) == (OK, OK, OK, OK)
    left = {each.id for each in engine.connect().containers.list(all=True)} - before
    assert not [each for each in left if "cp" in str(engine.connect().containers.get(each).attrs["Path"])]


def test_images_are_not_needed_before_they_are(tmp_path: Path) -> None:
    found = findings(Command(tmp_path, tmp_path / "cache"))
    assert (found["engine"], found["images"], found["containers"]) == (OK, MISSING, MISSING)


def test_an_image_that_is_gone() -> None:
    built = engines.built(ROOT / "images", default_cache() / "images")
    gone = [replace(each, known=replace(each.known, identity="0" * 64)) for each in built if each.known]
    found = bounded("containers", lambda: engines.starting(gone))
    assert (found.state, "does not have the image" in found.said) == (BROKEN, True)
