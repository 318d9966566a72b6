"""Parts of blobs, and blobs put together."""

from __future__ import annotations

from itertools import accumulate

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.caffe.layer import Alias, Fields, Layer
from converter.emitters.caffe.moves import Parts, ended, joined, length, taken
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import integers, is_stored
from converter.ir import dims

_FAR = (1 << 31) - 1
"""From here on an end is the end."""


@emits("caffe", "Concat", dtypes=WHOLE)
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> Parts:
    """``Concat``; what is known is a ``Parameter``; nothing for one blob.

    Raises:
        Refused: One of the inputs is empty.
    """
    steps = Steps(node)
    if any(0 in dims(value) for value in values):
        raise Refused("an input is empty")
    blobs = [
        steps.stored(value, role=f"part_{index}") if is_stored(value) else value for index, value in enumerate(values)
    ]
    return ended(steps, joined(steps, blobs, axis=axis % len(dims(values[0])), role="joined"))


@emits("caffe", "Split", dtypes=WHOLE)
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    split: onnx_ir.Value | None = None,  # noqa: ARG001 - the outputs' shapes say the same
    *,
    axis: int = 0,
    num_outputs: int | None = None,  # noqa: ARG001
) -> Parts:
    """``Slice``; nothing for one part.

    Raises:
        Refused: The open batch is split, or a part is empty.
    """
    positive = axis % len(dims(data))
    length(data, positive)
    if len(node.outputs) == 1:
        return [Alias(node.outputs[0], data)]
    sizes = [int(dims(value)[positive]) for value in node.outputs]
    if min(sizes) < 1:
        raise Refused("a part is empty")
    params: Fields = {**({} if positive == 1 else {"axis": positive}), "slice_point": list(accumulate(sizes))[:-1]}
    return [Layer(str(node.name), "Slice", (data,), tuple(node.outputs), {"slice_param": params})]


@emits("caffe", "Slice", dtypes=WHOLE)
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> Parts:
    """``Slice``, whose other parts nothing reads; elements backwards are single parts put together by ``Concat``.

    Of longer steps it is one column of a ``Reshape``.

    Raises:
        Refused: It takes a part of the open batch, or nothing, or more than 4096 parts.
    """
    shape, first, last = dims(data), integers(starts) or (), integers(ends) or ()
    where, strides = integers(axes) or tuple(range(len(first))), integers(steps) or (1,) * len(first)
    made, value = Steps(node), data
    for start, end, axis, step in zip(first, last, (axis % len(shape) for axis in where), strides, strict=True):
        size = shape[axis]
        if not isinstance(size, int):
            if step != 1 or start != 0 or end < _FAR:
                raise Refused("it takes a part of the open batch; give the batch a number")
            continue
        # backwards ONNX begins at the first element where Python begins before it, with none
        chosen = range(size)[max(start, -size) if step < 0 else start : end : step]
        value = taken(made, value, axis, list(chosen), role=f"axis_{axis}")
    return ended(made, value)
