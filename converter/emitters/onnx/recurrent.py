"""Recurrent layers."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes


@writes("GRU", "LSTM", "RNN")
def recurrent(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)
