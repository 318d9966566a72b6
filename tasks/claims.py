"""Who is at what: keeps two from doing the same work at the same time, in this process and in others."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import NotRun

_PAUSE = 0.05
"""Seconds between two looks whether another process is done."""


class Claims:
    """Locks by name, which end with the process that holds them, however it ends.

    Attributes:
        folder: Where the locks' files are; all who share a cache share it.
    """

    def __init__(self, folder: Path, is_over: Callable[[], bool] = lambda: False) -> None:
        """``is_over`` says that nobody is to wait any longer."""
        self.folder = folder
        self._is_over = is_over
        self._guard = threading.Lock()
        self._inside: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait until nobody else holds ``name``, a plain file name; then hold it.

        Raises:
            NotRun: The run was stopped meanwhile.
        """
        with self._in_process(name):
            descriptor = self._across_processes(name)
            try:
                yield
            finally:
                (self.folder / name).unlink(missing_ok=True)
                os.close(descriptor)

    @contextmanager
    def _in_process(self, name: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._inside.get(name, (threading.Lock(), 0))
            self._inside[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._inside.pop(name)
                if users > 1:
                    self._inside[name] = (lock, users - 1)

    def _across_processes(self, name: str) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        while not self._is_over():
            descriptor = os.open(self.folder / name, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o666)
            if self._is_locked(descriptor, self.folder / name):
                return descriptor
            os.close(descriptor)
            time.sleep(_PAUSE)
        raise NotRun("stopped")

    @staticmethod
    def _is_locked(descriptor: int, path: Path) -> bool:
        """Whether the open file is ours now, and still the one of that name: who held it before has removed it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except (BlockingIOError, FileNotFoundError):
            return False
