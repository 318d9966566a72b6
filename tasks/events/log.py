"""The log of a run: one JSON object a line, in the order in which things ended.

============ =====================================================================================================
``event``    fields
============ =====================================================================================================
``run``      ``schema`` (1), ``id``, ``time``, ``arguments``, ``workers``, ``pid``
``step``     ``step``, ``did`` (``ran``, ``restored``, ``failed``, ``not run``), ``started``, ``ended``, ``worker``,
             ``after`` (steps that it waited for), ``actions``, and where there are such ``log`` (a file beside) and
             ``error`` (its first line)
``end``      ``time``, ``code``, ``counts`` (steps by what became of them), ``saved`` (seconds)
============ =====================================================================================================

Times are nanoseconds since 1970. An action has ``key``, ``title``, ``where``, ``started`` and ``ended``; only those
that ran are there. Steps that were up to date are counted only. A run that was killed has no ``end``, and its last
line may be cut off.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from converter.errors import BadInput
from tasks.strict import similar

SCHEMA = 1
KEPT = 30
"""Runs whose logs are kept."""

EVENTS = "events.jsonl"


@dataclass(frozen=True)
class Act:
    """An action that ran."""

    key: str
    title: str
    where: str
    started: int
    ended: int


@dataclass(frozen=True)
class StepEvent:
    """A step that did something, or should have."""

    step: str
    did: str
    started: int
    ended: int
    worker: int = 0
    after: tuple[str, ...] = ()
    actions: tuple[Act, ...] = ()
    error: str = ""
    log: str = ""


class EventLog:
    """The log of the run that goes on; where it cannot be written, it is not.

    It begins with the first step that has something to do: a run that has nothing to do leaves none.

    Attributes:
        folder: Where it is, or would be.
    """

    def __init__(self, runs: Path, arguments: Sequence[str], workers: int) -> None:
        """Begin a log below the folder ``runs``."""
        started = time.time_ns()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started / 1e9))
        self.folder = runs / f"{stamp}-{uuid.uuid4().hex[:8]}"
        self._lock = threading.Lock()
        self._is_begun = False
        self._first = {
            "event": "run",
            "schema": SCHEMA,
            "id": self.folder.name,
            "time": started,
            "arguments": list(arguments),
            "workers": workers,
            "pid": os.getpid(),
        }

    def output(self, step: str) -> Path:
        """The file for what the actions of ``step`` print."""
        self._begin()
        return self.folder / f"{quote(step, safe=' ()+,=@')}.log"

    def step(self, event: StepEvent) -> None:
        """Note what became of a step."""
        self._begin()
        self._write({"event": "step", **{name: value for name, value in asdict(event).items() if value != ""}})

    def end(self, code: int, counts: Mapping[str, int], saved: float) -> None:
        """Note how the run ended, if there was anything to do."""
        if self._is_begun:
            event = {"event": "end", "time": time.time_ns(), "code": code}
            self._write({**event, "counts": dict(counts), "saved": round(saved, 3)})

    def _begin(self) -> None:
        """Make the folder, and do away with the oldest beside it."""
        with self._lock, suppress(OSError):
            if not self._is_begun:
                self._is_begun = True
                for old in folders(self.folder.parent)[KEPT - 1 :]:
                    shutil.rmtree(old, ignore_errors=True)
                self.folder.mkdir(parents=True)
                self._write(self._first)

    def _write(self, event: Mapping[str, Any]) -> None:
        with suppress(OSError), (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


@dataclass(frozen=True)
class Record:
    """The log of a run, read.

    Attributes:
        folder: Where it is.
        run: The ``run`` event.
        steps: The ``step`` events, in order.
        end: The ``end`` event; empty where the run was killed, or goes on.
    """

    folder: Path
    run: Mapping[str, Any]
    steps: Sequence[StepEvent] = ()
    end: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def seconds(self) -> float:
        """How long it took, as far as is known."""
        ended = int(self.end.get("time", 0)) or max((step.ended for step in self.steps), default=self.started)
        return (ended - self.started) / 1e9

    @property
    def started(self) -> int:
        """When it began."""
        return int(self.run.get("time", 0))


def folders(runs: Path) -> list[Path]:
    """The logs below the folder ``runs``, the latest first."""
    return sorted((path for path in runs.glob("*") if path.is_dir()), reverse=True) if runs.is_dir() else []


def read(folder: Path) -> Record:
    """The log in ``folder``; lines that are none, as the last of a run that was killed, are left out."""
    run: Mapping[str, Any] = {}
    end: Mapping[str, Any] = {}
    steps = []
    for event in _events(folder / EVENTS):
        kind = event.pop("event", "")
        if kind == "run":
            run = event
        elif kind == "end":
            end = event
        elif kind == "step":
            with suppress(TypeError):
                acts = tuple(Act(**act) for act in event.pop("actions", ()))
                steps.append(StepEvent(**{**event, "after": tuple(event.pop("after", ())), "actions": acts}))
    return Record(folder, run, steps, end)


def find(runs: Path, name: str = "") -> Record:
    """The log of the run whose id begins with ``name``, or of the latest.

    Raises:
        BadInput: There is none.
    """
    known = folders(runs)
    if not known:
        raise BadInput(
            "no run is on record here", where=str(runs), fix="run something: doit convert:<model>-<target>"
        )
    found = [path for path in known if path.name.startswith(name) or path.name.partition("-")[2].endswith(name)]
    if not found:
        names = [path.name for path in known]
        raise BadInput(f"no run is called {name!r}{similar(name, names)}", fix="'doit log' lists them")
    return read(found[0])


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event
