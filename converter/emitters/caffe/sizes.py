"""What is known before the net runs: whole numbers that are computed of shapes, and what is made of constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import is_constant, operator_of
from converter.emitters.known import contents
from converter.emitters.operand import array
from converter.ir import BATCH, dims

Array = npt.NDArray[Any]

_SIZES: Mapping[str, int] = {"Reshape": 1, "Expand": 1, "AffineGrid": 1, "ConstantOfShape": 0, "Resize": 3}
"""Operators to their input that says nothing but the shape of their output."""
_MOST = 1 << 20
"""Most elements of a table that is computed here."""


def settle(graph: onnx_ir.Graph) -> None:
    """Put constants where ``graph`` computes what is known, and let no node read a shape that its output says too."""
    for node in list(graph):
        if len(node.outputs) != 1 or node.outputs[0].is_graph_output() or operator_of(node) == "Constant":
            continue
        found = _known(node)
        if found is not None:
            value = node.outputs[0]
            made = onnx_ir.Node("", "Constant", [], [onnx_ir.AttrTensor("value", onnx_ir.tensor(found))])
            made.outputs[0].name, made.outputs[0].shape, made.outputs[0].type = value.name, value.shape, value.type
            made.outputs[0].const_value = onnx_ir.tensor(found)
            graph.insert_before(node, made)
            value.replace_all_uses_with(made.outputs[0])
    for node in graph:
        place = _SIZES.get(operator_of(node))
        if place is None or place >= len(node.inputs) or not _is_shaped(node.outputs[0]):
            continue
        read = node.inputs[place]
        if read is not None and not is_constant(read):
            node.replace_input_with(place, None)


def _is_shaped(value: onnx_ir.Value) -> bool:
    return value.shape is not None and all(isinstance(dim, int) or dim == BATCH for dim in dims(value))


def _known(node: onnx_ir.Node) -> Array | None:
    """The elements of the output of ``node``, if no run of the net changes them."""
    value = node.outputs[0]
    if value.dtype is None or not _is_shaped(value) or BATCH in dims(value):
        return None
    if math.prod(int(size) for size in dims(value)) > _MOST:
        return None
    found = contents(value)
    if found is not None and BATCH not in found.reshape(-1).tolist():
        return found.astype(value.dtype.numpy())
    rule = _RULES.get(operator_of(node))
    inputs = [item for item in node.inputs if item is not None]
    if rule is None or len(inputs) < len(node.inputs) or not all(is_constant(item) for item in inputs):
        return None
    shape = tuple(int(size) for size in dims(value))
    with np.errstate(all="ignore"):
        return np.asarray(rule(node, [array(item) for item in inputs]), value.dtype.numpy()).reshape(shape)


def _constant_of_shape(node: onnx_ir.Node, inputs: Sequence[Array]) -> Array:
    attribute = node.attributes.get("value")
    number = np.float32(0) if attribute is None else attribute.as_tensor().numpy().reshape(())
    return np.asarray(np.full(tuple(int(size) for size in inputs[0]), number))


def _range(_: onnx_ir.Node, inputs: Sequence[Array]) -> Array:
    """``start + i * delta``, in the type of the operands, as onnxruntime adds it up."""
    start, limit, delta = (item.reshape(()) for item in inputs)
    count = max(math.ceil((limit.item() - start.item()) / delta.item()), 0)
    if start.dtype.kind != "f":
        return np.asarray(start + delta * np.arange(count, dtype=start.dtype))
    added = np.concatenate([start.reshape(1), np.full(max(count - 1, 0), delta)])
    return np.asarray(np.cumsum(added, dtype=start.dtype)[:count])


def _cast(node: onnx_ir.Node, inputs: Sequence[Array]) -> Array:
    return inputs[0].astype(onnx_ir.DataType(node.attributes["to"].as_int()).numpy())


def _eye(node: onnx_ir.Node, inputs: Sequence[Array]) -> Array:
    offset = node.attributes.get("k")
    return np.eye(inputs[0].shape[0], inputs[0].shape[1], k=0 if offset is None else offset.as_int())


def _moved(_: onnx_ir.Node, inputs: Sequence[Array]) -> Array:
    return inputs[0]


_RULES: Mapping[str, Callable[[onnx_ir.Node, Sequence[Array]], Array]] = {
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Cast": _cast,
    "EyeLike": _eye,
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"), _moved),
    "Expand": lambda _, inputs: np.broadcast_to(
        inputs[0], np.broadcast_shapes(inputs[0].shape, tuple(int(size) for size in inputs[1]))
    ),
    "Tile": lambda _, inputs: np.tile(inputs[0], [int(count) for count in inputs[1]]),
    "Add": lambda _, inputs: inputs[0] + inputs[1],
    "Sub": lambda _, inputs: inputs[0] - inputs[1],
    "Mul": lambda _, inputs: inputs[0] * inputs[1],
}
