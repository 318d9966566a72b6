"""One element out of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.known import is_whole, kind_of, numbers
from converter.emitters.mxnet.call import Call, Chain
from converter.emitters.mxnet.limits import PATTERNS, check_transposed, runs
from converter.emitters.mxnet.spread import codes
from converter.ir import Dim, dims

_REDUCTIONS = {
    "ReduceSum": "sum",
    "ReduceMean": "mean",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "prod",
    "ReduceL1": "norm",
    "ReduceL2": "norm",
}
_EXACT = 1 << 24


@emits("mxnet", *_REDUCTIONS)
def reduction(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Call]:
    """``sum``, ``mean``, ``max``, ``min``, ``prod``, and ``norm`` of the order 1 or 2.

    Raises:
        Refused: A norm of whole numbers.
    """
    chain = Chain(node)
    places = _places(data, axes, bool(noop_with_empty_axes))
    if not places:
        return chain.last("identity", data)
    if node.op_type in ("ReduceL1", "ReduceL2") and is_whole(data):
        raise Refused("norms of whole numbers")
    order: dict[str, Any] = {"ReduceL1": {"ord": 1}, "ReduceL2": {"ord": 2}}.get(node.op_type, {})
    return _reduced(chain, _REDUCTIONS[node.op_type], data, dims(data), places, keepdims, **order)


@emits("mxnet", "ReduceSumSquare")
def sum_of_squares(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Call]:
    """``sum`` of ``square``."""
    chain = Chain(node)
    places = _places(data, axes, bool(noop_with_empty_axes))
    if not places:
        return chain.last("square", data)
    return _reduced(chain, "sum", chain.step("squares", "square", data), dims(data), places, keepdims)


@emits("mxnet", "ReduceLogSum", "ReduceLogSumExp")
def logarithm_of_sum(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    *,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> list[Call]:
    """``log`` of ``sum``; of exponentials, after their greatest is taken off, which is then added again.

    Raises:
        Refused: It is of whole numbers.
    """
    chain, given = Chain(node), dims(data)
    places = _places(data, axes, bool(noop_with_empty_axes))
    if is_whole(data):
        raise Refused("a logarithm of whole numbers")
    if node.op_type == "ReduceLogSum":
        total = _step(chain, "sum", "sum", data, given, places, keepdims) if places else data
        return chain.last("log", total)
    if not places:
        return chain.last("identity", data)
    most = _step(chain, "most", "max", data, given, places, 1)
    parts = chain.step("parts", "exp", chain.step("less", "broadcast_sub", data, most))
    rest = chain.step("log", "log", _step(chain, "sum", "sum", parts, given, places, keepdims))
    if not keepdims:
        most = _step(chain, "greatest", "max", data, given, places, 0)
    return chain.last("elemwise_add", rest, most)


def _step(
    chain: Chain, role: str, op: str, data: onnx_ir.Value, given: Sequence[Dim], places: list[int], keepdims: int
) -> onnx_ir.Value:
    """A reduction on the way to another value."""
    axis = None if len(places) == len(given) else tuple(places)
    return chain.step(role, op, data, axis=axis, keepdims=bool(keepdims) or None)


@emits("mxnet", "ArgMax", "ArgMin")
def place(
    node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> list[Call]:
    """``argmax`` or ``argmin``, whose answer has the type of the data, then ``cast``.

    Raises:
        Refused: The last of several is asked for, or there are more places than float32 counts.
    """
    if select_last_index:
        raise Refused("select_last_index is set")
    along = axis % len(dims(data))
    length = dims(data)[along]
    if isinstance(length, int) and length > _EXACT:
        raise Refused(f"{length} places are more than float32 counts")
    chain = Chain(node)
    if kind_of(data).itemsize < 4:
        data = chain.step("wide", "cast", data, dtype="float32")
    found = chain.step("place", node.op_type.lower(), data, axis=along, keepdims=bool(keepdims) or None)
    return chain.last("cast", found, dtype="int64")


@emits("mxnet", "Det")
def determinant(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``linalg.det``."""
    only_output(node)
    return Chain(node).last("linalg.det", data, suffixes=("output0",))


def _places(data: onnx_ir.Value, axes: onnx_ir.Value | None, nothing: bool) -> list[int]:
    """The axes to reduce, all if none are given, unless ``nothing`` is what that means."""
    given = [] if axes is None else numbers(axes)
    every = range(len(dims(data)))
    if not given:
        return [] if nothing else [*every]
    places = sorted(axis % len(every) for axis in given)
    if len(set(places)) < len(places):
        raise Refused(f"an axis is there twice in {given}")
    return places


def _reduced(
    chain: Chain, op: str, data: onnx_ir.Value, given: Sequence[Dim], places: list[int], keepdims: int, **more: Any
) -> list[Call]:
    """``op`` along ``places``; these are moved to the end where they are too many runs for MXNet."""
    rank = len(given)
    if len(places) == rank:
        return chain.last(op, data, keepdims=bool(keepdims) or None, **more)
    if runs(given, [1 if axis in places else dim for axis, dim in enumerate(given)]) > PATTERNS:
        check_transposed(rank)
        kept = [axis for axis in range(rank) if axis not in places]
        data = chain.step("moved", "transpose", data, axes=(*kept, *places))
        axes = tuple(range(len(kept), rank))
        if not keepdims:
            return chain.last(op, data, axis=axes, **more)
        found = chain.step("reduced", op, data, axis=axes, **more)
        shape = codes([given[axis] for axis in kept], dims(only_output(chain.node)))
        return chain.last("reshape", found, shape=shape)
    axis = places[0] if len(places) == 1 else tuple(places)
    return chain.last(op, data, axis=axis, keepdims=bool(keepdims) or None, **more)
