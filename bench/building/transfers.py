"""Large files: from the cache on disk against ``cp``, from a server against ``curl``, and how often they are read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tasks.action import Digest
from tasks.cache.beyond import Beyond
from tasks.cache.http import Http
from tasks.cache.settings import Remote
from tasks.digests import DigestCache
from tasks.store import Store
from tests.support.servers import nginx

SIZE = 500 << 20
_BLOCK = 1 << 20


def blob(path: Path) -> Digest:
    """A file of 500 MB that nothing compresses, in the page cache."""
    with path.open("wb") as writer:
        for _ in range(SIZE // _BLOCK):
            writer.write(os.urandom(_BLOCK))
    with path.open("rb") as reader:
        return Digest(hashlib.file_digest(reader, "sha256").hexdigest(), SIZE)


def restoring(folder: Path, repetitions: int) -> dict[str, list[float]]:
    """Seconds to have a file of the cache in ``build/``, and to copy it."""
    source, digest = folder / "source", blob(folder / "source")
    store = Store(folder / "cache", folder / "cache" / "work", digests=DigestCache(folder / "cache" / "digests.db"))
    store.put_file(source)
    target = folder / "target"
    return _in_turns(
        repetitions,
        {
            "transship": lambda: store.place(digest, target),
            "cp": lambda: _run("cp", "--reflink=auto", str(store.path(digest)), str(target)),
        },
        lambda: target.unlink(missing_ok=True),
    )


def fetching(folder: Path, repetitions: int) -> dict[str, list[float]]:
    """Seconds to get a file from nginx on loopback, checked, and with ``curl``."""
    with nginx(folder / "server") as server:
        place = server.files / "cache" / "cas"
        place.mkdir(parents=True)
        digest = blob(place / "blob")
        (place / "blob").rename(place / digest.hash)
        beyond = Beyond(Remote(Http(server.url), writes=False), print)
        target = folder / "fetched"

        def ours() -> None:
            if not beyond.fetch(digest, target):
                raise RuntimeError("the server does not give the file")

        return _in_turns(
            repetitions,
            {
                "transship": ours,
                "curl": lambda: _run("curl", "-sSf", "-o", str(target), f"{server.url}/cas/{digest.hash}"),
            },
            lambda: target.unlink(missing_ok=True),
        )


def _in_turns(
    repetitions: int, programs: dict[str, Callable[[], None]], clear: Callable[[], None]
) -> dict[str, list[float]]:
    """Seconds of each program, which take turns; a first round warms up and does not count."""
    found: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(repetitions + 1):
        for name, program in programs.items():
            clear()
            os.sync()
            started = time.perf_counter()
            program()
            if turn:
                found[name].append(time.perf_counter() - started)
    clear()
    return found


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
