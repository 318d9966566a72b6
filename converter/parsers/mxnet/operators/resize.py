"""Feature maps made larger or smaller.

Sources: src/operator/nn/upsampling-inl.h, contrib/bilinear_resize-inl.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.operators.common import at_least, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope, spell

Mode: TypeAlias = Literal["size", "odd_scale", "like", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up"]

SPATIAL = (2, 3)


@parses("UpSampling", ignores=("num_args", "workspace"))
def up_sampling(
    g: Scope,
    data: Value,
    *more: Parameter,
    scale: int,
    sample_type: Literal["nearest", "bilinear"],
    num_filter: int = 0,
    multi_input_mode: Literal["concat", "sum"] = "concat",
) -> Value:
    """``data`` (NCHW) ``scale`` times as large, each element repeated or by a transposed convolution of each channel.

    Several inputs of ``nearest`` are brought to the size of the first times ``scale``, then concatenated or added.
    The weight of ``bilinear`` is ``[C, 1, k, k]``, k = 2 scale - scale mod 2: whatever it was trained to.
    """
    rank(g, data, 4)
    at_least(g, "scale", scale)
    if sample_type == "bilinear":
        return _deconvolution(g, data, more, scale, num_filter)
    sources = [data, *(g.value(parameter) for parameter in more)]
    height, width = (size(g, data, axis) * scale for axis in SPATIAL)
    if len(sources) == 1:
        return _nearest(g, data, height, width)
    parts = [_nearest(g, source, height, width, role=f"input{i}") for i, source in enumerate(sources)]
    if multi_input_mode == "concat":
        return g.emit("Concat", *parts, axis=1)
    if any(ir.dims(part) != ir.dims(parts[0]) for part in parts):
        raise g.misfit(
            f"its inputs have {', '.join(str(ir.dims(part)[1]) for part in parts)} channels; a sum needs one"
        )
    return g.emit("Sum", *parts)


def _deconvolution(g: Scope, data: Value, more: tuple[Parameter, ...], scale: int, num_filter: int) -> Value:
    """UpSampling's ``bilinear`` (upsampling-inl.h, GetDeconvolutionParam)."""
    channels = size(g, data, 1)
    if len(more) != 1 or num_filter != channels:
        raise g.misfit(
            f"{1 + len(more)} inputs and num_filter={num_filter}; bilinear takes an input and a weight, {channels}"
        )
    kernel, pad = 2 * scale - scale % 2, scale // 2
    return g.emit(
        "ConvTranspose",
        data,
        g.parameter(more[0], (channels, 1, kernel, kernel)),
        kernel_shape=(kernel, kernel),
        strides=(scale, scale),
        pads=(pad, pad, pad, pad),
        dilations=(1, 1),
        group=channels,
    )


def _nearest(g: Scope, data: Value, height: int, width: int, role: str = "") -> Value:
    """``data`` with each element repeated to ``height`` and ``width``."""
    rank(g, data, 4)
    given = [size(g, data, axis) for axis in SPATIAL]
    if height % given[0] or given[0] * width != given[1] * height:
        raise g.misfit(f"an input {spell(ir.dims(data))} does not divide {height}x{width}")
    return _resized(
        g,
        data,
        [height, width],
        SPATIAL,
        role=role,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@parses("_contrib_BilinearResize2D")
def bilinear_resize_2d(
    g: Scope,
    data: Value,
    like: Value | None = None,
    *,
    height: int = 1,
    width: int = 1,
    scale_height: float | None = None,
    scale_width: float | None = None,
    mode: Mode = "size",
    align_corners: bool = True,
) -> Value:
    """``data`` (NCHW) in another size, bilinear; the corners aligned by default, else with half-pixel centres."""
    rank(g, data, 4)
    if (like is None) == (mode == "like"):
        raise BadInput(f"{g.node.op} {g.node.name!r} has {1 if like is None else 2} inputs with mode={mode}")
    given = [size(g, data, axis) for axis in SPATIAL]
    if like is not None:
        sizes = [size(g, like, axis) for axis in SPATIAL]
    elif mode == "size" and scale_height is None:
        sizes = [at_least(g, "height", height), at_least(g, "width", width)]
    elif mode in ("size", "odd_scale"):
        if scale_height is None or scale_width is None:
            raise BadInput(f"{g.node.op} {g.node.name!r} needs both scale_height and scale_width")
        scales = (scale_height, scale_width)
        sizes = [_scaled(length, scale, mode) for length, scale in zip(given, scales, strict=True)]
    else:
        sizes = [_nearby(length, mode) for length in given]
    return bilinear(g, data, sizes, SPATIAL, align_corners=align_corners)


def _scaled(length: int, scale: float, mode: Mode) -> int:
    """``length`` times ``scale`` in float32, rounded down; ``odd_scale`` keeps an odd length odd."""
    odd = int(mode == "odd_scale" and length % 2)
    return int(np.float32(length - odd) * np.float32(scale)) + odd


def _nearby(length: int, mode: Mode) -> int:
    """The next even or odd length below or above."""
    wrong = length % 2 != int("odd" in mode)
    return length + wrong * (1 if mode.endswith("up") else -1)


def bilinear(g: Scope, data: Value, sizes: list[int], axes: tuple[int, ...], *, align_corners: bool) -> Value:
    """``data`` resized along ``axes`` to ``sizes``; one row or column alone is the first of ``data``'s."""
    corners = "align_corners" if align_corners else "pytorch_half_pixel"
    return _resized(g, data, sizes, axes, mode="linear", coordinate_transformation_mode=corners)


def _resized(
    g: Scope, data: Value, sizes: Sequence[int], axes: Sequence[int], *, role: str = "", **attributes: str
) -> Value:
    shape = list(ir.dims(data))
    for axis, length in zip(axes, sizes, strict=True):
        shape[axis] = length
    target = g.part(role).ints("sizes", sizes)
    return g.emit("Resize", data, None, None, target, role=role, shape=tuple(shape), axes=axes, **attributes)
