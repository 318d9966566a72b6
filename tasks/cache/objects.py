"""A cache in an object store: S3 and all else that fsspec reaches."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from converter.errors import BadInput
from tasks.action import Digest
from tasks.cache import TierError

_CHUNK = 1 << 20
_FOLDERS = ("file", ("file", "local"))
"""What fsspec calls a folder of this machine."""


class Objects:
    """See :class:`tasks.cache.Tier`."""

    def __init__(self, url: str) -> None:
        """``url`` is the address above ``ac/`` and ``cas/``: ``s3://bucket/prefix``.

        Raises:
            BadInput: What reaches such a store is not installed, or the address is none.
        """
        self.title = url
        try:
            import fsspec  # type: ignore[import-untyped]

            self._files, self._root = fsspec.core.url_to_fs(url, **_options(url))
        except ImportError as error:
            fix = "install transship[object-store], or for other stores the package that the message names"
            raise BadInput(f"the shared cache {url} cannot be reached: {error}", fix=fix) from error
        except ValueError as error:
            raise BadInput(f"the shared cache {url} is no address: {error}") from error

    def read(self, name: str, most: int) -> bytes | None:
        """See :class:`tasks.cache.Tier`."""
        with self._reading(name) as reader:
            content: bytes | None = reader.read(most + 1) if reader else None
            return content if content is not None and len(content) <= most else None

    def fetch(self, digest: Digest, writer: BinaryIO) -> Digest | None:
        """See :class:`tasks.cache.Tier`."""
        with self._reading(f"cas/{digest.hash}") as reader:
            if reader is None:
                return None
            sha, size = hashlib.sha256(), 0
            while size <= digest.size and (chunk := reader.read(min(_CHUNK, digest.size + 1 - size))):
                sha.update(chunk)
                writer.write(chunk)
                size += len(chunk)
            return Digest(sha.hexdigest(), size)

    def has(self, name: str) -> bool:
        """See :class:`tasks.cache.Tier`."""
        with _failing():
            return bool(self._files.exists(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        """See :class:`tasks.cache.Tier`."""
        with self._whole(name) as path:
            self._files.pipe_file(path, content)

    def send(self, digest: Digest, path: Path) -> None:
        """See :class:`tasks.cache.Tier`."""
        with self._whole(f"cas/{digest.hash}") as target:
            self._files.put_file(str(path), target)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _made(self, name: str) -> str:
        """The path of ``name``, whose folder is there."""
        path = self._path(name)
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        return path

    @contextmanager
    def _whole(self, name: str) -> Iterator[str]:
        """Where to write ``name``: it appears whole or not at all, of which only a folder has to be reminded."""
        with _failing():
            path = self._made(name)
            if self._files.protocol not in _FOLDERS:
                yield path
                return
            part = f"{path}.{uuid.uuid4().hex}.part"
            try:
                yield part
                os.replace(part, path)
            finally:
                Path(part).unlink(missing_ok=True)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Any]:
        with _failing():
            try:
                reader = self._files.open(self._path(name), "rb")
            except FileNotFoundError:
                yield None
                return
            with reader:
                yield reader


def _options(url: str) -> dict[str, Any]:
    """A server's own words on how long to wait are not to be relied on."""
    if url.startswith("s3:"):
        return {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}}
    return {}


@contextmanager
def _failing() -> Iterator[None]:
    """Each store's client has errors of its own, all of which mean that it cannot be used."""
    try:
        yield
    except Exception as error:
        raise TierError((str(error).splitlines() or [type(error).__name__])[0][:200]) from error
