"""Pooling, exactly where ONNX has its windows."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.operand import fresh
from converter.emitters.python import literal
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.layout import Layout, around, both, layout_of
from converter.emitters.tensorflow.operand import line
from converter.emitters.tensorflow.window import Windows, steps, windows_of


@emits("tensorflow", *both("MaxPool"))
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    storage_order: int = 0,
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``tf.nn.max_pool1d``, ``max_pool2d``, of volumes two of these; ``tf.nn.pool`` with dilation.

    Behind ``tf.pad`` with minus infinity where its padding is not ``"SAME"``.
    """
    del storage_order  # of the indices
    output = only_output(node)
    layout = layout_of(node)
    windows = windows_of(node, layout, kernel_shape, auto_pad, strides, dilations, pads, ceil_mode=ceil_mode)
    wide = max(windows.dilations) > 1
    if windows.padded and (wide or not windows.same):
        padded = fresh(node, "padded")
        text = 'tf.pad({0}, {pads}, constant_values=float("-inf"))'
        before = line(node, text, data, outputs=[padded], pads=windows.pads(layout))
        return [before, _pool(node, _text("max", layout, windows.without_padding()), padded, output)]
    return [_pool(node, _text("max", layout, windows), data, output)]


def _pool(node: onnx_ir.Node, text: str, data: onnx_ir.Value, output: onnx_ir.Value, **arguments: float) -> Statement:
    library = ["pool_volumes"] if "pool_volumes(" in text else []
    return line(
        node, text, data, outputs=[output], library=library, tensors=None, scalars=False, roles=(), **arguments
    )


def _text(kind: str, layout: Layout, windows: Windows, data: str = "{0}") -> str:
    """The pooling of ``data``, whose padding is ``SAME`` if there is any."""
    padding = '"SAME"' if windows.padded else '"VALID"'
    if not layout.last and (layout.rank != 2 or max(windows.dilations) > 1):
        return around(layout.rank, _text(kind, Layout(layout.rank, True), windows, data), data)
    if layout.rank == 3 and max(windows.dilations) == 1:
        sizes = f"{literal(list(windows.kernel))}, {literal(list(windows.strides))}"
        return f"pool_volumes({data}, tf.nn.{kind}_pool2d, {sizes}, {padding})"
    if max(windows.dilations) > 1:
        settings = f"padding={padding}, dilations={literal(list(windows.dilations))}"
        every = f"tf.nn.pool({data}, {literal(list(windows.kernel))}, {literal(kind.upper())}, {settings})"
        if max(windows.strides) == 1:
            return every
        return f"{every}[:, {', '.join(f'::{step}' for step in windows.strides)}]"  # it has no strides then
    told = f"{steps(windows.kernel)}, {steps(windows.strides)}, {padding}{layout.format}"
    return f"tf.nn.{kind}_pool{layout.rank}d({data}, {told})"


@emits("tensorflow", *both("AveragePool"))
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``tf.nn.avg_pool1d``, ``avg_pool2d``, of volumes two of these; ``tf.nn.pool`` with dilation.

    Behind ``tf.pad`` where padding counts. Where it does not, and is not that of ``"SAME"``, the quotient of two.
    """
    layout = layout_of(node)
    windows = windows_of(node, layout, kernel_shape, auto_pad, strides, dilations, pads, ceil_mode=ceil_mode)
    if any(windows.beyond) and count_include_pad:
        raise Refused("ceil_mode with count_include_pad: runtimes disagree on what lies beyond the padding")
    wide = max(windows.dilations) > 1
    if not windows.padded or (windows.same and not count_include_pad and not wide):
        return [_pool(node, _text("avg", layout, windows), data, node.outputs[0])]
    padded, inner = fresh(node, "padded"), windows.without_padding()
    before = line(node, "tf.pad({0}, {pads})", data, outputs=[padded], pads=windows.pads(layout))
    if count_include_pad:
        return [before, _pool(node, _text("avg", layout, inner), padded, node.outputs[0])]
    total, there, share = fresh(node, "sums"), fresh(node, "there"), fresh(node, "share")
    return [
        before,
        _pool(node, _text("avg", layout, inner), padded, total),
        line(node, "tf.pad(tf.ones_like({0}), {pads})", data, outputs=[there], pads=windows.pads(layout)),
        _pool(node, _text("avg", layout, inner), there, share),
        line(node, "{0} / {1}", total, share),
    ]


@emits("tensorflow", *both("LpPool"))
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] = (),
    p: int = 2,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """Powers, ``tf.nn.avg_pool2d`` and the like, times the size of a window, and a root."""
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")
    layout = layout_of(node)
    windows = windows_of(node, layout, kernel_shape, auto_pad, strides, dilations, pads, ceil_mode=ceil_mode)
    power = fresh(node, "power")
    texts = {1: "tf.abs({0})", 2: "tf.square({0})"}
    statements = [line(node, texts.get(p, "tf.pow(tf.abs({0}), {p})"), data, outputs=[power], p=float(p))]
    if windows.padded:
        padded = fresh(node, "padded")
        statements.append(line(node, "tf.pad({0}, {pads})", power, outputs=[padded], pads=windows.pads(layout)))
        power, windows = padded, windows.without_padding()
    count = 1
    for size in windows.kernel:
        count *= size
    total = f"{literal(float(count))} * {_text('avg', layout, windows)}"
    text = {1: total, 2: f"tf.sqrt({total})"}.get(p, f"tf.pow({total}, {{root}})")
    return [*statements, _pool(node, text, power, node.outputs[0], root=1 / p)]


@emits("tensorflow", *both("GlobalAveragePool", "GlobalMaxPool"))
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``tf.reduce_mean`` or ``tf.reduce_max`` of the spatial axes, which are kept."""
    layout = layout_of(node, ranks=range(1, 7))
    kind = "mean" if node.op_type == "GlobalAveragePool" else "max"
    return [line(node, f"tf.reduce_{kind}({{0}}, {literal(list(layout.axes))}, keepdims=True)", data)]


@emits("tensorflow", *both("GlobalLpPool"))
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Statement]:
    """``tf.norm`` of the spatial axes, as powers, a sum and a root."""
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")
    axes = literal(list(layout_of(node, ranks=range(1, 7)).axes))
    power = {1: "tf.abs({0})", 2: "tf.square({0})"}.get(p, "tf.pow(tf.abs({0}), {p})")
    total = f"tf.reduce_sum({power}, {axes}, keepdims=True)"
    text = {1: total, 2: f"tf.sqrt({total})"}.get(p, f"tf.pow({total}, {{root}})")
    return [line(node, text, data, p=float(p), root=1 / p)]


@emits("tensorflow", *both("transship::AdaptiveAveragePool"))
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Statement]:
    """``tf.nn.avg_pool2d`` where all windows are alike; else means of slices, beside each other."""
    layout = layout_of(node)
    sizes = layout.sizes(data)
    output = tuple(output_size)
    if all(size % count == 0 for size, count in zip(sizes, output, strict=True)):
        kernel = tuple(size // count for size, count in zip(sizes, output, strict=True))
        none = (0,) * layout.rank
        windows = Windows(kernel, kernel, (1,) * layout.rank, none, none, none, sizes, output)
        return [_pool(node, _text("avg", layout, windows), data, node.outputs[0])]
    statements, source = [], data
    for number, axis in enumerate(layout.axes):
        size, count = sizes[number], output[number]
        result = node.outputs[0] if number == layout.rank - 1 else fresh(node, f"axis{axis}")
        bounds = [(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]
        text = f"window_means({{0}}, {literal([list(pair) for pair in bounds])}, {axis})"
        statements.append(line(node, text, source, outputs=[result], library=["window_means"]))
        source = result
    return statements
