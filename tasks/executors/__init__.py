"""Who runs an action: one module an executor, all behind the same small interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tasks.action import Action


class Executor(Protocol):
    """Runs a program in a working folder whose ``in/`` is staged and whose ``out/`` is empty."""

    def run(self, action: Action, folder: Path, log: Path) -> int:
        """Run ``action`` to its end and return its exit code.

        Args:
            action: What to run; relative paths in its command are meant from ``folder``.
            folder: The working folder, with ``in/`` (not to be written to) and ``out/``.
            log: File that receives everything the program prints.

        Raises:
            TransshipError: It could not be run, ran out of time or memory, or the engine went away. Whatever the
                program had started is stopped, also when the exception is ``KeyboardInterrupt``.
        """
        ...
