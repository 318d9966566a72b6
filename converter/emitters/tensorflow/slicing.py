"""Parts of tensors, put together, taken apart, repeated or surrounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.operand import array, integers, static
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import line
from converter.ir import Dim, dims

_NOT_SPLIT = {onnx_ir.DataType.BOOL, onnx_ir.DataType.INT64}
"""What TensorFlow Lite does not split."""
_FAR = (1 << 31) - 1
"""What is beyond any dimension, as exporters write it, or more."""


@emits("tensorflow", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Statement]:
    """``tf.concat``."""
    operands = ", ".join(f"{{{place}}}" for place in range(len(values)))
    return [line(node, f"tf.concat([{operands}], axis={{axis}})", *values, axis=axis)]


@emits("tensorflow", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,
    *,
    axis: int = 0,
    num_outputs: int = 0,
) -> list[Statement]:
    """``tf.split``, along any axis but an open batch; of truths and int64 slices, which TensorFlow Lite has."""
    del num_outputs
    if len(node.outputs) == 1:
        return [line(node, "{0}", data)]
    if not isinstance(dims(data)[axis], int):
        raise Refused(f"it splits the open batch into {len(node.outputs)}; give the batch a number")
    parts = integers(sizes) or tuple(static(value, axis)[0] for value in node.outputs)
    if data.dtype in _NOT_SPLIT:
        return [line(node, ", ".join(_pieces(parts, axis % len(dims(data)))), data)]
    chunks = len(parts) if len(set(parts)) == 1 else list(parts)
    return [line(node, "tf.split({0}, {parts}, axis={axis})", data, parts=chunks, axis=axis)]


def _pieces(parts: Sequence[int], axis: int) -> list[str]:
    """The slices of the first operand that are so long."""
    ends = list(accumulate(parts))
    return [
        f"{{0}}[{':, ' * axis}{_spelled(end - part or None, end, 1)}]" for part, end in zip(parts, ends, strict=True)
    ]


@emits("tensorflow", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Statement]:
    """Python's slices."""
    given, rank = dims(data), len(dims(data))
    first, last = integers(starts) or (), integers(ends) or ()
    where = integers(axes) or tuple(range(len(first)))
    strides = integers(steps) or (1,) * len(first)
    parts = [":"] * rank
    for start, end, axis, step in zip(first, last, (axis % rank for axis in where), strides, strict=True):
        parts[axis] = _slice(given[axis], start, end, step)
    used = max((axis for axis in range(rank) if parts[axis] != ":"), default=-1)
    index = Code(", ".join(parts[: used + 1]))
    return [line(node, "{0}[{index}]" if used >= 0 else "{0}", data, index=index)]


def _slice(size: Dim, start: int, end: int, step: int) -> str:
    """One axis' slice as Python writes it.

    Raises:
        Refused: Backwards, ONNX begins at the first element where Python begins before it, with none: an open
            dimension does not tell which it is.
    """
    if isinstance(size, int):
        kept = range(size)[max(start, -size) if step < 0 else start : end : step]
        if not kept:
            return "0:0"
        after = kept[-1] + (1 if step > 0 else -1)
        begin = None if kept[0] == (0 if step > 0 else size - 1) else kept[0]
        return _spelled(begin, None if after in {-1, size} else after, step)
    if step > 0:
        return _spelled(start or None, None if end >= _FAR else end, step)
    if start < -1:
        raise Refused("it goes backwards from within an open dimension")
    return _spelled(None if start in {-1} or start >= _FAR else start, None if end <= -_FAR else end, step)


def _spelled(start: int | None, end: int | None, step: int) -> str:
    text = f"{'' if start is None else start}:{'' if end is None else end}"
    return text if step == 1 else f"{text}:{step}"


@emits("tensorflow", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Statement]:
    """``tf.tile``."""
    if is_constant(repeats):
        return [line(node, "tf.tile({0}, {multiples})", data, multiples=list(integers(repeats) or ()))]
    return [line(node, "tf.tile({0}, {1})", data, repeats)]


@emits("tensorflow", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Statement]:
    """``tf.pad``, of a slice where something is cut off; with what is at the edge or comes around, a function."""
    before, after = _sides(data, integers(pads) or (), integers(axes))
    source = f"{{0}}{_cut(before, after)}"
    around = [[max(sides[0], 0), max(sides[1], 0)] for sides in zip(before, after, strict=True)]
    settings: dict[str, Any] = {"paddings": around}
    if mode == "constant":
        filled = value is not None and not (is_constant(value) and array(value) == 0)
        text = f"tf.pad({source}, {{paddings}}{', constant_values={1}' if filled else ''})"
        return [
            line(
                node,
                text,
                data,
                *([value] if value and filled else []),
                roles=("", "value"),
                scalars=True,
                **settings,
            )
        ]
    if mode == "reflect" and _mirrors(data, around):
        return [line(node, f'tf.pad({source}, {{paddings}}, mode="REFLECT")', data, **settings)]
    name = {"reflect": "pad_reflect", "edge": "pad_edge", "wrap": "pad_wrap"}[mode]
    return [line(node, f"{name}({source}, {{paddings}})", data, library=[name], **settings)]


def _sides(data: onnx_ir.Value, pads: Sequence[int], axes: Sequence[int] | None) -> tuple[list[int], list[int]]:
    """How much goes before and after each axis."""
    rank = len(dims(data))
    chosen = [axis % rank for axis in axes or range(rank)]
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(chosen):
        before[axis], after[axis] = pads[place], pads[place + len(chosen)]
    return before, after


def _cut(before: Sequence[int], after: Sequence[int]) -> str:
    """The index that leaves out what is to be cut off, where there is any."""
    parts = [
        f"{-first if first < 0 else ''}:{last if last < 0 else ''}" for first, last in zip(before, after, strict=True)
    ]
    while parts and parts[-1] == ":":
        parts.pop()
    return f"[{', '.join(parts)}]" if parts else ""


def _mirrors(data: onnx_ir.Value, paddings: Sequence[Sequence[int]]) -> bool:
    """Whether no side is longer than what it mirrors, as ``tf.pad`` wants it."""
    return all(
        (isinstance(size, int) and max(sides) < size) or not any(sides)
        for size, sides in zip(dims(data), paddings, strict=True)
    )
