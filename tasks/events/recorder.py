"""Between a run and its log: keeps the times of what is at work, and writes down what ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection

from tasks.events.log import EventLog, StepEvent
from tasks.session import Session

_QUIET = "up to date"
"""What became of steps that are only counted."""


class Recorder:
    """Is told by the runner when a task begins and ends; always in one thread."""

    def __init__(self, session: Session, log: EventLog, after: Callable[[str], Collection[str]]) -> None:
        """``after`` says what a task comes after, if it runs."""
        self._session = session
        self._log = log
        self._after = after
        self._began: dict[str, tuple[int, int]] = {}
        self._counts: Counter[str] = Counter()

    def began(self, task: str, worker: int) -> None:
        """A worker is at ``task`` now: it looks whether there is anything to run, or runs it."""
        self._began[task] = (time.time_ns(), worker)

    def ended(self, task: str, error: str = "") -> None:
        """``task`` has come to its end."""
        started, worker = self._began.pop(task, (time.time_ns(), 0))
        if task not in self._session.steps and not task.startswith("image:"):
            return
        did = self._session.done.get(task) or ("failed" if error else _QUIET)
        self._counts[did] += 1
        if did == _QUIET:
            return
        output = self._log.output(task)
        self._log.step(
            StepEvent(
                step=task,
                did=did,
                started=started,
                ended=time.time_ns(),
                worker=worker,
                after=tuple(self._after(task)),
                actions=tuple(self._session.acts.pop(task, ())),
                error=(error.splitlines() or [""])[0],
                log=output.name if output.exists() else "",
            )
        )

    def close(self, code: int) -> None:
        """The run is over."""
        self._log.end(code, self._counts, self._session.saved())
