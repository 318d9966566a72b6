"""Run a checkpoint, or where there is none the IR itself, in onnxruntime on the CPU, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/inputs.npz`` (keyed ``<case>/<input name>``, float32), and either
``in/checkpoint/model.onnx`` with ``in/code/weights.plan.json``, or ``in/ir/model.onnx`` with
``in/ir/weights.safetensors`` beside it. Writes ``out/outputs.npz`` (keyed ``<case>/<value name>``) and
``out/runtime.json``. With ``trace`` every float value of the IR that a node computes is written.

A refusal goes to stderr and ends with exit code 65.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cases
import onnx
import onnxruntime

ELEMENTS = {
    "tensor(float)": "float32",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def read_model(folder: str, trace: bool, values: Container[str] | None) -> bytes:
    """The bytes of the model in ``folder``; with ``trace`` those of ``values`` that nodes compute are its outputs."""
    model = onnx.load(f"{folder}/model.onnx", load_external_data=False)
    if trace:
        known = {value.name: value for value in list(model.graph.value_info) + list(model.graph.output)}
        names = [name for node in model.graph.node for name in node.output if name]
        names = [name for name in names if values is None or name in values]
        del model.graph.output[:]
        model.graph.output.extend(known.get(name, onnx.ValueInfoProto(name=name)) for name in names)
    return model.SerializeToString()


def open_session(model: bytes, folder: str) -> onnxruntime.InferenceSession:
    """A session in its exact mode: the operators as they stand, one after the other, on one thread.

    Without optimisation onnxruntime neither folds BatchNormalization nor fuses activations nor changes the layout,
    and one thread adds up every sum in one order. Weights outside of the ``model`` lie in ``folder``.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    folder, outputs, values = subject()
    session = open_session(read_model(folder, trace, values), folder)
    wanted = sorted(value.name for value in session.get_inputs())
    results = session.get_outputs()
    names = [value.name for value in results if not trace or value.name in outputs or value.type in FLOATS]
    types = {value.name: ELEMENTS[value.type] for value in session.get_inputs()}
    found = {}
    for case, inputs in cases.read().items():
        if sorted(inputs) != wanted:
            cases.refuse(
                f"The case {case} feeds {', '.join(inputs)}, the model needs {', '.join(wanted)}\n"
                "  to do: Give each case all of the inputs."
            )
        fed = {name: array.astype(types[name]) for name, array in inputs.items()}
        answers = session.run(names, fed) if names else []
        found.update({f"{case}/{name}": value for name, value in zip(names, answers, strict=True)})
    cases.write(found, "onnxruntime", onnx=onnx.__version__, onnxruntime=onnxruntime.__version__)


def subject() -> tuple[str, Container[str], Container[str] | None]:
    """The folder of the model to run, its outputs if a plan says them, and the IR's values in it; None if all are."""
    if not os.path.exists("in/checkpoint"):
        return "in/ir", (), None
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    return "in/checkpoint", plan["outputs"], {*plan["trace"], *plan["outputs"]}


if __name__ == "__main__":
    main()
