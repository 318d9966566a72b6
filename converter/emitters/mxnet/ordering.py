"""The largest and the smallest."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.known import contents
from converter.emitters.mxnet.call import Call, call
from converter.ir import BATCH, dims


@emits("mxnet", "TopK")
def topk(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002, ARG001 - in order is one of the orders
) -> list[Call]:
    """``topk``. Of equal elements the first comes first, as in ONNX, where MXNet sorts up to 16; else any may.

    Raises:
        Refused: The number of elements is computed.
    """
    found = contents(count)
    along = axis % len(dims(data))
    asked = None if found is None else found.reshape(()).item() if found.size == 1 else None
    if asked is None or (asked == BATCH and dims(data)[along] != BATCH):
        raise Refused("the number of elements is computed")
    common = {"axis": along, "k": 0 if asked == BATCH else int(asked), "is_ascend": None if largest else True}
    values, indices = node.outputs[0], node.outputs[1] if len(node.outputs) > 1 else None
    if indices is None or not (indices.uses() or indices.is_graph_output()):
        return call(
            node,
            "topk",
            data,
            outputs=(values,),
            suffixes=("output0",),
            ret_typ="value",
            **common,
        )
    if not (values.uses() or values.is_graph_output()):
        return call(node, "topk", data, outputs=(indices,), ret_typ="indices", dtype="int64", **common)
    pair = {"outputs": (values, indices), "suffixes": ("output0", "output1")}
    return call(node, "topk", data, ret_typ="both", dtype="int64", **pair, **common)
