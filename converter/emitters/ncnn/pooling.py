"""Pooling.

What ncnn's ``pooling.cpp`` computes along one dimension: windows of ``kernel`` elements begin every ``stride`` in the
padded data, the first one at its beginning. With ``pad_mode`` 1, valid, there are as many as fit; with 0, full, data
are padded further until the last window begins within what there was. The largest is taken with the lowest float32
for padding. The average is over those elements of a window that are data, or, where padding counts, over ``kernel``,
whatever the window holds. With 0, of padded data smaller than the window, there is a window too many. ``Pooling1D``
and ``Pooling3D`` do the same.

ONNX says where windows begin by the padding before the data alone. So the same windows are had by any padding behind
the data that makes as many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.ncnn.layer import Layer, Params, Scalar, inner
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.window import Window, spatial, spread, window

_MAX, _AVERAGE = 0, 1
_SUFFIX = {1: "1D", 2: "", 3: "3D"}
_KERNEL, _STRIDE, _PAD, _PAD_END, _OUT = (1, 11, 21), (2, 12, 22), (3, 13, 23), (14, 15, 16), (8, 18, 28)
_FULL, _VALID = 0, 1
_GLOBAL, _MODE, _COUNT_PAD, _ADAPTIVE = 4, 5, 6, 7
_SQUARE, _SQRT, _ABS, _MUL = 4, 5, 0, 2
_REDUCTIONS = {1: 7, 2: 8}


@emits("ncnn", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,  # noqa: ARG001 - the output's shape says the same
    storage_order: int = 0,  # noqa: ARG001 - of the indices, which are refused
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Pooling``, ``Pooling1D`` or ``Pooling3D``, with as much padding behind the data as makes the windows ONNX's.

    Raises:
        Refused: A window holds padding only, or is dilated.
    """
    axes = window(data, only_output(node), kernel_shape, strides, pads, dilations, auto_pad)
    return [_pooling(node, data, node.outputs[0], _MAX, axes)]


@emits("ncnn", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Pooling``, ``Pooling1D`` or ``Pooling3D``, with as much padding behind the data as makes the windows ONNX's.

    Raises:
        Refused: A window holds padding only, or is dilated, or ONNX does not say by what it is divided.
    """
    if ceil_mode and count_include_pad:
        raise Refused("ceil_mode and count_include_pad are both set: implementations disagree on what that means")
    axes = window(data, only_output(node), kernel_shape, strides, pads, dilations, auto_pad)
    return [_pooling(node, data, node.outputs[0], _AVERAGE, axes, count_include_pad=bool(count_include_pad))]


@emits("ncnn", "GlobalMaxPool")
def global_max_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Pooling`` of the whole of each channel to one element; global, where only a flattened result is read."""
    return [_adaptive(node, data, _MAX, (1,) * len(spatial(data)))]


@emits("ncnn", "GlobalAveragePool")
def global_average_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Pooling`` of the whole of each channel to one element; global, where only a flattened result is read."""
    return [_adaptive(node, data, _AVERAGE, (1,) * len(spatial(data)))]


@emits("ncnn", "transship::AdaptiveAveragePool")
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Layer]:
    """``Pooling``, adaptive."""
    if len(output_size) != len(spatial(data)):
        raise Refused(
            f"output_size {list(output_size)} has not the {len(spatial(data))} spatial dimensions of the data"
        )
    return [_adaptive(node, data, _AVERAGE, output_size)]


@emits("ncnn", "LpPool")
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,  # noqa: ARG001 - padding adds nothing to a sum
    p: int = 2,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Pooling`` of squares, or of absolute values, to their average, times their number; of squares, the root.

    Raises:
        Refused: ``p`` is neither 1 nor 2.
    """
    if p not in _REDUCTIONS:
        raise Refused(f"p is {p}, neither 1 nor 2")
    axes = window(data, only_output(node), kernel_shape, strides, pads, dilations, auto_pad)
    powers, mean, total = (inner(node, suffix) for suffix in ("powers", "mean", "total"))
    top = node.outputs[0]
    summed = top if p == 1 else total
    layers = [
        Layer(str(powers.name), "UnaryOp", (data,), (powers,), {0: _SQUARE if p > 1 else _ABS}),
        replace(_pooling(node, powers, mean, _AVERAGE, axes, count_include_pad=True), name=str(mean.name)),
        Layer(
            str(node.name if p == 1 else total.name),
            "BinaryOp",
            (mean,),
            (summed,),
            {0: _MUL, 1: 1, 2: float(math.prod(axis.kernel for axis in axes))},
        ),
    ]
    return layers if p == 1 else [*layers, Layer(str(node.name), "UnaryOp", (total,), (top,), {0: _SQRT})]


@emits("ncnn", "GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Layer]:
    """``Reduction`` over all but the channels.

    Raises:
        Refused: ``p`` is neither 1 nor 2.
    """
    if p not in _REDUCTIONS:
        raise Refused(f"p is {p}, neither 1 nor 2")
    axes = tuple(range(1, 1 + len(spatial(data))))
    params: Params = {0: _REDUCTIONS[p], 1: 0, 3: axes, 4: 1, 5: 1}
    return [Layer(str(node.name), "Reduction", (data,), (only_output(node),), params)]


def fit(axes: Sequence[Window]) -> tuple[int, list[Window]]:
    """The ``pad_mode``, and the padding, with which ncnn has just the windows that ONNX has.

    The same padding at both edges comes first, valid or full: so the network stays right for data of other sizes.

    Raises:
        Refused: A window holds padding only.
    """
    for axis in axes:
        if axis.pad >= axis.kernel or _last(axis) >= axis.length:
            raise Refused(f"a window of {axis.kernel} elements holds padding only")
    even = [replace(axis, pad_end=axis.pad) for axis in axes]
    spare = [axis.length + 2 * axis.pad - axis.kernel for axis in axes]
    wanted = [axis.count - 1 for axis in axes]
    if list(axes) == even and [left // axis.stride for left, axis in zip(spare, axes, strict=True)] == wanted:
        return _VALID, even
    if min(spare) >= 0 and [-(left // -axis.stride) for left, axis in zip(spare, axes, strict=True)] == wanted:
        return _FULL, even
    return _VALID, [replace(axis, pad_end=max(_last(axis) + axis.kernel - axis.length, 0)) for axis in axes]


def _last(axis: Window) -> int:
    """Where in the data the last window begins."""
    return (axis.count - 1) * axis.stride - axis.pad


def _pooling(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    top: onnx_ir.Value,
    method: int,
    axes: Sequence[Window],
    *,
    count_include_pad: bool = False,
) -> Layer:
    if any(axis.dilation != 1 for axis in axes):
        raise Refused(f"dilations {[axis.dilation for axis in axes]} are not 1")
    mode, fitted = fit(axes)
    inward = fitted[::-1]
    params: dict[int, Scalar] = {0: method} if method else {}
    for keys, values, default in (
        (_KERNEL, [axis.kernel for axis in inward], 0),
        (_STRIDE, [axis.stride for axis in inward], 1),
        (_PAD, [axis.pad for axis in inward], 0),
    ):
        params |= spread(keys, values, default)
    params |= {key: axis.pad_end for key, axis in zip(_PAD_END, inward, strict=False) if axis.pad_end != axis.pad}
    params |= {_MODE: mode, **({_COUNT_PAD: 1} if count_include_pad else {})}
    return Layer(str(node.name), f"Pooling{_SUFFIX[len(axes)]}", (data,), (top,), dict(sorted(params.items())))


def _adaptive(node: onnx_ir.Node, data: onnx_ir.Value, method: int, sizes: Sequence[int]) -> Layer:
    mat_shape(data)
    params: dict[int, Scalar] = {0: method} if method else {}
    params |= {_ADAPTIVE: 1, **spread(_OUT, list(sizes)[::-1], 0)}
    return Layer(str(node.name), f"Pooling{_SUFFIX[len(sizes)]}", (data,), (only_output(node),), params)
