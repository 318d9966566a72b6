"""Pooling, exactly where ONNX has its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.keras.convolution import Steps, pad, steps
from converter.emitters.keras.operand import CHANNELS_LAST, data_format, layer, line, spatial
from converter.emitters.operand import fresh, is_nonnegative, square, static
from converter.emitters.statement import Statement


@dataclass(frozen=True)
class Windows:
    """The windows of a pooling layer.

    Attributes:
        steps: Where they are; the padding after the data is all that the last window needs.
        beyond: How much of that is there only because the last window begins within the data.
    """

    steps: Steps
    beyond: tuple[int, ...]

    @property
    def dilated(self) -> bool:
        """Whether they have holes."""
        return max(self.steps.dilations) > 1

    @property
    def settings(self) -> dict[str, Any]:
        """The steps as a layer wants them, which are the window's size if not given."""
        found = self.steps
        return {} if found.strides == found.kernel else {"strides": square(found.strides)}


def _windows(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    auto_pad: str,
    ceil_mode: int,
    dilations: Sequence[int],
    kernel: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
) -> Windows:
    place = steps(node, data, auto_pad, kernel, strides, dilations, pads)
    results = static(node.outputs[0], *spatial(node, node.outputs[0]))
    last = zip(place.sizes, results, place.strides, place.begin, strict=True)
    if ceil_mode and any((count - 1) * step >= size + first for size, count, step, first in last):
        raise Refused("ceil_mode: its last window would lie in the padding, where runtimes do not have it")
    needed = [
        (count - 1) * step + span - size - first
        for size, count, step, span, first in zip(
            place.sizes, results, place.strides, place.spans, place.begin, strict=True
        )
    ]
    beyond = tuple(max(more - end, 0) for more, end in zip(needed, place.end, strict=True))
    end = tuple(max(more, 0) for more in needed)
    return Windows(Steps(place.sizes, place.kernel, place.strides, place.dilations, place.begin, end), beyond)


@emits("keras", "MaxPool", "transship.channels_last::MaxPool")
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
    """``layers.MaxPooling1D``, ``2D``, ``3D``, with ``padding="same"`` where that is what the source does.

    Else behind a layer that pads with zeros where nothing is below them, or ``ops.pad`` with minus infinity. Windows
    with holes are a function: the largest of slices.
    """
    del storage_order  # of the indices
    output = only_output(node)
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    place = windows.steps
    statements: list[Statement] = []
    if place.padded and (windows.dilated or not place.same):
        statements, data = _lowest(node, data, place)
    elif place.padded:
        return [_pool(node, "Max", data, windows, output, padding="same")]
    if not windows.dilated:
        return [*statements, _pool(node, "Max", data, windows, output)]
    text = 'pool_slices({0}, {axes}, {size}, {strides}, {dilations}, "maximum")'
    return [*statements, line(node, text, data, library=["pool_slices"], outputs=[output], **_slices(node, place))]


def _slices(node: onnx_ir.Node, place: Steps) -> dict[str, Any]:
    axes = spatial(node, node.outputs[0])
    return {"axes": axes, "size": place.kernel, "strides": place.strides, "dilations": place.dilations}


def _lowest(node: onnx_ir.Node, data: onnx_ir.Value, place: Steps) -> tuple[list[Statement], onnx_ir.Value]:
    """Padding that is never the largest."""
    source = data.producer()
    if is_nonnegative(data) or (source is not None and source.op_type == "Relu"):
        return pad(node, data, place.begin, place.end)
    padded = fresh(node, "padded")
    text = 'ops.pad({0}, {padding}, constant_values=float("-inf"))'
    return [line(node, text, data, outputs=[padded], padding=_pairs(node, place))], padded


def _pairs(node: onnx_ir.Node, place: Steps) -> tuple[tuple[int, int], ...]:
    """The padding of every axis as ``ops.pad`` wants it."""
    inner = tuple(zip(place.begin, place.end, strict=True))
    return ((0, 0), *inner, (0, 0)) if node.domain == CHANNELS_LAST else ((0, 0), (0, 0), *inner)


@emits("keras", "AveragePool", "transship.channels_last::AveragePool")
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
    """``layers.AveragePooling1D``, ``2D``, ``3D``, behind a layer that pads where padding counts.

    Where it does not it is a function, the quotient of two poolings: not all of Keras's backends leave it out of the
    count. Windows with holes are a function too.
    """
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    place, output = windows.steps, node.outputs[0]
    if any(windows.beyond) and count_include_pad:
        raise Refused("ceil_mode with count_include_pad: runtimes disagree on what lies beyond the padding")
    statements: list[Statement] = []
    if count_include_pad or not place.padded:
        statements, data = pad(node, data, place.begin, place.end)
        if not windows.dilated:
            return [*statements, _pool(node, "Average", data, windows, output)]
        padding: tuple[tuple[int, int], ...] = ()
    else:
        padding = _pairs(node, place)
    if windows.dilated:
        text = "average_slices({0}, {axes}, {size}, {strides}, {dilations}, {padding})"
        settings = {**_slices(node, place), "padding": padding}
        return [*statements, line(node, text, data, library=["average_slices"], **settings)]
    text = "average_pool({0}, {size}, {strides}, {padding}, {data_format})"
    return [line(node, text, data, library=["average_pool"], **_function(node, place, padding))]


def _function(node: onnx_ir.Node, place: Steps, padding: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    layout = "channels_last" if node.domain == CHANNELS_LAST else "channels_first"
    return {"size": place.kernel, "strides": place.strides, "padding": padding, "data_format": layout}


@emits("keras", "LpPool", "transship.channels_last::LpPool")
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
    """A function of powers, an average pooling and a root; of powers, slices and a root if windows have holes."""
    _check_norm(p)
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    place = windows.steps
    padding = _pairs(node, place)
    if windows.dilated:
        text = "lp_pool_slices({0}, {p}, {axes}, {size}, {strides}, {dilations}, {padding})"
        settings = {**_slices(node, place), "padding": padding}
        return [line(node, text, data, library=["lp_pool_slices"], p=p, **settings)]
    text = "lp_pool({0}, {p}, {size}, {strides}, {padding}, {data_format})"
    return [line(node, text, data, library=["lp_pool"], p=p, **_function(node, place, padding))]


@emits(
    "keras",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "transship.channels_last::GlobalAveragePool",
    "transship.channels_last::GlobalMaxPool",
)
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``layers.GlobalAveragePooling1D``, ``2D``, ``3D`` or ``GlobalMaxPooling1D``, ... with ``keepdims``."""
    rank = len(spatial(node, data))
    if rank not in {1, 2, 3}:
        raise Refused(f"Keras pools 1, 2 or 3 spatial axes, not {rank}")
    kind = "Average" if node.op_type == "GlobalAveragePool" else "Max"
    return [layer(node, data, f"layers.Global{kind}Pooling{rank}D", keepdims=True, **data_format(node))]


@emits("keras", "GlobalLpPool", "transship.channels_last::GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Statement]:
    """A function of powers, ``ops.sum`` and a root."""
    _check_norm(p)
    text = "norm({0}, {p}, {axes})"
    return [line(node, text, data, library=["norm"], p=p, axes=spatial(node, data))]


@emits("keras", "transship::AdaptiveAveragePool", "transship.channels_last::AdaptiveAveragePool")
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Statement]:
    """``layers.AdaptiveAveragePooling2D``; a function where there are to be more places than there are."""
    size, axes = tuple(output_size), spatial(node, data)
    if any(more > less for more, less in zip(size, static(data, *axes), strict=True)):
        text = "adaptive_average_pool({0}, {axes}, {size})"
        return [line(node, text, data, library=["adaptive_average_pool"], axes=axes, size=size)]
    return [layer(node, data, "layers.AdaptiveAveragePooling2D", square(size), **data_format(node))]


def _check_norm(p: int) -> None:
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")


def _pool(
    node: onnx_ir.Node,
    kind: str,
    data: onnx_ir.Value,
    windows: Windows,
    output: onnx_ir.Value,
    **settings: Any,
) -> Statement:
    name = f"layers.{kind}Pooling{windows.steps.rank}D"
    size = square(windows.steps.kernel)
    return layer(node, data, name, size, outputs=[output], **windows.settings, **settings, **data_format(node))
