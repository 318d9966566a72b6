"""Caches beyond this machine's disk: what a server keeps, checked before it is believed.

The names are those of the HTTP caching protocol that Bazel documents: ``ac/<sha256>`` holds encoded ``ActionResult``
messages by key, ``cas/<sha256>`` holds blobs by content.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

from tasks.action import Digest


class TierError(Exception):
    """A cache does not answer, or not as one does."""


class Tier(Protocol):
    """A server, or a bucket. Every failure is a :class:`TierError`; what is not there is not a failure.

    Names are ``ac/<sha256>`` and ``cas/<sha256>``.

    Attributes:
        title: How it is called in messages, without secrets.
    """

    title: str

    def read(self, name: str, most: int) -> bytes | None:
        """The content of ``name``; None where there is none, or more than ``most`` bytes."""
        ...

    def fetch(self, digest: Digest, writer: BinaryIO) -> Digest | None:
        """Write a blob as it comes to ``writer``, at most one byte more than it has; the digest of what came."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is something of that name."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put a small content."""
        ...

    def send(self, digest: Digest, path: Path) -> None:
        """Put a blob, from its file."""
        ...
