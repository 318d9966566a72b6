"""Which actions each step was last made by, so that it can be said what has changed since."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tasks.action import Digest
from tasks.digests import discard_damaged

_TABLE = "create table if not exists history (project text, step text, keys text, primary key (project, step))"


class History:
    """Keys of the actions that each step of a project rested on when it was last built, in their order.

    What is remembered is only told: where the database cannot be used, nothing is.
    """

    def __init__(self, path: Path, project: Path) -> None:
        self._project = str(project)
        self._known: dict[str, str] = {}
        self._db = _opened(path)
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute(_TABLE)
            rows = self._db.execute("select step, keys from history where project = ?", (self._project,))
            self._known = {str(step): str(keys) for step, keys in rows}

    def record(self, step: str, keys: Sequence[Digest]) -> None:
        """``step`` was brought up to date by the actions of ``keys``."""
        text = " ".join(f"{key.hash}:{key.size}" for key in keys)
        if self._known.get(step) == text:
            return
        self._known[step] = text
        with suppress(sqlite3.Error):
            self._db.execute("insert or replace into history values (?, ?, ?)", (self._project, step, text))

    def last(self, step: str) -> tuple[Digest, ...]:
        """What ``step`` was last made by; empty where that is not known."""
        parts = (word.partition(":") for word in self._known.get(step, "").split())
        return tuple(Digest(name, int(size)) for name, _, size in parts if size.isdecimal())

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "history")
        return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error):
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
