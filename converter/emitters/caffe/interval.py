"""How large whole numbers can become, which a blob holds exactly as long as float32 does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.known import contents
from converter.emitters.memo import visiting_once
from converter.emitters.operand import array
from converter.ir import BATCH, dims

Interval = tuple[float, float]

EXACT = 2**24
"""Every whole number up to here is a float32."""
_ANY: Interval = (-math.inf, math.inf)
_DEPTH = 24
_BITS = 24
_MOVES = (
    *("Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Flatten", "Expand", "Tile", "ReverseSequence"),
    *("Slice", "Split", "Gather", "GatherElements", "GatherND", "ReduceMax", "ReduceMin"),
    *("DepthToSpace", "SpaceToDepth"),
)
"""Operators that only move the numbers of their first operand."""


_INDEX = {
    **dict.fromkeys(("Gather", "GatherElements", "GatherND", "ScatterND", "ScatterElements"), (1,)),
    "Slice": (1, 2),
}
"""Which operands of an operator are indices."""
_INDEX_MADE = (
    "Add",
    "Sub",
    "Clip",
    "Cast",
    "Unsqueeze",
    "Squeeze",
    "Reshape",
    "Concat",
    "Expand",
    "Transpose",
    "Identity",
)
"""Operators that make indices of indices."""


def check_whole(node: onnx_ir.Node) -> None:
    """Check that all numbers that ``node`` computes are exact in float32, if they are whole ones.

    Raises:
        Refused: They may be too large, or wrap around.
    """
    for value in node.outputs:
        if value.dtype not in WHOLE or _is_index(value):
            continue
        check_range(value)
        if max(map(abs, interval(value))) > EXACT:
            raise Refused(f"whole numbers may be beyond {EXACT}, to where float32 holds each of them")


def check_range(value: onnx_ir.Value) -> None:
    """Check that whatever the node before ``value`` computes is in the range of its type.

    Raises:
        Refused: It may wrap around.
    """
    (low, high), (least, most) = interval(value), _range(value)
    if value.dtype in WHOLE and (low < least or high > most):
        raise Refused("whole numbers may wrap around")


@visiting_once
def _is_index(value: onnx_ir.Value, depth: int = _DEPTH) -> bool:
    """Whether ``value`` is used for indices only: what is none is out of range, however it is rounded."""
    uses = value.uses()
    if value.is_graph_output() or not uses or not depth:
        return False
    return all(
        use.idx in _INDEX.get(use.node.op_type, ())
        or (use.node.op_type in _INDEX_MADE and all(_is_index(made, depth - 1) for made in use.node.outputs))
        for use in uses
    )


def _range(value: onnx_ir.Value) -> Interval:
    """What the type of ``value`` holds, if that is less than float32 does."""
    small = value.dtype in WHOLE and value.dtype.itemsize * 8 < _BITS
    if value.dtype is None or not small:
        return _ANY
    limits = np.iinfo(value.dtype.numpy())
    return int(limits.min), int(limits.max)


@visiting_once
def interval(value: onnx_ir.Value, depth: int = _DEPTH) -> Interval:
    """The least and the largest number that ``value`` can hold, as far as the nodes before it tell."""
    if value.dtype == onnx_ir.DataType.BOOL:
        return 0, 1
    if is_constant(value):
        elements = array(value)
        return (float(elements.min()), float(elements.max())) if elements.size else (0, 0)
    node = value.producer()
    if is_parameter(value) or node is None or node.domain or not depth:
        return _range(value)
    known = contents(value)
    if known is not None and BATCH not in known.reshape(-1).tolist():
        return min(known.reshape(-1).tolist(), default=0), max(known.reshape(-1).tolist(), default=0)
    found = [_ANY if source is None else interval(source, depth - 1) for source in node.inputs]
    if node.op_type in _MOVES:
        return found[0]
    rule = _RULES.get(node.op_type)
    return _range(value) if rule is None else rule(node, found)


def _cast(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    low, high = found[0]
    return (math.trunc(low) if math.isfinite(low) else low, math.trunc(high) if math.isfinite(high) else high)


def _clip(node: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    low, high = found[0]
    given = list(zip(node.inputs, found, strict=True))[1:]
    if given and given[0][0] is not None:
        low, high = max(low, given[0][1][0]), max(high, given[0][1][1])
    if len(given) > 1 and given[1][0] is not None:
        low, high = min(low, given[1][1][0]), min(high, given[1][1][1])
    return low, high


def _add(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    return sum(low for low, _ in found), sum(high for _, high in found)


def _subtract(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = found
    return low - most, high - least


def _multiply(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    ends = [0.0 if 0 in (left, right) else left * right for left in found[0] for right in found[1]]
    return min(ends), max(ends)


def _size(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    low, high = found[0]
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _index(node: onnx_ir.Node, _: Sequence[Interval]) -> Interval:
    data = node.inputs[0]
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
    length = dims(data)[axis] if data is not None else BATCH
    return (0, length - 1) if isinstance(length, int) else (0, EXACT)


def _union(skipped: int) -> Callable[[onnx_ir.Node, Sequence[Interval]], Interval]:
    def rule(_: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
        return min(low for low, _ in found[skipped:]), max(high for _, high in found[skipped:])

    return rule


def _total(node: onnx_ir.Node, found: Sequence[Interval]) -> Interval:
    data, result = (dims(value) for value in (node.inputs[0], node.outputs[0]) if value is not None)
    if BATCH in (*data, *result):
        return _ANY
    count = math.prod(int(size) for size in data) // max(math.prod(int(size) for size in result), 1)
    low, high = found[0]
    return min(low * count, low), max(high * count, high)


_RULES: dict[str, Callable[[onnx_ir.Node, Sequence[Interval]], Interval]] = {
    "Cast": _cast,
    "Clip": _clip,
    "Add": _add,
    "Sum": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "Neg": lambda _, found: (-found[0][1], -found[0][0]),
    "Abs": _size,
    "Sign": lambda *_: (-1, 1),
    "Max": lambda _, found: (max(low for low, _ in found), max(high for _, high in found)),
    "Min": lambda _, found: (min(low for low, _ in found), min(high for _, high in found)),
    "Where": _union(1),
    "Concat": _union(0),
    "Relu": lambda _, found: (max(found[0][0], 0), max(found[0][1], 0)),
    "ArgMax": _index,
    "ArgMin": _index,
    "ReduceSum": _total,
    "Floor": lambda _, found: (found[0][0] - 1, found[0][1]),
    "Ceil": lambda _, found: (found[0][0], found[0][1] + 1),
    "Round": lambda _, found: (found[0][0] - 1, found[0][1] + 1),
    "Sigmoid": lambda *_: (0, 1),
    "Tanh": lambda *_: (-1, 1),
    "Softmax": lambda *_: (0, 1),
}
