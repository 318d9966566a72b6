"""Convolutions, and transposed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis, made, row_shape
from converter.emitters.cntk.operand import line, own_shape, state
from converter.emitters.cntk.window import Window, padding, per_row, windows_of
from converter.emitters.operand import is_stored, is_trained, omit, square, static
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import BATCH


@emits("cntk", "Conv")
def conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),  # noqa: ARG001 - the weight has it
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``layers.Convolution1D``, ``2D`` or ``3D``; ``convolution`` with groups or a kernel that is computed.

    CNTK's own padding where it is the same, else ``pad`` before it. What its CPU lacks are functions: dilation is a
    kernel with zeros in between, groups of other than images are convolved one by one. Such zeros make numbers that
    are none of infinite ones.
    """
    _check_weight(weight)
    windows = windows_of(data, node.outputs[0], static(weight)[2:], strides, pads, dilations, auto_pad)

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        automatic = all(each.automatic for each in windows) and not all(each.plain for each in windows)
        statements: list[Statement] = []
        if not automatic and not all(each.plain for each in windows):
            statements, rows = _padded(node, rows, windows)
        if group == 1 and max(each.dilation for each in windows) == 1 and _is_layer(weight, bias):
            return [*statements, _layer(node, rows, result, weight, bias, windows, automatic)]
        return [*statements, *_convolution(node, rows, result, weight, bias, windows, automatic, group)]

    return per_row(node, data, translate)


def _check_weight(weight: onnx_ir.Value) -> None:
    if not is_stored(weight) and batch_axis(weight) is not None:
        raise Refused("a kernel of its own for each row of the batch")


def _padded(
    node: onnx_ir.Node, data: onnx_ir.Value, windows: Sequence[Window]
) -> tuple[list[Statement], onnx_ir.Value]:
    pattern = padding(windows)
    sizes = [size + sum(pair) for size, pair in zip(row_shape(data), pattern, strict=True)]
    padded = made(f"{node.name}/padded", (BATCH, *sizes), 0)
    return [line(node, "C.pad({0}, {pattern})", data, outputs=[padded], pattern=pattern)], padded


def _is_layer(weight: onnx_ir.Value, bias: onnx_ir.Value | None) -> bool:
    return is_trained(weight) and (bias is None or is_trained(bias))


def _layer(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    windows: Sequence[Window],
    automatic: bool,
) -> Statement:
    kernel, filters = tuple(each.kernel for each in windows), static(weight)[0]
    settings = omit({"strides": 1, "bias": True}, strides=_strides(windows), pad=automatic, bias=bias is not None)
    states = {"W": state(weight), **_bias(bias, len(kernel))}
    kind = f"C.layers.Convolution{len(kernel)}D"
    size: Any = kernel if len(kernel) > 1 else kernel[0]
    layer = Submodule(kind, (size, filters), settings, states)
    return line(node, "{module}({0})", data, outputs=[result], module=layer)


def _bias(bias: onnx_ir.Value | None, rank: int, name: str = "b") -> dict[str, State]:
    """The parameter of a bias, which a row has for each channel."""
    return {} if bias is None else {name: state(bias, (static(bias)[0], *(1,) * rank))}


def _strides(windows: Sequence[Window]) -> Any:
    return square([each.stride for each in windows])


def _convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    windows: Sequence[Window],
    automatic: bool,
    group: int,
) -> list[Statement]:
    rank, library, kernel = len(windows), [], "{1}"
    settings = {"strides": tuple(each.stride for each in windows), "automatic": [False, *(automatic,) * rank]}
    if max(each.dilation for each in windows) > 1:
        library.append("dilated")
        kernel = "dilated({1}, {dilations})"
        settings["dilations"] = tuple(each.dilation for each in windows)
    if not automatic:
        settings["automatic"] = [False]
    steps = ", strides={strides}" if max(each.stride for each in windows) > 1 else ""
    text = f"C.convolution({kernel}, {{0}}{steps}, auto_padding={{automatic}})"
    if group > 1 and rank == 2:
        text = f"C.convolution({kernel}, {{0}}{steps}, auto_padding={{automatic}}, groups={group})"
    elif group > 1:
        library.append("grouped_convolution")
        text = f"grouped_convolution({kernel}, {{0}}, {group}{steps}, auto_padding={{automatic}})"
    return _biased(node, text, data, result, weight, bias, rank, library, settings)


def _biased(
    node: onnx_ir.Node,
    text: str,
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    rank: int,
    library: Sequence[str],
    settings: dict[str, Any],
) -> list[Statement]:
    """The statement of ``text``, of the data and the kernel, and of the bias that is added."""
    roles = ("", "weight")
    if bias is None:
        return [line(node, text, data, weight, outputs=[result], roles=roles, library=library, **settings)]
    product = made(f"{node.name}/product", (BATCH, *row_shape(result)), 0)
    first = line(node, text, data, weight, outputs=[product], roles=roles, library=library, **settings)
    return [first, add_bias(node, product, bias, result, rank)]


def add_bias(
    node: onnx_ir.Node, product: onnx_ir.Value, bias: onnx_ir.Value, result: onnx_ir.Value, rank: int
) -> Statement:
    """The statement that adds a number for each channel."""
    if is_stored(bias):
        return line(node, "{0} + {bias}", product, outputs=[result], tensors=_bias(bias, rank, "bias"))
    shape = (*own_shape(bias), *(1,) * rank)
    return line(node, "{0} + C.reshape({1}, {shape})", product, bias, outputs=[result], shape=shape)


@emits("cntk", "ConvTranspose")
def conv_transpose(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),  # noqa: ARG001 - the weight has it
    output_padding: Sequence[int] = (),  # noqa: ARG001 - the result's shape has it
    output_shape: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``layers.ConvolutionTranspose1D``, ``2D`` or ``3D``, of which a slice is cut where there is padding.

    ``convolution_transpose`` with dilation, whose kernel has zeros in between, and with groups, one by one.
    """
    if auto_pad not in {"NOTSET", "VALID"} or output_shape:
        raise Refused(f"auto_pad is {auto_pad}" if not output_shape else "output_shape is given")
    _check_weight(weight)
    # a transposed convolution is the gradient of one from its result to its data
    windows = windows_of(node.outputs[0], data, static(weight)[2:], strides, pads, dilations, auto_pad)

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        shape = (*row_shape(result)[:1], *((each.count - 1) * each.stride + each.span for each in windows))
        plain = shape == row_shape(result) and not any(each.begin for each in windows)
        automatic = all(each.automatic for each in windows) and not plain
        fits = automatic or plain
        whole = result if fits else made(f"{node.name}/whole", (BATCH, *shape), 0)
        if (
            group == 1
            and max(each.dilation for each in windows) == 1
            and _is_layer(weight, bias)
            and (fits or not _grows(windows))
        ):
            statements = [_transposed_layer(node, rows, whole, weight, bias, windows, automatic)]
            return statements if fits else [*statements, *cropped(node, whole, result, windows)]
        return _transposed(node, rows, result, weight, bias, windows, group)

    return per_row(node, data, translate)


def _grows(windows: Sequence[Window]) -> bool:
    """Whether the result of a transposed convolution is longer than what its windows reach."""
    return any(each.size > (each.count - 1) * each.stride + each.span - each.begin for each in windows)


def _transposed_layer(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    windows: Sequence[Window],
    automatic: bool,
) -> Statement:
    kernel, filters = tuple(each.kernel for each in windows), static(weight)[1]
    settings = omit({"strides": 1, "bias": True}, strides=_strides(windows), pad=automatic, bias=bias is not None)
    if automatic:
        settings["output_shape"] = row_shape(result)[1:]
    states = {"W": state(weight), **_bias(bias, len(kernel))}
    size: Any = kernel if len(kernel) > 1 else kernel[0]
    layer = Submodule(f"C.layers.ConvolutionTranspose{len(kernel)}D", (size, filters), settings, states)
    return line(node, "{module}({0})", data, outputs=[result], module=layer)


def cropped(
    node: onnx_ir.Node, whole: onnx_ir.Value, result: onnx_ir.Value, windows: Sequence[Window]
) -> list[Statement]:
    """Statements that cut off what is padding, and add zeros that no window reaches."""
    sizes, wanted = row_shape(whole)[1:], row_shape(result)[1:]
    ends = [min(each.begin + size, have) for each, size, have in zip(windows, wanted, sizes, strict=True)]
    spans = [
        f"{each.begin or ''}:{end if end < have else ''}"
        for each, end, have in zip(windows, ends, sizes, strict=True)
    ]
    text = f"{{0}}[:, {', '.join(spans)}]"
    more = [(0, size - end + each.begin) for each, size, end in zip(windows, wanted, ends, strict=True)]
    if not any(after for _, after in more):
        return [line(node, text, whole, outputs=[result])]
    text = "{0}" if set(spans) == {":"} else text
    return [line(node, f"C.pad({text}, {{pattern}})", whole, outputs=[result], pattern=[(0, 0), *more])]


def _transposed(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    windows: Sequence[Window],
    group: int,
) -> list[Statement]:
    rank, library, kernel = len(windows), [], "{1}"
    settings: dict[str, Any] = {"strides": tuple(each.stride for each in windows)}
    if max(each.dilation for each in windows) > 1:
        library, kernel = ["dilated"], "dilated({1}, {dilations})"
        settings["dilations"] = tuple(each.dilation for each in windows)
    steps = ", strides={strides}" if max(settings["strides"]) > 1 else ""
    text = f"C.convolution_transpose({kernel}, {{0}}{steps}, auto_padding=[False])"
    if group > 1:
        library = [*library, "grouped_convolution_transpose"]
        text = f"grouped_convolution_transpose({kernel}, {{0}}, {group}{steps})"
    shape = (*row_shape(result)[:1], *((each.count - 1) * each.stride + each.span for each in windows))
    if shape == row_shape(result) and not any(each.begin for each in windows):
        return _biased(node, text, data, result, weight, bias, rank, library, settings)
    whole = made(f"{node.name}/whole", (BATCH, *shape), 0)
    statements = [line(node, text, data, weight, outputs=[whole], roles=("", "weight"), library=library, **settings)]
    if bias is None:
        return [*statements, *cropped(node, whole, result, windows)]
    product = made(f"{node.name}/product", (BATCH, *row_shape(result)), 0)
    return [*statements, *cropped(node, whole, product, windows), add_bias(node, product, bias, result, rank)]
