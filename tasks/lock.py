"""What was first seen of files whose checksums nobody publishes: trusted on first use, and held to from then on.

One TOML file that belongs into version control: everybody who shares it gets the same files, or an error.

["imagenet1k-resnet-50"."resnet-50-symbol.json"]
sha256 = "a925..."
size = 92113
seen = "http://example.org/models/resnet-50-symbol.json"      # where
date = "2026-11-22"                                           # when, UTC
"""

from __future__ import annotations

import fcntl
import json
import os
import string
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from converter.errors import BadInput
from tasks.action import Digest
from tasks.manifest import SHA256, Source
from tasks.strict import Reader

NAME = "models.lock"
"""What the file is called."""

_HEAD = """\
# What was first seen of files whose checksums nobody has published. Keep it under version control: later downloads
# have to match. To trust again whatever comes first, remove an entry, and what build/<model>/source has.
"""
_DAMAGED = "restore it from version control; without it, what is downloaded next is trusted as if it were the first"


@dataclass(frozen=True)
class Seen:
    """A file, as it first came.

    Attributes:
        digest: Its content.
        place: Where it was.
        date: When, as YYYY-MM-DD.
    """

    digest: Digest
    place: str
    date: str


Records = Mapping[str, Mapping[str, Seen]]
"""By model and by the file's name."""


@dataclass(frozen=True)
class Lock:
    """The records in the file ``path``, which need not be there. Any number of processes may use it at once."""

    path: Path

    def known(self, source: Source) -> dict[str, Digest]:
        """The files of ``source`` whose content is known, by name: from its manifest, else from what is on record.

        Raises:
            BadInput: The file is damaged.
        """
        declared = source.tree
        if len(declared) == len(source.files):
            return declared
        seen = {name: seen.digest for name, seen in self._read().get(source.model, {}).items()}
        digests = {file.name: file.digest or seen.get(file.name) for file in source.files}
        return {name: digest for name, digest in digests.items() if digest}

    def record(self, model: str, found: Mapping[str, Seen]) -> set[str]:
        """Put files of ``model`` on record, all or none. What is there already stays.

        Returns:
            The names of those that were not on record.

        Raises:
            BadInput: The file is damaged, or another content of one of them is on record by now. It stays as it is.
            OSError: It cannot be written.
        """
        with self._alone():
            records = self._read()
            known = records.get(model, {})
            for name in found.keys() & known.keys():
                if known[name].digest != found[name].digest:
                    raise BadInput(
                        f"another {name} of {model} is on record: {_told(known[name])}, not {_told(found[name])}",
                        where=str(self.path),
                        fix="find out which is the right one before you trust either",
                    )
            if fresh := found.keys() - known.keys():
                self._write({**records, model: {**found, **known}})
            return fresh

    def _read(self) -> Records:
        try:
            return _parsed(self.path.read_bytes(), self.path)
        except FileNotFoundError:
            return {}

    def _write(self, records: Records) -> None:
        fresh = self.path.with_name(f".{self.path.name}.new")
        with fresh.open("wb") as writer:
            writer.write(_HEAD.encode())
            for model, files in sorted(records.items()):
                writer.writelines(_entry(model, name, seen) for name, seen in sorted(files.items()))
            writer.flush()
            os.fsync(writer.fileno())
        os.replace(fresh, self.path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from writing; its folder is what is locked, since the file is replaced."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


@lru_cache(maxsize=1)
def _parsed(content: bytes, path: Path) -> Records:
    """The records in ``content``, which is what ``path`` holds."""
    try:
        table = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not TOML: {error}") from error
    reader = Reader(table)
    records = {model: {name: _seen(entry) for name, entry in reader.tables(model)} for model in table}
    if problems := reader.wrong():
        raise _damaged(path, problems)
    return records


def _damaged(path: Path, what: str) -> BadInput:
    return BadInput(f"{path.name}, the record of downloads, is damaged: {what}", where=str(path), fix=_DAMAGED)


def _seen(reader: Reader) -> Seen:
    sha256 = reader.text("sha256", pattern=SHA256, like="64 hexadecimal digits")
    return Seen(Digest(sha256, reader.size("size")), reader.text("seen"), reader.text("date"))


def _entry(model: str, name: str, seen: Seen) -> bytes:
    place = quote(seen.place, safe=string.punctuation + " ", errors="surrogatepass")
    lines = [
        "",
        f"[{json.dumps(model)}.{json.dumps(name)}]",
        f"sha256 = {json.dumps(seen.digest.hash)}",
        f"size = {seen.digest.size}",
        f"seen = {json.dumps(place)}",
        f"date = {json.dumps(seen.date)}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _told(seen: Seen) -> str:
    return f"sha256 {seen.digest.hash}, {seen.digest.size} bytes"
