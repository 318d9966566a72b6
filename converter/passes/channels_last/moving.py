"""Operators that only move elements, or only say what shape they have: mostly they cost nothing."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.ir import BATCH, Dim
from converter.passes.channels_last.ahead import absorbs, wants_channels_last
from converter.passes.channels_last.layout import (
    RANKS,
    Group,
    Mixed,
    Perm,
    channels_last,
    groups,
    identity,
    reshaped,
    stored,
    wide,
)
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Place, Rewriter
from converter.passes.fold import is_constant, is_parameter


def transpose(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Nothing: from now on the same elements are in another order than the IR's."""
    first, output = node.inputs[0], node.outputs[0]
    if first is None or is_parameter(first) or is_constant(first):
        plain(rewriter, node)
        return
    held = rewriter.place(first).perm
    attribute = node.attributes.get("perm")
    order = identity(len(held))[::-1] if attribute is None else tuple(attribute.as_ints())
    rewriter.alias(output, Place(rewriter.stored(first, held), tuple(order.index(axis) for axis in held)))


def reshape(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """The same elements in another shape, in the order that they have, as far as that keeps axes apart.

    Axes that are flattened into one are left in the order that they have where a dense layer reads them.
    """
    first, output = node.inputs[0], node.outputs[0]
    if first is None or rewriter.place(first).plain or not _reshape(rewriter, node, first, output):
        plain(rewriter, node)


def _reshape(rewriter: Rewriter, node: onnx_ir.Node, first: onnx_ir.Value, output: onnx_ir.Value) -> bool:
    before, after = rewriter.shape(first), rewriter.shape(output)
    found = groups(before, after)
    if found is None or after.count(BATCH) > 1:
        return False
    held = rewriter.place(first).perm
    arranged = _arranged(found, wide(before, held), before=True)
    if arranged is not None:
        _become(rewriter, node, rewriter.stored(first, held), _made(after, arranged))
        return True
    return _flatten(rewriter, node, first, found) or _sort(rewriter, node, first, found)


def _arranged(found: Sequence[Group], order: Sequence[int], *, before: bool) -> list[Group] | None:
    """The groups in the order in which their axes are stored; None if these are not together, in the IR's order."""
    first = {(group.before if before else group.after)[0]: group for group in found}
    arranged = [first[axis] for axis in order if axis in first]
    axes = [axis for group in arranged for axis in (group.before if before else group.after)]
    return arranged if axes == list(order) else None


def _made(after: Sequence[Dim], arranged: Sequence[Group]) -> Perm:
    return reshaped(after, [axis for group in arranged for axis in group.after])


def _flatten(rewriter: Rewriter, node: onnx_ir.Node, first: onnx_ir.Value, found: Sequence[Group]) -> bool:
    """Leave the order as it is, if what reads the flattened axis can have it."""
    output = node.outputs[0]
    before, after, place = rewriter.shape(first), rewriter.shape(output), rewriter.place(first)
    order = wide(before, place.perm)
    joined = [group for group in found if len(group.before) > 1]
    if place.mixed is not None or len(joined) != 1 or len(joined[0].after) > 1:
        return False
    axes, start = joined[0].before, order.index(min(joined[0].before, key=order.index))
    held = order[start : start + len(axes)]
    if sorted(held) != list(axes) or [*order[:start], *axes, *order[start + len(axes) :]] != sorted(order):
        return False
    if any(not isinstance(before[axis], int) for axis in axes):
        return False
    sizes = tuple(int(before[axis]) for axis in axes)
    mixed = Mixed(joined[0].after[0], sizes, tuple(axes.index(axis) for axis in held))
    if not absorbs(rewriter, output, mixed):
        return False
    _become(rewriter, node, place.value, identity(len(after)), mixed)
    return True


def _sort(rewriter: Rewriter, node: onnx_ir.Node, first: onnx_ir.Value, found: Sequence[Group]) -> bool:
    """Move the axes to where the result is channels last, if that is wanted: a shuffle of channels is a transpose."""
    output = node.outputs[0]
    before, after = rewriter.shape(first), rewriter.shape(output)
    if len(after) not in RANKS or not wants_channels_last(output, rewriter.operators):
        return False
    last = channels_last(len(after))
    arranged = _arranged(found, wide(after, last), before=False)
    if arranged is None:
        return False
    held = reshaped(before, [axis for group in arranged for axis in group.before])
    _become(rewriter, node, rewriter.stored(first, held), last)
    return True


def _become(
    rewriter: Rewriter, node: onnx_ir.Node, value: onnx_ir.Value, perm: Perm, mixed: Mixed | None = None
) -> None:
    """Make ``node`` a reshape of ``value``, whose result is stored in the order ``perm``."""
    output = node.outputs[0]
    shape = stored(rewriter.shape(output), perm)
    node.op_type = "Reshape"
    node.attributes.clear()
    node.resize_inputs(2)
    node.replace_input_with(0, value)
    node.replace_input_with(1, rewriter.sizes(shape))
    rewriter.put(output, perm, mixed=mixed)
