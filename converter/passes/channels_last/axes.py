"""Operators along axes, which are other axes where the order is another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir

from converter.ir import dims
from converter.passes.channels_last.elementwise import cheapest, unary
from converter.passes.channels_last.layout import Perm, identity, without
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Rewriter
from converter.passes.fold import is_constant

Rule = Callable[[Rewriter, onnx_ir.Node], None]


def along(default: int) -> Rule:
    """The rule for operators whose attribute ``axis`` is ``default`` where it is left out, and that keep all axes."""

    def rule(rewriter: Rewriter, node: onnx_ir.Node) -> None:
        perm = _first(rewriter, node)
        _set_axis(node, perm.index(_axis(node, default, len(perm))))
        for output in node.outputs:
            rewriter.put(output, perm)

    return rule


def concat(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """In the order in which the fewest elements are moved."""
    values = [value for value in node.inputs if value is not None]
    perm = cheapest(rewriter, values)
    for index, value in enumerate(values):
        node.replace_input_with(index, rewriter.stored(value, perm))
    _set_axis(node, perm.index(_axis(node, 0, len(perm))))
    rewriter.put(node.outputs[0], perm)


def reduce(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axes, which are an input."""
    given = node.inputs[1] if len(node.inputs) > 1 else None
    axes = None if given is None or dims(given) == (0,) else _integers(given)
    if given is not None and _integers(given) is None:
        plain(rewriter, node)
    elif axes is None and _flag(node, "noop_with_empty_axes", 0):
        unary(rewriter, node)
    else:
        perm = _first(rewriter, node)
        whole = sorted(axis % len(perm) for axis in axes) if axes is not None else list(range(len(perm)))
        if axes is not None:
            node.replace_input_with(1, rewriter.constant(sorted(perm.index(axis) for axis in whole)))
        rewriter.put(node.outputs[0], perm if _flag(node, "keepdims", 1) else without(perm, whole))


def arg_reduce(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axis, which is an attribute."""
    perm = _first(rewriter, node)
    axis = _axis(node, 0, len(perm))
    _set_axis(node, perm.index(axis))
    rewriter.put(node.outputs[0], perm if _flag(node, "keepdims", 1) else without(perm, [axis]))


def cum_sum(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axis, which is an input."""
    axis = _integers(node.inputs[1])
    if axis is None:
        plain(rewriter, node)
        return
    perm = _first(rewriter, node)
    node.replace_input_with(1, rewriter.constant(np.asarray(perm.index(axis[0] % len(perm)))))
    rewriter.put(node.outputs[0], perm)


def slice_(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axes, in ONNX's order of the inputs: data, starts, ends, axes, steps."""
    starts = node.inputs[1]
    axes = _axes_input(node, 3, 0 if starts is None else int(dims(starts)[0]))
    if axes is None:
        plain(rewriter, node)
        return
    _with_axes(rewriter, node, 3, axes)


def pad(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axes; all of them are named where the padding is of all: data, pads, value, axes."""
    rank = 0 if node.inputs[0] is None else len(rewriter.shape(node.inputs[0]))
    axes = _axes_input(node, 3, rank)
    if axes is None:
        plain(rewriter, node)
        return
    pads = _integers(node.inputs[1])
    if pads is None or len(axes) != rank:
        _with_axes(rewriter, node, 3, axes)
        return
    perm = _first(rewriter, node)
    begin = dict(zip((axis % rank for axis in axes), zip(pads[:rank], pads[rank:], strict=True), strict=True))
    node.resize_inputs(min(len(node.inputs), 3))
    node.replace_input_with(1, rewriter.constant([begin[axis][end] for end in (0, 1) for axis in perm]))
    rewriter.put(node.outputs[0], perm)


def by_axis(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """A number for each axis, which is the second input: of Tile repeats, of Expand sizes."""
    numbers = _integers(node.inputs[1])
    first = node.inputs[0]
    if first is None or numbers is None or len(numbers) != len(rewriter.shape(first)):
        plain(rewriter, node)
        return
    perm = _first(rewriter, node)
    node.replace_input_with(1, rewriter.constant([numbers[axis] for axis in perm]))
    rewriter.put(node.outputs[0], perm)


def gather(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """Along the same axis, of one index or a row of them."""
    data, indices = node.inputs[:2]
    if data is None or indices is None or len(rewriter.shape(indices)) > 1 or not rewriter.is_moved(data):
        plain(rewriter, node)
        return
    perm = _first(rewriter, node)
    node.replace_input_with(1, rewriter.plain(indices))
    axis = _axis(node, 0, len(perm))
    _set_axis(node, perm.index(axis))
    rewriter.put(node.outputs[0], perm if rewriter.shape(indices) else without(perm, [axis]))


def shape(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """The sizes of what is stored, in the IR's order."""
    first = node.inputs[0]
    if first is None or not rewriter.is_moved(first):
        plain(rewriter, node)
        return
    perm = rewriter.place(first).perm
    wanted = list(range(len(perm)))[slice(_flag(node, "start", 0), _flag(node, "end", None))]
    whole = rewriter.insert("Shape", [rewriter.place(first).value], [len(perm)], f"{node.name}/stored")
    whole.type = node.outputs[0].type
    node.op_type = "Gather"
    node.attributes.clear()
    node.resize_inputs(2)
    node.replace_input_with(0, whole)
    node.replace_input_with(1, rewriter.constant([perm.index(axis) for axis in wanted]))


def size(rewriter: Rewriter, node: onnx_ir.Node) -> None:
    """The number of elements, in whatever order."""
    if node.inputs[0] is not None:
        node.replace_input_with(0, rewriter.place(node.inputs[0]).value)


def _first(rewriter: Rewriter, node: onnx_ir.Node) -> Perm:
    """Give ``node`` its first input in the order in which it is, which is returned, and all others as in the IR."""
    first, *others = node.inputs
    if first is None:
        raise AssertionError(f"{node.name} has no input")
    perm = rewriter.place(first).perm
    node.replace_input_with(0, rewriter.stored(first, perm))
    for index, value in enumerate(others, 1):
        if value is not None:
            node.replace_input_with(index, rewriter.plain(value))
    return perm


def _with_axes(rewriter: Rewriter, node: onnx_ir.Node, place: int, axes: Sequence[int]) -> None:
    """The axes of ``node``, its input number ``place``, as they are stored."""
    perm = _first(rewriter, node)
    if perm != identity(len(perm)):
        node.resize_inputs(max(len(node.inputs), place + 1))
        node.replace_input_with(place, rewriter.constant([perm.index(axis % len(perm)) for axis in axes]))
    rewriter.put(node.outputs[0], perm)


def _axes_input(node: onnx_ir.Node, place: int, count: int) -> list[int] | None:
    """The axes that input number ``place`` names; the first ``count`` if it is left out, None if it is computed."""
    given = node.inputs[place] if len(node.inputs) > place else None
    return list(range(count)) if given is None else _integers(given)


def _integers(value: onnx_ir.Value | None) -> list[int] | None:
    tensor = None if value is None or not is_constant(value) else onnx_ir.convenience.get_const_tensor(value)
    return None if tensor is None else [int(number) for number in np.asarray(tensor.numpy()).reshape(-1)]


def _flag(node: onnx_ir.Node, name: str, default: Any) -> Any:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.value


def _axis(node: onnx_ir.Node, default: int, rank: int) -> int:
    return int(_flag(node, "axis", default)) % rank


def _set_axis(node: onnx_ir.Node, axis: int) -> None:
    node.attributes["axis"] = onnx_ir.AttrInt64("axis", axis)
