"""Run one command as a process of its own and write down what it took. Runs in a benchmark's container.

``measure.py FILE... -- COMMAND``: reads each FILE first, so that the page cache has it, and writes
``/out/measured.json``: wall time in ``seconds`` from spawning the process to its end, ``bytes`` of its peak resident
memory, its exit ``status``. The command's output goes to ``/out/said.txt``.
"""

from __future__ import annotations

import json
import os
import sys
import time

CHUNK = 1 << 24


def warm(path: str) -> None:
    """Read a file."""
    with open(path, "rb", buffering=0) as file:
        while file.read(CHUNK):
            pass


def main() -> None:
    """Measure the command of ``sys.argv``."""
    split = sys.argv.index("--")
    for path in sys.argv[1:split]:
        warm(path)
    command = sys.argv[split + 1 :]
    said = os.open("/out/said.txt", os.O_WRONLY | os.O_CREAT)
    actions = [(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
    begin = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, used = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    measured = {"seconds": seconds, "bytes": used.ru_maxrss << 10, "status": os.waitstatus_to_exitcode(status)}
    with open("/out/measured.json", "w") as file:
        json.dump(measured, file)


if __name__ == "__main__":
    main()
