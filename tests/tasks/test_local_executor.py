"""Steps as processes of this machine: none is left behind, whenever it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.action import Action, Image
from tasks.executors.local import LocalExecutor

FOREVER = Action(("sleep", "60"), Image("host", "test"), (), ("a",), timeout=30)


def test_a_signal_while_a_process_is_being_started_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Slow(subprocess.Popen[bytes]):
        """Is interrupted after the fork, before anybody has it."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass

    monkeypatch.setattr(subprocess, "Popen", Slow)
    with pytest.raises(KeyboardInterrupt):
        LocalExecutor().run(FOREVER, tmp_path, tmp_path / "log")
    (process,) = started
    assert process.returncode == -signal.SIGKILL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_processes_of_other_threads_are_stopped(tmp_path: Path) -> None:
    executor, codes = LocalExecutor(), []
    threads = [
        threading.Thread(target=lambda n=n: codes.append(executor.run(FOREVER, tmp_path, tmp_path / f"log-{n}")))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        executor.stop()
        threads[0].join(0.05)
    assert codes == [-signal.SIGKILL] * 3
