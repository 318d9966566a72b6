"""Pooling."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes
from converter.emitters.onnx.window import without_defaults


@writes("AveragePool", "LpPool", "MaxPool")
def pooling(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return Statement(node, without_defaults(attributes))


@writes("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "MaxRoiPool", "RoiAlign")
def whole_pooling(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)
