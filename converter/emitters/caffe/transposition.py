"""Dimensions in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir

from converter.emitters import emits
from converter.emitters.caffe.moves import Parts, ended, permuted, viewed
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.ir import dims

Permutation = Callable[..., onnx_ir.Value]
"""``(steps, value, perm, role=...)``: how dimensions are put in another order."""


@emits("caffe", "Transpose", dtypes=WHOLE)
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] | None = None) -> Parts:
    """``Reshape`` where no element moves; else ``Slice`` and ``Concat`` between views of four or five dimensions.

    Raises:
        Refused: More than 4096 parts would have to be put together.
    """
    steps = Steps(node)
    return ended(steps, permuted(steps, data, _order(data, perm), role="moved"))


@emits("caffe ssd", "Transpose", dtypes=WHOLE)
def transpose_by_layer(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] | None = None) -> Parts:
    """``Permute``; ``Reshape`` where no element moves."""
    steps = Steps(node)
    return ended(steps, permute(steps, data, _order(data, perm), role="moved"))


def permute(steps: Steps, value: onnx_ir.Value, perm: Sequence[int], *, role: str) -> onnx_ir.Value:
    """``Permute``, a layer of Caffe-SSD; ``Reshape`` where no element moves."""
    before = dims(value)
    shape = [before[axis] for axis in perm]
    large = [axis for axis in perm if before[axis] != 1]
    if large == sorted(large):
        return viewed(steps, value, shape, role=role)
    return steps.add("Permute", value, role=role, params={"permute_param": {"order": list(perm)}}, shape=shape)


def _order(data: onnx_ir.Value, perm: Sequence[int] | None) -> list[int]:
    rank = len(dims(data))
    return [axis % rank for axis in perm] if perm is not None else list(range(rank))[::-1]
