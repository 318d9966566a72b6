"""The command line as a user runs it, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tasks import cli
from tests.support.project import ROOT


@dataclass(frozen=True)
class Command:
    """``transship``, or another program of the checkout ``root``, in ``folder``, on ``cache``."""

    folder: Path
    cache: Path
    root: Path = ROOT
    program: str = "tasks.cli"

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start it; variables set to an empty text are removed."""
        names = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
        names |= {"TRANSSHIP_CACHE": str(self.cache), "PYTHONPATH": str(self.root), **environment}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", self.program, *words],
            cwd=self.folder,
            env={key: value for key, value in names.items() if value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=1800)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class Done(NamedTuple):
    """What a command gave."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Inside:
    """The same inside of this process, which has everything imported: a tenth of the time."""

    folder: Path
    cache: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> Done:
        """Run it to its end."""
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setenv("TRANSSHIP_CACHE", str(self.cache))
        self.capsys.readouterr()
        return Done(cli.main(words), *self.capsys.readouterr())
