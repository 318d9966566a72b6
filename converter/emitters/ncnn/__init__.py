"""ncnn: a ``.param`` file as ncnn's own tools write it, and the plan for its ``.bin``."""

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
        plan.Parameter(
            (layer.name, index), weight.shape, weight.value, notes={"tagged": True} if weight.tagged else {}
        )
        for layer in net.layers
        for index, weight in enumerate(layer.weights)
    ]
    trace = {name: place for name, place in net.trace.items() if name in known}
    return plan.render(parameters, inputs=net.inputs, outputs=net.outputs, trace=trace, storage=storage)
