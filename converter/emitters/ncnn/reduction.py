"""Layers that sum up: one number of many, or running sums."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output, operator_of
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.ncnn.layer import Layer, inner
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import Step, series
from converter.emitters.ncnn.shape import viewed
from converter.ir import dims

SUM, SUMSQ, MEAN, MAX, MIN, PROD, L1 = 0, 2, 3, 4, 5, 6, 7
"""Numbers of ``Reduction``."""
_ADD, _SUB = 0, 1
"""Numbers of ``BinaryOp``."""
_SQRT: Step = ("UnaryOp", {0: 5})
_EXP: Step = ("Exp", {})
_LOG: Step = ("Log", {})
_OPERATIONS = {
    "ReduceSum": SUM,
    "ReduceSumSquare": SUMSQ,
    "ReduceMean": MEAN,
    "ReduceMax": MAX,
    "ReduceMin": MIN,
    "ReduceProd": PROD,
    "ReduceL1": L1,
}
_COMPOSED = {"ReduceL2": (SUMSQ, _SQRT), "ReduceLogSum": (SUM, _LOG)}


@emits("ncnn", "ReduceSum", "ReduceSumSquare", "ReduceMean", "ReduceProd", "ReduceL1")
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Layer]:
    """``Reduction``, over any dimensions but the batch."""
    found = _axes(node, data, axes, keepdims, noop_with_empty_axes)
    return series(node, data, reduction(_OPERATIONS[operator_of(node)], found, keepdims=bool(keepdims)))


@emits("ncnn", "ReduceMax", "ReduceMin")
def extreme(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Layer]:
    """``Reduction``, over any axes but the batch. It passes over NaN; of infinities alone it makes a number."""
    return reduce(node, data, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes)


@emits("ncnn", "ReduceL2", "ReduceLogSum")
def reduce_composed(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Layer]:
    """``Reduction`` and the root or logarithm of it: those of ``Reduction`` itself are wrong for infinity and NaN."""
    found = _axes(node, data, axes, keepdims, noop_with_empty_axes)
    op, after = _COMPOSED[operator_of(node)]
    return series(node, data, reduction(op, found, keepdims=bool(keepdims)), after)


@emits("ncnn", "ReduceLogSumExp")
def reduce_log_sum_exp(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Layer]:
    """``y + log(sum(exp(x - y)))``, ``y = max(x)``, in several layers: that of ``Reduction`` itself overflows."""
    found, top = _axes(node, data, axes, keepdims, noop_with_empty_axes), only_output(node)
    most, below, norm, both = (inner(node, name) for name in ("most", "below", "norm", "both"))
    layers = [
        *series(node, data, reduction(MAX, found, keepdims=True), top=most),
        Layer(str(below.name), "BinaryOp", (data, most), (below,), {0: _SUB}),
        *series(node, below, _EXP, reduction(SUM, found, keepdims=True), _LOG, top=norm),
    ]
    if keepdims:
        return [*layers, Layer(str(node.name), "BinaryOp", (norm, most), (top,), {0: _ADD})]
    added = Layer(str(both.name), "BinaryOp", (norm, most), (both,), {0: _ADD})
    return [*layers, added, viewed(str(node.name), both, top, mat_shape(top))]


@emits("ncnn", "CumSum")
def cumulative_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Layer]:
    """``CumulativeSum``, between two ``Flip`` in reverse.

    Raises:
        Refused: The sum is to exclude its own element.
    """
    if exclusive:
        raise Refused("the sum excludes its own element")
    place = row_axis(data, int(constant(axis).numpy().reshape(())))
    steps: list[Step] = [("CumulativeSum", {0: place})]
    flip: Step = ("Flip", {0: (place,)})
    return series(node, data, *([flip, *steps, flip] if reverse else steps))


def reduction(op: int, axes: Sequence[int], *, keepdims: bool) -> Step:
    """``Reduction`` over a Mat's ``axes``."""
    return "Reduction", {0: op, 1: 0, 3: tuple(axes), 4: int(keepdims), 5: 1}


def _axes(
    node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None, keepdims: int, noop: int
) -> tuple[int, ...]:
    """The Mat's dimensions that are reduced.

    Raises:
        Refused: The batch is among them, or nothing is.
    """
    rank = len(dims(data))
    listed = [] if axes is None else [int(axis) % rank for axis in constant(axes).numpy().reshape(-1)]
    if noop and not listed:
        raise Refused("there is no axis to reduce")
    found = listed or list(range(rank))
    batch, top = batch_axis(data), only_output(node)
    places = tuple(sorted(row_axis(data, axis) for axis in found))
    if batch is not None and batch_axis(top) != batch - (0 if keepdims else sum(axis < batch for axis in found)):
        raise Refused(f"the batch of {data.name} is not that of {top.name}")
    return places
