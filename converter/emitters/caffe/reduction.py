"""One number of many: sums, products and extremes; running sums.

``Reduction`` reduces all dimensions from one on, and drops them. Others are made the rows of an image, of which
``Pooling`` takes the mean or the maximum, neighbours at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, only_output, operator_of
from converter.emitters.caffe import cut
from converter.emitters.caffe.elementwise import difference
from converter.emitters.caffe.interval import check_whole
from converter.emitters.caffe.layer import Alias, Blob, Fields, Layer, Token
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.known import numbers
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_MOST = 1024
"""Most blobs that a dimension is cut into."""
_LONGEST = 2048
"""Longest dimension of which running sums are taken."""


@emits("caffe", "ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum", dtypes=WHOLE)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,  # noqa: ARG001 - the output's shape says the same
    noop_with_empty_axes: int = 0,
) -> list[Layer | Alias]:
    """``Reduction`` of the last dimensions; of others average ``Pooling`` between ``Reshape``, times their number.

    ``AbsVal`` or ``Power`` before it, ``Power`` or ``Log`` after it.

    Raises:
        Refused: The open batch is reduced and lies before others, or whole numbers are rounded or too large.
    """
    steps, operator = Steps(node), operator_of(node)
    if data.dtype in WHOLE and operator not in ("ReduceSum", "ReduceL1", "ReduceSumSquare"):
        raise Refused("the result of whole numbers would be rounded")
    check_whole(node)
    found = _axes(data, axes, noop_with_empty_axes)
    after = {"ReduceL2": "root", "ReduceLogSum": "log"}.get(operator)
    role = "" if after is None else "total"
    kind = {"ReduceMean": "MEAN", "ReduceSumSquare": "SUMSQ", "ReduceL1": "ASUM", "ReduceL2": "SUMSQ"}.get(
        operator, "SUM"
    )
    total = reduced(steps, kind, data, found, dims(node.outputs[0]), role)
    if after == "root":
        steps.power(total, power=0.5)
    elif after == "log":
        steps.add("Log", total, in_place=True)
    return _layers(steps, node, data)


@emits("caffe", "ReduceMax", "ReduceMin", dtypes=WHOLE)
def extreme(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,  # noqa: ARG001 - the output's shape says the same
    noop_with_empty_axes: int = 0,
) -> list[Layer | Alias]:
    """``Pooling`` between ``Reshape``, and between ``Power`` that change signs for the minimum.

    It passes over NaN; of infinities alone it makes a number.

    Raises:
        Refused: The open batch is reduced.
    """
    steps, least = Steps(node), operator_of(node) == "ReduceMin"
    found, shape = _axes(data, axes, noop_with_empty_axes), dims(node.outputs[0])
    read = steps.power(data, role="minus", scale=-1.0) if least else data
    most = reduced(steps, "MAX", read, found, shape, "largest" if least else "")
    if least:
        steps.power(most, scale=-1.0)
    return _layers(steps, node, data)


@emits("caffe", "ReduceProd")
def product(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,  # noqa: ARG001 - the output's shape says the same
    noop_with_empty_axes: int = 0,
) -> list[Layer | Alias]:
    """``Slice`` and ``Eltwise`` product, between ``Reshape``.

    Raises:
        Refused: The open batch is reduced, or there are more than 1024 factors.
    """
    steps, shape = Steps(node), dims(node.outputs[0])
    found = _axes(data, axes, noop_with_empty_axes)
    for index, (first, last) in enumerate(_runs(found, dims(data))):
        data = _folded(steps, data, first, last, "PROD", f"fold_{index}")
    steps.reshape(data, shape)
    return _layers(steps, node, data)


@emits("caffe", "ReduceLogSumExp")
def log_sum_exp(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,  # noqa: ARG001 - the output's shape says the same
    noop_with_empty_axes: int = 0,
) -> list[Layer | Alias]:
    """``m + log(sum(exp(x - m)))`` with the maximum ``m``, in several layers."""
    steps, shape = Steps(node), dims(node.outputs[0])
    found = _axes(data, axes, noop_with_empty_axes)
    most = kept(steps, "MAX", data, found, "largest")
    below = difference(steps, data, most, role="below")
    total = kept(steps, "SUM", steps.add("Exp", below, role="exp", in_place=True), found, "total")
    log = steps.add("Log", total, role="log", in_place=True)
    if dims(log) == shape:
        steps.eltwise("SUM", log, most)
    else:
        steps.reshape(steps.eltwise("SUM", log, most, role="both"), shape)
    return _layers(steps, node, data)


@emits("caffe", "LogSoftmax")
def log_softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """Less the maximum, less the logarithm of the sum of exponentials, in several layers."""
    steps, axes = Steps(node), [axis % len(dims(data))]
    below = difference(steps, data, kept(steps, "MAX", data, axes, "largest"), role="below")
    total = kept(steps, "SUM", steps.add("Exp", below, role="exp"), axes, "total")
    difference(steps, below, steps.add("Log", total, role="log", in_place=True))
    return steps.layers


@emits("caffe", "CumSum", dtypes=WHOLE)
def running_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Layer]:
    """``Convolution`` with ones, as long as the dimension, over rows that are padded by zeros, between ``Reshape``.

    Raises:
        Refused: It runs along the batch, or along more than 2048 elements.
    """
    check_whole(node)
    steps, shape = Steps(node), dims(data)
    place = numbers(axis)[0] % len(shape)
    length = known_length(shape[place])
    if length > _LONGEST:
        raise Refused(f"{length} elements are too many for a convolution")
    rows = steps.reshape(data, (BATCH, 1, *_image(shape, place, place)[2:]), role="rows")
    pad = length if exclusive else length - 1
    summed = windowed_sum(steps, rows, length, pad, start=pad + int(bool(exclusive)) if reverse else 0, role="sum")
    steps.reshape(summed, shape)
    return steps.layers


def windowed_sum(steps: Steps, rows: onnx_ir.Value, size: int, pad: int, *, start: int, role: str) -> onnx_ir.Value:
    """Sums of ``size`` rows, by ``Convolution`` with ones, with ``pad`` rows of zeros at both ends.

    As many windows are kept as there are rows, from the one numbered ``start`` on.
    """
    outer, _, count, inner = dims(rows)
    length = known_length(count)
    made = length + 2 * pad - size + 1
    params: Fields = {
        "num_output": 1,
        "bias_term": False,
        **({"pad_h": pad, "pad_w": 0} if pad else {}),
        **({"kernel_h": size, "kernel_w": 1} if size != 1 else {"kernel_size": 1}),
    }
    blob = Blob((1, 1, size, 1), plan.full(1.0, (1, 1, size, 1)))
    name = role if made == length else f"{role}/windows"
    summed = steps.add(
        "Convolution",
        rows,
        role=name,
        params={"convolution_param": params},
        blobs=[blob],
        shape=(outer, 1, made, inner),
    )
    if made == length:
        return summed
    return cut.kept(steps, summed, start, length, axis=2, role=role)


def kept(steps: Steps, kind: str, data: onnx_ir.Value, axes: Sequence[int], role: str) -> onnx_ir.Value:
    """``data`` reduced along ``axes``, which stay as 1."""
    shape = [1 if axis in axes else size for axis, size in enumerate(dims(data))]
    return reduced(steps, kind, data, axes, shape, role)


def reduced(
    steps: Steps, kind: str, data: onnx_ir.Value, axes: Sequence[int], shape: Sequence[Dim], role: str
) -> onnx_ir.Value:
    """``data`` reduced along ``axes`` to ``shape``, in which they are 1 or are not there."""
    before, prefix = dims(data), f"{role}/" if role else ""
    runs = _runs(axes, before)
    image = len(before) == 4 and runs == [(2, 3)] and len(shape) == 4
    if len(runs) == 1 and kind != "MAX" and _is_tail(before, runs[0][1]) and not (image and kind == "MEAN"):
        return _tail(steps, kind, data, runs[0][0], shape, role)
    if kind == "ASUM":
        data, kind = steps.add("AbsVal", data, role=f"{prefix}size"), "SUM"
    if kind == "SUMSQ":
        data, kind = steps.power(data, role=f"{prefix}square", power=2.0), "SUM"
    if not runs:
        return steps.reshape(data, shape, role=role)
    count = math.prod(known_length(before[axis]) for axis in axes) if kind == "SUM" else 1
    scaled = count != 1
    for index, (first, last) in enumerate(runs):
        name = f"{prefix}pool_{index}" if len(runs) > 1 or scaled or len(shape) != len(before) else role
        data = _pooled(steps, data, first, last, "MAX" if kind == "MAX" else "AVE", name)
    if name == role:
        return data
    if dims(data) != tuple(shape) or not scaled:
        data = steps.reshape(data, shape, role=f"{prefix}shape" if scaled else role)
    return steps.power(data, role=role, scale=float(count)) if scaled else data


def _is_tail(shape: Sequence[Dim], last: int) -> bool:
    return all(size == 1 for size in shape[last + 1 :])


def _tail(steps: Steps, kind: str, data: onnx_ir.Value, first: int, shape: Sequence[Dim], role: str) -> onnx_ir.Value:
    """``Reduction`` from the axis ``first`` on."""
    fields: Fields = {
        **({"operation": Token(kind)} if kind != "SUM" else {}),
        **({"axis": first} if first else {}),
    }
    prefix, left = f"{role}/" if role else "", dims(data)[:first]
    name = role if left == tuple(shape) else f"{prefix}reduction"
    found = steps.add("Reduction", data, role=name, params={"reduction_param": fields}, shape=left)
    return found if left == tuple(shape) else steps.reshape(found, shape, role=role)


def _pooled(steps: Steps, data: onnx_ir.Value, first: int, last: int, method: str, role: str) -> onnx_ir.Value:
    """``Pooling`` of the axes from ``first`` to ``last``, which stay as 1."""
    shape = dims(data)
    after = [1 if first <= axis <= last else size for axis, size in enumerate(shape)]
    fields = {"pool": Token(method), "global_pooling": True}
    if len(shape) == 4 and first == 2 and last == 3:
        return steps.add("Pooling", data, role=role, params={"pooling_param": fields}, shape=after)
    image = _image(shape, first, last)
    prefix, made = f"{role}/" if role else "", (*image[:2], 1, image[3])
    rows = data if shape == image else steps.reshape(data, image, role=f"{prefix}rows")
    if image[3] != 1:
        fields = {"pool": Token(method), "kernel_h": image[2], "kernel_w": 1}
    last_one = tuple(after) == made
    name = role if last_one else f"{prefix}pool"
    pooled = steps.add("Pooling", rows, role=name, params={"pooling_param": fields}, shape=made)
    return pooled if last_one else steps.reshape(pooled, after, role=role)


def _folded(steps: Steps, data: onnx_ir.Value, first: int, last: int, operation: str, role: str) -> onnx_ir.Value:
    """``Slice`` of the axes from ``first`` to ``last``, then ``Eltwise`` of the parts."""
    shape = dims(data)
    after = [1 if first <= axis <= last else size for axis, size in enumerate(shape)]
    image = _image(shape, first, last)
    count = known_length(image[2])
    if count > _MOST:
        raise Refused(f"{count} factors are too many for an Eltwise layer")
    rows = steps.reshape(data, image, role=f"{role}/rows")
    parts = cut.parts(steps, rows, [1] * count, axis=2, role=f"{role}/part")
    return steps.reshape(steps.eltwise(operation, *parts, role=f"{role}/all"), after, role=role)


def _image(shape: Sequence[Dim], first: int, last: int) -> tuple[Dim, ...]:
    """``shape`` with four dimensions, the third of which is all from ``first`` to ``last``.

    Raises:
        Refused: The open batch is among these, and there are others, or it is after them.
    """
    if BATCH in shape[first : last + 1] and all(size == 1 for size in (*shape[:first], *shape[last + 1 :])):
        return (1, 1, BATCH, 1)
    outer, inner = shape[:first], math.prod(known_length(size) for size in shape[last + 1 :])
    count = math.prod(known_length(size) for size in shape[first : last + 1])
    return (_size(outer[:1]), _size(outer[1:]), count, inner) if outer else (1, 1, count, inner)


def _size(shape: Sequence[Dim]) -> Dim:
    return BATCH if BATCH in shape else math.prod(int(size) for size in shape)


def known_length(size: Dim) -> int:
    """``size``.

    Raises:
        Refused: It is that of the open batch.
    """
    if not isinstance(size, int):
        raise Refused("the open batch is reduced, or lies after what is reduced")
    return size


def _runs(axes: Sequence[int], shape: Sequence[Dim]) -> list[tuple[int, int]]:
    """Consecutive ``axes`` as their first and last, without those that are 1 anyway."""
    runs: list[tuple[int, int]] = []
    for axis in sorted(axes):
        if shape[axis] == 1:
            continue
        if runs and all(shape[between] == 1 or between in axes for between in range(runs[-1][1] + 1, axis)):
            runs[-1] = (runs[-1][0], axis)
        else:
            runs.append((axis, axis))
    return runs


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> list[int]:
    rank = len(dims(data))
    listed = [] if axes is None else [axis % rank for axis in numbers(axes)]
    return listed or ([] if noop else list(range(rank)))


def _layers(steps: Steps, node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer | Alias]:
    return [*steps.layers] if steps.layers else [Alias(only_output(node), data)]
