"""Elements by their index."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output, operator_of
from converter.emitters.known import contents, is_whole, kind_of
from converter.emitters.mxnet.call import NONE, Call, Chain, call, parameter
from converter.emitters.mxnet.number import number_of, stored_kind
from converter.emitters.mxnet.spread import codes
from converter.ir import BATCH, dims


@emits("mxnet", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Call]:
    """``take``; ``Embedding`` of a table's rows; ``slice_axis`` or ``SequenceLast`` of one place that is known."""
    chain, place = Chain(node), axis % max(len(dims(data)), 1)
    known = contents(indices)
    if known is not None and BATCH not in known.reshape(-1).tolist():
        return _known(chain, data, np.asarray(known, np.int64), place)
    index, mode = _unclipped(indices, data, place)
    if mode == "clip" and is_parameter(data) and len(dims(data)) == 2 and not place and not is_whole(data):
        rows, columns = (int(dim) for dim in dims(data))
        return chain.last("Embedding", data=index, weight=data, input_dim=rows, output_dim=columns)
    if dims(indices):
        return chain.last("take", data, index, axis=place, mode=mode)
    taken = chain.step("taken", "take", data, index, axis=place, mode=mode)
    given = (*dims(data)[:place], 1, *dims(data)[place + 1 :])
    return chain.last("reshape", taken, shape=codes(given, dims(only_output(node))))


def _known(
    chain: Chain, data: onnx_ir.Value, index: np.ndarray[tuple[int, ...], np.dtype[np.int64]], axis: int
) -> list[Call]:
    """At places that the code knows."""
    length = dims(data)[axis]
    if not index.ndim:
        begin = int(index)
        if begin == -1 and not axis and not isinstance(length, int) and len(dims(data)) > 1:
            return chain.last("SequenceLast", data=data)
        row = chain.step("row", "slice_axis", data, axis=axis, begin=begin, end=begin + 1 if begin != -1 else NONE)
        given = (*dims(data)[:axis], 1, *dims(data)[axis + 1 :])
        made = dims(only_output(chain.node))
        if made:
            return chain.last("squeeze", row, axis=axis)
        return chain.last("reshape", row, shape=codes(given, made))
    if (index < 0).any():
        if not isinstance(length, int):
            raise Refused("places counted from the end of the batch")
        index = index % length
    table = parameter(f"{chain.node.name}/places", index.shape, plan.literal(index.tolist()), onnx_ir.DataType.INT64)
    return chain.last("take", data, table, axis=axis, mode="clip")


def _unclipped(indices: onnx_ir.Value, data: onnx_ir.Value, axis: int) -> tuple[onnx_ir.Value, str]:
    """Indices and how MXNet is to read them: those that are clipped to the range it clips itself.

    All others lie between ``-length`` and ``length`` in ONNX, where wrapping around is counting from the end.
    """
    node = indices.producer()
    if node is None or operator_of(node) != "Clip" or len(node.inputs) != 3:
        return indices, "wrap"
    source, low, high = node.inputs
    if source is None or low is None or high is None or number_of(low) != 0:
        return indices, "wrap"
    length, most = dims(data)[axis], contents(high)
    if most is None or not isinstance(length, int) or most.size != 1 or most.item() != length - 1:
        return indices, "clip"
    return _uncast(source), "clip"


def _uncast(indices: onnx_ir.Value) -> onnx_ir.Value:
    """Indices before they were made whole, which MXNet does itself, likewise towards 0."""
    node = indices.producer()
    if node is None or operator_of(node) != "Cast":
        return indices
    source = node.inputs[0]
    return source if source is not None and kind_of(source) == onnx_ir.DataType.FLOAT else indices


@emits("mxnet", "GatherElements")
def gather_elements(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Call]:
    """``pick`` where there is one index along ``axis``.

    Raises:
        Refused: There are several, or the other axes are cut.
    """
    place = axis % len(dims(data))
    thin = (*dims(data)[:place], 1, *dims(data)[place + 1 :])
    if dims(indices) != thin:
        raise Refused(f"indices of the shape {list(dims(indices))} are not one along the axis {place}")
    index, mode = _unclipped(indices, data, place)
    return call(node, "pick", data, index, axis=place, keepdims=True, mode=mode)


@emits("mxnet", "GatherND")
def gather_nd(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0) -> list[Call]:
    """``gather_nd``, whose coordinates come first; of each example, with ``contrib.arange_like`` for its number.

    Raises:
        Refused: The indices are shared by more than the first axis.
    """
    chain, rank = Chain(node), len(dims(indices))
    if not batch_dims:
        moved = chain.step("coordinates", "transpose", indices, axes=(rank - 1, *range(rank - 1)))
        return chain.last("gather_nd", data, moved)
    if batch_dims != 1 or rank != 2:
        raise Refused(f"batch_dims is {batch_dims}, of indices of {rank} dimensions")
    counted = chain.step("counted", "contrib.arange_like", data, axis=0)
    row = chain.step(
        "examples", "expand_dims", chain.step("whole", "cast", counted, dtype=stored_kind(indices)), axis=0
    )
    moved = chain.step("coordinates", "transpose", indices, axes=(1, 0))
    return chain.last("gather_nd", data, chain.step("places", "concat", row, moved, dim=0))


@emits("mxnet", "ReverseSequence")
def reverse_sequence(
    node: onnx_ir.Node, data: onnx_ir.Value, lengths: onnx_ir.Value, *, batch_axis: int = 1, time_axis: int = 0
) -> list[Call]:
    """``SequenceReverse``, between two of ``swapaxes`` where the batch comes first.

    Raises:
        Refused: Time and batch are not the first two axes.
    """
    chain = Chain(node)
    if sorted((batch_axis, time_axis)) != [0, 1]:
        raise Refused(f"batch_axis {batch_axis}, time_axis {time_axis}")
    steps = data if time_axis == 0 else chain.step("steps", "swapaxes", data, dim1=0, dim2=1)
    given: dict[str, Any] = {"sequence_length": lengths, "use_sequence_length": True}
    if time_axis == 0:
        return chain.last("SequenceReverse", data=steps, **given)
    turned = chain.step("turned", "SequenceReverse", data=steps, **given)
    return chain.last("swapaxes", turned, dim1=0, dim2=1)
