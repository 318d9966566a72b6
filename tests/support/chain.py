"""A small project around the real build system: a chain of steps that run as processes, driven by the real doit.

The source ``build.txt`` is read by ``first``; each later step reads the one before and writes three files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

DODO = """
from functools import partial
from pathlib import Path

from tasks.action import Action, Image, below, inputs
from tasks.doit_task import StepTask
from tasks.progress.reporter import Reporter
from tasks.session import Session, Step, default_cache

root = Path(__file__).parent
session = Session(root, default_cache())
DOIT_CONFIG = {"default_tasks": ["make"], "reporter": Reporter(session), "backend": "sqlite3-committing"}
NAMES = (root / "steps.txt").read_text().split()


def produce(index, get):
    put = session.store.put
    if index == 0:
        files = {"text": put((root / "build.txt").read_bytes())}
    else:
        files = below("before", produce(index - 1, get))
    script = (root / f"{NAMES[index]}.py").read_bytes()
    return get.action(
        Action(
            argv=("python", "in/step.py"),
            image=Image("host", "test"),
            inputs=inputs({"step.py": put(script), **files}),
            outputs=("a", "b", "folder"),
            env=(("PYTHONDONTWRITEBYTECODE", "1"),),
            timeout=20,
        )
    )


def task_make():
    for index, name in enumerate(NAMES):
        after = (f"make:{NAMES[index - 1]}",) if index else ()
        yield StepTask(session, Step(f"make:{name}", partial(produce, index), Path(name), after=after), name)
"""

STEP = """
import pathlib, time
files = [file for file in sorted(pathlib.Path("in").rglob("*")) if file.is_file() and file.suffix != ".py"]
text = "".join(file.read_text() for file in files)
out = pathlib.Path("out")
(out / "a").write_text(str(sum(map(ord, text))))
time.sleep(0.02)
(out / "b").write_text(str(len(text)))
(out / "folder").mkdir()
(out / "folder" / "c").write_text(text[::-1][:1000])
"""


class Chain:
    """The project in ``folder``, with a cache of its own beside it."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("first", "second", "third", "fourth")) -> None:
        self.folder = folder
        self.names = names
        self.cache = folder.with_name(f"{folder.name}-cache")
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "dodo.py").write_text(DODO)
        (folder / "build.txt").write_text("cargo\n" * 100)
        (folder / "steps.txt").write_text(" ".join(names))
        for name in names:
            self.write(name, STEP)

    def write(self, name: str, script: str) -> None:
        """Give the step ``name`` another program."""
        (self.folder / f"{name}.py").write_text(script)

    def environment(self) -> dict[str, str]:
        """What doit runs with."""
        return {**os.environ, "PYTHONPATH": str(ROOT), "TRANSSHIP_CACHE": str(self.cache)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start doit in the project."""
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def doit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run doit in the project to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def contents(self) -> dict[str, bytes]:
        """Every file below ``build/``, logs excepted."""
        build = self.folder / "build"
        files = {path.relative_to(build).as_posix(): path for path in build.rglob("*") if path.is_file()}
        return {name: files[name].read_bytes() for name in sorted(files) if not name.startswith("logs/")}
