"""What surrounds a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.cntk.indexing import taken
from converter.emitters.cntk.operand import line, own_shape
from converter.emitters.cntk.shape import WHOLE
from converter.emitters.cntk.slicing import Span, at_once, between, cut
from converter.emitters.known import numbers
from converter.emitters.operand import number
from converter.emitters.statement import Statement
from converter.ir import dims

Pads = dict[int, tuple[int, int]]
"""Of axes of a row, those that are padded."""


@emits("cntk", "Pad", dtypes=WHOLE)
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Statement]:
    """``pad`` with a constant, mirrored, or by one element; of other borders the elements are gathered.

    Slices where the padding is negative.
    """
    given, result = _pads(data, numbers(pads), None if axes is None else numbers(axes)), node.outputs[0]
    statements, data = _without(node, data, given)
    added = {axis: (max(pair[0], 0), max(pair[1], 0)) for axis, pair in given.items() if max(pair) > 0}
    if not added:
        return [*statements, line(node, "{0}", data, outputs=[result], scalars=False)]
    if mode == "constant":
        filler = 0 if value is None else number(value) if is_constant(value) else None
        if filler is None:
            raise Refused("its filler is computed")
        more = ", constant_value={filler}" if filler else ""
        return [*statements, *_padded(node, data, result, added, more, filler)]
    if statements:
        raise Refused(f"pads {list(numbers(pads))} are negative, and mode is {mode}")
    return _bordered(node, data, result, added, mode)


def _pads(data: onnx_ir.Value, pads: Sequence[int], axes: Sequence[int] | None) -> Pads:
    places = range(len(dims(data))) if axes is None else axes
    pairs = zip(places, pads[: len(places)], pads[len(places) :], strict=True)
    return {row_axis(data, axis): (begin, end) for axis, begin, end in pairs if begin or end}


def _without(node: onnx_ir.Node, data: onnx_ir.Value, pads: Pads) -> tuple[list[Statement], onnx_ir.Value]:
    """Statements that cut off what is negative, and what is left."""
    sizes = list(own_shape(data))
    spans = {}
    for axis, (begin, end) in pads.items():
        if min(begin, end) < 0:
            spans[axis] = Span(max(-begin, 0), sizes[axis] - max(-end, 0))
            sizes[axis] = spans[axis].end - spans[axis].begin
    if not spans:
        return [], data
    if min(sizes) <= 0:
        raise Refused("nothing of the data is left")
    rest = between(node, "rest", sizes, batch_axis(node.outputs[0]))
    return cut(node, data, rest, spans), rest


def _padded(
    node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, pads: Pads, more: str, filler: float | None = None
) -> list[Statement]:
    """Statements with ``C.pad``, of as many axes at once as can be."""
    sizes, statements = list(own_shape(data)), []
    groups = at_once(sorted(pads), len(sizes), batch_axis(result))
    for number_, group in enumerate(groups):
        pattern = [pads[axis] if axis in group else (0, 0) for axis in range(len(sizes))]
        sizes = [size + sum(pair) for size, pair in zip(sizes, pattern, strict=True)]
        last = number_ == len(groups) - 1
        target = result if last else between(node, f"padded{number_}", sizes, batch_axis(result))
        text = f"C.pad({{0}}, {{pattern}}{more})"
        statements.append(line(node, text, data, outputs=[target], scalars=False, pattern=pattern, filler=filler))
        data = target
    return statements


def _bordered(
    node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, pads: Pads, mode: str
) -> list[Statement]:
    sizes = own_shape(data)
    if mode == "reflect" and all(max(pair) < sizes[axis] for axis, pair in pads.items()):
        return _padded(node, data, result, pads, ", mode=C.ops.REFLECT_PAD")
    if mode == "edge" and all(max(pair) <= 1 for pair in pads.values()):
        return _padded(node, data, result, pads, ", mode=C.ops.SYMMETRIC_PAD")
    numpy_modes = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    if mode not in numpy_modes:
        raise Refused(f"mode {mode}")
    statements, shape = [], list(sizes)
    for place, (axis, pair) in enumerate(sorted(pads.items())):
        places = np.pad(np.arange(sizes[axis]), pair, numpy_modes[mode])  # type: ignore[call-overload]
        shape[axis] = len(places)
        last = place == len(pads) - 1
        target = result if last else between(node, f"padded{axis}", shape, batch_axis(result))
        statements += taken(node, data, target, axis, [int(index) for index in places])
        data = target
    return statements
