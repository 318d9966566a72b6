"""Operators that go element by element: they take the order that their input has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.passes.channels_last.ahead import is_mixable
from converter.passes.channels_last.layout import Mixed, Perm, identity, wide
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Rewriter
from converter.passes.fold import is_constant, is_parameter


def unary(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """The same order as the input's."""
    first, *others = node.inputs
    if first is None:
        return
    place = rewriter.place(first)
    node.replace_input_with(0, place.value)
    for index, value in enumerate(others, 1):
        if value is not None:
            node.replace_input_with(index, rewriter.plain(value))
    for output in node.outputs:
        rewriter.put(output, place.perm, mixed=place.mixed)


def broadcast(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """The order in which the fewest elements are moved."""
    values = [value for value in node.inputs if value is not None]
    mixed = [value for value in values if rewriter.place(value).mixed is not None]
    if mixed:
        _mixed(rewriter, node, mixed, values)
        return
    perm = cheapest(rewriter, values)
    for index, value in enumerate(values):
        node.replace_input_with(index, rewriter.ranked(value, len(perm), perm))
    rewriter.put(node.outputs[0], perm)


def _mixed(
    rewriter: Rewriter, node: onnx_ir.Node, mixed: Sequence[onnx_ir.Value], values: Sequence[onnx_ir.Value]
) -> None:
    place = rewriter.place(mixed[0])
    order, rank = place.mixed, len(place.perm)
    alike = order is not None and all(rewriter.place(value).mixed == order for value in mixed)
    others = [value for value in values if value not in mixed]
    if order is None or not alike or not all(is_mixable(rewriter, value, mixed[0]) for value in others):
        plain(rewriter, node)
        return
    for index, value in enumerate(values):
        place = rewriter.place(value)
        node.replace_input_with(index, place.value if value in mixed else _parameter(rewriter, value, rank, order))
    rewriter.put(node.outputs[0], identity(rank), mixed=order)


def _parameter(rewriter: Rewriter, value: onnx_ir.Value, rank: int, mixed: Mixed) -> onnx_ir.Value:
    shape = rewriter.shape(value)
    axis = mixed.axis - rank + len(shape)
    if axis < 0 or shape[axis] == 1:
        return value
    return rewriter.mixed_parameter(value, axis, mixed)


def cheapest(rewriter: Rewriter, values: Sequence[onnx_ir.Value]) -> Perm:
    """The order, of those that ``values`` of the most axes are stored in, in which the fewest elements are moved."""
    rank = max(len(rewriter.shape(value)) for value in values)
    computed = [value for value in values if not (is_parameter(value) or is_constant(value))]
    perms = [rewriter.place(value).perm for value in computed if len(rewriter.shape(value)) == rank]
    perms = [perm for perm in perms if perm != identity(rank)]
    return min([*perms, identity(rank)], key=lambda perm: sum(_cost(rewriter, value, perm) for value in computed))


def _cost(rewriter: Rewriter, value: onnx_ir.Value, perm: Perm) -> int:
    """How many elements of ``value`` are moved, of one image, to be in the order ``perm``."""
    shape, place = rewriter.shape(value), rewriter.place(value)
    more = len(perm) - len(shape)
    held = [axis + more for axis in wide(shape, place.perm)]
    if held == wide((1,) * more + tuple(shape), perm) and place.mixed is None:
        return 0
    return math.prod(size for size in shape if isinstance(size, int))
