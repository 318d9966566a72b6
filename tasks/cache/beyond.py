"""The cache beyond the disk, as the store uses it: what fails is a warning and a slower build, never an error."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tasks.action import Digest
from tasks.cache import TierError
from tasks.cache.settings import Remote
from tasks.terminal import harmless

_PATIENCE = 3
"""Failures in a row after which a server is left alone for the rest of the process."""

_LARGEST = 16 << 20
"""Bytes of an ``ActionResult`` message; that of a thousand files has a tenth of a megabyte."""

T = TypeVar("T")


@dataclass
class Counts:
    """What went over the network.

    Attributes:
        hits: Results that were found.
        misses: Results that were not.
        received: Bytes of blobs.
        sent: The same in the other direction.
        failures: Requests that failed.
    """

    hits: int = 0
    misses: int = 0
    received: int = 0
    sent: int = 0
    failures: int = 0


class Beyond:
    """A remote cache; safe to use from several threads.

    Attributes:
        title: How it is called.
        writes: Whether results are put there.
        counts: What was done.
    """

    def __init__(self, remote: Remote, warn: Callable[[str], None]) -> None:
        self.title = remote.tier.title
        self.writes = remote.writes
        self.counts = Counts()
        self._tier = remote.tier
        self._warn = warn
        self._in_a_row = 0
        self._there: set[Digest] = set()
        self._damaged: set[Digest] = set()
        self._lock = threading.Lock()

    @property
    def is_off(self) -> bool:
        """Whether it has failed too often to be asked again."""
        return self._in_a_row >= _PATIENCE

    def result(self, key: Digest) -> bytes | None:
        """The ``ActionResult`` message of an action."""
        found = self._tried(lambda: self._tier.read(f"ac/{key.hash}", _LARGEST), None)
        with self._lock:
            self.counts.hits += found is not None
            self.counts.misses += found is None
        return found

    def fetch(self, digest: Digest, temporary: Path) -> bool:
        """Write a blob to the new file ``temporary``; whether it is there now, and is what its name says."""
        if not digest.size:
            temporary.touch()
            return True
        found = self._tried(lambda: self._fetched(digest, temporary), None)
        if found is None:
            return False
        if found != digest:
            self._damaged.add(digest)
            self._warn(f"{self.title} has other bytes under the name {digest.hash[:12]}...: they are not used")
            return False
        with self._lock:
            self.counts.received += digest.size
        return True

    def share(self, key: Digest, message: bytes, blobs: Mapping[Digest, Path]) -> bool:
        """Put an action's result there, its blobs first; whether all of it is there now."""
        return self.share_blobs(blobs) and self._tried(partial(self._written, f"ac/{key.hash}", message), False)

    def share_blobs(self, blobs: Mapping[Digest, Path]) -> bool:
        """Put blobs there that it lacks; whether all of them are there now."""
        return self.writes and all(self._tried(partial(self._sent, *blob), False) for blob in blobs.items())

    def _fetched(self, digest: Digest, temporary: Path) -> Digest | None:
        with temporary.open("wb") as writer:
            return self._tier.fetch(digest, writer)

    def _written(self, name: str, content: bytes) -> bool:
        self._tier.write(name, content)
        return True

    def _sent(self, digest: Digest, path: Path) -> bool:
        if not digest.size or digest in self._there:
            return True
        if digest in self._damaged or not self._tier.has(f"cas/{digest.hash}"):
            if not _is_whole(digest, path):
                return False
            self._tier.send(digest, path)
            with self._lock:
                self.counts.sent += digest.size
        self._there.add(digest)
        return True

    def _tried(self, ask: Callable[[], T], otherwise: T, /) -> T:
        """What the server says, or ``otherwise``, with a warning the first time and when it is given up."""
        if self.is_off:
            return otherwise
        try:
            answer = ask()
        except TierError as error:
            self._failed(str(error))
            return otherwise
        self._in_a_row = 0
        return answer

    def _failed(self, why: str) -> None:
        with self._lock:
            self.counts.failures += 1
            self._in_a_row += 1
            is_first, is_last = self.counts.failures == 1, self._in_a_row == _PATIENCE
        if is_first or is_last:
            end = "; it is not asked again" if is_last else ""
            self._warn(f"the shared cache {self.title} fails: {harmless(why)}{end}")


def _is_whole(digest: Digest, path: Path) -> bool:
    """Whether a blob is here, and still what its name says: a server believes what it is given."""
    try:
        with path.open("rb") as reader:
            return hashlib.file_digest(reader, "sha256").hexdigest() == digest.hash
    except FileNotFoundError:
        return False
