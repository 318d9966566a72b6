"""Run an action as a process of this machine: the steps that need no framework, and the build system's own tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.action import Action
from tasks.errors import StepFailed


class LocalExecutor:
    """Runs a command in a process group of its own, with the action's environment and nothing else.

    ``python`` as the command is the interpreter that runs transship, with the libraries it is locked to.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """Kill what runs, in whichever thread."""
        for process in tuple(self._running):
            _kill(process)

    def run(self, action: Action, folder: Path, log: Path) -> int:
        """See :class:`tasks.executors.Executor`."""
        command, *arguments = action.argv
        process: subprocess.Popen[bytes] | None = None
        with log.open("wb") as output:
            try:
                with _undisturbed():
                    process = subprocess.Popen(
                        [sys.executable if command == "python" else command, *arguments],
                        cwd=folder,
                        env=dict(action.env),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                    self._running.add(process)
                return process.wait(action.timeout)
            except subprocess.TimeoutExpired:
                raise StepFailed(
                    f"the step was stopped after {action.timeout} s", where=f"full output in {log}"
                ) from None
            finally:
                if process:
                    self._running.discard(process)
                    _kill(process)
                    process.wait()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back: in the middle of starting a process, nobody would know what to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in found.items() if handler is not None}
    for number in before:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
