"""Layers one after the other."""

from __future__ import annotations

import onnx_ir

from converter.emitters import only_output
from converter.emitters.ncnn.layer import Layer, Params
from converter.emitters.ncnn.layout import mat_shape

Step = tuple[str, Params]
"""A layer of one bottom and one top: its type and parameters."""
RECIPROCAL: Step = ("Power", {0: -1.0, 2: -0.0})
"""``(x * 1 - 0)^-1`` by the C library: added to what is positive, negative zero would lose its sign."""


def series(node: onnx_ir.Node, data: onnx_ir.Value, *steps: Step, top: onnx_ir.Value | None = None) -> list[Layer]:
    """The layers that compute ``top``, the only output of ``node`` where not given, of ``data``.

    The last one is called like the node, or like ``top`` where that is given; those before it are numbered.
    """
    if data.shape is not None:
        mat_shape(data)
    end = top or only_output(node)
    name = str(node.name if top is None else top.name)
    *before, (kind, params) = steps
    layers, read = [], data
    for number, (step, settings) in enumerate(before):
        layers.append(Layer(f"{name}/{number}", step, (read,), (onnx_ir.Value(name=f"{name}/{number}"),), settings))
        read = layers[-1].tops[0]
    return [*layers, Layer(name, kind, (read,), (end,), params)]
