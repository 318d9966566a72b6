"""ncnn: a ``.param`` file as ncnn's own tools write it, and the plan for its ``.bin``.

``model.param`` is the network, text that can be read and edited; blobs and layers are called what values and nodes
are in the source, apart from characters that ncnn cannot read. The checkpoint puts ``model.bin`` beside it, the
weights, and ncnn has loaded both before it is done. ``example.py`` and ``example.cpp`` run the two files, and prepare
a picture where the source model says how its input is made of one.

ncnn's data have no batch: a network computes one row, and a model is refused where rows of the batch meet, as in a
sum over it. Everything is float32, and a value has at most four dimensions beside the batch.

Batch normalization becomes part of the convolution, deconvolution or inner product before it, in float64 and rounded
once, and so do most activations; what is between them is no blob any more. What is computed of parameters alone is a
weight. With ``storage`` ``fp16`` the weights of convolutions and inner products take half the space and are rounded
to 11 bits: the answers are no longer those of the source model, but near. A weight beyond 65504 is refused.

A single shot detector ends with ``PriorBox`` and ``DetectionOutput``. It returns a row for each detection, and an
empty Mat where there are none: class, counted with the background, which is 0; score; corners, as parts of the image.
The examples print them as the source has them. Of the boxes that MXNet's own MultiBoxDetection suppresses there is
no row. In ncnn the best ``nms_top_k`` boxes of each class take part, in the source those of all classes together:
layers before the last one see to that, unless ``nms_top_k`` is ``per_class``, with which more may be found. Of boxes
with the very same score ncnn takes any first.

The tests run ncnn on one thread in float32, which is its most exact mode. By itself ncnn computes in half precision
where the processor can; the examples say how to turn that off.

Weights that are NaN or infinite, also for a division by zero, are refused when the checkpoint is built. Of data that
are, ncnn's kernels make other results than the source: ``Max`` and ``Min`` of a number and NaN may be the number.
``Equal``, ``LessOrEqual`` and ``GreaterOrEqual`` of two computed values hold where one is NaN, and a choice by a
condition may be NaN where what it does not choose is infinite or NaN. ``Tanh``, ``Sigmoid``, ``Sinh``, ``Cosh``,
``Asinh``, ``Sign`` and ``Clip`` of NaN are numbers. ``ReduceMax`` of nothing but minus infinity is the lowest
float32, ``ReduceMin`` of infinity the largest.

Some functions are approximated: ``Tanh``, ``Sinh``, ``Asinh`` and ``Atanh`` of numbers near 0 are off by up to 1e-7,
however small the number, and may be 0; ``Mish`` near -8 is off by 1e-6. Sine, cosine and tangent are right up to ten
million.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx_ir

from converter import plan
from converter.emitters import prepare, translate
from converter.emitters.batch import mark, readings
from converter.emitters.detections import Taken, take
from converter.emitters.ncnn import (  # noqa: F401 - each registers its operators
    activation,
    convolution,
    creation,
    detection,
    elementwise,
    identity,
    indexing,
    logic,
    matrix,
    normalization,
    pooling,
    recurrent,
    reduction,
    resize,
    shape,
    slicing,
    unary,
)
from converter.emitters.ncnn.creation import forget_sizes
from converter.emitters.ncnn.layer import Alias, Layer
from converter.emitters.ncnn.net import Net, assemble
from converter.emitters.ncnn.param import render
from converter.emitters.ncnn.usage import cpp, python
from converter.errors import BadInput, Unsupported
from converter.ir.spec import Dim

FILES = ("model.param", "weights.plan.json", "example.cpp", "example.py")
STORAGES = ("fp32", "fp16")
TOP_K = {"all": "ncnn", "per_class": "ncnn per_class"}
"""The translations with which ``nms_top_k`` counts the boxes of all classes, as it does in the IR, or of each."""


def emit(model: onnx_ir.Model, *, storage: str = "fp32", nms_top_k: str = "all") -> dict[str, bytes]:
    """Write ``model`` as ncnn layers.

    Args:
        model: A valid IR.
        storage: How weights of convolutions and inner products are stored: ``fp32``, or ``fp16``.
        nms_top_k: Of which boxes a detector's best ones take part: of ``all`` classes together, as in the source, or
            ``per_class``, which is ncnn's own layer as other tools write it.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        BadInput: There is no such storage, or no such way to count.
        Unsupported: ncnn cannot express the model exactly.
    """
    _check_choice("storage", storage, STORAGES)
    _check_choice("nms_top_k", nms_top_k, TOP_K)
    prepared = prepare(model, "ncnn")
    forget_sizes(prepared.graph)
    detections = take(prepared.graph)
    net = _net(prepared.graph, TOP_K[nms_top_k])
    known = {value.name for node in model.graph for value in node.outputs}
    known -= {each.table for each in detections}
    examples = cpp(net, model, detections), python(net, model, detections)
    contents = (render(net), _plan(net, storage, known, detections), *examples)
    return dict(zip(FILES, contents, strict=True))


def _check_choice(kind: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise BadInput(f"unknown {kind} {value!r}", fix=f"use one of: {', '.join(known)}")


def _net(graph: onnx_ir.Graph, target: str) -> Net:
    """The net of the first reading of the inputs that ncnn can express."""
    problems = []
    for batch in readings(graph):
        try:
            return _read(graph, batch, target)
        except Unsupported as problem:
            problems.append(problem)
    raise problems[0]


def _read(graph: onnx_ir.Graph, batch: Dim | None, target: str) -> Net:
    mark(graph, batch)
    parts: list[Layer | Alias] = [part for parts in translate(graph, target) for part in parts]
    return assemble(parts, graph)


def _plan(net: Net, storage: str, known: Collection[str | None], detections: Sequence[Taken]) -> bytes:
    """The plan; of what it traces, only values that are ``known``, and not those of inlined functions."""
    facts = {"detections": [each.facts() for each in detections]} if detections else {}
    parameters = [
        plan.Parameter((layer.name, index), weight.shape, weight.value, notes=weight.notes())
        for layer in net.layers
        for index, weight in enumerate(layer.weights)
    ]
    trace = {name: place for name, place in net.trace.items() if name in known}
    return plan.render(parameters, inputs=net.inputs, outputs=net.outputs, trace=trace, storage=storage, **facts)
