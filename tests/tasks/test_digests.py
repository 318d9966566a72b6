"""Remembered digests are a hint: whatever happens to the database, answers are right."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tasks.action import Digest
from tasks.digests import DigestCache

OPEN = """
import sys, time
from pathlib import Path
from tasks.digests import DigestCache
for number in range(30):
    time.sleep(max(0, float(sys.argv[3]) + number * 0.05 - time.time()))
    cache = DigestCache(Path(f"{sys.argv[1]}-{number}"))
    assert cache.of(Path(sys.argv[2])) is not None
    cache.close()
"""


def test_many_processes_open_it_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"cargo")
    begin = str(time.time() + 1.5)
    command = [sys.executable, "-c", OPEN, str(tmp_path / "digests.db"), str(file), begin]
    openers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    said = [opener.communicate(timeout=60)[1] for opener in openers]
    assert said == [""] * 6


def test_a_damaged_database_is_started_anew(tmp_path: Path) -> None:
    file, database = tmp_path / "file", tmp_path / "digests.db"
    file.write_bytes(b"cargo")
    time.sleep(0.2)
    database.write_bytes(b"no database" * 1000)
    cache = DigestCache(database)
    assert cache.of(file) == Digest.of(b"cargo")
    cache.close()
    assert database.read_bytes().startswith(b"SQLite format 3")


def test_a_database_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"cargo")
    time.sleep(0.2)
    cache = DigestCache(tmp_path / "digests.db")
    cache._db.execute("pragma query_only = on")
    assert cache.of(file) == Digest.of(b"cargo")
    cache.close()
