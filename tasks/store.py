"""Content-addressed storage and the action cache, on disk.

Layout below the root, the paths of the HTTP caching protocol that Bazel documents: ``cas/<sha256>`` holds blobs
and ``ac/<key>`` encoded ``ActionResult`` messages, each in a folder of its first two digits. Blobs are read-only and
appear whole or not at all. Every digest is checked on the way in and again on the way out.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Protocol

from google.protobuf.message import DecodeError

from tasks.action import Digest, Result, Tree, decode_result, encode_result, is_plain, messages

if TYPE_CHECKING:
    from tasks.cache.beyond import Beyond
    from tasks.digests import DigestCache

_CHUNK = 1 << 20
_ALL = 1 << 30

_NO_CLONES = (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
"""What systems say that do not copy by themselves, or not between these two places."""

LINKED = 1 << 20
"""Bytes from which on a file in ``build/`` is a hard link to its blob."""


FRESH = 1800.0
"""Seconds for which it is not noted again that a result was used."""


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


class Missing(Exception):
    """A blob is not in the store, or was found damaged and removed."""


class Store:
    """The disk tier: blobs by digest and results of actions by key.

    What is not here may be in a cache beyond: a result is then taken over, and its blobs when they are first used, so
    that nothing is fetched that nobody looks at.

    Attributes:
        root: The folder; made when first written to.
        work: A folder on the same file system for files that are being written; whoever owns it clears it.
        beyond: The cache beyond the disk, if there is one.
        digests: Knows what is in files that have not changed, so that they need not be read.
    """

    def __init__(
        self, root: Path, work: Path, beyond: Beyond | None = None, digests: DigestCache | None = None
    ) -> None:
        self.root = root
        self.work = work
        self.beyond = beyond
        self.digests = digests
        self._cas = f"{root}/cas"
        self._ac = f"{root}/ac"
        self._kept: dict[str, Digest] = {}
        self._is_doubted = False
        self._nowhere: set[Digest] = set()

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or would be."""
        return Path(f"{self.root}/cas/{digest.hash[:2]}/{digest.hash}")

    def has(self, digest: Digest) -> bool:
        """Whether a blob of this name and size is there."""
        try:
            return os.stat(f"{self._cas}/{digest.hash[:2]}/{digest.hash}").st_size == digest.size
        except FileNotFoundError:
            return False

    def available(self, digest: Digest) -> bool:
        """Whether a blob is here, having been fetched from beyond where need be."""
        return self.has(digest) or self._fetch(digest)

    def put(self, data: bytes) -> Digest:
        """Store ``data``."""
        digest = Digest.of(data)
        if not self.has(digest):
            self._publish(self.path(digest), data)
        return digest

    def keep(self, source: Path | str) -> Digest:
        """Store the content of a file of the project, as this process first finds it: many actions are given it.

        What was stored before is taken to be there still, until something that should be there was found missing.
        """
        name = str(source)
        known = self._kept.get(name)
        if known is None or not self._is_trusted(known):
            known = self.digests.known(name) if self.digests else None
            if known is None or not self._is_trusted(known):
                known = self._read_in(Path(source))
            self._kept[name] = known
        return known

    def _is_trusted(self, digest: Digest) -> bool:
        return not self._is_doubted or self.has(digest)

    def _read_in(self, source: Path) -> Digest:
        if self.digests is None:
            return self.put_file(source)
        return self.digests.read(source, lambda: self.put_file(source))

    def put_file(self, source: Path) -> Digest:
        """Store a copy of the file ``source``, read once."""
        temporary = self._temporary()
        try:
            with source.open("rb") as reader, temporary.open("xb") as writer:
                digest = copy(reader, writer)
            if not self.has(digest):
                self._rename(temporary, self.path(digest))
                self._learn(digest, self.path(digest))
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    def read(self, digest: Digest) -> bytes:
        """The checked content of a blob.

        Raises:
            Missing: It is not there, or damaged.
        """
        with self._open(digest) as reader:
            data = reader.read()
        if Digest.of(data) != digest:
            self._discard(digest)
        return data

    def check(self, digest: Digest) -> Path:
        """The path of a blob whose content is right.

        It has just been read, or is a large one that was read or written before and has not changed since: size and
        time of change tell, as they do of a file in ``build/``. ``doit cache verify`` believes neither.

        Raises:
            Missing: It is not there, or damaged.
        """
        path = self.path(digest)
        if self._is_known(digest, path):
            return path
        with self._open(digest) as reader:
            found = hashlib.file_digest(reader, "sha256").hexdigest()
        if found != digest.hash:
            self._discard(digest)
        self._learn(digest, path)
        return path

    def _is_known(self, digest: Digest, path: Path) -> bool:
        """Whether a large blob is as it was when its content was last seen to be right."""
        if digest.size < LINKED or self.digests is None:
            return False
        try:
            return self.digests.blob(str(path)) == digest
        except FileNotFoundError:
            return False

    def _learn(self, digest: Digest, path: Path) -> None:
        if digest.size >= LINKED and self.digests is not None:
            self.digests.learn(str(path), digest)

    def place(self, digest: Digest, target: Path) -> None:
        """Make the new file ``target``, read-only, for people to look at: small ones a copy, which they may edit.

        A large one, as checkpoints are, is a second name of the blob, where the file system allows one: it takes no
        space and no time. Who writes into it damages the blob, which is noticed whenever that is used.

        Raises:
            Missing: It is not there, or damaged.
        """
        if digest.size < LINKED or not self._link(digest, target):
            self.extract(digest, target)

    def extract(self, digest: Digest, target: Path) -> None:
        """Write the blob to the new file ``target``, read-only.

        Raises:
            Missing: It is not there, or damaged; ``target`` is then removed again.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        if digest.size >= LINKED:
            clone(self.check(digest), target)
            target.chmod(0o444)
            return
        with self._open(digest) as reader, target.open("xb") as writer:
            found = copy(reader, writer)
        if found != digest:
            target.unlink()
            self._discard(digest)
        target.chmod(0o444)

    def _link(self, digest: Digest, target: Path) -> bool:
        blob = self.check(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(blob, target)
        except OSError:
            return False
        return True

    def result(self, key: Digest) -> dict[str, Digest] | None:
        """The outputs recorded for an action, or None where there is no record or one of its blobs is gone.

        With a cache beyond, a blob counts as there until it was looked for in vain.
        """
        recorded = self._recorded(key) or self._taken_over(key)
        if recorded is None or not all(map(self._is_somewhere, recorded.outputs.values())):
            return None
        return dict(recorded.outputs)

    def share(self, key: Digest, blobs: Iterable[Digest]) -> None:
        """Put the result of an action beyond, if that is wanted: its ``blobs``, then its record."""
        if self.beyond and self.beyond.writes:
            self.beyond.share(key, self._record(key).read_bytes(), {blob: self.path(blob) for blob in blobs})

    def share_blobs(self, blobs: Iterable[Digest]) -> None:
        """Put blobs beyond that belong to no action, if that is wanted."""
        if self.beyond and self.beyond.writes:
            self.beyond.share_blobs({blob: self.path(blob) for blob in blobs})

    def entry(self, key: Digest) -> Result | None:
        """What is on record here of an action, whether or not its blobs are."""
        return self._recorded(key)

    def record_of(self, key: Digest) -> Path:
        """Where the record of an action is, or would be."""
        return self._record(key)

    def made_of(self, key: Digest) -> list[Digest]:
        """The blobs that an action is made of, as far as that is on record: its messages and its input files."""
        try:
            return list(messages(key, self.read))
        except (Missing, DecodeError, ValueError):
            return []

    def took(self, key: Digest) -> float | None:
        """Seconds that an action's command ran when its outputs were made; None where that is not on record."""
        recorded = self._recorded(key)
        return recorded.took if recorded else None

    def record(self, key: Digest, outputs: Tree, took: float) -> None:
        """Record the outputs of an action that succeeded just now; their blobs are stored already.

        Args:
            key: The action's.
            outputs: Its files.
            took: Seconds that its command ran.
        """
        ended = time.time_ns()
        self._publish(self._record(key), encode_result(Result(outputs, ended - int(took * 1e9), ended)))

    def _recorded(self, key: Digest) -> Result | None:
        """What is on record; a record that was cut off lacks the times, which come last in it."""
        try:
            with open(f"{self._ac}/{key.hash[:2]}/{key.hash}", "rb", buffering=0) as reader:
                self._touch(reader)
                recorded = decode_result(reader.read())
        except (FileNotFoundError, DecodeError):
            return None
        return recorded if recorded.took is not None else None

    def _taken_over(self, key: Digest) -> Result | None:
        """A result from beyond, as if it had always been here."""
        message = self.beyond.result(key) if self.beyond else None
        if message is None:
            return None
        try:
            found = decode_result(message)
        except DecodeError:
            return None
        if found.took is None or not all(map(is_plain, found.outputs)):
            return None
        self._publish(self._record(key), message)
        return found

    def _is_somewhere(self, digest: Digest) -> bool:
        if self.has(digest):
            return True
        return self.beyond is not None and not self.beyond.is_off and digest not in self._nowhere

    @contextmanager
    def _open(self, digest: Digest) -> Iterator[BufferedReader]:
        """A blob to read, fetched where need be; :class:`Missing` where it is nowhere."""
        try:
            reader = self.path(digest).open("rb")
        except FileNotFoundError:
            if not self._fetch(digest):
                raise self._missing(digest) from None
            reader = self.path(digest).open("rb")
        with reader:
            yield reader

    def _fetch(self, digest: Digest) -> bool:
        """Get a blob from beyond; one that is not there is not looked for again."""
        if self.beyond is None or digest in self._nowhere:
            return False
        temporary = self._temporary()
        try:
            if found := self.beyond.fetch(digest, temporary):
                self._rename(temporary, self.path(digest))
                self._learn(digest, self.path(digest))
            else:
                self._nowhere.add(digest)
        finally:
            temporary.unlink(missing_ok=True)
        return found

    @staticmethod
    def _touch(record: FileIO) -> None:
        """Note that a result was used, if nobody did lately: its record is about as young as its last use."""
        if os.fstat(record.fileno()).st_mtime < time.time() - FRESH:
            with suppress(OSError):
                os.utime(record.fileno())

    def _record(self, key: Digest) -> Path:
        return Path(f"{self._ac}/{key.hash[:2]}/{key.hash}")

    def _discard(self, digest: Digest) -> NoReturn:
        self.path(digest).unlink(missing_ok=True)
        raise self._missing(digest)

    def _missing(self, digest: Digest) -> Missing:
        self._is_doubted = True
        return Missing(digest.hash)

    def _temporary(self) -> Path:
        self.work.mkdir(parents=True, exist_ok=True)
        return self.work / uuid.uuid4().hex

    def _publish(self, path: Path, data: bytes) -> None:
        temporary = self._temporary()
        try:
            temporary.write_bytes(data)
            self._rename(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def _rename(temporary: Path, path: Path) -> None:
        temporary.chmod(0o444)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, path)


def clone(source: Path, target: Path) -> None:
    """Copy a file to the new file ``target``, by the file system itself where it can: it may share the blocks."""
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), _ALL):
                pass
        except OSError as error:
            if error.errno not in _NO_CLONES:
                raise
            shutil.copyfileobj(reader, writer, _CHUNK)


def copy(reader: Readable, writer: BinaryIO) -> Digest:
    """Copy a stream to its end and return the digest of what was copied."""
    sha, size = hashlib.sha256(), 0
    for chunk in _chunks(reader):
        sha.update(chunk)
        writer.write(chunk)
        size += len(chunk)
    return Digest(sha.hexdigest(), size)


def _chunks(reader: Readable) -> Iterator[bytes]:
    while chunk := reader.read(_CHUNK):
        yield chunk
