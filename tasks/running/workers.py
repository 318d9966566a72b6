"""Who does the work: this thread, or several others."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

Work = Callable[[], Any]

_GRACE = 20.0
"""Seconds in which what was stopped has to end."""

_PATIENCE = 0.2
"""Seconds after which a wait is taken up again: a wait without an end cannot be interrupted on every system."""


class Workers(Protocol):
    """Take work, and give back what came of it, in the order in which it ends."""

    count: int

    def submit(self, name: str, work: Work, worker: int) -> None:
        """Have ``work`` done under ``name``, by the free worker of that number."""
        ...

    def result(self) -> tuple[str, int, Any]:
        """Wait for the next that ends: its name, its worker, what it returned or the exception that it raised."""
        ...

    def close(self) -> None:
        """Let the workers go, who have nothing to do any more."""
        ...

    def abandon(self, stop: Callable[[], None]) -> None:
        """Have what is being done stopped by ``stop``, again and again until nobody is at work or patience ends."""
        ...


class Inline:
    """No workers: work is done in the thread that asks for its result."""

    count = 1

    def __init__(self) -> None:
        self._work: tuple[str, Work] = ("", lambda: None)

    def submit(self, name: str, work: Work, worker: int) -> None:  # noqa: ARG002
        """See :class:`Workers`."""
        self._work = (name, work)

    def result(self) -> tuple[str, int, Any]:
        """See :class:`Workers`; what is raised is raised."""
        name, work = self._work
        return name, 0, work()

    def close(self) -> None:
        """See :class:`Workers`."""

    def abandon(self, stop: Callable[[], None]) -> None:
        """See :class:`Workers`; what was being done has ended with the signal."""


class Threads:
    """Threads that live as long as the run. They compute in other processes and wait, so threads are enough."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._done: queue.SimpleQueue[tuple[str, int, Any]] = queue.SimpleQueue()
        self._todo = [queue.SimpleQueue[tuple[str, Work] | None]() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"worker-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, name: str, work: Work, worker: int) -> None:
        """See :class:`Workers`."""
        self._todo[worker].put((name, work))

    def result(self) -> tuple[str, int, Any]:
        """See :class:`Workers`; an exception of the work is returned, not raised."""
        while True:
            try:
                return self._done.get(timeout=_PATIENCE)
            except queue.Empty:
                continue

    def close(self) -> None:
        """See :class:`Workers`."""
        for todo in self._todo:
            todo.put(None)
        for thread in self._threads:
            thread.join()

    def abandon(self, stop: Callable[[], None]) -> None:
        """See :class:`Workers`."""
        for todo in self._todo:
            todo.put(None)
        end = time.monotonic() + _GRACE
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < end:
            stop()
            for thread in self._threads:
                thread.join(_PATIENCE)

    def _serve(self, number: int) -> None:
        while item := self._todo[number].get():
            name, work = item
            try:
                result = work()
            except BaseException as error:
                result = error
            self._done.put((name, number, result))
