"""``transship download`` of what is built instead of downloaded, and the command that it says to go on with."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.support.project import Project

pytestmark = pytest.mark.container

NAME = "mobilenet0.25-seeded"


def test_seeded_and_on(converted: Project, tmp_path: Path) -> None:
    command = Command(tmp_path, converted.cache)
    done = command.run("download", NAME, "-o", "my nets")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"my nets/{NAME}-symbol.json", f"my nets/{NAME}-0000.params"]
    said = next(line for line in done.stderr.splitlines() if line.startswith("to go on: "))
    _, *words = shlex.split(said.removeprefix("to go on: "))
    on = command.run(*words, "--json")
    assert on.returncode == 0, on.stderr
    (result,) = json.loads(on.stdout)["results"]
    assert result["verdict"] == "exact"

    again = command.run("download", NAME, "-o", "my nets", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert (again.returncode, again.stdout, "nothing to run" in again.stderr) == (0, done.stdout, True)
