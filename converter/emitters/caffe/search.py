"""Which elements are the largest: ``ArgMax``, and what is made of it."""

from __future__ import annotations

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, operator_of
from converter.emitters.caffe import cut
from converter.emitters.caffe.elementwise import difference
from converter.emitters.caffe.layer import Blob, Fields, Layer
from converter.emitters.caffe.logic import negation
from converter.emitters.caffe.reduction import kept, known_length
from converter.emitters.caffe.rounding import WHOLE, threshold
from converter.emitters.caffe.steps import Steps
from converter.emitters.known import numbers
from converter.ir import dims

_MOST = 1024
"""Most elements that are put in another order one by one."""


@emits("caffe", "ArgMax", "ArgMin", dtypes=WHOLE)
def index_of_extreme(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    axis: int = 0,
    keepdims: int = 1,
    select_last_index: int = 0,
) -> list[Layer]:
    """``ArgMax``, which takes the last of equal elements.

    For the first of them, ``ArgMax`` of what ``Threshold`` says is the maximum, weighed by its distance from the end.

    Raises:
        Refused: The batch is searched.
    """
    steps, shape = Steps(node), dims(node.outputs[0])
    place = axis % len(dims(data))
    length = known_length(dims(data)[place])
    if operator_of(node) == "ArgMin":
        data = steps.power(data, role="minus", scale=-1.0)
    if not select_last_index and length > 1:
        data = first_of_largest(steps, data, place, length)
    kept_shape = [1 if index == place else size for index, size in enumerate(dims(data))]
    params: Fields = {"argmax_param": {"axis": place}}
    found = steps.add("ArgMax", data, role="" if keepdims else "index", params=params, shape=kept_shape)
    if not keepdims:
        steps.reshape(found, shape)
    return steps.layers


@emits("caffe", "TopK", dtypes=WHOLE)
def largest(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002, ARG001 - they always are
) -> list[Layer]:
    """``ArgMax`` with ``top_k``, between ``Power`` that change signs for the smallest.

    Of equal elements ``ArgMax`` takes the last one: for indices the elements are put in the opposite order, by
    ``Slice`` and ``Concat``, and counted from the end.

    Raises:
        Refused: The batch is searched, or indices are asked for of more than 1024 elements.
    """
    steps, place = cut.Several(node), axis % len(dims(data))
    length, (values, indices) = known_length(dims(data)[place]), node.outputs
    fields: Fields = {"top_k": numbers(count)[0], "axis": place}
    if not largest:
        data = steps.power(data, role="minus", scale=-1.0)
    if _is_used(indices):
        if length > _MOST:
            raise Refused(f"{length} elements are too many to be put in another order")
        turned = cut.reversed_along(steps, data, place, role="reversed")
        found = steps.add("ArgMax", turned, role="place", params={"argmax_param": fields}, shape=dims(indices))
        params: Fields = {"power_param": {"scale": -1.0, "shift": float(length - 1)}}
        steps.last("Power", indices, found, params=params, in_place=True)
    if _is_used(values):
        wanted: Fields = {"argmax_param": {"out_max_val": True, **fields}}
        if largest:
            steps.last("ArgMax", values, data, params=wanted)
        else:
            most = steps.add("ArgMax", data, role="most", params=wanted, shape=dims(values))
            steps.last("Power", values, most, params={"power_param": {"scale": -1.0}}, in_place=True)
    return steps.layers


def _is_used(value: onnx_ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


@emits("caffe", "Hardmax")
def hardmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """What is as far from the end as the first maximum, by ``Pooling``, ``Bias`` and ``Threshold``."""
    steps, place = Steps(node), axis % len(dims(data))
    weighed = first_of_largest(steps, data, place, known_length(dims(data)[place]))
    most = kept(steps, "MAX", weighed, [place], "farthest")
    negation(steps, threshold(steps, difference(steps, most, weighed, role="nearer"), 0.0, role="other"))
    return steps.layers


def first_of_largest(steps: Steps, data: onnx_ir.Value, place: int, length: int) -> onnx_ir.Value:
    """Above zero where ``data`` is largest along the axis ``place``, most so for the first of equal elements."""
    most = kept(steps, "MAX", data, [place], "largest")
    smaller = threshold(steps, difference(steps, most, data, role="below"), 0.0, role="smaller")
    blob = Blob((length,), plan.literal([float(length - index) for index in range(length)]))
    params: Fields = {"axis": place} if place != 1 else {}
    largest = negation(steps, smaller, role="is_largest")
    return steps.add("Scale", largest, role="weighed", params={"scale_param": params}, blobs=[blob], in_place=True)
