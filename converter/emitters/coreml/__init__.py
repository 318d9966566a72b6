"""Core ML: an ML Program, built with the operations of coremltools' ``mb`` one a line, and saved as ``.mlpackage``.

``model.py`` imports nothing but coremltools and numpy. Its ``convert(weights)`` makes the model of numpy arrays by
name, and ``model.mlpackage`` is what that gives, for iOS 17, macOS 14, tvOS 17, watchOS 10 and newer. In Xcode it
becomes a class; in Python ``coremltools.models.MLModel("model.mlpackage").predict({"data": image})`` asks it.

An input that the preprocessing says is one photograph is an image: whoever asks gives one of its size (Vision cuts
and scales), and Core ML brings the colours into the network's order and computes ``scale * pixel + bias``; a scale
for each channel is the program's first operation. A stack of several crops stays a tensor. With an image the batch is
1; ``image_input=false`` leaves such inputs tensors. Where one output has class labels, and the batch is 1, the model
is a classifier. An open batch of tensors is a flexible shape from 1 to ``max_batch``.

Names are the IR's, in so far as they are identifiers; every operation bears that of its layer. No pass of coremltools
changes the program, but for ``precision=float16``: then layers and what joins them compute with 16 bits, and their
weights are stored so. ``HALF`` in ``model.py`` says of which kinds these operations are, ``SINGLE`` which of them
keep 32: those between a layer and what counts, compares, or reads at a computed place, and those behind what makes
large numbers. So do operations with a constant that 16 bits do not hold. Inputs and outputs stay float32. An
intermediate value beyond 65504 becomes infinite, which the gate notices.

What the IR calls int64 is int32 here, which is what Core ML has; it holds indices and sizes. Integers of 8 bits are
computed in 32, of which the lowest 8 are kept. Inputs and outputs that are booleans are numbers, 0 and 1. A tensor
has at most 5 dimensions, and at least one element.

Core ML runs on Apple's systems only, and nothing here was ever run on one. The saved package is read back,
independently of the code that wrote it, and what was read is computed with onnxruntime, as Apple documents the
operations; what is documented ambiguously is not used. Left to Apple's word are the runtime and the compiler
themselves, how the GPU and the Neural Engine round and sum, what they do with numbers below the normal ones, and
which flexible shapes they run.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence

import onnx_ir

from converter import plan
from converter.emitters import about, prepare, translate
from converter.emitters.coreml.features import Features, features
from converter.emitters.coreml.file import File, write
from converter.emitters.coreml.half import folded
from converter.emitters.coreml.operand import DTYPES
from converter.emitters.coreml.ports import read, with_ports
from converter.emitters.statement import Statement
from converter.errors import BadInput

for _module in pkgutil.iter_modules(__path__):  # each registers its operators
    importlib.import_module(f"{__name__}.{_module.name}")

FILES = ("model.py", "weights.plan.json")
_PRECISIONS = ("float32", "float16")


def emit(
    model: onnx_ir.Model, *, precision: str = "float32", image_input: bool = True, max_batch: int = 64
) -> dict[str, bytes]:
    """Write ``model`` as code that builds a Core ML model.

    Args:
        model: A valid IR.
        precision: What the model computes with and stores its weights as: ``float32`` or ``float16``.
        image_input: Whether photographs are images, rather than tensors that are prepared outside.
        max_batch: The largest batch, where that is open.

    Returns:
        The content of each of :data:`FILES`: ``model.py``, which imports coremltools alone, and the weight plan.

    Raises:
        BadInput: There is no such precision, or no batch that small.
        Unsupported: Core ML cannot express the model exactly.
    """
    if precision not in _PRECISIONS:
        raise BadInput(f"there is no precision {precision!r}", fix=f"use one of: {', '.join(_PRECISIONS)}")
    if max_batch < 1:
        raise BadInput(f"the largest batch cannot be {max_batch}")
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, "coreml")
    facts = features(model, image_input=image_input, max_batch=max_batch, half=precision == "float16")
    statements: list[Statement] = [
        part for parts in translate(model.graph, "coreml", dtypes=DTYPES) for part in parts
    ]
    names = [str(value.name) for value in model.graph.outputs]
    statements = with_ports(read(statements, model.graph), model.graph, facts)
    if facts.half:
        statements = folded(statements)
    file = write(statements, model.graph, facts, about.about(model))
    traced = {
        str(value.name): value
        for node in model.graph
        for value in node.outputs
        if value.name in known and value in file.places and value.name not in names
    }
    return _files(file, model.graph, facts, names, {} if facts.half else traced)


def _files(
    file: File, graph: onnx_ir.Graph, facts: Features, names: Sequence[str], traced: Mapping[str, onnx_ir.Value]
) -> dict[str, bytes]:
    inputs = {str(value.name): value for value in graph.inputs}
    outputs = dict(zip(names, graph.outputs, strict=True))
    held = {**traced, **inputs, **outputs}
    content = plan.render(
        file.program.parameters(),
        inputs=dict(zip(inputs, file.program.inputs, strict=True)),
        outputs=dict(zip(names, file.outputs, strict=True)),
        trace={name: file.places[value] for name, value in traced.items()},
        dtypes={name: _dtype(value) for name, value in held.items() if _dtype(value) != "float32"},
        images={name: image.plan() for name, image in facts.images.items()},
        **({} if facts.labels is None else {"classifier": facts.labels.output}),
    )
    return {FILES[0]: file.text.encode(), FILES[1]: content}


def _dtype(value: onnx_ir.Value) -> str:
    return "float32" if value.dtype is None else str(value.dtype.numpy().name)
