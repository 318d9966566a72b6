"""Run the IR itself, in onnxruntime on the CPU, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/ir/model.onnx`` with ``in/ir/weights.safetensors`` beside it, and
``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes ``out/outputs.npz`` (keyed ``<case>/<value
name>``) and ``out/runtime.json``. With ``trace`` every float value that a node computes is written.

A refusal goes to stderr and ends with exit code 65.
"""

from __future__ import annotations

import os

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
    trace = cases.params()["trace"]
    session = open_session(read_model(trace))
    wanted = sorted(value.name for value in session.get_inputs())
    names = [value.name for value in session.get_outputs() if value.type in FLOATS or not trace]
    types = {value.name: ELEMENTS[value.type] for value in session.get_inputs()}
    outputs = {}
    for case, inputs in cases.read().items():
        if sorted(inputs) != wanted:
            cases.refuse(f"The case {case} feeds {', '.join(inputs)}, the IR needs {', '.join(wanted)}")
        fed = {name: array.astype(types[name]) for name, array in inputs.items()}
        for name, value in zip(names, session.run(names, fed), strict=True):
            outputs[f"{case}/{name}"] = value
    cases.write(outputs, "onnxruntime", onnx=onnx.__version__, onnxruntime=onnxruntime.__version__)


if __name__ == "__main__":
    main()
