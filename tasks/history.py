"""Which actions each step was last made by, so that it can be said what has changed since."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from tasks.action import Digest
from tasks.digests import discard_damaged
from tasks.memo import Trail

_TABLE = """create table if not exists trail (
    project text, step text, digest text, keys text, primary key (project, step)
)"""


class History:
    """The actions that each step of a project rested on when it was last built, in their order.

    What is remembered is only told: where the database cannot be used, nothing is.
    """

    def __init__(self, path: Path, project: Path) -> None:
        self._project = str(project)
        self._known: dict[str, str] = {}
        self._db = _opened(path)
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute(_TABLE)
            rows = self._db.execute("select step, digest from trail where project = ?", (self._project,))
            self._known = dict(rows.fetchall())

    def record(self, step: str, trail: Trail) -> None:
        """``step`` was brought up to date by the actions of ``trail``."""
        if self._known.get(step) == trail.digest:
            return
        self._known[step] = trail.digest
        text = " ".join(f"{key.hash}:{key.size}" for key in trail.actions())
        with suppress(sqlite3.Error):
            row = (self._project, step, trail.digest, text)
            self._db.execute("insert or replace into trail values (?, ?, ?, ?)", row)

    def last(self, step: str) -> tuple[Digest, ...]:
        """Keys of the actions that ``step`` was last made by; empty where that is not known."""
        row = None
        with suppress(sqlite3.Error):
            asked = "select keys from trail where project = ? and step = ?"
            row = self._db.execute(asked, (self._project, step)).fetchone()
        parts = (word.partition(":") for word in str(row[0] if row else "").split())
        return tuple(Digest(name, int(size)) for name, _, size in parts if size.isdecimal())

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "trail")
        return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error):
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
