"""Run the IR itself, in onnxruntime on the CPU, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/ir/model.onnx`` with ``in/ir/weights.safetensors`` beside it, and
``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes ``out/outputs.npz`` (keyed ``<case>/<value
name>``) and ``out/runtime.json``. With ``trace`` every float value that a node computes is written.

A refusal goes to stderr and ends with exit code 65.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import NoReturn

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy
import onnx
import onnxruntime

REFUSED = 65
FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def refuse(message: str) -> NoReturn:
    """End the step with a message that the user can act on."""
    sys.stderr.write(message + "\n")
    raise SystemExit(REFUSED)


def read_cases(path: str) -> dict[str, dict[str, numpy.ndarray]]:
    """Read ``{case: {name: array}}`` from an npz that is keyed ``<case>/<name>``."""
    cases = {}
    with numpy.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            case, name = key.split("/", 1)
            cases.setdefault(case, {})[name] = archive[key]
    return cases


def read_model(trace: bool) -> bytes:
    """The structure's bytes; with ``trace`` every node's outputs are outputs of the graph, in topological order."""
    model = onnx.load("in/ir/model.onnx", load_external_data=False)
    if trace:
        known = {value.name: value for value in list(model.graph.value_info) + list(model.graph.output)}
        names = [name for node in model.graph.node for name in node.output if name]
        del model.graph.output[:]
        model.graph.output.extend(known.get(name, onnx.ValueInfoProto(name=name)) for name in names)
    return model.SerializeToString()


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    """A session in its exact mode: the operators as they stand, one after the other, on one thread.

    Without optimisation onnxruntime neither folds BatchNormalization nor fuses activations nor changes the layout,
    and one thread adds up every sum in one order.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", "in/ir")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Run the step in the working folder."""
    with open("in/params.json") as file:
        params = json.load(file)
    session = open_session(read_model(params["trace"]))
    wanted = sorted(value.name for value in session.get_inputs())
    names = [value.name for value in session.get_outputs() if value.type in FLOATS or not params["trace"]]
    outputs = {}
    for case, inputs in read_cases("in/inputs.npz").items():
        if sorted(inputs) != wanted:
            refuse(f"The case {case} feeds {', '.join(inputs)}, the IR needs {', '.join(wanted)}")
        for name, value in zip(names, session.run(names, inputs), strict=True):
            outputs[case + "/" + name] = value
    numpy.savez("out/outputs.npz", **outputs)
    versions = {
        "numpy": numpy.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "python": platform.python_version(),
    }
    with open("out/runtime.json", "w") as file:
        json.dump({"framework": "onnxruntime", "versions": versions}, file, indent=2, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
