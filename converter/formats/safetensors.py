"""What the header of a safetensors file says of its tensors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from converter.description import Description
from converter.errors import BadInput
from converter.formats.sample import opened

HEADER: Final = 100_000_000
"""Bytes that a header may have: https://github.com/huggingface/safetensors#format."""

_RANK: Final = 64
_TYPES: Final = {
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "U16": ("uint16", 2),
    "I16": ("int16", 2),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "U32": ("uint32", 4),
    "I32": ("int32", 4),
    "F32": ("float32", 4),
    "U64": ("uint64", 8),
    "I64": ("int64", 8),
    "F64": ("float64", 8),
}


def describe(path: Path) -> Description:
    """Describe the tensors of a safetensors file by its header; none of them is read.

    Raises:
        BadInput: It cannot be read, or its header says what cannot be.
    """
    try:
        with opened(path) as (file, size):
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(HEADER, size - 8):
                raise ValueError("its header does not lie within it")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
        header.pop("__metadata__", None)
        found = {name: _entry(name, each, size - 8 - length) for name, each in header.items()}
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        what = f"not a safetensors file, or a damaged one: {error}"
        raise BadInput(what, where=str(path), fix="download or write it again") from error
    return Description("", "", {}, (), {}, (), found)


def _entry(name: str, entry: Any, size: int) -> tuple[tuple[int, ...], str]:
    """Shape and element type of a tensor, which has to lie in the ``size`` bytes after the header."""
    try:
        dtype, width = _TYPES[entry["dtype"]]
        shape, (first, last) = tuple(entry["shape"]), entry["data_offsets"]
        numbers = [*shape, first, last]
        if len(shape) > _RANK or any(type(number) is not int or not 0 <= number < 1 << 63 for number in numbers):
            raise TypeError
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"what it says of {name!r:.80} cannot be read") from None
    if not first <= last <= size:
        raise ValueError(f"it ends before {name!r:.80} does")
    if last - first != math.prod(shape) * width:
        raise ValueError(f"{name!r:.80} has another length than its shape")
    return shape, dtype
