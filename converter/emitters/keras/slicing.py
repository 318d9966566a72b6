"""Parts of tensors, and what is put around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.keras.operand import line
from converter.emitters.known import numbers
from converter.emitters.operand import array, integers, number
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.ir import BATCH, Dim, dims

_ENDLESS = (1 << 31) - 1


@emits("keras", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Statement]:
    """Python's slices; of ``ops.flip`` where one goes backwards, which torch's tensors cannot."""
    given, rank = dims(data), len(dims(data))
    first, last = numbers(starts), numbers(ends)
    where = integers(axes) or tuple(range(len(first)))
    strides = integers(steps) or (1,) * len(first)
    parts, flipped = [":"] * rank, []
    for start, end, axis, step in zip(first, last, (axis % rank for axis in where), strides, strict=True):
        flipped += [axis] if step < 0 else []
        parts[axis] = _slice(given[axis], start, end, step)
    index = sliced(parts)
    text = ("ops.flip({0}, axis={flipped})" if flipped else "{0}") + ("[{index}]" if index else "")
    return [line(node, text, data, index=index, flipped=flipped[0] if len(flipped) == 1 else tuple(flipped))]


def sliced(parts: Sequence[str]) -> Code:
    """The index that takes ``parts``, without those at its end that are all there is.

    It is a tuple: of a slice alone Keras's symbolic tensors make nothing.
    """
    used = max((axis for axis, part in enumerate(parts) if part != ":"), default=-1)
    index = [*parts[: used + 1], *([":"] if used == 0 and len(parts) > 1 else [])]
    return Code(", ".join(index) + ("," if len(index) == 1 else ""))


def _slice(size: Dim, start: int, end: int, step: int) -> str:
    """One axis' slice as Python writes it, of the flipped axis where ``step`` is negative."""
    if isinstance(size, int):
        # backwards ONNX begins at the first element where Python begins before it, with none
        kept = range(size)[max(start, -size) if step < 0 else start : end : step]
        if step < 0:
            kept = range(size)[size - 1 - kept.start : size - 1 - kept.stop : -step] if len(kept) else range(0)
        return _spelled(kept.start, None if kept.stop >= size else kept.stop, kept.step)
    if step > 0:
        return _spelled(start, None if end >= _ENDLESS else end, step)
    if (start != -1 and start < _ENDLESS) or end > -_ENDLESS:
        raise Refused("it goes backwards through part of an open dimension")
    return _spelled(0, None, -step)


def _spelled(start: int, end: int | None, step: int) -> str:
    text = f"{start or ''}:{'' if end is None else end}"
    return text if step == 1 else f"{text}:{step}"


@emits("keras", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Statement]:
    """``ops.pad``; a function that takes elements again where ``ops.pad`` does not; a slice where it cuts."""
    around = _around(data, pads, axes)
    text = _cut(around)
    grown = tuple((max(before, 0), max(after, 0)) for before, after in around)
    settings: dict[str, Any] = {"padding": grown}
    library: list[str] = []
    if mode == "constant":
        filler = None if value is None or not array(value).any() else number(value)
        text = f"ops.pad({text}, {{padding}}{'' if filler is None else ', constant_values={filler}'})"
        settings["filler"] = filler
    elif _mirrors(data, around, mode):
        text = f'ops.pad({text}, {{padding}}, mode="reflect")'
    else:
        if any(dim == BATCH and sides != (0, 0) for dim, sides in zip(dims(data), around, strict=True)):
            raise Refused(f"mode {mode} of an open batch; give the batch a number")
        text, library, settings["mode"] = f"padded({text}, {{padding}}, {{mode}})", ["padded"], mode
    return [line(node, text, data, library=library, **settings)]


def _around(data: onnx_ir.Value, pads: onnx_ir.Value, axes: onnx_ir.Value | None) -> tuple[tuple[int, int], ...]:
    """How much is put before and after each axis; less than nothing where it is cut."""
    rank, given = len(dims(data)), numbers(pads)
    chosen = [axis % rank for axis in integers(axes) or range(rank)]
    around = [(0, 0)] * rank
    for place, axis in enumerate(chosen):
        around[axis] = given[place], given[place + len(chosen)]
    return tuple(around)


def _cut(around: Sequence[tuple[int, int]]) -> str:
    """What is left of the operand where padding is negative."""
    parts = [f"{-before if before < 0 else ''}:{after if after < 0 else ''}" for before, after in around]
    index = sliced(parts)
    return f"{{0}}[{index}]" if index else "{0}"


def _mirrors(data: onnx_ir.Value, around: Sequence[tuple[int, int]], mode: str) -> bool:
    """Whether ``ops.pad`` mirrors as ONNX does, on all of Keras's backends: less than there is, of images."""
    sizes = dims(data)
    fits = all(
        sides == (0, 0) or (size != BATCH and min(sides) >= 0 and max(sides) < int(size))
        for sides, size in zip(around, sizes, strict=True)
    )
    plain = data.dtype == onnx_ir.DataType.FLOAT and len(sizes) == 4 and around[0] == (0, 0)
    return mode == "reflect" and plain and fits
