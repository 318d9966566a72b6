"""TensorFlow: a ``tf.Module`` as a TensorFlow user would write it, a SavedModel, and a TensorFlow Lite model.

``model.py`` imports nothing but tensorflow. Its ``load("saved_model")`` makes the network and reads the variables of
the SavedModel beside it, whose ``variables/`` is a checkpoint of TensorFlow. The network can go on training
(``network.trainable_variables``), and what the source learns is trainable. Dropout and batch normalization are those
of inference: what the code computes, it computes in training too.

``saved_model/`` needs no code. Its signature ``serving_default`` has inputs and outputs with the IR's names, in so
far as these are identifiers of Python::

    serve = tf.saved_model.load("saved_model").signatures["serving_default"]
    outputs = serve(data=tf.constant(images))

``model.tflite`` computes the same in TensorFlow Lite, with the same signature::

    interpreter = tf.lite.Interpreter("model.tflite")
    outputs = interpreter.get_signature_runner("serving_default")(data=images)

It is made of built-in operators alone, for the interpreter in Python runs no others, and not quantized. What these
cannot express (``tf.math.erf`` and ``tf.math.atan``, say, and most arithmetic of bytes and float64) is refused when
the checkpoint is built, and so is what the converter is known to make something else of; ``tflite=False`` leaves
``model.tflite`` out. What the numbers are decides the rest: in TensorFlow Lite infinity becomes 3.4e38 in sums,
products, quotients and pooling, the largest or smallest of numbers may lose NaN, writing elements at indices makes
NaN of infinity, and a tensor without elements is an error.

Images lie with their channels last, inputs and outputs among them. With ``data_format="channels_first"`` they stay as
in the IR; TensorFlow computes that on GPUs, and on CPUs with oneDNN, which is its default on x86
(``TF_ENABLE_ONEDNN_OPTS=1``). Filters are TensorFlow's in both. An open batch stays open, in all three files.

Verified is what the graph says: TensorFlow's graph optimizer (grappler) is off then. Where it is on, its default,
results may differ by roundings, for it makes ``x * (1 / c)`` of ``x / c`` and ``x * x * x`` of ``x ** 3``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import about, emitters, prepare, translate
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.file import File, write
from converter.emitters.tensorflow.lite import deviations
from converter.errors import BadInput
from converter.ir import dims
from converter.passes.channels_last import channels_last

for _module in pkgutil.iter_modules(__path__):  # each registers its operators
    if _module.name != "library":
        importlib.import_module(f"{__name__}.{_module.name}")

FILES = ("model.py", "weights.plan.json")
_FORMATS = ("channels_last", "channels_first")


def emit(model: onnx_ir.Model, *, data_format: str = "channels_last", tflite: bool = True) -> dict[str, bytes]:
    """Write ``model`` as a TensorFlow module.

    Args:
        model: A valid IR.
        data_format: Where images have their channels: ``channels_last`` or ``channels_first``.
        tflite: Whether there is to be a ``model.tflite``.

    Returns:
        The content of each of :data:`FILES`: ``model.py``, which imports tensorflow alone, and the weight plan.

    Raises:
        BadInput: There is no such data format.
        Unsupported: TensorFlow cannot express the model exactly.
    """
    if data_format not in _FORMATS:
        raise BadInput(f"there is no data_format {data_format!r}", fix=f"use one of: {', '.join(_FORMATS)}")
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, "tensorflow")
    perms: Mapping[str, Sequence[int]] = {}
    if data_format == "channels_last":
        laid = channels_last(model, emitters("tensorflow"))
        model, perms = laid.model, laid.perms
    statements: list[Statement] = [part for parts in translate(model.graph, "tensorflow") for part in parts]
    traced = {value: str(value.name) for node in model.graph for value in node.outputs if value.name in known}
    file = write(statements, model.graph, about.about(model))
    return {FILES[0]: file.text.encode(), FILES[1]: _plan(file, model.graph, traced, perms, tflite)}


def _plan(
    file: File,
    graph: onnx_ir.Graph,
    traced: Mapping[onnx_ir.Value, str],
    perms: Mapping[str, Sequence[int]],
    tflite: bool,
) -> bytes:
    outputs = {str(value.name) for value in graph.outputs}
    trace = {name: variable for name, variable in file.program.trace(traced).items() if name not in outputs}
    deviating = deviations(graph) if tflite else []
    return plan.render(
        file.program.parameters(),
        inputs=file.inputs,
        outputs=file.outputs,
        trace=trace,
        **{"class": file.name},
        tflite=tflite,
        **({"deviations": deviating} if deviating else {}),
        perms={name: list(perm) for name, perm in perms.items()},
        shapes={str(value.name): _description(value) for value in graph.inputs},
    )


def _description(value: onnx_ir.Value) -> dict[str, Any]:
    dtype = "float32" if value.dtype is None else str(value.dtype.numpy().name)
    return {"shape": list(dims(value)), "dtype": dtype}
