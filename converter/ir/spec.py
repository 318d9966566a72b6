"""What every IR model has in common: versions, names, and which tensors live in the weights file."""

from __future__ import annotations

from typing import TypeAlias

import onnx_ir

from converter.errors import BadInput

OPSET = 21
IR_VERSION = 10
PRODUCER = "transship"
DOMAIN = "transship"
"""The domain of functions for what standard ONNX has no single operator for; their bodies are standard ONNX."""
BATCH = "batch"
"""The one symbolic dimension."""

SOURCE = "transship.source"
"""Metadata key: where the model came from, as JSON."""
PREPROCESS = "transship.preprocess"
"""Metadata key: how a photograph becomes an input, as JSON."""
LABELS = "transship.labels"
"""Metadata key: what the classes along axis 1 of an output are called, as JSON: ``{output: [label, ...]}``."""

Dim: TypeAlias = int | str
"""One dimension of a shape: a positive number, or :data:`BATCH`."""


class Absent(onnx_ir.LazyTensor):
    """A parameter of a network that came without weights: element type and shape, but no elements."""

    def __init__(self, name: str, dtype: onnx_ir.DataType, shape: tuple[int, ...]) -> None:
        super().__init__(self._refuse, dtype, onnx_ir.Shape(shape), name=name)

    def _refuse(self) -> onnx_ir.TensorProtocol:
        raise BadInput(f"parameter {self.name!r} has no values: the model was read without its weights")


def is_external(tensor: onnx_ir.TensorProtocol) -> bool:
    """Whether a constant is a parameter, kept in the weights file, rather than structure, kept in the graph.

    Parameters are what lies in a file, and the floating point tensors that have dimensions. Scalars (an added
    constant, a dropout rate) and integers that the graph itself holds (shapes, axes) say what the network *is*.
    """
    stored = isinstance(tensor, onnx_ir.ExternalTensor | onnx_ir.LazyTensor)
    return len(tensor.shape) > 0 and (stored or tensor.dtype.is_floating_point())
