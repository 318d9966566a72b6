"""Writing elements at indices."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.indexing import wrapped, wrapped_tuples
from converter.emitters.tensorflow.operand import line
from converter.ir import dims

_FUNCTIONS = {
    "none": "tf.tensor_scatter_nd_update",
    "add": "tf.tensor_scatter_nd_add",
    "max": "tf.tensor_scatter_nd_max",
    "min": "tf.tensor_scatter_nd_min",
    "mul": "scatter_multiply",
}
_ROLES = ("table", "index", "source")


@emits("tensorflow", "ScatterElements")
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Statement]:
    """``tf.tensor_scatter_nd_update`` and the like, at the places that a function makes; products are a function."""
    axis %= len(dims(data))
    index, library = wrapped(data, indices, axis)
    return [
        _scattered(node, f"places({index}, axis={axis})", reduction, [*library, "places"], data, indices, updates)
    ]


@emits("tensorflow", "ScatterND")
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Statement]:
    """``tf.tensor_scatter_nd_update`` and the like; products are a function."""
    index, library = wrapped_tuples(data, indices)
    return [_scattered(node, index, reduction, library, data, indices, updates)]


def _scattered(
    node: onnx_ir.Node, places: str, reduction: str, library: list[str], *operands: onnx_ir.Value
) -> Statement:
    name = _FUNCTIONS[reduction]
    needed = library if name.startswith("tf.") else [*library, name]
    return line(node, f"{name}({{0}}, {places}, {{2}})", *operands, roles=_ROLES, library=needed)
