"""Digests of files that have not changed since they were last read, remembered across runs."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from tasks.action import Digest

_SETTLED_NS = 100_000_000
"""A file changed less than this before it was read may change again within the clock's resolution, unnoticed."""


class DigestCache:
    """SHA-256 of files, read again only where device, inode, size, mtime or ctime differ from the last time.

    ctime is what makes this safe: copying tools restore mtime, nothing restores ctime. Only where a file has several
    names it tells nothing, since it moves with each name that comes or goes: there mtime has to do. What is
    remembered only saves time: where the database cannot be used, files are read.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "digest")
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute("create table if not exists digest (path text primary key, stamp text, sha256 text)")

    def of(self, path: Path) -> Digest | None:
        """Digest of the file, or None where there is no such regular file."""
        try:
            stat = path.lstat()
            if path.is_symlink() or not path.is_file():
                return None
            known = self._remembered(path, _stamp(stat))
            return Digest(known, stat.st_size) if known else self._read(path, stat)
        except FileNotFoundError:
            return None

    def _remembered(self, path: Path, stamp: str) -> str | None:
        with suppress(sqlite3.Error):
            row = self._db.execute("select sha256 from digest where path = ? and stamp = ?", (str(path), stamp))
            if found := row.fetchone():
                return str(found[0])
        return None

    def _read(self, path: Path, stat: os.stat_result) -> Digest:
        started = time.time_ns()
        with path.open("rb") as reader:
            sha256 = hashlib.file_digest(reader, "sha256").hexdigest()
        if stat.st_ctime_ns < started - _SETTLED_NS and _stamp(path.lstat()) == _stamp(stat):
            with suppress(sqlite3.Error):
                row = (str(path), _stamp(stat), sha256)
                self._db.execute("insert or replace into digest values (?, ?, ?)", row)
        return Digest(sha256, stat.st_size)

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def discard_damaged(path: Path, table: str) -> None:
    """Remove a file that should be an SQLite database and is none: for records that can be made again."""
    try:
        with closing(sqlite3.connect(path, timeout=30)) as db:
            db.execute(f"select 1 from {table} limit 1")  # noqa: S608 - a name in this program
    except sqlite3.OperationalError:
        pass  # it is empty, or in use
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)


def _stamp(stat: os.stat_result) -> str:
    changed = stat.st_ctime_ns if stat.st_nlink == 1 else "linked"
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{changed}"
