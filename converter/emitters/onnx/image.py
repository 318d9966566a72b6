"""Resizing, sampling, and pictures from columns."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes
from converter.emitters.onnx.window import without_defaults


@writes("AffineGrid", "GridSample", "Resize")
def sampling(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)


@writes("Col2Im")
def columns(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return Statement(node, without_defaults(attributes))
