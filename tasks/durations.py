"""How long steps took, remembered across runs, so that it can be said how long the next one will take."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from tasks.digests import discard_damaged

_OF_A_TARGET = ("code", "checkpoint", "verify", "layers")
"""Kinds of steps whose name ends with a target's, which says more of their duration than the model's does."""

_OWN = ("download", "image")
"""Kinds of which one step's duration says nothing of another's."""


class Durations:
    """Seconds that each step took when it last ran, by name: ``checkpoint:mtcnn-onet-caffe``.

    What is remembered is only told: where the database cannot be used, nothing is. Runs at the same time see what the
    others had recorded when they began.
    """

    def __init__(self, path: Path) -> None:
        self._db = _opened(path)
        self._known: dict[str, float] = {}
        self._medians: dict[str, float] | None = None
        with suppress(sqlite3.Error):
            self._db.execute("pragma synchronous = off")
            self._db.execute("create table if not exists duration (step text primary key, seconds real)")
            self._known = {str(step): seconds for step, seconds in self._db.execute("select * from duration")}
        self._known = {step: seconds for step, seconds in self._known.items() if _is_duration(seconds)}

    def record(self, step: str, seconds: float) -> None:
        """Remember that ``step`` ran for ``seconds``."""
        self._known[step] = seconds
        self._medians = None
        with suppress(sqlite3.Error):
            self._db.execute("insert or replace into duration values (?, ?)", (step, seconds))

    def expected(self, step: str) -> float | None:
        """Seconds that ``step`` will probably run; None where there is no ground to say so.

        That is what it took last; else the median of such steps of other models to the same target, else of all such
        steps. A download's or an image's says nothing of another's.
        """
        if step in self._known:
            return self._known[step]
        if self._medians is None:
            self._medians = self._summarised()
        return next((self._medians[group] for group in _groups(step) if group in self._medians), None)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _summarised(self) -> dict[str, float]:
        groups: dict[str, list[float]] = {}
        for step, seconds in self._known.items():
            for group in _groups(step):
                groups.setdefault(group, []).append(seconds)
        return {group: median(each) for group, each in groups.items()}


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_damaged(path, "duration")
        return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error):
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _groups(step: str) -> Iterator[str]:
    """The groups of comparable steps that ``step`` is of, the narrowest first."""
    kind, _, rest = step.partition(":")
    if kind in _OF_A_TARGET:
        yield f"{kind}:*-{rest.rpartition('-')[2]}"
    if kind not in _OWN:
        yield f"{kind}:*"


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, float) and math.isfinite(seconds) and seconds >= 0
