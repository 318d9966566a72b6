"""The form of ReLU6 that is not exact, for tools that know no other: plain ``ReLU``."""

from __future__ import annotations

import onnx_ir

from converter.emitters import is_constant
from converter.emitters.operand import array

_LIMITS = (0.0, 6.0)


def drop_upper_bounds(graph: onnx_ir.Graph) -> list[str]:
    """Make each ``Clip`` of ``graph`` to [0, 6] a ``Relu``, in place, and return the names of their values."""
    found = [node for node in graph if node.op_type == "Clip" and node.domain == "" and _is_relu6(node)]
    for node in found:
        relu = onnx_ir.Node("", "Relu", [node.inputs[0]], name=node.name)
        onnx_ir.convenience.replace_nodes_and_values(graph, node, [node], [relu], node.outputs, relu.outputs)
    return [str(node.outputs[0].name) for node in found]


def _is_relu6(node: onnx_ir.Node) -> bool:
    limits = node.inputs[1:]
    return len(limits) == len(_LIMITS) and all(
        value is not None and is_constant(value) and array(value).reshape(-1).tolist() == [limit]
        for value, limit in zip(limits, _LIMITS, strict=True)
    )
