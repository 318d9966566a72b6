"""What a value holds, if that can be told without running the network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import ir
from converter.errors import BadInput
from converter.ir.spec import Absent

Array = npt.NDArray[Any]

_LARGEST = 1 << 26
"""The most elements that are computed: beyond all class tables of real detectors."""


class Known:
    """Computes values that depend on parameters, constants and the shapes of other values only."""

    def __init__(self) -> None:
        self._found: dict[onnx_ir.Value, Array | None] = {}

    def __call__(self, value: onnx_ir.Value) -> Array | None:
        """What ``value`` holds, for a batch of one where it has a batch; None if it depends on the data."""
        pending = [value]
        while pending:
            current = pending[-1]
            node = current.producer()
            needed = [] if node is None or node.op_type == "Shape" else [each for each in node.inputs if each]
            if missing := [each for each in needed if each not in self._found]:
                pending.extend(missing)
                continue
            pending.pop()
            if current not in self._found:
                self._compute(current, node)
        return self._found[value]

    def _compute(self, value: onnx_ir.Value, node: onnx_ir.Node | None) -> None:
        if node is None:
            tensor = value.const_value
            readable = tensor is not None and not isinstance(tensor, Absent) and tensor.size <= _LARGEST
            self._found[value] = np.asarray(tensor.numpy()) if readable and tensor is not None else None
            return
        arrays = [_shape(node)] if node.op_type == "Shape" else self._run(node)
        for output, array in zip(node.outputs, arrays or [None] * len(node.outputs), strict=True):
            self._found[output] = array

    def _run(self, node: onnx_ir.Node) -> list[Array] | None:
        feeds = {str(each.name): self._found[each] for each in node.inputs if each}
        if not feeds or any(array is None for array in feeds.values()):
            return None
        if node.domain or any(_size(output) > _LARGEST for output in node.outputs):
            return None
        from onnx.reference import ReferenceEvaluator

        return [np.asarray(array) for array in ReferenceEvaluator(onnx_ir.to_proto(node)).run(None, feeds)]


def _shape(node: onnx_ir.Node) -> Array | None:
    value = node.inputs[0]
    if value is None or node.attributes:
        return None
    return np.array([1 if dim == ir.BATCH else dim for dim in ir.dims(value)], np.int64)


def _size(value: onnx_ir.Value) -> int:
    try:
        return math.prod(1 if isinstance(dim, str) else dim for dim in ir.dims(value))
    except BadInput:
        return _LARGEST + 1
