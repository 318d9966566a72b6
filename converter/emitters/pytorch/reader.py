"""Reads weights with PyTorch alone; copied into generated code as it stands."""

from __future__ import annotations

import json
from pathlib import Path

import torch  # type: ignore[import-not-found,unused-ignore]
from torch import Tensor  # type: ignore[import-not-found,unused-ignore]

# fmt: off
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
# fmt: on


def _read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file: the header's length, the header in JSON, the numbers."""
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    if not 8 < start <= len(data):
        raise ValueError(f"{path} is not a .safetensors file")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            if not 0 <= first <= last <= len(data) - start:
                raise ValueError(f"{path}: {name} is not within the file")
            flat = torch.empty(0, dtype=_DTYPES[entry["dtype"]])
            if last > first:
                flat = torch.frombuffer(data[start + first : start + last], dtype=flat.dtype)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors
