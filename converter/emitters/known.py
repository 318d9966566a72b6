"""What is known of a value while code is written: the whole numbers that are computed of shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import Refused, constant, is_constant
from converter.emitters.memo import visiting_once
from converter.ir import BATCH, Dim, dims

Contents: TypeAlias = npt.NDArray[np.object_]
"""Whole numbers, and :data:`BATCH` where the number is that of the batch."""


@visiting_once
def contents(value: onnx_ir.Value) -> Contents | None:
    """The whole numbers that ``value`` holds, if it is a constant or is computed of shapes; else None."""
    if is_constant(value):
        array = np.asarray(constant(value).numpy())
        return array.astype(object) if array.dtype.kind in "iu" else None
    node = value.producer()
    if node is None or node.op_type not in _RULES or node.domain or not is_whole(value):
        return None
    if node.op_type in ("Shape", "Size"):
        return _RULES[node.op_type](node, [])
    found = [None if source is None else contents(source) for source in node.inputs]
    if any(array is None and source is not None for array, source in zip(found, node.inputs, strict=True)):
        return None
    return _RULES[node.op_type](node, found)


def numbers(value: onnx_ir.Value) -> list[int]:
    """The whole numbers that ``value`` holds.

    Raises:
        Refused: They are not known, or the batch is among them.
    """
    found = contents(value)
    if found is None or BATCH in found.reshape(-1).tolist():
        raise Refused(f"{value.name} has to be known without running the network")
    return [int(number) for number in found.reshape(-1)]


def sizes(shape: Sequence[Dim], what: str) -> tuple[int, ...]:
    """``shape``, all of which has to be known.

    Raises:
        Refused: The batch is ``what``: pooled, reduced to a layer's normal.
    """
    if BATCH in shape:
        raise Refused(f"the batch is {what}")
    return tuple(int(dim) for dim in shape)


def batch_of(value: onnx_ir.Value) -> tuple[onnx_ir.Value, int] | None:
    """A value with the batch that ``value`` was computed of, and the axis that it is; None if it was of none."""
    pending, seen = [value], {value}
    for each in pending:
        shape, node = dims(each), each.producer()
        if BATCH in shape:
            return each, shape.index(BATCH)
        sources = [] if node is None else [source for source in node.inputs if source is not None]
        pending += [source for source in sources if source not in seen]
        seen.update(sources)
    return None


def kind_of(value: onnx_ir.Value) -> onnx_ir.DataType:
    """The element type of ``value`` in the IR."""
    return onnx_ir.DataType.FLOAT if value.dtype is None else value.dtype


def is_whole(value: onnx_ir.Value) -> bool:
    """Whether ``value`` holds whole numbers."""
    return not kind_of(value).is_floating_point() and kind_of(value) != onnx_ir.DataType.BOOL


def _attribute(node: onnx_ir.Node, name: str, default: Any) -> Any:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.value


def _shape(node: onnx_ir.Node, _: Sequence[Contents | None]) -> Contents | None:
    shape = dims(_input(node))
    start, end = _attribute(node, "start", 0), _attribute(node, "end", None)
    return np.array(shape[start:end], object)


def _size(node: onnx_ir.Node, _: Sequence[Contents | None]) -> Contents | None:
    shape = dims(_input(node))
    return None if BATCH in shape else np.array(math.prod(int(dim) for dim in shape), object)


def _input(node: onnx_ir.Node) -> onnx_ir.Value:
    value = node.inputs[0]
    if value is None:
        raise AssertionError(f"{node.name} has no input")
    return value


def _gather(node: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
    table, index = _pair(found)
    return np.asarray(np.take(table, index.astype(np.int64), axis=_attribute(node, "axis", 0)), object)


def _pair(found: Sequence[Contents | None]) -> tuple[Contents, Contents]:
    first, second = found[:2]
    if first is None or second is None:
        raise AssertionError("both are there")
    return first, second


def _first(found: Sequence[Contents | None]) -> Contents:
    if found[0] is None:
        raise AssertionError("it is there")
    return found[0]


def _concat(node: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
    return np.concatenate([array for array in found if array is not None], axis=_attribute(node, "axis", 0))


def _same(node: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
    """Squeeze, Unsqueeze, Reshape, Identity and Cast keep the numbers; the shape is known."""
    shape = dims(node.outputs[0])
    whole = kind_of(node.outputs[0]) in (onnx_ir.DataType.INT64, onnx_ir.DataType.INT32)
    return _first(found).reshape([int(dim) for dim in shape]) if whole and BATCH not in shape else None


def _slice(_: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
    table = _first(found)
    starts, ends, axes, steps = ([*found[1:], None, None])[:4]
    if table.ndim != 1 or starts is None or ends is None or (axes is not None and axes.tolist() not in ([0], [-1])):
        return None
    step = 1 if steps is None else int(steps[0])
    return table[slice(int(starts[0]), int(ends[0]), step)]


def _combined(combine: Callable[[int, int], int]) -> Callable[[onnx_ir.Node, Sequence[Contents | None]], Any]:
    def rule(_: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
        left, right = _pair(found)
        if BATCH in left.reshape(-1).tolist() or BATCH in right.reshape(-1).tolist():
            return None
        return np.asarray(np.vectorize(combine, otypes=[object])(left, right), object)

    return rule


def _range(_: onnx_ir.Node, found: Sequence[Contents | None]) -> Contents | None:
    limits = [None if array is None else array.reshape(()).item() for array in found]
    return (
        None if BATCH in limits else np.array(range(*(int(limit) for limit in limits if limit is not None)), object)
    )


_RULES: dict[str, Callable[[onnx_ir.Node, Sequence[Contents | None]], Contents | None]] = {
    "Shape": _shape,
    "Size": _size,
    "Gather": _gather,
    "Concat": _concat,
    **dict.fromkeys(("Squeeze", "Unsqueeze", "Reshape", "Identity", "Cast"), lambda n, f: _same(n, f[:1])),
    "Slice": _slice,
    "Add": _combined(lambda left, right: left + right),
    "Sub": _combined(lambda left, right: left - right),
    "Mul": _combined(lambda left, right: left * right),
    "Max": _combined(max),
    "Min": _combined(min),
    "Range": _range,
}
