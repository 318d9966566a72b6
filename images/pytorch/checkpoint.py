"""Build the checkpoint: the generated module is made, its state is set, PyTorch saves it, and exports it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes ``out/model.py``,
``out/model.safetensors`` and ``out/model.pt`` (the ``state_dict``), and ``out/model.pt2`` (``torch.export``).
"""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cases
import numpy
import torch
import weights
from safetensors.torch import save_file
from torch._dynamo.exc import UserError

torch.backends.mkldnn.enabled = False
warnings.filterwarnings("ignore", category=FutureWarning)

State = dict[str, torch.Tensor]


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    tensors = weights.Weights("in/ir/weights.safetensors")
    model = getattr(load_code("in/code/model.py"), plan["class"])()
    check_coverage({row["name"] for row in plan["parameters"]}, model.state_dict())
    model.load_state_dict(build_state(plan["parameters"], tensors, model.state_dict()), strict=True)
    model.eval()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    shutil.copyfile("in/code/model.py", "out/model.py")
    save_file(state, "out/model.safetensors")
    Path("out/model.pt").write_bytes(saved(state))
    Path("out/model.pt2").write_bytes(exported(model, plan["shapes"]))


def load_code(path: str) -> ModuleType:
    """The generated module."""
    spec = importlib.util.spec_from_file_location("model", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    return module


def check_coverage(planned: set[str], present: Iterable[str]) -> None:
    """Fail unless ``planned``, the names in the plan, are those of the module's state."""
    for title, difference in (
        ("entries of the state that the plan does not set", set(present) - planned),
        ("parameters of the plan that the module does not have", planned - set(present)),
    ):
        if difference:
            raise ValueError(f"{title}: {', '.join(sorted(difference))}")


def build_state(rows: Iterable[Mapping[str, Any]], tensors: weights.Weights, present: Mapping[str, Any]) -> State:
    """The plan's ``rows`` as tensors, whose shapes and types have to be those that the module has, exactly."""
    state = {}
    for row in rows:
        name, dtype = row["name"], row.get("dtype", "float32")
        value = torch.from_numpy(numpy.array(weights.evaluate(row["value"], tensors, dtype), order="C"))
        found = present[name]
        if not list(found.shape) == row["shape"] == list(value.shape) or found.dtype != value.dtype:
            raise ValueError(
                f"{name} is {found.dtype} {list(found.shape)} in the module, {dtype} {row['shape']} in the plan,"
                f" and its value is {value.dtype} {list(value.shape)}"
            )
        state[name] = value
    return state


def saved(state: Mapping[str, torch.Tensor]) -> bytes:
    """``state`` as ``torch.save`` writes it; of the same state the same bytes."""
    stream = io.BytesIO()
    torch.save(dict(state), stream)
    return stream.getvalue()


def exported(model: torch.nn.Module, shapes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """``model`` as ``torch.export`` writes it, for any number of rows where its inputs leave that open.

    Ends the step where the code holds for some numbers of rows only.
    """
    batch = torch.export.Dim("batch", min=1)
    open_axes = [
        {axis: batch for axis, size in enumerate(given["shape"]) if not isinstance(size, int)}
        for given in shapes.values()
    ]
    dynamic = tuple(open_axes) if any(open_axes) else None
    try:
        program = program_of(model, shapes, dynamic)
    except UserError:
        program = program_of_fewer_rows(model, shapes, dynamic)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    stream = io.BytesIO()
    torch.export.save(program, stream)
    return stream.getvalue()


def program_of(
    model: torch.nn.Module, shapes: Mapping[str, Mapping[str, Any]], dynamic: Any
) -> torch.export.ExportedProgram:
    """``model`` exported, with ``dynamic`` as :func:`torch.export.export` takes it."""
    with torch.no_grad():
        return torch.export.export(model, examples(shapes.values()), dynamic_shapes=dynamic, strict=False)


def program_of_fewer_rows(
    model: torch.nn.Module, shapes: Mapping[str, Mapping[str, Any]], dynamic: Any
) -> torch.export.ExportedProgram:
    """``model`` exported without taking what has fewer rows than the batch, as x[1:] has, to have several of them.

    Ends the step where that fails too, or where the program holds for some numbers of rows only.
    """
    try:
        with torch.fx.experimental._config.patch(backed_size_oblivious=True):
            program = program_of(model, shapes, dynamic)
        for rows in (1, 2):
            check_guards(program, model, examples(shapes.values(), rows))
    except (UserError, AssertionError) as error:
        reason = str(error).strip().partition("\n\n")[0]
        cases.refuse(f"torch.export cannot leave the batch open; give the inputs a number of rows\n{reason}")
    return program


def check_guards(
    program: torch.export.ExportedProgram, model: torch.nn.Module, inputs: Sequence[torch.Tensor]
) -> None:
    """Raise an AssertionError if ``program`` does not take ``inputs``, though ``model`` does."""
    with torch.no_grad():
        try:
            model(*inputs)
        except (IndexError, RuntimeError):
            return
        program.module()(*inputs)


def examples(shapes: Iterable[Mapping[str, Any]], rows: int = 3) -> tuple[torch.Tensor, ...]:
    """Inputs of such ``shapes``, with ``rows`` where they leave the size open."""
    return tuple(torch.zeros(sizes(given["shape"], rows), dtype=getattr(torch, given["dtype"])) for given in shapes)


def sizes(shape: Sequence[int | str], rows: int) -> tuple[int, ...]:
    """``shape`` with ``rows`` for what it leaves open."""
    return tuple(size if isinstance(size, int) else rows for size in shape)


class _Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Something of what networks have."""
        return torch.cat([self.conv(x).reshape(-1, 4), x.sum((2, 3)) + 1], dim=1)


if __name__ == "__main__":
    main()
else:  # many cases follow in processes of their own, which then share what the first export takes seconds to set up
    exported(_Small(), {"x": {"shape": ["batch", 1, 2, 2], "dtype": "float32"}})
