"""Normalization."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes


@writes(
    "BatchNormalization",
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "LpNormalization",
    "LRN",
)
def normalization(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator. BatchNormalization stays as it is, for those who go on training."""
    return plain(node, attributes)
