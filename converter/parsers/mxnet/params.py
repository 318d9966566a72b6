"""Read params files: the list container of ``mx.nd.save`` and its NDArray records of every era.

Layout, all little-endian (src/ndarray/ndarray.cc): magic ``0x112`` and a reserved word, 8 bytes each; the number of
records, 8 bytes; the records; the number of names, 8 bytes; each name as its length, 8 bytes, and UTF-8 text.

=====  ==============  ========================================================================================
era    record's magic  record
=====  ==============  ========================================================================================
V0     none            ndim (4), dimensions (4 each), device (4 + 4), dtype (4), data
V1     0xF993fac8      ndim (4), dimensions (8 each), device, dtype, data
V2     0xF993fac9      storage type (4; 0 is dense), then as V1
V3     0xF993faca      as V2; ndim -1 means no value and 0 a scalar (NumPy semantics)
=====  ==============  ========================================================================================

An array without dimensions ends after ndim and has no value. Nothing is copied or allocated by what the file
claims: each array is a window into it, checked to lie inside.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import onnx_ir

from converter.errors import BadInput, Unsupported

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

LIST_MAGIC = 0x112
ZIP_MAGIC = 0x4B50
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
MAX_RANK = 32
MAX_NAME = 1 << 16
AHEAD = 1 << 10
"""Bytes to read at once: most headers of records fit."""
CHUNK = 1 << 20
"""Elements to convert at once."""
SPARSE = {1: "row_sparse", 2: "csr"}
# mshadow/base.h, enum TypeFlag
DTYPES: dict[int, np.dtype[np.generic]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float64),
    2: np.dtype(np.float16),
    3: np.dtype(np.uint8),
    4: np.dtype(np.int32),
    5: np.dtype(np.int8),
    6: np.dtype(np.int64),
    7: np.dtype(np.bool_),
    8: np.dtype(np.int16),
    9: np.dtype(np.uint16),
    10: np.dtype(np.uint32),
    11: np.dtype(np.uint64),
    12: np.dtype(ml_dtypes.bfloat16),
}
_NAMES = {flag: dtype.name for flag, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Stored:
    """An array in a params file, dense and C-contiguous: ``dtype`` and ``shape`` of the data at ``offset``."""

    path: Path
    offset: int
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating point numbers of any width."""
        return self.dtype in (DTYPES[0], DTYPES[1], DTYPES[2], DTYPES[12])

    def array(self) -> Array:
        """Map the data, read-only; possibly unaligned."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)

    def parts(self) -> Iterator[Array]:
        """Read the data in order, :data:`CHUNK` elements at a time, unshaped; mapped pages would count as memory."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            left = math.prod(self.shape)
            while left:
                count = min(left, CHUNK)
                content = file.read(count * self.dtype.itemsize)
                if len(content) < count * self.dtype.itemsize:
                    raise BadInput("the params file shrank while it was read", where=str(self.path))
                yield np.frombuffer(content, self.dtype)
                left -= count

    def tensor(
        self, name: str, shape: tuple[int, ...], dtype: onnx_ir.DataType = onnx_ir.DataType.FLOAT
    ) -> onnx_ir.TensorProtocol:
        """The data as a tensor called ``name`` that reads the file when it is asked to.

        Other element types are converted as ``Module.set_params`` does: floating point numbers exactly if narrower,
        rounded once if wider. Whole numbers have to fit.

        Args:
            name: The tensor's name.
            shape: As many elements as are stored, in the same order.
            dtype: The element type to give them.
        """
        target = onnx_ir.Shape(shape)
        if self.dtype == dtype.numpy():
            length = math.prod(self.shape) * self.dtype.itemsize
            return onnx_ir.ExternalTensor(self.path, self.offset, length, dtype, shape=target, name=name)
        return _Converted(self, dtype, target, name)


class _Converted(onnx_ir.LazyTensor):
    """An array in a params file as another element type. Writing it takes the memory of a part, not of the whole."""

    def __init__(self, stored: Stored, dtype: onnx_ir.DataType, shape: onnx_ir.Shape, name: str) -> None:
        super().__init__(self._whole, dtype, shape, name=name)
        self._stored = stored

    def tofile(self, file: Any) -> None:
        """Write the elements to ``file``, which has a method ``write``."""
        for part in self._stored.parts():
            file.write(self._converted(part).tobytes())

    def _whole(self) -> onnx_ir.TensorProtocol:
        return onnx_ir.Tensor(self._converted(self._stored.array()).reshape(self.shape.numpy()))

    def _converted(self, part: Array) -> Array:
        made = part.astype(self.dtype.numpy())
        if not self._stored.is_float and not np.array_equal(made.astype(part.dtype), part):
            kinds = f"{part.dtype.name} numbers that do not fit {made.dtype.name}"
            raise BadInput(f"parameter {self.name!r} holds {kinds}")
        return made


def read_params(path: Path) -> dict[str, Stored | None]:
    """Index the params file at ``path``: name without ``arg:`` or ``aux:`` to array, None where it has no value.

    Raises:
        BadInput: The file cannot be read, is truncated or malformed. Says at which byte and what was expected there.
        Unsupported: An array is sparse, or the file is of MXNet 2 (NumPy's ``.npz``). Names them.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _read(_Cursor(file.fileno(), path.resolve()))
    except OSError as error:
        raise BadInput(f"cannot read the parameters: {error.strerror}", where=str(path)) from error


class _Cursor:
    """A position in a file that cannot move past its end."""

    def __init__(self, file: int, path: Path) -> None:
        self.file = file
        self.path = path
        self.length = os.fstat(file).st_size
        self.position = 0
        self._ahead = b""
        self._begin = 0

    def skip(self, count: int, what: str) -> int:
        """Advance by ``count`` bytes, which hold ``what``; return where they begin."""
        start = self.position
        if count > self.length - start:
            raise self.bad(f"ends after {self.length - start} of the {count} bytes of {what}", start)
        self.position = start + count
        return start

    def read(self, count: int, what: str) -> bytes:
        """Read ``count`` bytes, which hold ``what``."""
        start = self.skip(count, what)
        at = start - self._begin
        if not 0 <= at <= len(self._ahead) - count:
            self._ahead, self._begin, at = os.pread(self.file, max(count, AHEAD), start), start, 0
            if len(self._ahead) < count:
                raise self.bad("shrank while it was read", start)
        return self._ahead[at : at + count]

    def numbers(self, form: str, what: str) -> tuple[int, ...]:
        """Read little-endian numbers as ``struct`` names them."""
        layout = _layout(form)
        return layout.unpack(self.read(layout.size, what))

    def number(self, form: str, what: str) -> int:
        """Read one number."""
        return self.numbers(form, what)[0]

    def bad(self, what: str, at: int, fix: str = "fetch the file again") -> BadInput:
        """The error that the file ``what``, found at byte ``at``."""
        return BadInput(f"the params file {what}", where=f"{self.path}, byte {at}", fix=fix)


@cache
def _layout(form: str) -> struct.Struct:
    return struct.Struct(f"<{form}")


def _read(cursor: _Cursor) -> dict[str, Stored | None]:
    magic, _ = cursor.numbers("QQ", "its header")
    if magic != LIST_MAGIC:
        if magic & 0xFFFF == ZIP_MAGIC:
            raise Unsupported("parameters of MXNet 2 (an .npz archive) cannot be read", where=str(cursor.path))
        fix = "give a file of MXNet's own, *.params; if it is one, fetch it again"
        raise cursor.bad(f"begins with {magic:#x}, not with {LIST_MAGIC:#x}", 0, fix)
    records = [_record(cursor) for _ in _counted(cursor, 12, "arrays")]
    at = cursor.position
    names = [_name(cursor) for _ in _counted(cursor, 8, "names")]
    if len(names) != len(records):
        raise cursor.bad(f"has {len(records)} arrays but {len(names)} names", at)
    if cursor.position != cursor.length:
        raise cursor.bad(f"goes on for {cursor.length - cursor.position} bytes after its end", cursor.position)
    return _by_name(cursor, names, records)


def _counted(cursor: _Cursor, smallest: int, what: str) -> Iterator[int]:
    """Read a count of things that take at least ``smallest`` bytes each (an array has a name), and count to it."""
    at = cursor.position
    count = cursor.number("Q", f"the number of {what}")
    if count * smallest > cursor.length - cursor.position:
        raise cursor.bad(f"claims {count} {what}, more than it has bytes for", at)
    return iter(range(count))


def _name(cursor: _Cursor) -> str:
    at = cursor.position
    length = cursor.number("Q", "a name's length")
    if length > MAX_NAME:
        raise cursor.bad(f"has a name of {length} bytes", at)
    start = cursor.position
    try:
        return cursor.read(length, "a name").decode()
    except UnicodeDecodeError as error:
        raise cursor.bad("has a name that is not UTF-8", start) from error


def _record(cursor: _Cursor) -> Stored | str | None:
    """Read one array; None if it has no value, the storage's name if it is sparse."""
    shape = _shape(cursor)
    if shape is None or isinstance(shape, str):
        return shape
    cursor.skip(8, "an array's device")
    at = cursor.position
    flag = cursor.number("i", "an array's element type")
    if flag not in DTYPES:
        raise cursor.bad(f"has an array of the unknown element type {flag}", at)
    dtype = DTYPES[flag]
    offset = cursor.skip(math.prod(shape) * dtype.itemsize, f"an array of shape {shape}, {_NAMES[flag]}")
    return Stored(cursor.path, offset, dtype, shape)


def _shape(cursor: _Cursor) -> tuple[int, ...] | str | None:
    """Read what precedes the device: the magic, the storage type and the shape."""
    at = cursor.position
    magic = cursor.number("I", "an array's header")
    if magic not in (V1, V2, V3):
        return _dimensions(cursor, magic, "I", at) or None
    if magic != V1:
        storage = cursor.number("i", "an array's storage type")
        if storage in SPARSE:
            return _sparse(cursor, storage)
        if storage != 0:
            raise cursor.bad(f"has an array of the unknown storage type {storage}", at + 4)
    at = cursor.position
    rank = cursor.number("i", "an array's rank")
    if rank == -1 or (rank == 0 and magic != V3):
        return None
    return _dimensions(cursor, rank, "q", at)


def _dimensions(cursor: _Cursor, rank: int, form: str, at: int) -> tuple[int, ...]:
    if not 0 <= rank <= MAX_RANK:
        raise cursor.bad(f"has an array of {rank} dimensions", at)
    shape = cursor.numbers(f"{rank}{form}", "an array's shape")
    if any(dim < 0 for dim in shape):
        raise cursor.bad(f"has an array of the shape {shape}", at + 4)
    return shape


def _sparse(cursor: _Cursor, storage: int) -> str:
    """Skip a sparse array: stored shape, shape, device, dtype, auxiliary dtypes and shapes, data, auxiliary data."""
    stored, at = _dimensions(cursor, cursor.number("i", "a sparse array"), "q", cursor.position), cursor.position
    _dimensions(cursor, cursor.number("i", "a sparse array"), "q", at)
    cursor.skip(8, "an array's device")
    parts = [(cursor.number("i", "a sparse array's element type"), stored)]
    for _ in range(storage):
        flag = cursor.number("i", "a sparse array's index type")
        at = cursor.position
        parts.append((flag, _dimensions(cursor, cursor.number("i", "a sparse array"), "q", at)))
    for flag, shape in parts:
        if flag not in DTYPES:
            raise cursor.bad(f"has a sparse array of the unknown element type {flag}", at)
        cursor.skip(math.prod(shape) * DTYPES[flag].itemsize, "a sparse array")
    return SPARSE[storage]


def _by_name(cursor: _Cursor, names: list[str], records: list[Stored | str | None]) -> dict[str, Stored | None]:
    sparse = [f"{name} ({record})" for name, record in zip(names, records, strict=True) if isinstance(record, str)]
    if sparse:
        raise Unsupported(f"sparse parameters cannot be read: {', '.join(sparse)}", where=str(cursor.path))
    found: dict[str, Stored | None] = {}
    for full, record in zip(names, records, strict=True):
        name = full[4:] if full.startswith(("arg:", "aux:")) else full
        if name in found:
            raise BadInput(f"the params file has two arrays called {name!r}", where=str(cursor.path))
        if not isinstance(record, str):
            found[name] = record
    return found
