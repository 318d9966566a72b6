"""Reductions along axes."""

from __future__ import annotations

from readback_graph import Graph, Ints, RefusedError, Tensor, reads

REDUCTIONS = {
    "reduce_l1_norm": "ReduceL1",
    "reduce_l2_norm": "ReduceL2",
    "reduce_log_sum": "ReduceLogSum",
    "reduce_log_sum_exp": "ReduceLogSumExp",
    "reduce_max": "ReduceMax",
    "reduce_mean": "ReduceMean",
    "reduce_min": "ReduceMin",
    "reduce_prod": "ReduceProd",
    "reduce_sum": "ReduceSum",
    "reduce_sum_square": "ReduceSumSquare",
}
WHOLE = ("reduce_l1_norm", "reduce_max", "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square")
"""Those whose result over integers is one."""


@reads(*REDUCTIONS)
def reduction(graph: Graph, operation: str, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> str:
    """Over ``axes``, or over all of them."""
    if not x.is_float and operation not in WHOLE:
        raise RefusedError("integers, of which the result is none")
    over = range(x.rank) if axes is None else axes
    if not over and x.rank:
        raise RefusedError("no axes, which is not documented")
    return graph.op(REDUCTIONS[operation], x, sorted(x.axis(axis) for axis in over), keepdims=int(keep_dims))


@reads("reduce_argmax", "reduce_argmin")
def arg(
    graph: Graph, operation: str, x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32"
) -> str:
    """Where the largest or the smallest element is; of equal ones the first."""
    if output_dtype not in {"int32", "uint16"}:
        raise RefusedError(f"the type {output_dtype!r}")
    operator = "ArgMax" if operation == "reduce_argmax" else "ArgMin"
    return graph.int32(graph.op(operator, x, axis=x.axis(axis), keepdims=int(keep_dims)))
