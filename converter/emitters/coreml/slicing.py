"""Parts of tensors, and what is put around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain, Part, bounds, scalar, zero
from converter.emitters.coreml.operand import kind, line
from converter.emitters.operand import integers, static
from converter.emitters.statement import Statement
from converter.ir import Dim, dims

_FAR = (1 << 31) - 1
"""From here on an end is the end."""


@emits("coreml", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Statement]:
    """``slice_by_index``, behind ``reverse`` where it goes backwards."""
    given, rank = dims(data), len(dims(data))
    first, last = integers(starts) or (), integers(ends) or ()
    where = integers(axes) or tuple(range(len(first)))
    strides = integers(steps) or (1,) * len(first)
    parts, backwards = [Part()] * rank, []
    for start, end, axis, step in zip(first, last, (axis % rank for axis in where), strides, strict=True):
        parts[axis] = _part(given[axis], start, end, step)
        backwards += [axis] if step < 0 else []
    chain = Chain(node)
    if all(part == Part() for part in parts):
        if backwards:
            return chain.last("reverse", x=data, axes=backwards)
        return [line(node, "identity", x=data)]
    source = chain.step("reversed", "reverse", x=data, axes=backwards) if backwards else data
    return chain.last("slice_by_index", x=source, **bounds(parts))


def _part(size: Dim, start: int, end: int, step: int) -> Part:
    """One axis of a slice as ONNX means it, of the reversed axis where ``step`` is negative."""
    if not isinstance(size, int):
        return _open_part(start, end, step)
    # backwards ONNX begins at the first element where Python begins before it, with none
    kept = range(size)[max(start, -size) if step < 0 else start : end : step]
    if step < 0:
        kept = range(size)[size - 1 - kept.start : size - 1 - kept.stop : -step] if len(kept) else range(0)
    return Part(kept.start, None if kept.stop >= size else kept.stop, kept.step)


def _open_part(start: int, end: int, step: int) -> Part:
    """Of an open batch only what does not depend on it."""
    if step > 0 and start >= 0 and end >= _FAR:
        return Part(start, None, step)
    if step < 0 and (start == -1 or start >= _FAR) and end <= -_FAR:
        return Part(0, None, -step)
    raise Refused("it takes a part of the open batch; give the batch a number")


@emits("coreml", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Statement]:
    """``pad`` of floats with a constant, behind ``slice_by_index`` where it takes away; else ``gather``."""
    rank, given = len(dims(data)), integers(pads) or ()
    chosen = [axis % rank for axis in integers(axes) or range(rank)]
    around = [(0, 0)] * rank
    for place, axis in enumerate(chosen):
        around[axis] = given[place], given[place + len(chosen)]
    if all(sides == (0, 0) for sides in around):
        return [line(node, "identity", x=data)]
    if mode != "constant":
        return _gathered(node, data, around, mode)
    return _filled(node, data, around, zero(data) if value is None else scalar(value))


def _filled(
    node: onnx_ir.Node, data: onnx_ir.Value, around: Sequence[tuple[int, int]], value: float
) -> list[Statement]:
    chain, current = Chain(node), data
    if any(side < 0 for sides in around for side in sides):
        current = _cut(chain, data, around)
    sides = [max(side, 0) for pair in around for side in pair]
    if not any(sides):
        return chain.last("identity", x=current)
    if kind(data) == "fp32":
        return chain.last("pad", x=current, pad=sides, mode="constant", constant_val=value)
    return _surrounded(chain, current, around, value)


def _surrounded(
    chain: Chain, data: onnx_ir.Value, around: Sequence[tuple[int, int]], value: float
) -> list[Statement]:
    """Pad integers or booleans, of which ``pad`` knows none: by ``gather`` of anything, and ``select``."""
    truths, current = kind(chain.node.outputs[0]) == "bool", data
    if truths:
        current = chain.step("number", "cast", x=data, dtype="int32")
    inside = np.ones((1,) * len(around), np.bool_)
    for axis, pair in enumerate(around):
        sides = max(pair[0], 0), max(pair[1], 0)
        if any(sides):
            size = static(chain.node.outputs[0], axis)[0] - sum(sides)
            index = np.pad(np.arange(size, dtype=np.int32), sides, "edge")
            current = chain.step("spread", "gather", x=current, indices=index, axis=axis)
            own = np.pad(np.ones(size, np.bool_), sides)
            inside = inside & own.reshape([-1 if place == axis else 1 for place in range(len(around))])
    if not truths:
        return chain.last("select", cond=inside, a=current, b=value)
    return chain.last("not_equal", x=chain.step("padded", "select", cond=inside, a=current, b=int(value)), y=0)


def _cut(chain: Chain, data: onnx_ir.Value, around: Sequence[tuple[int, int]]) -> onnx_ir.Value:
    """``data`` without what negative paddings take away."""
    parts = [
        Part(max(-before, 0), static(data, axis)[0] + after if after < 0 else None)
        for axis, (before, after) in enumerate(around)
    ]
    return chain.step("cut", "slice_by_index", x=data, **bounds(parts))


def _gathered(
    node: onnx_ir.Node, data: onnx_ir.Value, around: Sequence[tuple[int, int]], mode: str
) -> list[Statement]:
    """Pad with elements of ``data``, axis after axis: what stands where is known."""
    chain = Chain(node)
    if kind(data) == "bool":
        raise Refused(f"booleans padded by {mode}")
    current = data
    padded = [axis for axis, sides in enumerate(around) if sides != (0, 0)]
    for axis in padded:
        (size,) = static(data, axis)
        index = np.arange(size)[max(-around[axis][0], 0) : size + min(around[axis][1], 0)]
        before, after = (max(side, 0) for side in around[axis])
        index = _padded(index, before, after, mode)
        if axis == padded[-1]:
            return chain.last("gather", x=current, indices=index.astype(np.int32), axis=axis)
        current = chain.step("padded", "gather", x=current, indices=index.astype(np.int32), axis=axis)
    raise AssertionError("some axis is padded")


def _padded(index: npt.NDArray[np.int64], before: int, after: int, mode: str) -> npt.NDArray[np.int64]:
    """The places of the elements along an axis."""
    if mode == "reflect":
        return np.pad(index, (before, after), "reflect")
    return np.pad(index, (before, after), "edge") if mode == "edge" else np.pad(index, (before, after), "wrap")
