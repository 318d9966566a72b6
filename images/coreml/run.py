"""Run a saved Core ML package as an independent reader understands it: there is no runtime of Core ML on Linux.

Reads ``in/params.json`` (``{"trace"}``), the one ``in/checkpoint/*.mlpackage``, ``in/code/weights.plan.json`` and
``in/inputs.npz`` (keyed ``<case>/<input name>``). The package is read back as an ONNX model, which onnxruntime runs
on one thread without optimisation. Writes ``out/outputs.npz`` (keyed ``<case>/<value name>``, by the IR's names) and
``out/runtime.json``, which says that this is no runtime of the framework. With ``trace`` those values of the plan's
table are written too that the saved program has.

The plan's ``inputs``, ``outputs`` and ``trace`` say what the IR's values are called in the program, and its
``dtypes`` of which type they are in the IR, where that is not float32. An input that is an image for Core ML is one
of prepared numbers here, as in the IR; ``images`` says how the IR prepares one, ``{"scale", "bias"}`` (one of each,
or one a channel), and so which pixels to give the program: ``(number - bias) / scale``, not rounded to whole ones,
because there are inputs that no photograph leads to. Where it says the order of the IR's ``channels`` too, it need
not be that of the package.

A refusal goes to stderr and ends with exit code 65.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cases
import numpy
import onnx
import onnxruntime
from readback import Program, read_program
from readback_graph import Tensor
from readback_package import UnreadableError

Arrays = dict[str, numpy.ndarray]
ROUNDED_SUFFIX = "_cast_fp16"
"""What is appended to a value's name where a program is converted to float16."""


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    try:
        program = read_program(_package(Path("in/checkpoint")))
        places = wanted(program, plan["outputs"], plan["trace"] if trace else {})
        session = open_session(program, list(places.values()))
        results: Arrays = {}
        for case, arrays in cases.read().items():
            fed = feed(program, plan, arrays)
            answers = session.run(None, fed) if places else []
            for (name, place), array in zip(places.items(), answers, strict=True):
                check_shape(place, program.values[place], array)
                results[f"{case}/{name}"] = array.astype(plan.get("dtypes", {}).get(name, "float32"))
    except UnreadableError as error:
        cases.refuse(str(error))
    versions = {**program.versions, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    cases.write(results, "coreml", runtime="read-back", **versions)


def _package(folder: Path) -> Path:
    packages = sorted(folder.glob("*.mlpackage"))
    if len(packages) != 1:
        raise UnreadableError(f"The checkpoint holds {len(packages)} packages, not one")
    return packages[0]


def wanted(program: Program, outputs: Mapping[str, str], trace: Mapping[str, str]) -> dict[str, str]:
    """The program's name of each value that is asked for; of those between only what the program has."""
    lost = [place for place in outputs.values() if place not in program.outputs]
    if lost:
        raise UnreadableError(f"The package does not return {', '.join(lost)}")
    places = dict(outputs)
    for name, place in trace.items():
        found = next((one for one in (place, f"{place}{ROUNDED_SUFFIX}") if one in program.values), None)
        if found is not None and name not in places and program.values[found].name:
            places[name] = found
    return places


def open_session(program: Program, names: list[str]) -> onnxruntime.InferenceSession:
    """A session in its exact mode that computes ``names``: operators as they stand, one by one, on one thread.

    It reads the weights where they lie: the ``program`` has to outlive it.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    weights = program.graph.weights
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    model = program.model(names).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(program: Program, plan: Mapping[str, Any], arrays: Arrays) -> Arrays:
    """What the model is given for the IR's inputs ``arrays``, by the model's names."""
    fed = {}
    for name, place in plan["inputs"].items():
        if place not in program.inputs:
            raise UnreadableError(f"The package has no input {place!r}")
        image = plan.get("images", {}).get(name)
        if (image is None) != (place not in program.images):
            raise UnreadableError(f"The package and the plan do not agree on whether {place!r} is an image")
        tensor = program.inputs[place]
        array = arrays[name] if image is None else pixels(arrays[name], image, program.images[place])
        fed[tensor.name] = array.astype({"bool": "bool"}.get(tensor.kind, "float32" if tensor.is_float else "int32"))
    return fed


def pixels(array: numpy.ndarray, image: Mapping[str, Any], order: str) -> numpy.ndarray:
    """The pixels, channels in ``order``, that the IR prepares as ``array`` (one example, channels second)."""
    scale, bias = (numpy.asarray(image[key], dtype=numpy.float64).reshape(-1, 1, 1) for key in ("scale", "bias"))
    found = (array.astype(numpy.float64) - bias) / scale
    given = image.get("channels", order)
    if given == order:
        return found
    if sorted(given) != sorted(order):
        raise UnreadableError(f"The package has an image of {order}, the model one of {given}")
    return found[:, [given.index(channel) for channel in order]]


def check_shape(name: str, tensor: Tensor, array: numpy.ndarray) -> None:
    """Refuse an array that is not of the shape that the package says."""
    pairs = zip(tensor.shape, array.shape, strict=False)
    if len(tensor.shape) != array.ndim or any(size not in {None, found} for size, found in pairs):
        raise UnreadableError(
            f"The package says {name!r} is of shape {tensor.shape}, read back it is of shape {array.shape}"
        )


if __name__ == "__main__":
    main()
