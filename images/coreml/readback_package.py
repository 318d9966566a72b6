"""A saved Core ML package as its files say it is: the manifest, the specification, and the weights beside it.

Written from Apple's descriptions of the formats, for packages that may come from anyone: every path has to stay
within the package, every offset within the file of weights. Of ``coremltools`` only the protobuf messages are used.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import mmap
import struct
import sys
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

MESSAGES = "coreml_messages"
SENTINEL = 0xDEADBEEF
HEADER, RECORD = 64, 64
"""Bytes at the head of a file of weights, and of the record that an offset refers to."""

MAX_BLOB_VERSION = 2
MAX_RANK = 64

STORED = {1: "fp16", 2: "fp32", 3: "uint8", 4: "int8", 6: "int16", 7: "uint16", 14: "int32", 15: "uint32"}
"""What a record's number for its element type means."""

KINDS = {
    1: "bool",
    2: "string",
    10: "fp16",
    11: "fp32",
    12: "fp64",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    34: "uint64",
}
"""MIL's element types by their number in ``MIL.proto``, as its programs call them."""

DTYPES = {
    "bool": "?",
    "fp16": "<f2",
    "fp32": "<f4",
    "fp64": "<f8",
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
}
"""How numpy calls them, little-endian as they are stored."""

Shape = tuple[int | None, ...]


class UnreadableError(Exception):
    """The package is not one that can be read back. Its text is for the user, one to three lines."""


@dataclass(frozen=True)
class Type:
    """What a program says of a tensor: its element type and its sizes, None where one is open."""

    kind: str
    shape: Shape


@dataclass
class Package:
    """A package on disk.

    Attributes:
        folder: The ``.mlpackage``.
        model: The file of the specification.
        spec: The specification itself, a message ``CoreML.Specification.Model``.
    """

    folder: Path
    model: Path
    spec: Any
    _blobs: dict[Path, memoryview] = field(default_factory=dict)

    def blob(self, name: str) -> memoryview:
        """The file that a specification calls ``name``, mapped into memory.

        Raises:
            UnreadableError: It lies outside of the package, or is no file.
        """
        prefix, _, rest = name.partition("/")
        if prefix != "@model_path":
            raise UnreadableError(f"The weights file {name!r} is not relative to the model")
        path = within(self.folder, self.model.parent / rest, name)
        if path not in self._blobs:
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
            self._blobs[path] = memoryview(content)
        return self._blobs[path]


def open_package(folder: Path) -> Package:
    """Open the package ``folder``.

    Raises:
        UnreadableError: It is not a package with a model in it.
    """
    from google.protobuf.message import DecodeError

    model = model_path(folder)
    spec = _messages().Model()
    try:
        spec.ParseFromString(model.read_bytes())
    except DecodeError as error:
        raise UnreadableError(f"{model.name} is not a Core ML specification: {error}") from None
    return Package(folder, model, spec)


def _messages() -> ModuleType:
    """The protobuf messages of Core ML.

    They come with ``coremltools``, as a package in its folder. That is imported by itself: the package around it
    would load its converters, and then warn that this is not macOS.
    """
    tools = importlib.util.find_spec("coremltools")
    if tools is None or not tools.submodule_search_locations:
        raise ModuleNotFoundError("coremltools")
    folder = str(Path(tools.submodule_search_locations[0], "proto"))
    sys.modules.setdefault(MESSAGES, ModuleType(MESSAGES)).__path__ = [folder]
    return importlib.import_module(f"{MESSAGES}.Model_pb2")


def model_path(folder: Path) -> Path:
    """The file of the specification, which the package's manifest names.

    Raises:
        UnreadableError: The manifest is not one, or names a file that is not in the package.
    """
    try:
        manifest = json.loads(within(folder, folder / "Manifest.json", "Manifest.json").read_bytes())
        path = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"Manifest.json names no model: {type(error).__name__}: {error}") from None
    if not isinstance(path, str):
        raise UnreadableError("Manifest.json names no model: its path is not a text")
    return within(folder, folder / "Data" / path, path)


def within(folder: Path, path: Path, name: str) -> Path:
    """``path``, which is called ``name``, with its links resolved, if it is a file of ``folder``."""
    try:
        resolved = path.resolve()
        inside = resolved.is_relative_to(folder.resolve()) and resolved.is_file()
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise UnreadableError(f"The package refers to {name!r}, which is not a file in it")
    return resolved


def read_blob(content: memoryview, offset: int, kind: str, shape: tuple[int, ...]) -> numpy.ndarray:
    """The array whose record is at ``offset`` of a file of weights: a view of the file, nothing is copied.

    The file has a header of 64 bytes: the number of its records and the version of its format, then zeros. A
    record has 64 bytes as well: a sentinel, the element type, the size of the data in bytes and where they begin.

    Raises:
        UnreadableError: There is no such record, its data are not in the file, or are not of this type and shape.
    """
    if len(content) < HEADER or not 1 <= struct.unpack_from("<I", content, 4)[0] <= MAX_BLOB_VERSION:
        raise UnreadableError("The weights file has a header of another format")
    if not HEADER <= offset <= len(content) - RECORD:
        raise UnreadableError(
            f"The specification refers to offset {offset} of a weights file of {len(content)} bytes"
        )
    sentinel, stored, size, start = struct.unpack_from("<IIQQ", content, offset)
    if sentinel != SENTINEL:
        raise UnreadableError(f"The weights file has no record at offset {offset}")
    if start + size > len(content):
        raise UnreadableError(f"The record at offset {offset} of the weights file refers to bytes beyond its end")
    dtype = numpy.dtype(DTYPES[kind])
    if STORED.get(stored) != kind or size != prod(shape) * dtype.itemsize:
        raise UnreadableError(f"The record at offset {offset} of the weights file is not {kind} of shape {shape}")
    return numpy.frombuffer(content[start : start + size], dtype).reshape(shape)


def type_of(message: Any) -> Type:
    """What a message ``ValueType`` says, of a tensor.

    Raises:
        UnreadableError: It is no tensor's, or of elements that are not read.
    """
    if message.WhichOneof("type") != "tensorType":
        raise UnreadableError("The program has a value that is no tensor")
    tensor = message.tensorType
    kind = KINDS.get(tensor.dataType)
    if kind is None:
        raise UnreadableError(f"The program has tensors of an element type that is not read back ({tensor.dataType})")
    if tensor.rank != len(tensor.dimensions) or tensor.rank > MAX_RANK:
        raise UnreadableError("The program has a tensor whose rank is not the number of its dimensions")
    return Type(kind, tuple(_size(dimension) for dimension in tensor.dimensions))


def _size(dimension: Any) -> int | None:
    return int(dimension.constant.size) if dimension.WhichOneof("dimension") == "constant" else None


def array_of(value: Any, package: Package) -> numpy.ndarray:
    """The array that a message ``Value`` holds, or refers to.

    Raises:
        UnreadableError: It holds something else, or not as many elements as it says.
    """
    declared = type_of(value.type)
    if None in declared.shape:
        raise UnreadableError("The program has a constant of unknown size")
    shape = tuple(size or 0 for size in declared.shape)
    if value.WhichOneof("value") == "blobFileValue":
        place = value.blobFileValue
        if declared.kind == "string":
            raise UnreadableError("The program refers to texts in a weights file")
        return read_blob(package.blob(place.fileName), place.offset, declared.kind, shape)
    return _immediate(value.immediateValue, declared.kind, shape)


def _immediate(value: Any, kind: str, shape: tuple[int, ...]) -> numpy.ndarray:
    if value.WhichOneof("value") != "tensor":
        raise UnreadableError("The program has a constant that is no tensor")
    form = value.tensor.WhichOneof("value")
    content: Any = getattr(value.tensor, form).values if form else []
    if kind == "string":
        array = numpy.array(list(content), dtype=object)
    elif form == "bytes":
        width = numpy.dtype(DTYPES[kind]).itemsize
        if len(content) % width:
            raise UnreadableError("The program has a constant of a broken number of bytes")
        array = numpy.frombuffer(content, DTYPES[kind])
    else:
        array = numpy.array(list(content), dtype=DTYPES[kind])
    if array.size != prod(shape):
        raise UnreadableError(f"The program has a constant of shape {shape} with {array.size} elements")
    return array.reshape(shape)
