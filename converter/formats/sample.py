"""The part of a file that tells its format."""

from __future__ import annotations

import errno
import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from converter.errors import BadInput

HEAD = 1 << 16
_MEMBERS = 10_000
_DIRECTORY = 1 << 22
"""The most bytes of an archive's list of members; each takes 46 and its name."""
_FIELDS = 200

Field = tuple[int, int, bytes]
"""Number, wire type, and the beginning of what it holds."""


@dataclass(frozen=True)
class Sample:
    """A file's beginning, or a folder's names.

    Attributes:
        path: Where it is.
        size: In bytes; 0 for a folder.
        head: The first 64 KiB.
        is_folder: Whether it is a folder.
    """

    path: Path
    size: int
    head: bytes
    is_folder: bool

    @staticmethod
    def of(path: Path) -> Sample:
        """Read it.

        Raises:
            OSError: It is not there, cannot be read, or is a device or a pipe, which may never end.
        """
        if path.is_dir():
            return Sample(path, 0, b"", is_folder=True)
        with opened(path) as (file, size):
            return Sample(path, size, file.read(HEAD), is_folder=False)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in a folder, only so many of them; nothing for a file."""
        return (
            frozenset(each.name for each in islice(self.path.iterdir(), _MEMBERS)) if self.is_folder else frozenset()
        )

    @cached_property
    def members(self) -> frozenset[str]:
        """The names in a zip archive; nothing for anything else, or where the list of them is too long to read."""
        if self.head.startswith(b"PK\x03\x04"):
            # Whatever zipfile stumbles over in a damaged or made-up directory, it is no archive that can be read.
            with suppress(Exception), _Bounded(self.path) as file, zipfile.ZipFile(file) as archive:
                return frozenset(archive.namelist())
        return frozenset()

    @cached_property
    def text(self) -> str:
        """The beginning as text; empty where it is none."""
        if self.head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.head.decode("utf-16", "ignore")
        if b"\0" in self.head:
            return ""
        with suppress(UnicodeDecodeError):
            return self.head.removeprefix(b"\xef\xbb\xbf").decode()
        with suppress(UnicodeDecodeError):  # the 64 KiB may end within a character
            return self.head[:-3].decode() if len(self.head) == HEAD else ""
        return ""

    @cached_property
    def statement(self) -> str:
        """The first line of a text that is neither empty nor a comment."""
        lines = (line.strip() for line in self.text.splitlines())
        return next((line for line in lines if line and not line.startswith("#")), "")

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The first fields of a protobuf message; nothing where it is none.

        What they hold is skipped, so that this takes as long for a gigabyte as for a kilobyte. A message that ends
        before its last field does, as a truncated file, is one still.
        """
        if self.is_folder:
            return ()
        with suppress(ValueError):
            return tuple(islice(self._fields(), _FIELDS))
        return ()

    def _fields(self) -> Iterator[Field]:
        with self.path.open("rb") as file:
            position = 0
            while position < self.size:
                file.seek(position)
                number, wire, start, length = _field(file.read(32))
                file.seek(position + start)
                yield number, wire, file.read(min(length, 256))
                position += start + length


class _Bounded(io.FileIO):
    """A file of which no more than so much is read at once: zipfile reads whatever length an archive claims."""

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, or as many as may be."""
        return super().read(_DIRECTORY if size is None or size < 0 else min(size, _DIRECTORY))


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open ``path``, and say how long it is.

    Raises:
        OSError: It is not there, cannot be read, or is a device or a pipe, which may never end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "neither a file nor a folder", str(path))
    with path.open("rb") as file:
        yield file, found.st_size


def whole(path: Path, largest: int) -> bytes:
    """The content of ``path``.

    Raises:
        BadInput: It cannot be read, or is of more than ``largest`` bytes.
    """
    try:
        with opened(path) as (file, size):
            if size > largest:
                raise BadInput(f"of {size:,} bytes, and {largest:,} are the most that it can have", where=str(path))
            return file.read(size)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path)) from error


def fields_of(content: bytes) -> list[Field]:
    """The fields of the message whose beginning is ``content``, as far as they begin in it."""
    found: list[Field] = []
    position = 0
    with suppress(ValueError):
        while position < len(content):
            number, wire, start, length = _field(content[position : position + 32])
            found.append((number, wire, content[position + start : position + start + length]))
            position += start + length
    return found


def _field(data: bytes) -> tuple[int, int, int, int]:
    """A field's number and wire type, and where what it holds starts and how long that is.

    https://protobuf.dev/programming-guides/encoding/
    """
    key, position = _varint(data, 0)
    number, wire = key >> 3, key & 7
    if not 0 < number < 1 << 29:
        raise ValueError("no number of a field")
    if wire == 0:
        return number, wire, position, _varint(data, position)[1] - position
    if wire == 2:
        length, position = _varint(data, position)
        return number, wire, position, length
    if wire in (1, 5):
        return number, wire, position, 8 if wire == 1 else 4
    raise ValueError("no wire type of today")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer, and where it ends."""
    value = 0
    for index in range(10):
        if position + index >= len(data):
            break
        byte = data[position + index]
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, position + index + 1
    raise ValueError("an integer without an end")
