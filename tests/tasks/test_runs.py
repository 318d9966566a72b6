"""Runs: alive exactly as long as their process."""

from __future__ import annotations

import signal
import subprocess
import sys
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
