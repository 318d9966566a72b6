"""Who is at work: one private folder for each process that builds, held by a lock that dies with it.

A process that is killed leaves its folder behind; the lock tells the next one that nobody owns it any more, however
the process ended and whatever number the system has given away again since.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """This process's place for work in progress.

    Attributes:
        id: Unique name, also the label of the run's containers.
        folder: Private folder on the store's file system; gone when the run ends.
    """

    id: str
    folder: Path

    @property
    def containers(self) -> Path:
        """A file that exists once the run may own containers."""
        return self.folder / "containers"

    def scratch(self) -> Path:
        """A new, empty folder below the run's own."""
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return folder


@contextmanager
def begin(runs: Path) -> Iterator[Run]:
    """Open a run below the folder ``runs`` and remove its folder at the end."""
    name = uuid.uuid4().hex
    run = Run(name, runs / name)
    with _registering(runs):
        run.folder.mkdir()
        lock = os.open(run.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield run
    finally:
        with _registering(runs):
            shutil.rmtree(run.folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def _registering(runs: Path) -> Iterator[None]:
    """Keep others from looking while a run's folder is there and its lock is not: as it begins, as it ends."""
    runs.mkdir(parents=True, exist_ok=True)
    lock = os.open(runs.with_name(f"{runs.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def is_alive(runs: Path, name: str) -> bool:
    """Whether the process of the run ``name`` still exists."""
    try:
        lock = os.open(runs / name / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def dead(runs: Path) -> list[Run]:
    """The runs below ``runs`` whose process is gone."""
    if not runs.is_dir():
        return []
    with _registering(runs):
        return [Run(folder.name, folder) for folder in sorted(runs.iterdir()) if not is_alive(runs, folder.name)]


def bury(run: Run) -> None:
    """Remove what a dead run left."""
    shutil.rmtree(run.folder, ignore_errors=True)
