"""Values made of nothing but numbers."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.known import batch_of, contents, kind_of
from converter.emitters.mxnet.call import Call, Chain, call, parameter, renamed
from converter.emitters.mxnet.number import stored_kind
from converter.emitters.mxnet.spread import filled
from converter.ir import BATCH, dims

_MOST = 1 << 22
"""Most numbers of a table that the code brings along."""


@emits("mxnet", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node, shape: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Call]:
    """``full``; with a batch that is read off another value, ``broadcast_like`` it.

    Raises:
        Refused: What the batch is read off is not part of the network.
    """
    chain, made = Chain(node), only_output(node)
    number = 0 if value is None else value.numpy().reshape(()).item()
    return renamed(chain, filled(chain, "whole", number, stored_kind(made), dims(made), shape))


@emits("mxnet", "Range")
def counted(node: onnx_ir.Node, start: onnx_ir.Value, limit: onnx_ir.Value, step: onnx_ir.Value) -> list[Call]:
    """A table; of the batch, ``contrib.arange_like``, which counts to 2^24 exactly.

    Raises:
        Refused: The limits are computed otherwise.
    """
    made = only_output(node)
    known = contents(made)
    if known is not None and BATCH not in known.tolist():
        return _table(node, np.asarray(known, np.int64))
    if all(onnx_ir.convenience.get_const_tensor(value) is not None for value in (start, limit, step)):
        first, last, pace = (constant(value).numpy().reshape(()) for value in (start, limit, step))
        return _table(node, np.arange(first.item(), last.item(), pace.item(), dtype=first.dtype))
    found = [contents(value) for value in (start, limit, step)]
    if [None if one is None else one.item() for one in found] != [0, BATCH, 1]:
        raise Refused("its limits are computed")
    place = batch_of(limit)
    if place is None:
        raise Refused("nothing says what the batch is")
    chain = Chain(node)
    places = chain.step("counted", "contrib.arange_like", place[0], axis=place[1])
    return chain.last("cast", places, dtype=stored_kind(made))


@emits("mxnet", "EyeLike")
def unit_matrix(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    dtype: int | None = None,  # noqa: ARG001 - the output has it
    k: int = 0,
) -> list[Call]:
    """A table.

    Raises:
        Refused: It has the batch's size.
    """
    return _table(node, np.eye(*_sizes(data), k=k, dtype=kind_of(only_output(node)).numpy()))


@emits("mxnet", "Trilu")
def triangle(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Call]:
    """``where`` a table has it.

    Raises:
        Refused: A matrix has the batch's size.
    """
    rows, columns = _sizes(data)
    offset = 0 if k is None else int(constant(k).numpy().reshape(()))
    ones = np.ones((rows, columns), np.int64)
    mask = np.triu(ones, offset) if upper else np.tril(ones, offset)
    chain = Chain(node)
    table = parameter(f"{node.name}/mask", mask.shape, plan.literal(mask.tolist()))
    zeros = chain.step("zeros", "zeros_like", data)
    kept = chain.step("kept", "broadcast_add", chain.step("none", "cast", zeros, dtype="float32"), table)
    return chain.last("where", kept, data, zeros)


def _sizes(data: onnx_ir.Value) -> tuple[int, int]:
    rows, columns = dims(data)[-2:]
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise Refused("the matrix has the batch's size")
    return rows, columns


def _table(node: onnx_ir.Node, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> list[Call]:
    """Numbers that the code brings along, as a parameter."""
    made = only_output(node)
    if array.size > _MOST:
        raise Refused(f"a table of {array.size} numbers")
    kind = onnx_ir.DataType.FLOAT if kind_of(made) == onnx_ir.DataType.BOOL else kind_of(made)
    table = parameter(f"{node.name}/table", array.shape or (1,), plan.literal(array.tolist()), kind)
    return call(node, "identity", table)
