"""Run networks, without numbers, on a device that is not the CPU; a program for PyTorch's image.

Reads ``in/cases/<case>/model.py`` and ``weights.plan.json``; writes ``out/found.json``: by case the devices of what
the network returns, or what was wrong. The device is ``meta``, of tensors that are nothing but shapes; in
:class:`FakeTensorMode` an operation of tensors on several devices is an error as it is on real ones.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

DEVICE = "meta"


def main() -> None:
    """Run all cases."""
    assert not mixes(), "what mixes devices is not noticed"
    found = {place.name: devices(place) for place in sorted(Path("in/cases").iterdir())}
    Path("out/found.json").write_text(json.dumps(found))


def mixes() -> bool:
    """Whether tensors on two devices can be added."""
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            torch.zeros(3, device=DEVICE) + torch.arange(3)
    except RuntimeError:
        return False
    return True


def devices(place: Path) -> list[str] | str:
    """The devices of what the network in the folder ``place`` returns, or an error's text."""
    plan = json.loads((place / "weights.plan.json").read_text())
    spec = importlib.util.spec_from_file_location("model", place / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            with torch.device(DEVICE):
                network = getattr(module, plan["class"])().eval()
            outputs = network(*(zeros(given) for given in plan["shapes"].values()))
    except DataDependentOutputException:
        return [DEVICE]  # a loop until the numbers say so, which there are none of
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return sorted({str(output.device) for output in (outputs if isinstance(outputs, tuple) else (outputs,))})


def zeros(given: Mapping[str, Any]) -> torch.Tensor:
    """An input of the shape and type ``given``, of two rows where that is open."""
    sizes = [size if isinstance(size, int) else 2 for size in given["shape"]]
    return torch.zeros(sizes, dtype=getattr(torch, given["dtype"]), device=DEVICE)


if __name__ == "__main__":
    main()
