"""residual-net

Input "data": batch x 3 x 32 x 32, float32.
Output "fc_output": batch x 10, float32.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class ResidualUnit(nn.Module):
    """Residual block of two convolutions.

    Used 7 times, first from 16 x 30 x 30 to 16 x 30 x 30.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=0.001)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        out = out + x
        return self.relu(out)


class ProjectionUnit(nn.Module):
    """Residual block whose shortcut is a projection.

    Used 2 times, first from 16 x 30 x 30 to 32 x 15 x 15.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 2 * in_channels, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * in_channels, eps=0.001)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(2 * in_channels, 2 * in_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * in_channels, eps=0.001)
        self.shortcut = nn.Sequential(
            nn.Conv2d(in_channels, 2 * in_channels, 1, stride=2, bias=False),
            nn.BatchNorm2d(2 * in_channels, eps=0.001),
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        x = self.shortcut(x)
        out = out + x
        return self.relu(out)


class ResidualNet(nn.Module):
    """residual-net.

    Takes and returns:
      Input "data": batch x 3 x 32 x 32, float32.
      Output "fc_output": batch x 10, float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 16, 3, bias=False)
        self.relu0 = nn.ReLU()
        self.stage1 = nn.Sequential(
            ResidualUnit(16),
            ResidualUnit(16),
        )
        self.stage2 = nn.Sequential(
            ProjectionUnit(16),
            *(ResidualUnit(32) for _ in range(3)),
        )
        self.stage3 = nn.Sequential(
            ProjectionUnit(32),
            ResidualUnit(64),
            ResidualUnit(64),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(64, 10)

    def forward(self, data: Tensor) -> Tensor:
        x = self.conv0(data)
        x = self.relu0(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.pool(x)
        x = self.flatten(x)
        return self.fc(x)


_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}


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


def load(path: str | Path) -> ResidualNet:
    """The network with the weights of a .safetensors file, ready for inference."""
    model = ResidualNet()
    model.load_state_dict(_read_safetensors(path))
    return model.eval()
