"""A blob cut into parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import onnx_ir

from converter.emitters.caffe.layer import Layer
from converter.emitters.caffe.steps import Steps
from converter.ir import dims
from converter.ir.spec import Dim


class Several(Steps):
    """Composes a node of several outputs, each by a layer of its own.

    Args:
        node: Whose first output the layer without a role computes.
    """

    def __init__(self, node: onnx_ir.Node) -> None:
        self.output, self.layers, self.name = node.outputs[0], [], str(node.name)

    def last(self, kind: str, output: onnx_ir.Value, *bottoms: onnx_ir.Value, **settings: Any) -> onnx_ir.Value:
        """As :meth:`add`, for the layer that computes ``output``, which is called like it unless it is the first."""
        self.add(kind, *bottoms, role="" if output is self.output else str(output.name), **settings)
        self.layers[-1] = replace(self.layers[-1], tops=(output,))
        return output


def parts(steps: Steps, data: onnx_ir.Value, sizes: Sequence[int], *, axis: int, role: str) -> list[onnx_ir.Value]:
    """``Slice`` of ``data`` along ``axis`` into parts of ``sizes``, within the node's composition."""
    if len(sizes) == 1:
        return [data]
    before = dims(data)
    shapes = [(*before[:axis], size, *before[axis + 1 :]) for size in sizes]
    name = f"{steps.name}/{role}"
    tops = tuple(value(f"{name}_{index}", shape) for index, shape in enumerate(shapes))
    fields = {
        **({} if axis == 1 else {"axis": axis}),
        "slice_point": list(accumulate(sizes))[:-1],
    }
    steps.layers.append(Layer(name, "Slice", (data,), tops, {"slice_param": fields} if fields else {}))
    return list(tops)


def value(name: str, shape: Sequence[Dim]) -> onnx_ir.Value:
    """A value of a composition."""
    return onnx_ir.Value(name=name, shape=onnx_ir.Shape(shape), type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT))


def kept(steps: Steps, data: onnx_ir.Value, start: int, count: int, *, axis: int, role: str) -> onnx_ir.Value:
    """``Slice``: the elements of ``data`` from ``start`` on along ``axis``, ``count`` of them."""
    total = dims(data)[axis]
    if not isinstance(total, int):
        raise AssertionError("the dimension is known")
    sizes = [size for size in (start, count, total - start - count) if size]
    return parts(steps, data, sizes, axis=axis, role=role)[1 if start else 0]


def reversed_along(steps: Steps, data: onnx_ir.Value, axis: int, *, role: str) -> onnx_ir.Value:
    """``Slice`` into single elements along ``axis``, and ``Concat`` in the opposite order."""
    length = dims(data)[axis]
    if not isinstance(length, int):
        raise AssertionError("the dimension is known")
    if length == 1:
        return data
    each = parts(steps, data, [1] * length, axis=axis, role=f"{role}/part")
    params = {} if axis == 1 else {"concat_param": {"axis": axis}}
    return steps.add("Concat", *each[::-1], role=role, params=params, shape=dims(data))
