"""Pooling, exactly where ONNX has its windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, only_output
from converter.emitters.batch import batch_axis, made, row_shape
from converter.emitters.cntk.operand import line
from converter.emitters.cntk.window import Window, padding, per_row, spatial, windows_of
from converter.emitters.operand import square
from converter.emitters.python import Code
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import BATCH

_LAYERS = {"MAX": "C.layers.MaxPooling", "AVG": "C.layers.AveragePooling"}
_LOWEST = Code("-np.inf")


@emits("cntk", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,  # noqa: ARG001 - the result's shape says how many windows there are
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    storage_order: int = 0,  # noqa: ARG001 - of the indices
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``layers.MaxPooling``, with CNTK's own padding where it is the same, else behind ``pad`` with minus infinity.

    ``pooling`` where the number of windows is rounded up; ``element_max`` of slices with dilation. CNTK leaves out
    what is not a number.
    """
    only_output(node)
    windows = _windows(node, data, kernel_shape, strides, pads, dilations, auto_pad)

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        if max(each.dilation for each in windows) == 1 and _is_direct(windows):
            return [_pooling(node, "MAX", rows, result, windows)]
        statements, rows = _padded(node, rows, windows, _LOWEST)
        if max(each.dilation for each in windows) == 1:
            return [*statements, _pooling(node, "MAX", rows, result, _inside(windows))]
        return [*statements, _dilated(node, "C.element_max", rows, result, windows)]

    return per_row(node, data, translate)


def _windows(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    auto_pad: str,
) -> list[Window]:
    windows = windows_of(data, node.outputs[0], kernel, strides, pads, dilations, auto_pad)
    if any((each.count - 1) * each.stride >= each.size + each.begin for each in windows):
        raise Refused("its last window would lie in the padding, where runtimes do not have it")
    return windows


def _is_direct(windows: Sequence[Window]) -> bool:
    """Whether there is no padding or CNTK's own, which maxima and means leave out, is the same."""
    return any(all(getattr(each, way) for each in windows) for way in ("plain", "automatic", "rounded_up"))


def _inside(windows: Sequence[Window]) -> list[Window]:
    """The same windows over data that are padded already."""
    return [
        Window(each.size + each.begin + each.after, each.count, each.kernel, each.stride, each.dilation, 0, 0)
        for each in windows
    ]


def _padded(
    node: onnx_ir.Node, data: onnx_ir.Value, windows: Sequence[Window], filler: Any = 0
) -> tuple[list[Statement], onnx_ir.Value]:
    """Statements that surround ``data`` with ``filler``, if there is padding, and what they make."""
    if all(each.plain for each in windows):
        return [], data
    pattern = padding(windows)
    sizes = [size + sum(pair) for size, pair in zip(row_shape(data), pattern, strict=True)]
    padded = made(f"{node.name}/padded", (BATCH, *sizes), 0)
    value = "" if filler == 0 else ", constant_value={filler}"
    text = f"C.pad({{0}}, {{pattern}}{value})"
    return [line(node, text, data, outputs=[padded], pattern=pattern, filler=filler)], padded


def _pooling(
    node: onnx_ir.Node, kind: str, data: onnx_ir.Value, result: onnx_ir.Value, windows: Sequence[Window]
) -> Statement:
    """The statement that pools, with padding that is CNTK's own, or without any."""
    kernel, strides = tuple(each.kernel for each in windows), tuple(each.stride for each in windows)
    plain = all(each.plain for each in windows)
    if plain or all(each.automatic for each in windows):
        settings: dict[str, Any] = {} if max(strides) == 1 else {"strides": square(strides)}
        layer = Submodule(_LAYERS[kind], (kernel,), {**settings, "pad": not plain})
        return line(node, "{module}({0})", data, outputs=[result], module=layer)
    text = f"C.pooling({{0}}, C.{kind}_POOLING, {{kernel}}, {{strides}}, auto_padding=[False], ceil_out_dim=True)"
    return line(node, text, data, outputs=[result], kernel=kernel, strides=strides)


def _dilated(
    node: onnx_ir.Node, function: str, data: onnx_ir.Value, result: onnx_ir.Value, windows: Sequence[Window]
) -> Statement:
    """What ``function`` makes of the elements of each window, axis by axis, of data that are padded already."""
    settings = [(each.count, each.kernel, each.stride, each.dilation) for each in windows]
    text = f"pool_dilated({{0}}, {function}, {{windows}})"
    return line(node, text, data, outputs=[result], library=["pool_dilated"], windows=settings)


@emits("cntk", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,  # noqa: ARG001 - the result's shape says how many windows there are
    count_include_pad: int = 0,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``layers.AveragePooling``, with CNTK's own padding where it is the same, else behind ``pad``.

    Padding that does not count is then made up for with a table. ``pooling`` where the number of windows is
    rounded up; sums of slices with dilation.
    """
    windows = _windows(node, data, kernel_shape, strides, pads, dilations, auto_pad)
    if count_include_pad and any(each.beyond for each in windows):
        raise Refused("ceil_mode with count_include_pad: runtimes disagree on what lies beyond the padding")

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        wide, plain = max(each.dilation for each in windows) > 1, all(each.plain for each in windows)
        if not wide and (plain or (_is_direct(windows) and not count_include_pad)):
            return [_pooling(node, "AVG", rows, result, windows)]
        statements, rows = _padded(node, rows, windows)
        shared = made(f"{node.name}/shared", (BATCH, *row_shape(result)), 0)
        counts = count_include_pad or plain
        target = result if counts else shared
        if wide:
            statements.append(_dilated(node, "C.mean", rows, target, windows))
        else:
            statements.append(_pooling(node, "AVG", rows, target, _inside(windows)))
        if counts:
            return statements
        table = {"share": _shares(windows)}
        return [*statements, line(node, "{0} * {share}", shared, outputs=[result], tensors=table)]

    return per_row(node, data, translate)


def _shares(windows: Sequence[Window]) -> State:
    """How many elements a window has for each one of the data in it, as the product of the axes'."""
    rank, table = len(windows), plan.full(1.0, (1,))
    for axis, each in enumerate(windows):
        starts = [place * each.stride - each.begin for place in range(each.count)]
        inside = [
            sum(0 <= start + step * each.dilation < each.size for step in range(each.kernel)) for start in starts
        ]
        if 0 in inside:
            raise Refused("a window lies in the padding alone")
        shape = [1, *(1,) * axis, each.count, *(1,) * (rank - axis - 1)]
        column = plan.reshape(plan.literal([each.kernel / count for count in inside]), shape)
        table = column if axis == 0 else plan.mul(table, column)
    return State((1, *(each.count for each in windows)), table, trained=False)


@emits("cntk", "LpPool")
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,  # noqa: ARG001 - the result's shape says how many windows there are
    dilations: Sequence[int] = (),
    p: int = 2,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """Powers, ``layers.AveragePooling`` behind ``pad``, times the size of a window, and a root."""
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")
    windows = _windows(node, data, kernel_shape, strides, pads, dilations, auto_pad)

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        power = made(f"{node.name}/power", (BATCH, *row_shape(rows)), 0)
        mean = made(f"{node.name}/mean", (BATCH, *row_shape(result)), 0)
        statements = [line(node, _power(p, "{0}"), rows, outputs=[power])]
        more, source = _padded(node, power, windows)
        statements += more
        if max(each.dilation for each in windows) > 1:
            statements.append(_dilated(node, "C.mean", source, mean, windows))
        else:
            statements.append(_pooling(node, "AVG", source, mean, _inside(windows)))
        count = math.prod(each.kernel for each in windows)
        return [*statements, line(node, _root(p, f"{count} * {{0}}"), mean, outputs=[result])]

    return per_row(node, data, translate)


def _power(p: int, text: str) -> str:
    return {1: f"C.abs({text})", 2: f"C.square({text})"}.get(p, f"C.pow(C.abs({text}), {p})")


def _root(p: int, text: str) -> str:
    return {1: text, 2: f"C.sqrt({text})"}.get(p, f"C.pow({text}, 1 / {p})")


@emits("cntk", "GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``layers.GlobalAveragePooling`` or ``GlobalMaxPooling``; not of images ``reduce_mean`` or ``reduce_max``."""
    mean = node.op_type == "GlobalAveragePool"
    if batch_axis(data) == 0 and len(spatial(data)) == 2:
        layer = Submodule("C.layers.GlobalAveragePooling" if mean else "C.layers.GlobalMaxPooling")
        return [line(node, "{module}({0})", data, module=layer)]
    text = f"C.reduce_{'mean' if mean else 'max'}({{0}}, axis={{axes}})"
    return [line(node, text, data, axes=_spatial_axes(data))]


def _spatial_axes(data: onnx_ir.Value) -> tuple[int, ...]:
    """The axes of a row behind its channels.

    Raises:
        Refused: The batch is not the first axis.
    """
    first = {0: 1, None: 2}.get(batch_axis(data))
    if first is None:
        raise Refused(f"the first axis of {data.name} is not the batch")
    return tuple(range(first, len(row_shape(data))))


@emits("cntk", "GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Statement]:
    """Powers, ``reduce_sum`` of the spatial axes, and a root."""
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")
    text = _root(p, f"C.reduce_sum({_power(p, '{0}')}, axis={{axes}})")
    return [line(node, text, data, axes=_spatial_axes(data))]
