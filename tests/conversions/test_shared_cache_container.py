"""The MTCNN networks to every target: built once, then nothing runs, on this machine or on one that has the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.targets import TARGETS
from tests.support.project import NO_ENGINE, Project
from tests.support.servers import nginx

pytestmark = pytest.mark.container

SET = [f"convert:mtcnn-{net}-{target}" for net in ("pnet", "rnet", "onet", "lnet") for target in TARGETS]


def test_a_second_checkout_and_one_with_nothing_but_the_server_run_nothing(
    converted: Project, tmp_path: Path
) -> None:
    second = Project(tmp_path / "second checkout", converted.cache)
    _check(second, converted, {})
    with nginx(tmp_path / "server") as server:
        beyond = {"TRANSSHIP_REMOTE_CACHE": server.url, "no_proxy": "*"}
        pushed = converted.doit("cache", "push", **beyond, TRANSSHIP_REMOTE_CACHE_MODE="read-write")
        assert pushed.returncode == 0, pushed.stdout + pushed.stderr
        before = len(server.requests())
        third = Project(tmp_path / "third checkout", tmp_path / "empty cache")
        _check(third, converted, {**beyond, **NO_ENGINE})
        asked = server.requests()[before:]
        assert sorted(asked) == sorted(set(asked))


def _check(project: Project, converted: Project, environment: dict[str, str]) -> None:
    done = project.doit(*SET, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ran " not in done.stdout
    assert done.stdout.count("√ exact") == len(SET)
    built = project.contents()
    assert built.items() <= converted.contents().items()
    again = project.doit(*SET, **environment)
    assert again.stdout == f"{len(SET)} tasks: up to date, nothing to run\n"
