"""Digests of files that have not changed since they were last read, remembered across runs."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tasks.action import Digest

_SETTLED_NS = 100_000_000
"""A file changed less than this before it was read may change again within the clock's resolution, unnoticed."""


_MANY = 64
"""Questions after which all answers are read at once."""


_Row = tuple[str, str, str]
"""Path, stamp and content: a file's SHA-256, a folder's names."""


class DigestCache:
    """SHA-256 of files, read again only where device, inode, size, mtime or ctime differ from the last time.

    ctime is what makes this safe: copying tools restore mtime, nothing restores ctime. Only where a file has several
    names it tells nothing, since it moves with each name that comes or goes: there mtime has to do. What is
    remembered only saves time: where the database cannot be used, files are read.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "digest")
        self._asked = 0
        self._known: dict[str, _Row] = {}
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute("create table if not exists digest (path text primary key, stamp text, sha256 text)")

    def of(self, path: Path | str) -> Digest | None:
        """Digest of the file, or None where there is no such regular file."""
        try:
            found = os.lstat(path)
            if not stat.S_ISREG(found.st_mode):
                return None
            return self._known_of(str(path), found) or self._read(Path(path), found)
        except FileNotFoundError:
            return None

    def known(self, path: Path | str) -> Digest | None:
        """The same of a file that has not changed since it was last read; it is not read now."""
        found = os.stat(path)
        return self._known_of(str(path), found)

    def lists(self, folder: str, names: str) -> bool | None:
        """Whether the folder, with no other folders in it, is as it was when it held ``names``; None if not known."""
        try:
            found = os.lstat(folder)
        except FileNotFoundError:
            return None
        row = self._row(folder)
        if row is None or row[1] != _stamp(found, is_folder=True):
            return None
        return row[2] == names

    def listed(self, folder: str, names: str, started: int) -> None:
        """Remember that the folder held just ``names``, as it was read since ``started``."""
        with suppress(FileNotFoundError):
            found = os.lstat(folder)
            if found.st_ctime_ns < started - _SETTLED_NS:
                self._keep(folder, _stamp(found, is_folder=True), names)

    def blob(self, path: str) -> Digest | None:
        """The same of a blob of the store, which names come to and go from: what changes with those is no change."""
        found = os.stat(path)
        return self._known_of(path, found, _content_stamp(found))

    def learn(self, path: str, digest: Digest) -> None:
        """Remember a blob that was just read as a whole, or written, and that nobody changes."""
        self._keep(path, _content_stamp(os.stat(path)), digest.hash)

    def read(self, path: Path, read: Callable[[], Digest]) -> Digest:
        """The digest that ``read`` returns, which reads the file ``path``; remembered."""
        found, started = os.stat(path), time.time_ns()
        digest = read()
        self._remember(path, found, started, digest)
        return digest

    def _known_of(self, path: str, found: os.stat_result, stamp: str = "") -> Digest | None:
        """What is on record. Who asks for many is told from memory, who asks for few does not wait for all."""
        row = self._row(path)
        return Digest(row[2], found.st_size) if row and row[1] == (stamp or _stamp(found)) else None

    def _row(self, path: str) -> _Row | None:
        return self._known.get(path) if self._asked >= _MANY else self._recorded(path)

    def _recorded(self, path: str) -> _Row | None:
        self._asked += 1
        with suppress(sqlite3.Error):
            if self._asked == _MANY:
                rows = self._db.execute("select path, stamp, sha256 from digest")
                self._known = {row[0]: row for row in rows}
                return self._known.get(path)
            found: _Row | None = self._db.execute(
                "select path, stamp, sha256 from digest where path = ?", (path,)
            ).fetchone()
            return found
        return None

    def _read(self, path: Path, found: os.stat_result) -> Digest:
        started = time.time_ns()
        with path.open("rb") as reader:
            digest = Digest(hashlib.file_digest(reader, "sha256").hexdigest(), found.st_size)
        self._remember(path, found, started, digest)
        return digest

    def _remember(self, path: Path, found: os.stat_result, started: int, digest: Digest) -> None:
        """Keep what was read since ``started``, unless the file has changed meanwhile, or may have unnoticed."""
        stamp = _stamp(found)
        if found.st_ctime_ns < started - _SETTLED_NS and _stamp(os.stat(path)) == stamp:
            self._keep(str(path), stamp, digest.hash)

    def _keep(self, path: str, stamp: str, content: str) -> None:
        self._known[path] = (path, stamp, content)
        with suppress(sqlite3.Error):
            self._db.execute("insert or replace into digest values (?, ?, ?)", (path, stamp, content))

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


def _stamp(found: os.stat_result, *, is_folder: bool = False) -> str:
    if found.st_nlink > 1 and not is_folder:
        return _content_stamp(found)
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _content_stamp(found: os.stat_result) -> str:
    """What changes with a file that has several names, as nobody but who means to can avoid."""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:linked"
