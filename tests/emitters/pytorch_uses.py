"""Do with a checkpoint what PyTorch's users do, in PyTorch's image; a step for ``batch.py``.

Reads ``in/checkpoint/*`` and ``in/inputs.npz``; writes ``out/outputs.npz``, keyed ``<way>/<case>/<output's number>``,
and ``out/facts.json``: what training changes, and what is made of malformed weights.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cases
import numpy
import safetensors.torch
import torch

torch.manual_seed(1)
torch.set_num_threads(1)


def main() -> None:
    """Run the step in the working folder."""
    code = imported("in/checkpoint/model.py")
    program = torch.export.load("in/checkpoint/model.pt2").module()
    ways: dict[str, Callable[..., Any]] = {
        "safetensors": code.load("in/checkpoint/model.safetensors"),
        "pt": from_pt(code),
        "pt2": program,
    }
    found = {}
    for case, arrays in cases.read().items():
        inputs = [torch.from_numpy(array) for array in arrays.values()]
        for way, model in ways.items():
            with torch.no_grad():
                outputs = model(*inputs)
            for number, output in enumerate(outputs if isinstance(outputs, tuple) else (outputs,)):
                found[f"{way}/{case}/{number}"] = output.numpy()
    numpy.savez("out/outputs.npz", **found)
    facts = {
        "imports": imports("in/checkpoint/model.py"),
        "reader": reader(code),
        "malformed": malformed(code),
        **trained(code.load("in/checkpoint/model.safetensors"), inputs),
    }
    Path("out/facts.json").write_text(json.dumps(facts))


def imported(path: str) -> ModuleType:
    """The generated module."""
    spec = importlib.util.spec_from_file_location("model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def from_pt(code: ModuleType) -> torch.nn.Module:
    """The network with the weights of the ``.pt`` file, which holds no code."""
    network = type(code.load("in/checkpoint/model.safetensors"))()
    network.load_state_dict(torch.load("in/checkpoint/model.pt", weights_only=True))
    model: torch.nn.Module = network.eval()
    return model


def imports(path: str) -> list[str]:
    """The modules that the code imports."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return sorted(found)


def reader(code: ModuleType) -> bool:
    """Whether the code reads what safetensors reads, and at any place in the file."""
    ours = code._read_safetensors("in/checkpoint/model.safetensors")
    moved = struct.pack("<Q", 68) + b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]}}'.ljust(68)
    Path("out/moved.safetensors").write_bytes(moved + b"?" + struct.pack("<f", 0.5))
    if code._read_safetensors("out/moved.safetensors")["a"].tolist() != [0.5]:
        return False
    theirs = safetensors.torch.load_file("in/checkpoint/model.safetensors")
    return ours.keys() == theirs.keys() and all(
        ours[name].dtype == theirs[name].dtype and torch.equal(ours[name], theirs[name]) for name in theirs
    )


def malformed(code: ModuleType) -> dict[str, str]:
    """What the code says of weights that are cut off, or whose header lies."""
    whole = Path("in/checkpoint/model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    name = next(name for name in header if name.endswith(".weight"))
    beyond = {**header, name: {**header[name], "data_offsets": [0, 1 << 40]}}
    backwards = {**header, name: {**header[name], "data_offsets": header[name]["data_offsets"][::-1]}}
    other = {**header, name: {**header[name], "shape": [1 << 30]}}
    negative = {**header, name: {**header[name], "shape": [-size for size in header[name]["shape"]]}}
    unknown = {**header, name: {**header[name], "dtype": "F8_E4M3"}}
    twice = json.dumps(header)[:-1] + f", {json.dumps(name)}: {json.dumps(header[name])}}}"
    files = {
        "empty": b"",
        "short": whole[:12],
        "cut": whole[: 8 + length + 4],
        "long header": struct.pack("<Q", 1 << 60) + whole[8:],
        "no json": struct.pack("<Q", 4) + b"nope",
        "missing": _file({key: value for key, value in header.items() if key != name}, whole[8 + length :]),
        "beyond": _file(beyond, whole[8 + length :]),
        "backwards": _file(backwards, whole[8 + length :]),
        "other shape": _file(other, whole[8 + length :]),
        "negative": _file(negative, whole[8 + length :]),
        "unknown type": _file(unknown, whole[8 + length :]),
        "twice": struct.pack("<Q", len(twice)) + twice.encode() + whole[8 + length :],
        "no mapping": _file([name], whole[8 + length :]),
        "no entry": _file({**header, name: None}, whole[8 + length :]),
    }
    said = {}
    for title, content in files.items():
        Path("out/malformed.safetensors").write_bytes(content)
        try:
            code.load("out/malformed.safetensors")
            said[title] = "loaded"
        except (ValueError, RuntimeError) as error:
            said[title] = type(error).__name__
    return said


def _file(header: Any, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def trained(model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> dict[str, Any]:
    """What one step of training does."""
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = (joined(model(*inputs)) for _ in range(2))
    ((first - 1) ** 2).sum().backward()
    without = [
        name for name, value in model.named_parameters() if value.grad is None or not bool((value.grad != 0).any())
    ]
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    after = model.state_dict()
    return {
        "dropped": not torch.equal(first, second),
        "without gradient": without,
        "unchanged": [name for name, value in before.items() if torch.equal(value, after[name])],
        "parameters": [name for name, _ in model.named_parameters()],
        "buffers": [name for name, _ in model.named_buffers()],
    }


def joined(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    """All outputs in one row."""
    return torch.cat([output.flatten() for output in (outputs if isinstance(outputs, tuple) else (outputs,))])
