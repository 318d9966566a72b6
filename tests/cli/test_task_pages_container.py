"""The pages ``docs/tasks/``: every command in them runs, and every example, in the framework that it is for."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.targets import TARGETS
from tasks.toolchains import interpreter
from tests.cli.command import Command
from tests.support.containers import try_step
from tests.support.project import ROOT, Project

pytestmark = pytest.mark.container

PAGES = ROOT / "docs" / "tasks"
NET = "squeezenet_v1.1"
RUN = "import os, runpy; os.chdir('/in'); runpy.run_path('example.py')"


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```", (PAGES / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def command(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Beside SqueezeNet's files, called as published; the weights are seeded ones."""
    folder = tmp_path_factory.mktemp("pages")
    project = Project(tmp_path_factory.mktemp("seeded") / "project", converted.cache)
    done = project.doit(f"download:{NET}", "weights=seeded")
    assert done.returncode == 0, done.stderr
    for path in (project.folder / "build" / f"{NET}-seeded" / "source").iterdir():
        shutil.copy(path, folder / path.name.replace("model", NET))
    return Command(folder, converted.cache)


@pytest.fixture(scope="module")
def classes() -> dict[str, int]:
    """What the examples find, by target: they all ask for the same image."""
    return {}


def test_there_is_a_page_for_every_target() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_page(target: str, command: Command, classes: dict[str, int], tmp_path: Path) -> None:
    kinds = {language for language, _ in blocks(target)}
    assert kinds == {"sh", "python"}
    for language, text in blocks(target):
        if language == "python":
            answer = example(target, text, command.folder, tmp_path)
            assert answer.strip(), "an example prints what it found"
            if target != "coreml":  # which runs on a Mac only
                classes[target] = int(answer.split()[-1])
            continue
        for line in text.replace("\\\n", "").splitlines():
            program, *words = shlex.split(line)
            assert program == "transship"
            done = command.run(*words)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert len(set(classes.values())) <= 1, classes


def example(target: str, text: str, folder: Path, scratch: Path) -> str:
    """What the example ``text`` prints, run in the target's image beside what was converted in ``folder``."""
    shutil.copytree(folder / "squeezenet", scratch / "in" / "squeezenet")
    (scratch / "in" / "example.py").write_text(text)
    (scratch / "out").mkdir()
    toolchain = TARGETS[target].toolchain
    argv = [interpreter(toolchain, ROOT / "images"), "-c", RUN]
    status, said = try_step(toolchain, argv, scratch / "in", scratch / "out")
    assert status == 0, said
    return said
