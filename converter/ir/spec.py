"""What every IR model has in common: versions, names, and which tensors live in the weights file."""

from __future__ import annotations

from typing import TypeAlias

import onnx_ir

OPSET = 21
IR_VERSION = 10
PRODUCER = "transship"
BATCH = "batch"
"""The one symbolic dimension."""

SOURCE = "transship.source"
"""Metadata key: where the model came from, as JSON."""
PREPROCESS = "transship.preprocess"
"""Metadata key: how a photograph becomes an input, as JSON."""

Dim: TypeAlias = int | str
"""One dimension of a shape: a positive number, or :data:`BATCH`."""


def is_external(tensor: onnx_ir.TensorProtocol) -> bool:
    """Whether a constant is a parameter, kept in the weights file, rather than structure, kept in the graph.

    Parameters are the floating point tensors that have dimensions. Scalars (an added constant, a dropout rate) and
    integers (shapes, axes) say what the network *is*.
    """
    return tensor.dtype.is_floating_point() and len(tensor.shape) > 0
