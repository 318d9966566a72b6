"""Blobs that are made of a number, or repeated."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.caffe.broadcast import widened
from converter.emitters.caffe.elementwise import plus
from converter.emitters.caffe.layer import Blob, Fields, stored
from converter.emitters.caffe.logic import compared
from converter.emitters.caffe.moves import Parts, ended, filled, permuted, tiled, viewed, zeros
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.known import contents
from converter.emitters.operand import array, is_stored
from converter.ir import BATCH, dims
from converter.ir.spec import Dim


@emits("caffe", "ConstantOfShape", dtypes=WHOLE)
def constant_of_shape(
    node: onnx_ir.Node,
    shape: onnx_ir.Value | None = None,  # noqa: ARG001 - the output's shape says the same
    *,
    value: onnx_ir.TensorProtocol | None = None,
) -> Parts:
    """``Parameter``; where the batch is open, ``Power`` with a ``scale`` of 0, of as many rows as an input has.

    Raises:
        Refused: No input has the open batch, or the number is not finite.
    """
    number = 0.0 if value is None else float(value.numpy().reshape(()))
    return _constant(Steps(node), number)


def _constant(steps: Steps, number: float) -> Parts:
    shape = dims(steps.output)
    if BATCH in shape:
        return ended(steps, filled(steps, zeros(steps, shape, role="zeros"), number, role="fill"))
    sizes = tuple(int(size) for size in shape)
    if 0 in sizes:
        raise Refused("a blob would be empty")
    blob = Blob(sizes, plan.full(number, sizes))
    steps.add("Parameter", params={"parameter_param": {"shape": {"dim": list(sizes)}}}, blobs=[blob], shape=sizes)
    return [*steps.layers]


@emits("caffe", "Shape", dtypes=WHOLE)
def shape_of(
    node: onnx_ir.Node,
    data: onnx_ir.Value,  # noqa: ARG001 - what is known of its shape needs no layer
    *,
    start: int = 0,  # noqa: ARG001
    end: int | None = None,  # noqa: ARG001
) -> Parts:
    """No layer where all that is computed of it is known; ``Parameter`` where the model returns it.

    Raises:
        Refused: The open batch is computed with: no layer knows how many rows there are.
    """
    steps = Steps(node)
    found = contents(steps.output)
    if found is None or BATCH in found.reshape(-1).tolist():
        raise Refused("no layer knows how many rows the open batch has; give the batch a number")
    numbers = [float(number) for number in found.reshape(-1)]
    blob = Blob(found.shape, plan.reshape(plan.literal(numbers), found.shape))
    steps.add("Parameter", params={"parameter_param": {"shape": {"dim": list(found.shape)}}}, blobs=[blob])
    return [*steps.layers]


@emits("caffe", "OneHot", dtypes=WHOLE)
def one_hot(
    node: onnx_ir.Node, indices: onnx_ir.Value, depth: onnx_ir.Value, values: onnx_ir.Value, *, axis: int = -1
) -> Parts:
    """``Tile`` and ``Bias`` to the differences from each index, ``Threshold`` at 0, ``Embed`` of the values.

    Raises:
        Refused: The depth or the values are computed.
    """
    steps, before = Steps(node), dims(indices)
    count = int(array(depth).reshape(-1)[0])
    column = viewed(steps, indices, (*before, 1), role="column")
    rows = tiled(steps, column, len(before), count, role="rows")
    near = [
        steps.add("Bias", rows, role=f"from_{role}", params=_last(before), blobs=[_line(first, count)])
        for role, first in (("start", 0.0), ("end", float(-count)))
    ]
    found = [compared(steps, "Equal", each, 0.0, role=f"is_{index}") for index, each in enumerate(near)]
    either = steps.eltwise("MAX", *found, role="is_either")
    params: Fields = {"input_dim": 2, "num_output": 1, "bias_term": False}
    chosen = steps.add(
        "Embed",
        either,
        role="values",
        params={"embed_param": params},
        blobs=[stored(values, (2, 1))],
        shape=(*dims(either), 1),
    )
    hot = viewed(steps, chosen, dims(either), role="hot")
    place = axis % (len(before) + 1)
    perm = [*range(place), len(before), *range(place, len(before))]
    return ended(steps, permuted(steps, hot, perm, role="moved"))


def _last(shape: Sequence[Dim]) -> dict[str, Fields]:
    return {"bias_param": {"axis": len(shape)}} if len(shape) != 1 else {}


def _line(first: float, count: int) -> Blob:
    """The numbers whose opposites are ``first`` and those after it."""
    return Blob((count,), plan.literal([-(first + place) for place in range(count)]))


@emits("caffe", "EyeLike", dtypes=WHOLE)
def eye_like(node: onnx_ir.Node, data: onnx_ir.Value, *, dtype: int | None = None, k: int = 0) -> Parts:  # noqa: ARG001
    """``Parameter``.

    Raises:
        Refused: The batch is open.
    """
    steps = Steps(node)
    if BATCH in dims(steps.output):
        raise Refused(f"{data.name} has the open batch; give the batch a number")
    count, columns = (int(size) for size in dims(steps.output))
    table = [[float(column - row == k) for column in range(columns)] for row in range(count)]
    blob = Blob((count, columns), plan.literal(table))
    steps.add("Parameter", params={"parameter_param": {"shape": {"dim": [count, columns]}}}, blobs=[blob])
    return [*steps.layers]


@emits("caffe", "Expand", dtypes=WHOLE)
def expand(node: onnx_ir.Node, data: onnx_ir.Value, shape: onnx_ir.Value | None = None) -> Parts:  # noqa: ARG001
    """``Tile``, behind ``Reshape`` where dimensions are added; ``Parameter`` for what is known.

    Along the open batch, zeros of as many rows as an input has are added: ``Power`` with a ``scale`` of 0.

    Raises:
        Refused: No input has the open batch.
    """
    steps, wanted = Steps(node), dims(only_output(node))
    if is_stored(data) and array_is_number(data):
        return _constant(steps, float(array(data).reshape(())))
    aligned = (*(1,) * (len(wanted) - len(dims(data))), *dims(data))
    if BATCH in [size for own, size in zip(aligned, wanted, strict=True) if own != size]:
        plus(steps, zeros(steps, wanted, role="zeros"), data)
        return [*steps.layers]
    if is_stored(data):
        widened(steps, data, wanted, role="")
        return [*steps.layers]
    return ended(steps, _repeated(steps, data, aligned, wanted))


def array_is_number(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a constant of one element."""
    try:
        return constant(value).size == 1
    except Refused:
        return False


def _repeated(steps: Steps, data: onnx_ir.Value, aligned: Sequence[Dim], wanted: Sequence[Dim]) -> onnx_ir.Value:
    value = viewed(steps, data, aligned, role="shape")
    for axis, (own, size) in enumerate(zip(aligned, wanted, strict=True)):
        if own != size:
            value = tiled(steps, value, axis, int(size), role=f"tile_{axis}")
    return value


@emits("caffe", "Tile", dtypes=WHOLE)
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> Parts:
    """``Tile`` along each dimension that is repeated."""
    steps, value = Steps(node), data
    if is_stored(data):
        value = steps.stored(data, role="data")
    for axis, times in enumerate(array(repeats).reshape(-1)):
        value = tiled(steps, value, axis, int(times), role=f"tile_{axis}")
    return ended(steps, value)
