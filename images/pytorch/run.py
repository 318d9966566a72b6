"""Run the checkpoint in PyTorch, on every case, in its exact mode: one thread, no kernels that round differently.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/`` (``model.py``, ``model.safetensors``, ``model.pt2``),
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``). Writes ``out/outputs.npz`` (keyed
``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` values between are written too.
The exported program has to give the same answers as the module.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import cases
import numpy
import torch

Arrays = dict[str, numpy.ndarray]
PROGRAM_TOLERANCE = 1e-6
"""Largest difference of the exported program, of the largest value: it may spell an operator as several."""

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.use_deterministic_algorithms(True)
torch.set_float32_matmul_precision("highest")
torch.backends.mkldnn.enabled = False
torch.backends.nnpack.set_flags(False)


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    model = load_model("in/checkpoint")
    program = torch.export.load("in/checkpoint/model.pt2").module()
    results: Arrays = {}
    for number, (case, arrays) in enumerate(cases.read().items()):
        inputs = [torch.from_numpy(arrays[name]) for name in plan["inputs"]]
        with torch.no_grad(), traced(model, plan["trace"] if trace else {}) as values:
            outputs = named(model(*inputs), plan["outputs"])
        if number == 0:
            with torch.no_grad():
                check_program(named(program(*inputs), plan["outputs"]), outputs)
        results.update({f"{case}/{name}": value for name, value in {**values, **outputs}.items()})
    cases.write(results, "pytorch", pytorch=torch.__version__)


def load_model(folder: str) -> torch.nn.Module:
    """The module that the code beside the checkpoint loads, ready to be used."""
    spec = importlib.util.spec_from_file_location("model", f"{folder}/model.py")
    if spec is None or spec.loader is None:
        raise ValueError(f"there is no module in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    model: torch.nn.Module = module.load(f"{folder}/model.safetensors")
    return model.eval()


def named(result: Any, places: Mapping[str, str]) -> Arrays:
    """What a module returned by the IR's names: a place is a number in a tuple, or empty if there is no tuple."""
    return {name: array_of(result if place == "" else result[int(place)]) for name, place in places.items()}


def array_of(value: Any) -> numpy.ndarray:
    """A tensor, or a size or several of them, as an array of its own."""
    if isinstance(value, torch.Tensor):
        return value.detach().contiguous().numpy().copy()
    return numpy.array(value, dtype=numpy.int64)


def check_program(found: Arrays, wanted: Arrays) -> None:
    """Fail unless the exported program's answers ``found`` are those of the module."""
    for name, array in wanted.items():
        other = found[name]
        same = array.shape == other.shape and array.dtype == other.dtype
        if same and array.dtype.kind == "f" and array.size:
            limit = PROGRAM_TOLERANCE * numpy.abs(array[numpy.isfinite(array)]).max(initial=0)
            same = numpy.allclose(other, array, rtol=0, atol=limit, equal_nan=True)
        elif same:
            same = numpy.array_equal(other, array)
        if not same:
            raise ValueError(
                f"the exported program computes another {name!r} than the module that it was exported from"
            )


@contextmanager
def traced(model: torch.nn.Module, places: Mapping[str, Mapping[str, Any]]) -> Iterator[Arrays]:
    """A dictionary that is filled with the values at ``places`` while ``model`` runs.

    A place is either what a submodule returns (``{"module", "call"}``, the number of the call), or what a variable
    holds when a statement of the code has run (``{"line", "end", "variable", "occurrence"}``, how often it had run
    before).
    """
    values: Arrays = {}
    calls: dict[str, dict[int, str]] = {}
    lines: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, place in places.items():
        if "module" in place:
            calls.setdefault(place["module"], {})[place["call"]] = name
        else:
            lines.setdefault(place["line"], []).append((name, place))
    hooks = [model.get_submodule(path).register_forward_hook(_hook(wanted, values)) for path, wanted in calls.items()]
    if lines:
        sys.settrace(_tracer(type(model).forward.__code__.co_filename, lines, values))
    try:
        yield values
    finally:
        sys.settrace(None)
        for hook in hooks:
            hook.remove()


def _hook(wanted: Mapping[int, str], values: Arrays) -> Callable[..., None]:
    count = Counter[str]()

    def keep(_module: torch.nn.Module, _inputs: Sequence[Any], output: Any) -> None:
        if (name := wanted.get(count["calls"])) is not None:
            values[name] = array_of(output)
        count["calls"] += 1

    return keep


def _tracer(
    file: str, lines: Mapping[int, list[tuple[str, Mapping[str, Any]]]], values: Arrays
) -> Callable[..., Any]:
    """A trace function for ``sys.settrace`` that follows the functions of ``file``."""
    done = Counter[int]()

    def enter(frame: types.FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != file:
            return None
        current: list[int] = []

        def step(frame: types.FrameType, event: str, _argument: Any) -> Callable[..., Any]:
            inside = event == "line" and current and current[0] <= frame.f_lineno <= _end(lines, current[0])
            if current and not inside and event in {"line", "return"}:
                _keep(frame, lines[current.pop()], done, values)
            if event == "line" and not current and frame.f_lineno in lines:
                current.append(frame.f_lineno)
            return step

        return step

    return enter


def _end(lines: Mapping[int, list[tuple[str, Mapping[str, Any]]]], first: int) -> int:
    return max(int(place["end"]) for _, place in lines[first])


def _keep(
    frame: types.FrameType, wanted: list[tuple[str, Mapping[str, Any]]], done: Counter[int], values: Arrays
) -> None:
    """Note what the statement that has just run left in its variables."""
    first = int(wanted[0][1]["line"])
    for name, place in wanted:
        if place["occurrence"] == done[first]:
            values[name] = array_of(frame.f_locals[place["variable"]])
    done[first] += 1


if __name__ == "__main__":
    main()
