"""Runs: alive exactly as long as their process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from tasks import runs

HOLD = """
import sys, time
from pathlib import Path
from tasks import runs
with runs.begin(Path(sys.argv[1])) as run:
    (run.scratch() / "half").write_text("written")
    print(run.id, flush=True)
    time.sleep(60)
"""


def test_a_run_ends_with_its_block(tmp_path: Path) -> None:
    with runs.begin(tmp_path / "runs") as run:
        assert runs.is_alive(tmp_path / "runs", run.id)
        assert runs.dead(tmp_path / "runs") == []
    assert not run.folder.exists()


def test_a_killed_process_leaves_a_dead_run(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        name = holder.stdout.readline().strip()
        assert runs.is_alive(folder, name)
        assert runs.dead(folder) == []
        holder.send_signal(signal.SIGKILL)
    (dead,) = runs.dead(folder)
    assert dead.id == name
    runs.bury(dead)
    assert not dead.folder.exists()


def test_a_run_killed_before_it_had_its_lock_is_dead(tmp_path: Path) -> None:
    (tmp_path / "runs" / "0123").mkdir(parents=True)
    assert [run.id for run in runs.dead(tmp_path / "runs")] == ["0123"]


def test_a_run_that_is_just_beginning_is_not_taken_for_dead(tmp_path: Path) -> None:
    folder, seen = tmp_path / "runs", []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.extend(runs.dead(folder))

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(300):
        with runs.begin(folder) as run:
            assert run.folder.is_dir()
    stop.set()
    watcher.join()
    assert seen == []
