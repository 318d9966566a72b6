"""A checkout of this project to build in, as a user has one, with a cache of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tasks import manifest, photographs
from tasks.conversion import Conversion
from tasks.session import Session

ROOT = Path(__file__).parents[2]
MODELS = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet", "mtcnn-lnet", "gender-age", "mobilenet0.25-seeded")
PARTS = ("dodo.py", "pyproject.toml", "converter", "images", "models", "tasks")

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
"""What doit runs with on a machine without containers."""


class Project:
    """A copy in ``folder``.

    Attributes:
        folder: The copy.
        cache: What ``$TRANSSHIP_CACHE`` is.
        variables: Other variables of the environment that doit runs in.
    """

    def __init__(self, folder: Path, cache: Path, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self.cache = cache
        self.variables = variables
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start doit in the copy; variables set to an empty text are removed."""
        names = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        names |= {"TRANSSHIP_CACHE": str(self.cache), **self.variables, **environment}
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.folder,
            env={key: value for key, value in names.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def doit(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run doit in the copy to its end."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=1800)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def doit_in_halves(self, *tasks: str) -> subprocess.CompletedProcess[str]:
        """Run the second half of ``tasks`` in another checkout with the same cache, at once with the first half.

        Steps compute with one thread each, so that two cores do it in little more than half the time. What the other
        checkout built is restored from the cache. Tasks that fail do not keep others from being run.
        """
        other = Project(self.folder.with_name(f"{self.folder.name}, other half"), self.cache, self.variables)
        shutil.copytree(self.folder / "models", other.folder / "models", dirs_exist_ok=True)
        middle = len(tasks) // 2
        process = other.start("--continue", *tasks[middle:])
        try:
            self.doit("--continue", *tasks[:middle])
            process.communicate(timeout=1800)
        finally:
            process.kill()
            shutil.rmtree(other.folder)
        return self.doit("--continue", *tasks)

    def verdict(self, model: str, target: str = "") -> dict[str, Any]:
        """The ``verify.json`` of a model's target, or of its IR."""
        found: dict[str, Any] = json.loads((self.folder / "build" / model / target / "verify.json").read_text())
        return found

    def contents(self) -> dict[str, str]:
        """The digest of every file below ``build/``, logs excepted."""
        build = self.folder / "build"
        files = {path.relative_to(build).as_posix(): path for path in build.rglob("*") if path.is_file()}
        return {
            name: hashlib.sha256(files[name].read_bytes()).hexdigest()
            for name in sorted(files)
            if not name.startswith("logs/")
        }

    def extract_answers(self, model: str, folder: Path, target: str = "caffe") -> None:
        """Copy what ``target`` answered for ``model`` out of the cache."""
        session = Session(self.folder, self.cache)
        described = manifest.load(self.folder / "models" / f"{model}.toml")
        conversion = Conversion(self.folder, session.store, described, photographs.usual())
        answers = conversion.answers(session.look_up(), target)
        for name, digest in answers.items():
            session.store.extract(digest, folder / name)
        session.close()


def ran(output: str) -> list[str]:
    """The tasks that a run of doit says it ran."""
    return [line.split()[1] for line in output.splitlines() if line.startswith("ran ")]
