"""ExampleNet

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing:
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

from __future__ import annotations

import json
from pathlib import Path

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


def load(path: str | Path) -> ExampleNet:
    """The network with the weights of a .safetensors file, ready for inference."""
    model = ExampleNet()
    model.load_state_dict(_read_safetensors(path))
    return model.eval()
