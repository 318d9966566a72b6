"""ExampleNet

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class ExampleNet(nn.Module):
    """ExampleNet.

    Takes and returns:
      Input "data": batch x 3 x 18 x 24, float32.
      Output "prob1_output": batch x 2, float32.
      Output "fc3_output": batch x 4, float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            3, 8, (3, 5), stride=(1, 2), padding=(1, 2), dilation=(2, 1), bias=False
        )
        self.bn1 = nn.BatchNorm2d(8, eps=0.001)
        self.prelu1 = nn.PReLU(8)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 1, groups=2)
        self.plus1_act = nn.LeakyReLU(0.1)
        self.fc1_flatten = nn.Flatten()
        self.fc1 = nn.Linear(384, 16)
        self.drop1 = nn.Dropout(0.25)
        self.fc3 = nn.Linear(16, 4, bias=False)
        self.fc2 = nn.Linear(16, 2)
        self.prob1 = nn.Softmax(dim=1)

    def forward(self, data: Tensor) -> tuple[Tensor, Tensor]:
        x = data - 127.5
        x = x * 0.0078125
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.prelu1(x)
        x = self.pool1(x)
        x, out = x.split(4, dim=1)
        out = torch.cat([out, x], dim=1)
        out2 = self.conv2(out)
        out2 = out2 + out
        out2 = self.plus1_act(out2)
        out2 = self.fc1_flatten(out2)
        out2 = self.fc1(out2)
        out2 = self.drop1(out2)
        fc3 = self.fc3(out2)
        out2 = self.fc2(out2)
        out2 = self.prob1(out2)
        return out2, fc3


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


def load(path: str | Path) -> ExampleNet:
    """The network with the weights of a .safetensors file, ready for inference."""
    model = ExampleNet()
    model.load_state_dict(_read_safetensors(path))
    return model.eval()
