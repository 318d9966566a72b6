"""What a cache on disk holds, what of it is worth keeping, and what is damaged."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from tasks import runs
from tasks.action import Digest, Result, decode_result, messages
from tasks.store import FRESH, Missing, Store

YOUNG = 2 * FRESH
"""Seconds in which nothing is removed: a build that has just begun may be about to use it, or has used it."""


@dataclass(frozen=True)
class Entry:
    """A result on record.

    Attributes:
        path: Its file.
        key: The action's key, as far as its name tells: the size of the message is not on record.
        used: When it was last used, in seconds since 1970.
        result: What it says.
    """

    path: Path
    key: str
    used: float
    result: Result


@dataclass(frozen=True)
class Plan:
    """What is to go.

    Attributes:
        results: Files of results.
        blobs: Files of blobs.
        freed: Their bytes.
        left: Bytes of all other blobs.
    """

    results: tuple[Path, ...]
    blobs: tuple[Path, ...]
    freed: int
    left: int


def entries(root: Path) -> list[Entry]:
    """All results on record, the one used last first. What is no result is left out."""
    found = []
    for path in _files(root / "ac"):
        try:
            found.append(Entry(path, path.name, path.stat().st_mtime, decode_result(path.read_bytes())))
        except (OSError, DecodeError):
            continue
    return sorted(found, key=lambda entry: -entry.used)


def blobs(root: Path) -> dict[str, tuple[Path, int]]:
    """All blobs by name, with their bytes."""
    found = {}
    for path in _files(root / "cas"):
        try:
            found[path.name] = (path, path.stat().st_size)
        except FileNotFoundError:
            continue
    return found


def reached(store: Store, entry: Entry, known: Mapping[str, tuple[Path, int]]) -> set[str]:
    """The blobs that a result keeps: its outputs, and what its action was made of, inputs too."""
    names = {digest.hash for digest in entry.result.outputs.values()}
    if entry.key in known:
        action = Digest(entry.key, known[entry.key][1])
        try:
            names |= {digest.hash for digest in messages(action, store.read)}
        except (Missing, DecodeError, ValueError):
            names.add(action.hash)
    return names


def plan(store: Store, most: int | None, oldest: float | None, now: float, since: float) -> Plan:
    """What goes so that what is left was used after ``oldest`` and takes at most ``most`` bytes.

    Results go by their last use, each with the blobs that nothing else keeps. What is younger than ``since`` stays.
    """
    known = blobs(store.root)
    kept: set[str] = set()
    dropped = []
    total = 0
    for entry in entries(store.root):
        names = reached(store, entry, known) - kept
        size = sum(known[name][1] for name in names if name in known)
        is_old = oldest is not None and entry.used < now - oldest
        is_much = most is not None and total + size > most
        if (is_old or is_much) and entry.used < since:
            dropped.append(entry.path)
        else:
            kept |= names
            total += size
    gone = [(path, size) for name, (path, size) in known.items() if name not in kept and _is_older(path, since)]
    freed = sum(size for _, size in gone)
    whole = sum(size for _, size in known.values())
    return Plan(tuple(dropped), tuple(path for path, _ in gone), freed, whole - freed)


def remove(paths: Iterable[Path]) -> None:
    """Remove files; what is gone already is gone. Results go before the blobs that they name."""
    for path in paths:
        path.unlink(missing_ok=True)


def damaged(root: Path, progress: Callable[[int], None]) -> Iterator[Path]:
    """The blobs that are not what their names say; ``progress`` is told the bytes that were read."""
    for path, size in blobs(root).values():
        try:
            with path.open("rb") as reader:
                name = hashlib.file_digest(reader, "sha256").hexdigest()
        except FileNotFoundError:
            continue
        progress(size)
        if name != path.name:
            yield path


def oldest_run(folder: Path) -> float:
    """When the oldest of the runs that are still alive began; now, if there is none."""
    alive = [path for path in folder.glob("*") if runs.is_alive(folder, path.name)]
    return min((path / "lock").stat().st_mtime for path in alive) if alive else time.time()


def _is_older(path: Path, since: float) -> bool:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    return max(stat.st_mtime, stat.st_ctime) < since


def _files(folder: Path) -> Iterator[Path]:
    for below in sorted(folder.iterdir()) if folder.is_dir() else ():
        if below.is_dir():
            yield from (path for path in sorted(below.iterdir()) if path.is_file())
