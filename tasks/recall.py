"""Results that were read from the records before, so that what has not changed since is not read again.

A key is the digest of protobuf messages that have to be made first, and a result is another message in a file of its
own. Both only depend on what is in the action and in that file: whoever saw the same action, and sees the file
unchanged, knows the answer.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from tasks import action as actions
from tasks import reapi
from tasks.action import SALT, Action, Digest, Tree
from tasks.digests import discard_damaged
from tasks.store import FRESH, Store

_MANY = 64
"""Questions after which all answers are read at once."""

_MOST = 256 << 20
"""Bytes of the file from which on it is begun anew: what is in it was mostly superseded long ago."""

_TABLE = """create table if not exists recalled (
    action text primary key, stamp text, key text, size integer, outputs text
)"""

_Row = tuple[str, str, int, str]


class Recall:
    """Keys and outputs by action. Only saves time: where the database cannot be used, the records are read."""

    def __init__(self, path: Path, store: Store) -> None:
        """Open the database at ``path``, of results that ``store`` has."""
        self._store = store
        self._asked = 0
        self._known: dict[str, _Row] = {}
        self._new: dict[str, _Row] = {}
        self._db = _opened(path)
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute(_TABLE)

    def get(self, action: Action) -> tuple[Digest, Tree] | None:
        """The key of ``action`` and its outputs on record; None where that has to be read.

        It has to be where the record has changed, and where its use is to be noted. Whether the blobs are there is
        seen by who needs them: where ``build/`` has the files, nobody does.
        """
        row = self._row(_fingerprint(action))
        if row is None:
            return None
        stamp, key, size, written = row
        if _stamp(f"{self._store.root}/ac/{key[:2]}/{key}") != stamp:
            return None
        outputs = _outputs(written)
        return None if outputs is None else (Digest(key, size), outputs)

    def keep(self, action: Action, key: Digest, outputs: Tree) -> None:
        """Remember what the record of ``action`` says."""
        stamp = _stamp(os.fspath(self._store.record_of(key)))
        if stamp:
            self._new[_fingerprint(action)] = (stamp, key.hash, key.size, _written(outputs))

    def close(self) -> None:
        """Write down what is new, and close the database."""
        with suppress(sqlite3.Error):
            self._db.execute("begin")
            rows = [(action, *row) for action, row in self._new.items()]
            self._db.executemany("insert or replace into recalled values (?, ?, ?, ?, ?)", rows)
            self._db.execute("commit")
        self._db.close()

    def _row(self, action: str) -> _Row | None:
        """What is known; who asks for many is told from memory, who asks for few does not wait for all."""
        if (new := self._new.get(action)) is not None:
            return new
        self._asked += 1
        with suppress(sqlite3.Error):
            if self._asked == _MANY:
                self._known = {row[0]: row[1:] for row in self._db.execute("select * from recalled")}
            if self._asked < _MANY:
                asked = "select stamp, key, size, outputs from recalled where action = ?"
                found: _Row | None = self._db.execute(asked, (action,)).fetchone()
                return found
        return self._known.get(action)


def _fingerprint(action: Action) -> str:
    """A digest of all that is in ``action``; where no text has a NUL in it, equal for equal ones only."""
    inputs = [f"{path}\0{digest.hash}\0{digest.size}" for path, digest in action.inputs]
    env = [f"{name}={value}" for name, value in action.env]
    counts = f"{len(action.argv)} {len(action.outputs)} {len(env)} {action.timeout}"
    told = [_meaning(), counts, action.image.identity, *action.argv, *action.outputs, *env, *inputs]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


@functools.cache
def _meaning() -> str:
    """What a key is made of, besides the action: a program that makes other ones recalls none of these."""
    sources = [Path(module).read_bytes() for module in (reapi.__file__, actions.__file__)]
    return hashlib.sha256(b"\0".join([SALT, *sources])).hexdigest()


def _stamp(path: str) -> str:
    """What changes with a file; empty where there is none, or where it is time to note its use again."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return "" if found.st_mtime < time.time() - FRESH else f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"


def _written(outputs: Tree) -> str:
    return json.dumps({path: (digest.hash, digest.size) for path, digest in outputs.items()})


def _outputs(written: str) -> dict[str, Digest] | None:
    """What :func:`_written` wrote; None where it is something else."""
    try:
        return {path: Digest(name, size) for path, (name, size) in json.loads(written).items()}
    except (AttributeError, TypeError, ValueError):
        return None


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "recalled")
        if path.exists() and path.stat().st_size > _MOST:
            path.unlink()
        return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error):
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
