"""Operators that do nothing when a network is run."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.ncnn.layer import Alias


@emits("ncnn", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Alias]:
    """No layer."""
    return [Alias(only_output(node), data)]


@emits("ncnn", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,  # noqa: ARG001 - of no consequence but in training
    training_mode: onnx_ir.Value | None = None,
    *,
    seed: int = 0,  # noqa: ARG001
) -> list[Alias]:
    """No layer: ncnn only runs networks.

    Raises:
        Refused: The node drops at inference too.
    """
    if training_mode is not None and constant(training_mode).numpy().any():
        raise Refused("training_mode is set")
    return [Alias(only_output(node), data)]
