"""Reductions along axes, and sums on the way."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.operand import integers
from converter.emitters.pytorch.operand import line
from converter.emitters.statement import Statement
from converter.ir import dims

_INTEGERS = {onnx_ir.DataType.INT32, onnx_ir.DataType.INT64, onnx_ir.DataType.INT8, onnx_ir.DataType.UINT8}
_TEXTS = {
    "ReduceL1": "{0}.abs().sum({dim}, keepdim={keepdim})",
    "ReduceL2": "torch.linalg.vector_norm({0}, dim={dim}, keepdim={keepdim})",
    "ReduceLogSum": "{0}.sum({dim}, keepdim={keepdim}).log()",
    "ReduceLogSumExp": "{0}.logsumexp({dim}, keepdim={keepdim})",
    "ReduceMax": "{0}.amax({dim}, keepdim={keepdim})",
    "ReduceMean": "{0}.mean({dim}, keepdim={keepdim})",
    "ReduceMin": "{0}.amin({dim}, keepdim={keepdim})",
    "ReduceSum": "{0}.sum({dim}, keepdim={keepdim})",
    "ReduceSumSquare": "{0}.square().sum({dim}, keepdim={keepdim})",
}


_SINGLE = {
    "ReduceLogSum": "{0}.log()",
    "ReduceL1": "{0}.abs()",
    "ReduceL2": "{0}.abs()",
    "ReduceSumSquare": "{0}.square()",
}
"""What is left of a reduction of no axes."""
_FRACTIONS = {"ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}
"""Reductions of integers that are no integers."""


@emits("pytorch", *_TEXTS)
def reduce(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """Torch's reductions, in the operand's element type; the mean of integers is cut, their logarithm refused."""
    if data.dtype in _INTEGERS and node.op_type in _FRACTIONS:
        raise Refused(f"of {data.dtype}, whose result is cut")
    dim = _axes(data, axes, noop_with_empty_axes)
    if dim is None:
        return [line(node, _SINGLE.get(node.op_type, "{0}"), data)]
    text, keepdim, library = _TEXTS[node.op_type], bool(keepdims), []
    if data.dtype in _INTEGERS and node.op_type in {"ReduceSum", "ReduceL1", "ReduceSumSquare"}:
        text = text[:-1] + ", dtype={0}.dtype)" if data.dtype != onnx_ir.DataType.INT64 else text
    if data.dtype in _INTEGERS and node.op_type == "ReduceMean":
        text, library = "integer_mean({0}, {dim}, {keepdim})", ["integer_mean"]
    if not keepdims:
        text = text.replace(", keepdim={keepdim}", "")
    return [line(node, text, data, library=library, dim=dim if len(dim) != 1 else dim[0], keepdim=keepdim)]


@emits("pytorch", "ReduceProd")
def prod(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Statement]:
    """``prod``, one axis after the other."""
    dim = _axes(data, axes, noop_with_empty_axes)
    if dim is None:
        return [line(node, "{0}", data)]
    kind = "" if data.dtype not in _INTEGERS - {onnx_ir.DataType.INT64} else ", dtype={0}.dtype"
    text = "{0}" + "".join(f".prod({axis}, keepdim={bool(keepdims)}{kind})" for axis in sorted(dim, reverse=True))
    return [line(node, text, data)]


@emits("pytorch", "ArgMax", "ArgMin")
def arg(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    axis: int = 0,
    keepdims: int = 1,
    select_last_index: int = 0,
) -> list[Statement]:
    """``argmax`` and ``argmin``, which take the first of equal elements; the last one behind ``flip``."""
    name, keepdim = node.op_type.lower(), bool(keepdims)
    text = f"{{0}}.{name}({{dim}}, keepdim={{keepdim}})"
    if select_last_index:
        text = f"{{0}}.shape[{{dim}}] - 1 - {{0}}.flip({{dim}}).{name}({{dim}}, keepdim={{keepdim}})"
    return [
        line(node, text if keepdims else text.replace(", keepdim={keepdim}", ""), data, dim=axis, keepdim=keepdim)
    ]


@emits("pytorch", "CumSum")
def cum_sum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Statement]:
    """``cumsum``, behind ``flip`` if it goes backwards; a function if it is one element behind."""
    (dim,) = integers(axis) or (0,)
    if exclusive:
        text = "exclusive_sum({0}, {dim}, {reverse})"
        return [line(node, text, data, library=["exclusive_sum"], dim=dim, reverse=bool(reverse))]
    text = "{0}.flip({dim}).cumsum({dim}).flip({dim})" if reverse else "{0}.cumsum({dim})"
    if data.dtype in _INTEGERS:
        text = text.replace(".cumsum({dim})", ".cumsum({dim}, dtype={0}.dtype)")
    return [line(node, text, data, dim=dim)]


@emits("pytorch", "Det")
def det(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``torch.linalg.det``."""
    return [line(node, "torch.linalg.det({0})", data)]


def _axes(data: onnx_ir.Value, axes: onnx_ir.Value | None, noop: int) -> tuple[int, ...] | None:
    """The axes to reduce; None for none."""
    rank = len(dims(data))
    chosen = integers(axes)
    if not chosen:
        return None if noop or rank == 0 else tuple(range(rank))
    return tuple(sorted({axis % rank for axis in chosen}))
