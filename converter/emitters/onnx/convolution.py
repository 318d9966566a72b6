"""Convolutions, and products of matrices."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes
from converter.emitters.onnx.window import without_defaults


@writes("Conv", "ConvTranspose", "DeformConv")
def convolution(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator, whose kernel is as large as its weight says."""
    return Statement(
        node, {key: value for key, value in without_defaults(attributes).items() if key != "kernel_shape"}
    )


@writes("Gemm")
def gemm(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator."""
    return plain(node, attributes)


@writes("MatMul")
def product(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """Python's ``@``."""
    return Statement(node, attributes, infix="@")
