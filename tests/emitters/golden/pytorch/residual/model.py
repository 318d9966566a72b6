"""residual-net

Input "data": batch x 3 x 32 x 32, float32.
Output "fc_output": batch x 10, float32.
"""

from __future__ import annotations

import json
from pathlib import Path

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


def load(path: str | Path) -> ResidualNet:
    """The network with the weights of a .safetensors file, ready for inference."""
    model = ResidualNet()
    model.load_state_dict(_read_safetensors(path))
    return model.eval()
