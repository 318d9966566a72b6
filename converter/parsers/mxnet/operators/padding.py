"""Borders, and the windows of a convolution as columns.

Sources: src/operator/pad-inl.h, nn/im2col.cc, nn/im2col-inl.h.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.builder import Array
from converter.parsers.mxnet.operators.common import check_table, extents, rank, size
from converter.parsers.mxnet.operators.shapes import reshaped
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope

Windows: TypeAlias = dict[str, Ints]
"""kernel, stride, dilate and pad, two numbers each."""


@parses("Pad", "pad")
def pad(
    g: Scope,
    data: Value,
    *,
    mode: Literal["constant", "edge", "reflect"],
    pad_width: Ints,
    constant_value: float = 0.0,
) -> Value:
    """A border around the spatial axes: a constant, the nearest element or a mirror image. Refused: negative widths.

    ``pad_width`` holds the widths before and after each axis, 0 for the first two. ONNX's Pad names the others:
    onnxruntime would fold zeros on all axes into a MaxPool that follows, whose padding is not zero.
    """
    axes = rank(g, data, 4, 5)
    if len(pad_width) != 2 * axes:
        raise g.misfit(f"pad_width={pad_width} is not two numbers for each of {axes} axes")
    if min(pad_width) < 0 or any(pad_width[:4]):
        raise g.refuse(f"pad_width={pad_width}")
    before, after = pad_width[::2], pad_width[1::2]
    for axis in range(2, axes):
        if mode == "reflect" and max(before[axis], after[axis]) >= size(g, data, axis):
            raise g.misfit(f"the mirror image of an axis of {size(g, data, axis)} is narrower than {pad_width}")
    value = g.scalar("value", constant_value, like=data) if mode == "constant" else None
    pads, spatial = g.ints("pads", [*before[2:], *after[2:]]), g.ints("axes", range(2, axes))
    grown = [size(g, data, axis) + before[axis] + after[axis] for axis in range(2, axes)]
    return g.emit("Pad", data, pads, value, spatial, mode=mode, shape=(*ir.dims(data)[:2], *grown))


@parses("im2col")
def im2col(g: Scope, data: Value, *, kernel: Ints, stride: Ints = (), dilate: Ints = (), pad: Ints = ()) -> Value:
    """The windows of a convolution as columns: ``N x (C * kernel) x windows``."""
    rank(g, data, 4)
    windows = _windows(g, kernel, stride, dilate, pad)
    border = windows["pad"]
    value = g.emit("Pad", data, g.ints("pads", [0, 0, *border, 0, 0, *border]), role="border")
    counts = [_count(g, size(g, data, index + 2), index, windows) for index in range(2)]
    for index, axis in enumerate((2, 4)):
        places = _places(g, counts[index], index, windows)
        value = g.emit("Gather", value, g.array("places", places), role="windows", axis=axis)
    value = g.emit("Transpose", value, role="columns", perm=[0, 1, 2, 4, 3, 5])
    rows = size(g, data, 1) * math.prod(windows["kernel"])
    return reshaped(g, value, (ir.dims(data)[0], rows, math.prod(counts)))


@parses("col2im")
def col2im(
    g: Scope,
    data: Value,
    *,
    output_size: Ints,
    kernel: Ints,
    stride: Ints = (),
    dilate: Ints = (),
    pad: Ints = (),
) -> Value:
    """The sum of columns where the windows of a convolution lie in a picture of ``output_size``."""
    rank(g, data, 3)
    windows = _windows(g, kernel, stride, dilate, pad)
    image = extents(g, "output_size", output_size, 2)
    counts = [_count(g, image[index], index, windows) for index in range(2)]
    area = math.prod(windows["kernel"])
    if size(g, data, 1) % area or size(g, data, 2) != math.prod(counts):
        raise g.misfit(f"its input is not C * {area} x {math.prod(counts)} for each picture")
    return g.emit(
        "Col2Im",
        data,
        g.ints("image", image),
        g.ints("block", windows["kernel"]),
        strides=windows["stride"],
        dilations=windows["dilate"],
        pads=[*windows["pad"], *windows["pad"]],
        shape=(ir.dims(data)[0], size(g, data, 1) // area, *image),
    )


def _windows(g: Scope, kernel: Ints, stride: Ints, dilate: Ints, pad: Ints) -> Windows:
    """The windows' attributes, two numbers each."""
    return {
        "kernel": extents(g, "kernel", kernel, 2),
        "stride": extents(g, "stride", stride, 2, default=1),
        "dilate": extents(g, "dilate", dilate, 2, default=1),
        "pad": extents(g, "pad", pad, 2, default=0, least=0),
    }


def _count(g: Scope, length: int, index: int, windows: Windows) -> int:
    """How many windows there are along spatial axis ``index``, which is ``length`` long."""
    kernel, stride, dilate, border = (windows[name][index] for name in ("kernel", "stride", "dilate", "pad"))
    room = length + 2 * border - (kernel - 1) * dilate - 1
    if room < 0:
        raise g.misfit(f"a window of {kernel} by {dilate} does not fit an axis of {length} padded by {border}")
    return room // stride + 1


def _places(g: Scope, count: int, index: int, windows: Windows) -> Array:
    """Which elements of a padded axis its ``count`` windows cover: kernel x windows."""
    kernel, stride, dilate = (windows[name][index] for name in ("kernel", "stride", "dilate"))
    check_table(g, "places of windows", kernel * count)
    return np.add.outer(np.arange(kernel) * dilate, np.arange(count) * stride)
