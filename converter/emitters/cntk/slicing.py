"""Parts of tensors, put together, taken apart, repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis, made, row_axis, row_shape
from converter.emitters.cntk.operand import line, own_shape
from converter.emitters.cntk.shape import MOST_AXES, WHOLE, known
from converter.emitters.known import numbers
from converter.emitters.operand import integers, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, Dim, dims

_FAR = (1 << 31) - 1
"""What is beyond any dimension, as exporters write it, or more."""


@dataclass(frozen=True)
class Span:
    """A part of an axis, ``begin`` to ``end``, every ``step``-th of it, from the end on if that is negative."""

    begin: int
    end: int
    step: int = 1

    @staticmethod
    def of(kept: range) -> Span:
        """The span of the elements that are ``kept``, at least one."""
        return Span(min(kept), max(kept) + 1, kept.step if len(kept) > 1 else 1)


def cut(node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, spans: dict[int, Span]) -> list[Statement]:
    """Statements that cut spans of a row's axes out of ``data``."""
    sizes = list(own_shape(data))
    parts = [(axis, span) for axis, span in sorted(spans.items()) if span != Span(0, sizes[axis])]
    groups = at_once([axis for axis, _ in parts], len(sizes), batch_axis(result)) or [[]]
    statements = []
    for number, axes in enumerate(groups):
        group = [(axis, span) for axis, span in parts if axis in axes]
        for axis, span in group:
            sizes[axis] = len(range(span.begin, span.end, abs(span.step)))
        last = number == len(groups) - 1
        target = result if last else between(node, f"part{number}", sizes, batch_axis(result))
        statements.append(_cut(node, data, target, dict(group)))
        data = target
    return statements


def at_once(axes: Sequence[int], rank: int, batch: int | None) -> list[list[int]]:
    """``axes`` in groups that CNTK's CPU can cut or pad at once: axes beside each other that stay count as one."""
    groups: list[list[int]] = []
    for axis in axes:
        if groups and _loops([*groups[-1], axis], rank) + (batch is not None) <= MOST_AXES:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return groups


def _loops(axes: Sequence[int], rank: int) -> int:
    return sum(axis in axes or axis == 0 or axis - 1 in axes for axis in range(rank))


def between(node: onnx_ir.Node, role: str, sizes: Sequence[int], axis: int | None) -> onnx_ir.Value:
    """A value that the IR does not have, of rows of ``sizes``, with the batch as its ``axis``."""
    shape: list[Dim] = list(sizes)
    if axis is not None:
        shape.insert(axis, BATCH)
    return made(f"{node.name}/{role}", shape, axis)


def _cut(node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, spans: dict[int, Span]) -> Statement:
    if not spans:
        return line(node, "{0}", data, outputs=[result], scalars=False)
    if all(span.step > 0 for span in spans.values()):
        sizes, last = own_shape(data), max(spans)
        parts = [_spelled(spans.get(axis), sizes[axis]) for axis in range(last + 1)]
        return line(node, f"{{0}}[{', '.join(parts)}]", data, outputs=[result], scalars=False)
    axes, found = list(spans), list(spans.values())
    begins, ends, steps = [each.begin for each in found], [each.end for each in found], [each.step for each in found]
    text = "C.slice({0}, {axes}, {begins}, {ends}, {steps})"
    if len(axes) == 1:
        text = f"C.slice({{0}}, {axes[0]}, {begins[0]}, {ends[0]}, {steps[0]})"
    return line(node, text, data, outputs=[result], scalars=False, axes=axes, begins=begins, ends=ends, steps=steps)


def _spelled(span: Span | None, size: int) -> str:
    """One axis' slice as Python writes it; CNTK does not see a step where neither begin nor end is given."""
    if span is None:
        return ":"
    if span.step != 1:
        return f"{span.begin}:{span.end}:{span.step}"
    if span.end - span.begin == 1:
        return f"{span.begin}:{span.end}"
    return f"{span.begin or ''}:{'' if span.end == size else span.end}"


@emits("cntk", "Slice", dtypes=WHOLE)
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Statement]:
    """Python's slices; ``C.slice`` from the end on. Of the batch all or its reverse, not a part."""
    found = known(node)
    if found is not None:
        return found
    shape, rank, result = dims(data), len(dims(data)), node.outputs[0]
    first, last = numbers(starts), numbers(ends)
    where = [axis % rank for axis in (range(len(first)) if axes is None else numbers(axes))]
    strides = [1] * len(first) if steps is None else numbers(steps)
    spans, turned = {}, False
    for start, end, axis, step in zip(first, last, where, strides, strict=True):
        size = shape[axis]
        if axis == batch_axis(data):
            turned |= _is_turned(size, start, end, step)
            continue
        if not isinstance(size, int):
            raise Refused(f"axis {axis} of {data.name} is open")
        kept = range(size)[max(start, -size) if step < 0 else start : end : step]
        if not kept:
            raise Refused(f"{result.name} has no elements")
        spans[row_axis(data, axis)] = Span.of(kept)
    if not turned:
        return cut(node, data, result, spans)
    part = between(node, "part", row_shape(result), batch_axis(result))
    text = "C.to_batch(C.slice(C.unpack_batch({0}), 0, 0, 0, -1))"
    return [*cut(node, data, part, spans), line(node, text, part, outputs=[result])]


def _is_turned(size: Dim, start: int, end: int, step: int) -> bool:
    """Whether a slice of the batch is its reverse, rather than all of it.

    Raises:
        Refused: It is a part.
    """
    far = size if isinstance(size, int) else _FAR
    if step == 1 and start == 0 and end >= far:
        return False
    if step == -1 and (start == -1 or start >= far - 1) and end <= -far - (isinstance(size, int)):
        return True
    raise Refused("it takes a part of the batch")


@emits("cntk", "Split", dtypes=WHOLE)
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,
    *,
    axis: int = 0,
    num_outputs: int = 0,  # noqa: ARG001 - the node has them
) -> list[Statement]:
    """Python's slices, of the parts that are used."""
    parts = integers(sizes) or tuple(static(value, axis)[0] for value in node.outputs)
    place = row_axis(data, axis)
    statements = []
    for value, end, size in zip(node.outputs, accumulate(parts), parts, strict=True):
        if value.uses() or value.is_graph_output():
            statements += cut(node, data, value, {place: Span(end - size, end)})
    return statements


@emits("cntk", "Concat", dtypes=WHOLE)
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Statement]:
    """``splice``."""
    found = known(node)
    if found is not None:
        return found
    result = node.outputs[0]
    place = row_axis(result, axis)
    there = [value for value in values if 0 not in dims(value)]
    operands = ", ".join(f"{{{number}}}" for number in range(len(there)))
    text = f"C.splice({operands}, axis={{place}})" if len(there) > 1 else "{0}"
    return [line(node, text, *there, broadcast=True, scalars=False, place=place)]


@emits("cntk", "Tile", dtypes=WHOLE)
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Statement]:
    """``splice`` of as many of the same."""
    found = known(node)
    if found is not None:
        return found
    text = "{0}"
    for axis, count in enumerate(numbers(repeats)):
        if count != 1:
            text = f"C.splice(*[{text}] * {count}, axis={row_axis(data, axis)})"
    return [line(node, text, data, scalars=False)]
