"""The command line as a user runs it: in a process and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import ROOT


@dataclass(frozen=True)
class Command:
    """``transship`` in ``folder``, on ``cache``."""

    folder: Path
    cache: Path

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start it; variables set to an empty text are removed."""
        names = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
        names |= {"TRANSSHIP_CACHE": str(self.cache), "PYTHONPATH": str(ROOT), **environment}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tasks.cli", *words],
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
