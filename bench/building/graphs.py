"""Projects of 10,000 tasks, for transship, for doit alone and for ninja."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = Path(__file__).with_name("projects")
CHAINS, LENGTH, FILES = 100, 100, 3

_NINJA = "rule join\n  command = cat $in | tail -c 64 > $out\n"


def prepare(folder: Path) -> dict[str, tuple[list[str], Path, dict[str, str]]]:
    """Write the projects and build them once: each one's command, folder and environment, by name."""
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    doit = [sys.executable, "-m", "doit"]
    projects = {
        "transship": (doit, _project(folder / "transship", "ours.py"), own),
        "doit": (doit, _project(folder / "doit", "stock.py"), dict(os.environ)),
    }
    shutil.copy(ROOT / "pyproject.toml", folder / "transship")
    (folder / "doit" / "out").mkdir()
    if ninja := shutil.which("ninja"):
        place = _project(folder / "ninja")
        (place / "build.ninja").write_text(_NINJA + "".join(_edges()))
        projects["ninja"] = ([ninja], place, dict(os.environ))
    for project in projects.values():
        run(*project)
    return projects


def _project(folder: Path, dodo: str = "") -> Path:
    (folder / "sources").mkdir(parents=True)
    for chain in range(CHAINS):
        for number in range(LENGTH):
            for each in range(FILES):
                (folder / "sources" / f"{chain}-{number}-{each}").write_text(f"{chain} {number} {each}")
    if dodo:
        shutil.copy(PROJECTS / dodo, folder / "dodo.py")
    return folder


def _edges() -> list[str]:
    edges = []
    for chain in range(CHAINS):
        for number in range(LENGTH):
            read = [f"sources/{chain}-{number}-{each}" for each in range(FILES)]
            read += [f"out/{chain}-{number - 1}"] if number else []
            edges.append(f"build out/{chain}-{number}: join {' '.join(read)}\n")
    return edges


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], *tasks: str) -> float:
    """Run a build; the seconds that it took."""
    started = time.perf_counter()
    subprocess.run([*command, *tasks], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
