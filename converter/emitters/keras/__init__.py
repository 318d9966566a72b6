"""Keras: functional code as a Keras user would write it, and the plan for its weights.

``model.py`` imports nothing but Keras 3. Its ``network()`` makes the network; its ``load("<name>.weights.h5")`` reads
the weights too. ``<name>.keras`` holds both: ``keras.saving.load_model("<name>.keras")``. Where the network is made
of Keras's own layers and operations that needs no code; where it has parameters that none of these hold, or
suppresses boxes, ``model.py`` registers a layer, and has to be imported before.

All of it runs on TensorFlow and on PyTorch (``KERAS_BACKEND=torch``), with the same files; it is built, and compared,
on TensorFlow. Elsewhere Keras makes some results 32 bits wide that ONNX has in 64.

Layers have the source's names, but for what Keras does not allow in one, and for names that it would give an
operation of its own. What Keras has a layer for is one, all else an operation of ``keras.ops``.

Images have their channels last, inputs and outputs among them, and the plan says how these are transposed. With
``data_format="channels_first"`` they stay as in the IR, which TensorFlow computes on GPUs, and on CPUs that it has
oneDNN for. Kernels are Keras's in both. An open batch stays open.

The network can go on training: dropout drops, batch normalization updates its statistics, and what the source learns
is trainable.

Where Keras and ONNX differ, the code says what ONNX means: padding is ``"same"`` only where that is what the source
does, else a layer pads before; averages leave padding out of the count on every backend; steps of a dilated kernel
are taken behind it; a bias that Keras would add along another axis of the same size is added apart; and vectors are
added from the left where Keras would take them for a bias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import about, emitters, names, prepare, translate
from converter.emitters.keras import (  # noqa: F401 - each registers its operators
    activation,
    constants,
    convolution,
    creation,
    dense,
    detection,
    elementwise,
    function,
    image,
    indexing,
    logic,
    normalization,
    pooling,
    recurrent,
    reduction,
    shape,
    slicing,
)
from converter.emitters.keras.file import File, write
from converter.emitters.statement import Statement
from converter.errors import BadInput
from converter.passes.channels_last import channels_last

FILES = ("model.py", "weights.plan.json")
_FORMATS = ("channels_last", "channels_first")


def emit(model: onnx_ir.Model, *, data_format: str = "channels_last") -> dict[str, bytes]:
    """Write ``model`` as functional code of Keras 3.

    Args:
        model: A valid IR.
        data_format: Where images have their channels: ``channels_last``, or ``channels_first`` as in the IR.

    Returns:
        The content of each of :data:`FILES`: ``model.py``, which imports keras alone, and the weight plan.

    Raises:
        BadInput: There is no such ``data_format``.
        Unsupported: Keras cannot express the model exactly.
    """
    if data_format not in _FORMATS:
        raise BadInput(f"unknown data_format {data_format!r}", fix=f"use one of: {', '.join(_FORMATS)}")
    known = {str(value.name) for node in model.graph for value in node.outputs}
    prepared, perms = prepare(model, "keras"), dict[str, Any]()
    if data_format == "channels_last":
        laid = channels_last(prepared, emitters("keras"))
        prepared, perms = laid.model, dict(laid.perms)
    graph = prepared.graph
    statements: list[Statement] = [part for parts in translate(graph, "keras") for part in parts]
    statements = constants.tied(constants.read(statements, graph), graph)
    file = write(statements, graph, about.about(model), known)
    return {FILES[0]: file.text.encode(), FILES[1]: _plan(file, graph, perms)}


def _plan(file: File, graph: onnx_ir.Graph, perms: Mapping[str, Sequence[int]]) -> bytes:
    program = file.program
    return plan.render(
        file.parameters,
        inputs=dict(zip((str(value.name) for value in graph.inputs), program.inputs, strict=True)),
        outputs={str(value.name): number for number, value in enumerate(graph.outputs)},
        trace=file.trace,
        perms={name: list(perm) for name, perm in perms.items()},
        file=names.file_stem(graph.name),
    )
