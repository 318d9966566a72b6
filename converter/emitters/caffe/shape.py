"""Layers that change the shape alone."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, constant, emits, is_constant, only_output, operator_of
from converter.emitters.caffe.layer import Alias, Layer
from converter.emitters.caffe.moves import Parts, ended, viewed, volume
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import is_stored
from converter.ir import BATCH, dims
from converter.ir.spec import Dim


@emits("caffe", "Identity", dtypes=WHOLE)
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> Parts:
    """No layer; ``Parameter`` for a parameter that the model returns."""
    if is_stored(data):
        steps = Steps(node)
        steps.stored(data, role="")
        return [*steps.layers]
    return [Alias(only_output(node), data)]


@emits("caffe", "Flatten", dtypes=WHOLE)
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> Parts:
    """``Flatten``; nothing where only inner products follow, which flatten for themselves; ``Reshape`` by other axes.

    Raises:
        Refused: There is nothing in the blob.
    """
    top, rank = only_output(node), len(dims(data))
    place = axis + rank if axis < 0 else axis
    if place != 1 or rank < 2:
        shape = (volume(dims(data)[:place]), volume(dims(data)[place:]))
        return _reshaped(node, data, shape)
    readers = top.uses()
    if (
        readers
        and not top.is_graph_output()
        and all(operator_of(use.node) == "Gemm" and use.idx == 0 for use in readers)
    ):
        return [Alias(top, data, exact=False)]
    return [Layer(str(node.name), "Flatten", (data,), (top,), shares=True)]


@emits("caffe", "Reshape", dtypes=WHOLE)
def reshape(
    node: onnx_ir.Node, data: onnx_ir.Value, shape: onnx_ir.Value | None = None, *, allowzero: int = 0
) -> Parts:
    """``Reshape``, where 0 and -1 mean what they mean in ONNX.

    Raises:
        Refused: A 0 is meant as an empty dimension, or the shape fits one size of the batch only.
    """
    top = only_output(node)
    if shape is None or not is_constant(shape):
        return _reshaped(node, data, dims(top))
    wanted = [int(dim) for dim in constant(shape).numpy()]
    if BATCH in dims(data) and BATCH not in dims(top):
        raise Refused(f"the shape {wanted} fits one size of the batch only")
    if (allowzero and 0 in wanted) or 0 in dims(top):
        raise Refused("a dimension is 0")
    steps = Steps(node)
    steps.add("Reshape", data, params={"reshape_param": {"shape": {"dim": wanted}}}, shares=True)
    return [*steps.layers]


@emits("caffe", "Squeeze", "Unsqueeze", dtypes=WHOLE)
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> Parts:  # noqa: ARG001
    """``Reshape`` to the shape that is known; the batch is copied where it stays the first dimension."""
    return _reshaped(node, data, dims(only_output(node)))


def _reshaped(node: onnx_ir.Node, data: onnx_ir.Value, shape: Sequence[Dim]) -> Parts:
    if BATCH in dims(data) and BATCH not in shape:
        raise Refused(f"the shape {list(shape)} fits one size of the batch only")
    steps = Steps(node)
    return ended(steps, viewed(steps, data, shape, role="shape"))
