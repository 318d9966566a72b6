"""Write safetensors files as a stream, one tensor after the other.

The format (https://github.com/huggingface/safetensors#format): a little-endian 64-bit header length, a JSON header
that maps each name to dtype, shape and byte range, then the tensors without gaps. The header is padded with spaces
so that the tensors start at a multiple of eight bytes, and wide elements precede narrow ones, which keeps every
tensor aligned to its own element size.
"""

from __future__ import annotations

import ctypes
import errno
import io
import json
import math
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import onnx_ir

from converter.errors import BadInput, Unsupported

ALIGNMENT = 8
BLOCK = 1 << 20
_DTYPES = {
    onnx_ir.DataType.FLOAT: "F32",
    onnx_ir.DataType.DOUBLE: "F64",
    onnx_ir.DataType.FLOAT16: "F16",
    onnx_ir.DataType.BFLOAT16: "BF16",
    onnx_ir.DataType.INT64: "I64",
    onnx_ir.DataType.INT32: "I32",
    onnx_ir.DataType.INT16: "I16",
    onnx_ir.DataType.INT8: "I8",
    onnx_ir.DataType.UINT8: "U8",
    onnx_ir.DataType.BOOL: "BOOL",
}


@dataclass(frozen=True)
class Place:
    """Where a tensor lies: ``length`` bytes at ``offset`` from the beginning of the file."""

    offset: int
    length: int


@dataclass(frozen=True)
class Layout:
    """A safetensors file that is yet to be written: its header and each tensor's place, in file order."""

    header: bytes
    places: Mapping[str, Place]


def layout(tensors: Mapping[str, onnx_ir.TensorProtocol]) -> Layout:
    """Decide where each of ``tensors`` goes. Reads shapes and dtypes only."""
    ordered = sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize)
    entries: dict[str, dict[str, object]] = {}
    ranges: dict[str, tuple[int, int]] = {}
    end = 0
    for name, tensor in ordered:
        dtype, shape = tensor.dtype, [int(dim) for dim in tensor.shape.numpy()]
        if dtype not in _DTYPES:
            raise Unsupported(f"parameter {name!r} has the element type {dtype.name}")
        start, end = end, end + math.prod(shape) * int(dtype.itemsize)
        entries[name] = {"dtype": _DTYPES[dtype], "shape": shape, "data_offsets": [start, end]}
        ranges[name] = (start, end)
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    header = len(text).to_bytes(8, "little") + text
    places = {name: Place(len(header) + start, end - start) for name, (start, end) in ranges.items()}
    return Layout(header, places)


def write(file: io.FileIO, plan: Layout, tensors: Mapping[str, onnx_ir.TensorProtocol]) -> None:
    """Write ``tensors`` as ``plan`` says, one at a time.

    Args:
        file: An empty file, unbuffered.
        plan: What :func:`layout` decided for these tensors.
        tensors: By name.

    Raises:
        BadInput: A file that a tensor is a window into has become too short.
        OSError: The disk has no room for it, or cannot be written to.
    """
    _reserve(file, len(plan.header) + sum(place.length for place in plan.places.values()))
    blocks = _Blocks(file)
    blocks.write(plan.header)
    with ExitStack() as opened:
        sources: dict[str, io.FileIO] = {}
        for name, place in plan.places.items():
            tensor = tensors[name]
            if isinstance(tensor, onnx_ir.ExternalTensor) and not tensor.base_dir:
                if tensor.path not in sources:
                    sources[tensor.path] = opened.enter_context(open(tensor.path, "rb", buffering=0))
                blocks.copy(sources[tensor.path], tensor.offset or 0, place.length)
            elif isinstance(tensor, onnx_ir.ExternalTensor | onnx_ir.LazyTensor):
                tensor.tofile(blocks)
            else:
                blocks.write(np.ascontiguousarray(tensor.numpy()).reshape(-1).view(np.uint8).data)
            if blocks.position != place.offset + place.length:
                raise AssertionError(f"{name} took {blocks.position - place.offset} bytes, not {place.length}")
    blocks.flush()


def _reserve(file: io.FileIO, size: int) -> None:
    """Have the file system set the room aside, where it can: writing is faster then, and a full disk shows at once.

    Python's ``posix_fallocate`` would, where the file system cannot, write to each of its blocks instead.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(file.fileno(), 0, ctypes.c_long(0), ctypes.c_long(size)):
        number = ctypes.get_errno()
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(number, os.strerror(number))


class _Blocks:
    """Appends to a file in blocks that begin at multiples of their size: what page caches take fastest.

    Kernel-side copies (``sendfile``, ``copy_file_range``) of pieces that do not begin at a page take longer.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._block = memoryview(bytearray(BLOCK))
        self._used = 0
        self._written = 0

    @property
    def position(self) -> int:
        """How many bytes were appended."""
        return self._written + self._used

    def write(self, data: bytes | memoryview) -> int:
        """Append ``data``; return its length."""
        rest = memoryview(data)
        while rest:
            room = self._room(len(rest))
            room[:] = rest[: len(room)]
            rest = rest[len(room) :]
            self._used += len(room)
        return len(data)

    def copy(self, source: io.FileIO, offset: int, length: int) -> None:
        """Append ``length`` bytes that lie at ``offset`` in ``source``."""
        end = offset + length
        while offset < end:
            count = os.preadv(source.fileno(), [self._room(end - offset)], offset)
            if not count:
                raise BadInput(
                    f"the file of the parameters ends at byte {offset}, before byte {end}",
                    where=str(source.name),
                    fix="it shrank while it was read: fetch it again",
                )
            offset += count
            self._used += count

    def flush(self) -> None:
        """Write what was appended and is still here."""
        rest = self._block[: self._used]
        while rest:
            rest = rest[self._file.write(rest) :]
        self._written += self._used
        self._used = 0

    def _room(self, length: int) -> memoryview:
        """The rest of the block, or its next ``length`` bytes; of a new block if this one is full."""
        if self._used == BLOCK:
            self.flush()
        return self._block[self._used : self._used + length]
