"""Reads weights with PyTorch alone; copied into generated code as it stands."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]
from torch import Tensor  # type: ignore[import-not-found,unused-ignore]

# fmt: off
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
# fmt: on
_LONGEST_HEADER = 100_000_000


def _read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file: its header's length, the header in JSON, the numbers.

    They share one buffer. Raises ValueError where the file is malformed.
    """
    with open(path, "rb") as file:
        length, size = int.from_bytes(file.read(8), "little"), Path(path).stat().st_size
        if not 0 < length <= min(size - 8, _LONGEST_HEADER):
            raise ValueError(f"{path} is not a .safetensors file")
        header = json.loads(file.read(length), object_pairs_hook=_without_duplicates)
        data = bytearray(size - 8 - length)
        file.readinto(data)
    if not isinstance(header, dict):
        raise ValueError(f"{path} is not a .safetensors file")
    header.pop("__metadata__", None)
    return {name: _tensor(name, entry, data) for name, entry in header.items()}


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name is there twice: {sorted(name for name, _ in pairs)}")
    return found


def _tensor(name: str, entry: Any, data: bytearray) -> Tensor:
    try:
        dtype, shape, (first, last) = _DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        whole = all(isinstance(number, int) and number >= 0 for number in (*shape, first, last))
        fits = whole and first + math.prod(shape) * dtype.itemsize == last <= len(data)
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"{name} is malformed: {entry}")
    if first == last:
        return torch.empty(shape, dtype=dtype)
    if first % dtype.itemsize:  # which torch must not read from as it stands
        return torch.frombuffer(data[first:last], dtype=dtype).reshape(shape)
    flat = torch.frombuffer(data, dtype=dtype, offset=first, count=math.prod(shape))
    return flat.reshape(shape)
