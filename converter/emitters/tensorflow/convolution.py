"""Convolutions, and transposed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.operand import fresh, is_stored, static
from converter.emitters.python import literal
from converter.emitters.statement import State, Statement
from converter.emitters.tensorflow.layout import Layout, around, both, layout_of
from converter.emitters.tensorflow.operand import line, state
from converter.emitters.tensorflow.window import Windows, steps, windows_of


@dataclass
class Filters:
    """A weight in the expression of a convolution.

    Attributes:
        text: How the expression spells it.
        operands: What that reads, beside the data.
        tensors: The variable that it is.
    """

    text: str
    operands: list[onnx_ir.Value] = field(default_factory=list)
    tensors: dict[str, State] = field(default_factory=dict)


@emits("tensorflow", *both("Conv"))
def conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``tf.nn.conv1d``, ``conv2d``, ``conv3d``, or ``depthwise_conv2d``, and ``tf.nn.bias_add``.

    The padding is ``"SAME"`` only where that is the same. Groups of a volume are convolved one by one.
    """
    layout = layout_of(node)
    kernel = tuple(kernel_shape) or static(weight, *range(2, 2 + layout.rank))
    windows = windows_of(node, layout, kernel, auto_pad, strides, dilations, pads)
    out, inner = static(weight, 0, 1)
    if _is_depthwise(layout, windows, inner, group):
        shape = (group, out // group, *kernel)
        text, filters = _depthwise_text(layout, windows), _filters(weight, (2, 3, 0, 1), shape)
        pairs = windows.pads(layout)
    else:
        filters = _filters(weight, (*range(2, 2 + layout.rank), 1, 0))
        text, pairs = _text(layout, windows, group), windows.pads(layout)
    statements, source = [], data
    if "{padding}" not in text and not windows.same and windows.padded:
        source = fresh(node, "padded")
        statements.append(line(node, "tf.pad({0}, {padding})", data, outputs=[source], padding=pairs))
        text = text.replace('"SAME"', '"VALID"')
    return [*statements, *_with_bias(node, text, source, filters, bias, layout, padding=pairs)]


def _is_depthwise(layout: Layout, windows: Windows, inner: int, group: int) -> bool:
    """Whether ``tf.nn.depthwise_conv2d`` computes it, wherever it runs."""
    even = len(set(windows.strides)) == 1 and (windows.strides[0] == 1 or set(windows.dilations) == {1})
    return layout.rank == 2 and layout.last and group > 1 and inner == 1 and even


def _filters(weight: onnx_ir.Value, perm: Sequence[int], shape: Sequence[int] | None = None) -> Filters:
    if is_stored(weight):
        return Filters("{weight}", tensors={"weight": state(weight, shape, perm)})
    text = "{1}" if shape is None else f"tf.reshape({{1}}, {list(shape)})"
    return Filters(f"tf.transpose({text}, {list(perm)})", [weight])


def _padding(windows: Windows, explicit: bool) -> str:
    if not windows.padded:
        return '"VALID"'
    return '"SAME"' if windows.same or not explicit else "{padding}"


def _depthwise_text(layout: Layout, windows: Windows) -> str:
    strides = literal(layout.full(windows.strides, 1))
    wide = "" if max(windows.dilations) == 1 else f", dilations={literal(list(windows.dilations))}"
    return f"tf.nn.depthwise_conv2d({{0}}, {{filters}}, {strides}, padding={_padding(windows, True)}{wide})"


def _text(layout: Layout, windows: Windows, group: int) -> str:
    """The convolution of ``{0}`` with ``{filters}``; padding that it cannot be told of comes before."""
    if not layout.last and layout.rank != 2:
        return around(layout.rank, _text(Layout(layout.rank, True), windows, group))
    if layout.rank == 3:
        return _volume_text(layout, windows, group)
    padding = _padding(windows, layout.rank == 2)
    wide = "" if max(windows.dilations) == 1 else f", dilations={steps(windows.dilations)}"
    told = f"{steps(windows.strides)}, {padding}{layout.format}{wide}"
    return f"tf.nn.conv{layout.rank}d({{0}}, {{filters}}, {told})"


def _volume_text(layout: Layout, windows: Windows, group: int) -> str:
    """Likewise of volumes, whose strides are of all axes; groups and dilation TensorFlow's CPU does not have."""
    filters = "{filters}"
    if max(windows.dilations) > 1:
        filters = f"dilate({{filters}}, {literal(list(windows.dilations))})"
    strides = literal(layout.full(windows.strides, 1))
    tail = f"{strides}, {_padding(windows, False)}"
    if group == 1:
        return f"tf.nn.conv3d({{0}}, {filters}, {tail})"
    return (
        f"tf.concat([tf.nn.conv3d(part, filters, {tail}) for part, filters in"
        f" zip(tf.split({{0}}, {group}, {layout.channels}), tf.split({filters}, {group}, -1))], {layout.channels})"
    )


def _with_bias(
    node: onnx_ir.Node,
    text: str,
    data: onnx_ir.Value,
    filters: Filters,
    bias: onnx_ir.Value | None,
    layout: Layout,
    output: onnx_ir.Value | None = None,
    **arguments: Any,
) -> list[Statement]:
    """The statement of ``text``, and one that adds the bias."""
    output = node.outputs[0] if output is None else output
    product = output if bias is None else fresh(node, "product")
    library = [name for name in ("dilate", "spread") if f"{name}(" in text]
    text = text.replace("{filters}", filters.text)
    operands, tensors = filters.operands, filters.tensors
    result = [line(node, text, data, *operands, outputs=[product], library=library, tensors=tensors, **arguments)]
    return result if bias is None else [*result, add_bias(node, product, bias, layout, output)]


def add_bias(
    node: onnx_ir.Node, product: onnx_ir.Value, bias: onnx_ir.Value, layout: Layout, output: onnx_ir.Value
) -> Statement:
    """The statement that adds a number for each channel."""
    if layout.rank == 2 or layout.last:
        text = f"tf.nn.bias_add({{0}}, {{1}}{layout.format if layout.rank == 2 else ''})"
    else:
        text = f"{{0}} + tf.reshape({{1}}, {[-1, *[1] * layout.rank]})"
    return line(node, text, product, bias, roles=("", "bias"), outputs=[output])


@emits("tensorflow", *both("ConvTranspose"))
def conv_transpose(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    output_shape: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``tf.nn.conv1d_transpose``, ``conv2d_transpose`` or ``conv3d_transpose``, of which a slice is cut.

    With groups or dilation it is a convolution over data with zeros in between, which TensorFlow Lite has too.
    """
    del output_padding  # which the shape of the result has
    if auto_pad not in {"NOTSET", "VALID"} or output_shape:
        raise Refused(f"auto_pad is {auto_pad}" if not output_shape else "output_shape is given")
    layout = layout_of(node)
    kernel = tuple(kernel_shape) or static(weight, *range(2, 2 + layout.rank))
    plain = windows_of(node, layout, kernel, "VALID", strides, dilations, ())
    rank = layout.rank
    cut = (tuple(pads) or (0,) * 2 * rank) if auto_pad == "NOTSET" else (0,) * 2 * rank
    begin = tuple(cut[:rank])
    sizes, results = layout.sizes(data), layout.sizes(node.outputs[0])
    if group > 1 or max(plain.dilations) > 1:
        return _over_zeros(node, data, weight, bias, layout, plain, group, begin)
    return _transposed(node, data, weight, bias, layout, plain, begin, sizes, results)


def _transposed(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    layout: Layout,
    windows: Windows,
    begin: Sequence[int],
    sizes: Sequence[int],
    results: Sequence[int],
) -> list[Statement]:
    whole = tuple(
        (size - 1) * step + span for size, step, span in zip(sizes, windows.strides, windows.spans, strict=True)
    )
    end = tuple(full - first - result for full, first, result in zip(whole, begin, results, strict=True))
    same = replace(windows, sizes=tuple(results), begin=tuple(begin), end=tuple(max(size, 0) for size in end))
    is_same = min(end) >= 0 and same.same and any(same.begin + same.end)
    shape = results if is_same else whole
    text = _transposed_text(layout, windows, shape, static(weight, 1)[0], '"SAME"' if is_same else '"VALID"')
    text = text if layout.last else around(layout.rank, text)
    filters = _filters(weight, (*range(2, 2 + layout.rank), 1, 0))
    if is_same or (whole == tuple(results) and not any(begin)):
        return _with_bias(node, text, data, filters, bias, layout)
    full = fresh(node, "whole")
    target = node.outputs[0] if bias is None else fresh(node, "product")
    statements = _with_bias(node, text, data, filters, None, layout, full)
    statements += _crop(node, full, layout, begin, end, results, target)
    return statements if bias is None else [*statements, add_bias(node, target, bias, layout, node.outputs[0])]


def _transposed_text(layout: Layout, windows: Windows, shape: Sequence[int], filters: int, padding: str) -> str:
    given = f"[tf.shape({{0}})[0], {', '.join(map(str, (*shape, filters)))}]"
    function = f"tf.nn.conv{layout.rank}d_transpose"
    return f"{function}({{0}}, {{filters}}, {given}, {steps(windows.strides)}, {padding})"


def _crop(
    node: onnx_ir.Node,
    whole: onnx_ir.Value,
    layout: Layout,
    begin: Sequence[int],
    end: Sequence[int],
    results: Sequence[int],
    output: onnx_ir.Value,
) -> list[Statement]:
    """Statements that cut ``begin`` and ``end`` off, or add zeros where that is negative."""
    spans = [
        f"{first or ''}:{first + size if last > 0 else ''}"
        for first, last, size in zip(begin, end, results, strict=True)
    ]
    cut = ", ".join(layout.full(spans, ":"))
    more = layout.full([[0, max(-last, 0)] for last in end], [0, 0])
    if min(end) >= 0:
        return [line(node, f"{{0}}[{cut}]", whole, outputs=[output])]
    if not any(begin) and max(end) <= 0:
        return [line(node, "tf.pad({0}, {more})", whole, outputs=[output], more=more)]
    part = fresh(node, "part")
    return [
        line(node, f"{{0}}[{cut}]", whole, outputs=[part]),
        line(node, "tf.pad({0}, {more})", part, outputs=[output], more=more),
    ]


def _over_zeros(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    layout: Layout,
    windows: Windows,
    group: int,
    begin: Sequence[int],
) -> list[Statement]:
    """A convolution, of the filter turned around, over the data with zeros between them and around them."""
    sizes, results = layout.sizes(data), layout.sizes(node.outputs[0])
    first = [span - 1 - cut for span, cut in zip(windows.spans, begin, strict=True)]
    wide = [(size - 1) * step + 1 for size, step in zip(sizes, windows.strides, strict=True)]
    last = [
        result + span - 1 - size - before
        for result, span, size, before in zip(results, windows.spans, wide, first, strict=True)
    ]
    if min(first + last) < 0:
        raise Refused(f"pads {list(begin)} cut more than a window off")
    pads = literal([[before, after] for before, after in zip(first, last, strict=True)])
    source, statements = fresh(node, "spread"), []
    text = f"spread({{0}}, {literal(list(windows.strides))}, {pads}, {layout.axes[0]})"
    statements.append(line(node, text, data, outputs=[source], library=["spread"]))
    plain = replace(windows, strides=(1,) * layout.rank, sizes=tuple(results))
    channels, out = static(weight, 0, 1)
    filters = _turned(weight, group, windows.kernel)
    depthwise = layout.rank == 2 and layout.last and channels == group and group > 1
    if depthwise and is_stored(weight):
        held = filters.tensors["weight"]
        shape = (*windows.kernel, group, out)
        filters = Filters(
            "{weight}", tensors={"weight": State(shape, plan.reshape(held.value, shape), held.dtype, held.trained)}
        )
        convolved = _depthwise_text(layout, plain)
    else:
        convolved = _text(layout, plain, group)
    return [*statements, *_with_bias(node, convolved, source, filters, bias, layout)]


def _turned(weight: onnx_ir.Value, group: int, kernel: Sequence[int]) -> Filters:
    """The filters of a transposed convolution as those of a convolution: rows x columns x in / group x out.

    Out of C x M / group x rows x columns.
    """
    rank = len(kernel)
    channels, out = static(weight, 0, 1)
    split, moved = (group, channels // group, out, *kernel), (*range(3, 3 + rank), 1, 0, 2)
    shape = (*kernel, channels // group, group * out)
    if not is_stored(weight):
        text = f"tf.transpose(tf.reshape({{1}}, {list(split)}), {list(moved)})"
        return Filters(f"tf.reverse(tf.reshape({text}, {list(shape)}), {list(range(rank))})", [weight])
    held = state(weight)
    value = plan.reshape(plan.transpose(plan.reshape(held.value, split), moved), shape)
    for axis, size in enumerate(kernel):
        value = plan.take(value, axis, list(range(size))[::-1]) if size > 1 else value
    return Filters("{weight}", tensors={"weight": State(shape, value, held.dtype, held.trained)})
