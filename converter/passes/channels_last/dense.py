"""Dense layers: the order of what was flattened before them is that of their weights."""

from __future__ import annotations

import onnx_ir

from converter.passes.channels_last.ahead import weight_axis
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Rewriter


def dense(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Weights whose rows are in the order of the data; all else as in the IR."""
    data, weight = node.inputs[:2]
    if data is None or weight is None:
        return
    place = rewriter.place(data)
    axis = None if place.mixed is None else weight_axis(node, len(place.perm), place.mixed)
    if place.mixed is not None and axis is not None:
        node.replace_input_with(1, rewriter.mixed_parameter(weight, axis, place.mixed))
        node.replace_input_with(0, place.value)
        for index, value in enumerate(node.inputs[2:], 2):
            if value is not None:
                node.replace_input_with(index, rewriter.plain(value))
    else:
        plain(rewriter, node)
