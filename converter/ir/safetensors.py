"""Write safetensors files as a stream, one tensor after the other.

The format (https://github.com/huggingface/safetensors#format): a little-endian 64-bit header length, a JSON header
that maps each name to dtype, shape and byte range, then the tensors without gaps. The header is padded with spaces
so that the tensors start at a multiple of eight bytes, and wide elements precede narrow ones, which keeps every
tensor aligned to its own element size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

import numpy as np
import onnx_ir

from converter.errors import Unsupported

ALIGNMENT = 8
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
        if tensor.dtype not in _DTYPES:
            raise Unsupported(f"parameter {name!r} has the element type {tensor.dtype.name}")
        shape = [int(dim) for dim in tensor.shape.numpy()]
        start, end = end, end + math.prod(shape) * int(tensor.dtype.itemsize)
        entries[name] = {"dtype": _DTYPES[tensor.dtype], "shape": shape, "data_offsets": [start, end]}
        ranges[name] = (start, end)
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    header = len(text).to_bytes(8, "little") + text
    places = {name: Place(len(header) + start, end - start) for name, (start, end) in ranges.items()}
    return Layout(header, places)


def write(file: IO[bytes], plan: Layout, tensors: Mapping[str, onnx_ir.TensorProtocol]) -> None:
    """Write ``tensors`` as ``plan`` says, one at a time; a window into a file is copied without being read."""
    file.write(plan.header)
    for name, place in plan.places.items():
        tensor = tensors[name]
        if isinstance(tensor, onnx_ir.ExternalTensor | onnx_ir.LazyTensor):
            tensor.tofile(file)
        else:
            file.write(np.ascontiguousarray(tensor.numpy()).view(np.uint8).data)
        if file.tell() != place.offset + place.length:
            raise AssertionError(f"{name} took {file.tell() - place.offset} bytes, not {place.length}")
