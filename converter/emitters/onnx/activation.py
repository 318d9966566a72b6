"""Activations, element by element, and those that sum over an axis."""

from __future__ import annotations

import onnx_ir

from converter.emitters.onnx.statement import Attributes, Statement, plain, writes


@writes(
    "Celu",
    "Dropout",
    "Elu",
    "Gelu",
    "HardSigmoid",
    "Hardmax",
    "HardSwish",
    "LeakyRelu",
    "LogSoftmax",
    "Mish",
    "PRelu",
    "Relu",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
)
def activation(node: onnx_ir.Node, attributes: Attributes) -> Statement:
    """A call of the operator. Dropout, which does nothing at inference, is kept for those who go on training."""
    return plain(node, attributes)
