"""Reductions, sums along an axis, and sorting."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes


@writes(
    "ArgMax",
    "ArgMin",
    "CumSum",
    "Det",
    "NonMaxSuppression",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "TopK",
)
def reduction(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)
