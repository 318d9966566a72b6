"""Values that are made of a shape alone, and shapes that are known before they are computed."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir

from converter import plan
from converter.emitters import emits, is_constant, only_output, operator_of
from converter.emitters.ncnn.layer import Layer, Weight, mat_params
from converter.emitters.ncnn.layout import mat_shape
from converter.ir import BATCH, dims

_SIZES: Mapping[str, int] = {"Reshape": 1, "Expand": 1, "AffineGrid": 1, "ConstantOfShape": 0, "Resize": 3}
"""Operators to their input that says nothing but the shape of their output."""


@emits("ncnn", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node,
    shape: onnx_ir.Value | None,  # noqa: ARG001 - the output's shape says the same
    *,
    value: onnx_ir.TensorProtocol | None = None,
) -> list[Layer]:
    """``MemoryData`` of one row."""
    top = only_output(node)
    wanted = mat_shape(top)
    number = 0.0 if value is None else float(value.numpy().reshape(()))
    held = Weight(wanted, plan.full(number, wanted))
    return [Layer(str(node.name), "MemoryData", (), (top,), mat_params(wanted), (held,))]


def forget_sizes(graph: onnx_ir.Graph) -> None:
    """Let no node of ``graph`` read a computed shape where the IR knows the shape of what the node computes.

    What has computed it, in integers that ncnn has not, is then read by nobody.
    """
    for node in graph:
        place = _SIZES.get(operator_of(node))
        value = None if place is None or place >= len(node.inputs) else node.inputs[place]
        if place is not None and value is not None and not is_constant(value) and _known(node.outputs[0]):
            node.replace_input_with(place, None)


def _known(value: onnx_ir.Value) -> bool:
    return value.shape is not None and all(isinstance(dim, int) or dim == BATCH for dim in dims(value))
