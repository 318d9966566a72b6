"""Reductions along axes, and sums on the way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.batch import row_axis
from converter.emitters.cntk.bounds import WHOLE, check_whole
from converter.emitters.cntk.operand import line, unpacked
from converter.emitters.known import is_whole
from converter.emitters.operand import integers
from converter.emitters.statement import Statement
from converter.ir import dims

_FUNCTIONS = {
    "ReduceL1": "C.reduce_l1",
    "ReduceL2": "C.reduce_l2",
    "ReduceLogSum": "C.reduce_sum",
    "ReduceLogSumExp": "C.reduce_log_sum_exp",
    "ReduceMax": "C.reduce_max",
    "ReduceMean": "C.reduce_mean",
    "ReduceMin": "C.reduce_min",
    "ReduceProd": "C.reduce_prod",
    "ReduceSum": "C.reduce_sum",
    "ReduceSumSquare": "C.reduce_sum_square",
}
_SINGLE = {"ReduceL1": "C.abs({0})", "ReduceL2": "C.abs({0})", "ReduceSumSquare": "C.square({0})"}
"""What is left of a reduction of no axes."""
_AGAIN = {"ReduceSumSquare": "C.reduce_sum"}
"""What makes one of the results of a reduction, where it is not that itself."""
_RUNS = 2
"""As many separate axes as CNTK reduces at once."""


@emits("cntk", *_FUNCTIONS, dtypes=WHOLE)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """CNTK's reductions, of the batch behind ``C.unpack_batch``; of more than two axes that are apart in steps."""
    if is_whole(data) and node.op_type not in {"ReduceMax", "ReduceMin"}:
        if node.op_type != "ReduceSum":
            raise Refused("of whole numbers")
        check_whole(node)
    text, chosen = unpacked(data, _axes(data, axes, noop_with_empty_axes))
    text = text if chosen else _SINGLE.get(node.op_type, text)
    function = _FUNCTIONS[node.op_type]
    for run in _parts(chosen):
        axis = str(run[0]) if len(run) == 1 else str(run)
        text = f"{function}({text}, axis={axis}{'' if keepdims else ', keepdims=False'})"
        function = _AGAIN.get(node.op_type, function)
    if node.op_type == "ReduceLogSum":
        return [line(node, f"log({text})", data, library=["log"])]
    return [line(node, text, data)]


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> tuple[int, ...]:
    return integers(axes) or (() if noop else tuple(range(len(dims(data)))))


def _parts(axes: Sequence[int]) -> list[list[int]]:
    """``axes`` as often as CNTK has to reduce, the last ones first, whose removal leaves the others in place."""
    runs = [[axis] for axis in axes[:1]]
    for before, axis in pairwise(axes):
        if axis == before + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    groups = [runs[start : start + _RUNS] for start in range(0, len(runs), _RUNS)]
    return [[axis for run in group for axis in run] for group in reversed(groups)]


@emits("cntk", "CumSum", dtypes=WHOLE)
def cum_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Statement]:
    """A function: the product with a triangle of ones, which spreads what is infinite or NaN over all sums."""
    check_whole(node)
    (along,) = integers(axis) or (0,)
    text = "cumulative_sum({0}, {axis}, {exclusive}, {reverse})"
    settings: dict[str, Any] = {"axis": row_axis(data, along), "exclusive": bool(exclusive), "reverse": bool(reverse)}
    return [line(node, text, data, library=["cumulative_sum"], **settings)]
