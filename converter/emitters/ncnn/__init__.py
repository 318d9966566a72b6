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

from collections.abc import Collection

import onnx_ir

from converter import plan
from converter.emitters import prepare, translate
from converter.emitters.ncnn import (  # noqa: F401 - each registers its operators
    activation,
    convolution,
    creation,
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
from converter.emitters.ncnn.layout import mark, readings
from converter.emitters.ncnn.net import Net, assemble
from converter.emitters.ncnn.param import render
from converter.emitters.ncnn.usage import cpp, python
from converter.errors import BadInput, Unsupported
from converter.ir.spec import Dim

FILES = ("model.param", "weights.plan.json", "example.cpp", "example.py")
STORAGES = ("fp32", "fp16")


def emit(model: onnx_ir.Model, *, storage: str = "fp32") -> dict[str, bytes]:
    """Write ``model`` as ncnn layers.

    Args:
        model: A valid IR.
        storage: How weights of convolutions and inner products are stored: ``fp32``, or ``fp16``.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        BadInput: There is no such storage.
        Unsupported: ncnn cannot express the model exactly.
    """
    if storage not in STORAGES:
        raise BadInput(f"unknown storage {storage!r}", fix=f"use one of: {', '.join(STORAGES)}")
    prepared = prepare(model, "ncnn")
    forget_sizes(prepared.graph)
    net = _net(prepared.graph)
    known = {value.name for node in model.graph for value in node.outputs}
    contents = (render(net), _plan(net, storage, known), cpp(net, model), python(net, model))
    return dict(zip(FILES, contents, strict=True))


def _net(graph: onnx_ir.Graph) -> Net:
    """The net of the first reading of the inputs that ncnn can express."""
    problems = []
    for batch in readings(graph):
        try:
            return _read(graph, batch)
        except Unsupported as problem:
            problems.append(problem)
    raise problems[0]


def _read(graph: onnx_ir.Graph, batch: Dim | None) -> Net:
    mark(graph, batch)
    parts: list[Layer | Alias] = [part for parts in translate(graph, "ncnn") for part in parts]
    return assemble(parts, graph)


def _plan(net: Net, storage: str, known: Collection[str | None]) -> bytes:
    """The plan; of what it traces, only values that are ``known``, and not those of inlined functions."""
    parameters = [
        plan.Parameter((layer.name, index), weight.shape, weight.value, notes=weight.notes())
        for layer in net.layers
        for index, weight in enumerate(layer.weights)
    ]
    trace = {name: place for name, place in net.trace.items() if name in known}
    return plan.render(parameters, inputs=net.inputs, outputs=net.outputs, trace=trace, storage=storage)
