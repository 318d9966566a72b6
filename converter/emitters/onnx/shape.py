"""What moves elements, makes them up or counts them."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes


@writes(
    "Concat",
    "ConstantOfShape",
    "DepthToSpace",
    "Expand",
    "EyeLike",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "OneHot",
    "Pad",
    "Range",
    "Reshape",
    "ReverseSequence",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
)
def moving(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)
