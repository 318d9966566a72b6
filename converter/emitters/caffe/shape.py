"""Layers that only move data: no arithmetic."""

from __future__ import annotations

from itertools import accumulate

import onnx_ir

from converter.emitters import Refused, constant, emits, is_constant, is_parameter, only_output, operator_of
from converter.emitters.caffe.layer import Alias, Layer
from converter.ir import BATCH, dims


@emits("caffe", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Alias]:
    """No layer."""
    return [Alias(only_output(node), data)]


@emits("caffe", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Layer | Alias]:
    """``Flatten``; nothing where only inner products follow, which flatten for themselves.

    Raises:
        Refused: ``axis`` is not 1: Caffe keeps the dimensions before it; or there is none but the batch.
    """
    if axis not in (1, 1 - len(dims(data))):
        raise Refused(f"axis {axis} is not 1")
    if len(dims(data)) < 2:
        raise Refused("the data have one dimension")
    top = only_output(node)
    readers = top.uses()
    if (
        readers
        and not top.is_graph_output()
        and all(operator_of(use.node) == "Gemm" and use.idx == 0 for use in readers)
    ):
        return [Alias(top, data, exact=False)]
    return [Layer(str(node.name), "Flatten", (data,), (top,), shares=True)]


@emits("caffe", "Reshape")
def reshape(node: onnx_ir.Node, data: onnx_ir.Value, shape: onnx_ir.Value, *, allowzero: int = 0) -> list[Layer]:
    """``Reshape``, where 0 and -1 mean what they mean in ONNX.

    Raises:
        Refused: A 0 is meant as an empty dimension, or the shape fits one size of the batch only.
    """
    wanted = [int(dim) for dim in constant(shape).numpy()]
    if BATCH in dims(data) and BATCH not in dims(only_output(node)):
        raise Refused(f"the shape {wanted} fits one size of the batch only")
    if allowzero and 0 in wanted:
        raise Refused("a dimension is 0 and allowzero is set")
    return [_reshape(node, data, wanted)]


@emits("caffe", "Squeeze")
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> list[Layer]:  # noqa: ARG001
    """``Reshape`` to the shape that is known; the batch is copied where it stays the first dimension.

    Raises:
        Refused: The batch would not be the first dimension any more.
    """
    before, after = dims(data), dims(only_output(node))
    if before[:1] != after[:1]:
        raise Refused("the first dimension goes")
    return [_reshape(node, data, [0, *(int(dim) for dim in after[1:])])]


@emits("caffe", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Layer]:
    """``Concat``.

    Raises:
        Refused: One of the inputs is not computed by the net.
    """
    for value in values:
        if is_parameter(value) or is_constant(value):
            raise Refused(f"{value.name} is a constant")
    positive = axis % len(dims(values[0]))
    params = {} if positive == 1 else {"concat_param": {"axis": positive}}
    return [Layer(str(node.name), "Concat", values, (only_output(node),), params, shares=len(values) == 1)]


@emits("caffe", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    split: onnx_ir.Value | None = None,  # noqa: ARG001 - the outputs' shapes say the same
    *,
    axis: int = 0,
    num_outputs: int | None = None,  # noqa: ARG001
) -> list[Layer]:
    """``Slice``, with ``slice_point`` where the parts differ.

    Raises:
        Refused: The batch is split.
    """
    positive = axis % len(dims(data))
    if positive == 0:
        raise Refused("axis is 0, the batch")
    sizes = [int(dims(value)[positive]) for value in node.outputs]
    points = list(accumulate(sizes))[:-1] if len(set(sizes)) > 1 else []
    params = {**({} if positive == 1 else {"axis": positive}), **({"slice_point": points} if points else {})}
    written = {"slice_param": params} if params else {}
    return [Layer(str(node.name), "Slice", (data,), tuple(node.outputs), written, shares=len(sizes) == 1)]


def _reshape(node: onnx_ir.Node, data: onnx_ir.Value, shape: list[int]) -> Layer:
    params = {"reshape_param": {"shape": {"dim": shape}}}
    return Layer(str(node.name), "Reshape", (data,), (only_output(node),), params, shares=True)
