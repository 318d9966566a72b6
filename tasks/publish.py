"""From the store into ``build/``: what a person looks at, put there in one rename."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

from tasks import runs
from tasks.action import Tree
from tasks.digests import DigestCache
from tasks.runs import Run
from tasks.store import Store

_PARTIAL = ".partial"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def is_published(tree: Tree, folder: Path | str, digests: DigestCache, *, whole: bool) -> bool:
    """Whether ``folder`` holds exactly ``tree``; where not ``whole``, other files may lie beside it."""
    if whole and not _holds(folder, tree, digests):
        return False
    return all(digests.of(f"{folder}/{name}") == digest for name, digest in tree.items())


def _holds(folder: Path | str, tree: Tree, digests: DigestCache) -> bool:
    """Whether the files of ``tree`` are all that is in ``folder``, whatever they contain."""
    names = "\0".join(sorted(tree))
    is_flat = "/" not in names
    known = digests.lists(str(folder), names) if is_flat else None
    if known is not None:
        return known
    started = time.time_ns()
    if _names(folder) != set(tree):
        return False
    if is_flat and len(os.listdir(folder)) == len(tree):  # no empty folder, which may be filled without a trace here
        digests.listed(str(folder), names, started)
    return True


def others(tree: Tree, folder: Path, digests: DigestCache) -> list[str]:
    """The files below ``folder`` that publishing ``tree`` there as a whole would do away with."""
    names = sorted(_names(folder) or ())
    return [name for name in names if name not in tree or digests.of((folder / name).resolve()) != tree[name]]


def publish(store: Store, tree: Tree, folder: Path, build: Path, run: Run, *, whole: bool) -> None:
    """Put ``tree`` into ``folder``, a folder somewhere below ``build``.

    Where ``whole``, the folder becomes exactly ``tree`` in one step; otherwise each file is replaced in one step and
    others are left alone. Whoever looks at any moment, and after a crash at any point, sees the old or the new state.

    Raises:
        Missing: A blob is not in the store; ``folder`` is then as it was.
    """
    partial = build / _PARTIAL / run.id / uuid.uuid4().hex
    fresh = partial / "new"
    fresh.mkdir(parents=True)
    try:
        put = store.extract if any(map(_is_onnx, tree)) else store.place
        for name, digest in tree.items():
            put(digest, fresh / name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if whole:
            _exchange(fresh, folder)
        else:
            folder.mkdir(exist_ok=True)
            for name in tree:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(fresh / name, folder / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(build: Path, live: Path) -> None:
    """Remove what runs that are no longer alive (see :mod:`tasks.runs`, folder ``live``) left half-written."""
    for partial in (build / _PARTIAL).glob("*"):
        if not runs.is_alive(live, partial.name):
            shutil.rmtree(partial, ignore_errors=True)


def tidy(build: Path, run: str = "") -> None:
    """Remove the folder of what is half-written, if nothing is; what the run of that name has there is over."""
    with suppress(OSError):
        if run:
            (build / _PARTIAL / run).rmdir()
        (build / _PARTIAL).rmdir()


def _is_onnx(name: str) -> bool:
    """Whether the file is an ONNX model: onnx refuses to read its tensors from a file that has several names."""
    return name.endswith(".onnx")


def _names(folder: Path | str) -> set[str] | None:
    """The files below ``folder``; None where it is exchanged while one looks."""
    found, todo = set(), [("", str(folder))]
    try:
        while todo:
            above, path = todo.pop()
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        todo.append((f"{above}{entry.name}/", entry.path))
                    else:
                        found.add(f"{above}{entry.name}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found


def _exchange(fresh: Path, folder: Path) -> None:
    """Make ``fresh`` the folder ``folder``; where one exists, by Linux's ``renameat2(RENAME_EXCHANGE)``."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.rename(fresh, folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        libc = ctypes.CDLL(None, use_errno=True)
        code = libc.renameat2(_AT_FDCWD, os.fsencode(fresh), _AT_FDCWD, os.fsencode(folder), _RENAME_EXCHANGE)
        if code != 0:
            _replace(fresh, folder)


def _replace(fresh: Path, folder: Path) -> None:
    """Where the file system cannot exchange: move the old one away first; a crash between leaves none, not half."""
    old = fresh.parent / "old"
    os.rename(folder, old)
    os.rename(fresh, folder)
