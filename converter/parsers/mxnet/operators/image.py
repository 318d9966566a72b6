"""Preprocessing that is part of the network: pictures in HWC or NHWC, and in CHW or NCHW once they are tensors.

Sources: src/operator/image/image_random-inl.h, resize-inl.h, crop-inl.h.
"""

from __future__ import annotations

import numpy as np
from onnx_ir import DataType, Value

from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Floats, Ints
from converter.parsers.mxnet.operators.common import at_least, rank
from converter.parsers.mxnet.operators.common import size as length
from converter.parsers.mxnet.operators.resize import bilinear
from converter.parsers.mxnet.registry import parses, refuses
from converter.parsers.mxnet.scope import Scope, dtype_of

refuses(
    "_image_random_*",
    because="it changes pictures at random, which only training does; export the network without it",
)
refuses(
    "_image_adjust_lighting",
    because="it recolours pictures, which only training does; export the network without it",
)


@parses("_image_to_tensor")
def to_tensor(g: Scope, data: Value) -> Value:
    """Pictures of 0 ... 255, HWC or NHWC, as float32 of 0 ... 1 with the channels first."""
    axes = rank(g, data, 3, 4)
    moved = g.emit("Transpose", data, role="channels-first", perm=(*range(axes - 3), axes - 1, axes - 3, axes - 2))
    if dtype_of(data) is not DataType.FLOAT:
        moved = g.emit("Cast", moved, role="float", to=int(DataType.FLOAT))
    return g.emit("Div", moved, g.scalar("largest", 255.0))


@parses("_image_normalize")
def normalize(
    g: Scope, data: Value, *, mean: Floats = (0.0, 0.0, 0.0, 0.0), std: Floats = (1.0, 1.0, 1.0, 1.0)
) -> Value:
    """``(data - mean) / std``, CHW or NCHW, for each channel or for all alike."""
    channels = length(g, data, rank(g, data, 3, 4) - 3)
    if channels not in (1, 3):
        raise g.misfit(f"{channels} channels; MXNet takes 1 or 3")
    least, most = (_for_channels(g, name, given, channels) for name, given in (("mean", mean), ("std", std)))
    if not most.all():
        raise g.refuse(f"std={std}")
    return g.emit("Div", g.emit("Sub", data, g.array("mean", least), role="centred"), g.array("std", most))


def _for_channels(
    g: Scope, name: str, given: Floats, channels: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    if len(given) not in (1, channels):
        raise BadInput(f"{g.node.op} {g.node.name!r} has {name}={given} for {channels} channels")
    return np.array(given, np.float32).reshape((-1, 1, 1) if len(given) > 1 else ())


@parses("_image_resize")
def resize(g: Scope, data: Value, *, size: Ints = (), keep_ratio: bool = False, interp: int = 1) -> Value:
    """Pictures of another size (width, height), HWC or NHWC, bilinear with half-pixel centres.

    Other interpolations are refused, and whole numbers, which OpenCV rounds in its own way.
    """
    if interp != 1:
        raise g.refuse(f"interp={interp}; supported: 1 (bilinear)")
    _check_float(g, data)
    axes = _rows_and_columns(g, data)
    return bilinear(
        g, data, _target(g, [length(g, data, axis) for axis in axes], size, keep_ratio), axes, align_corners=False
    )


def _target(g: Scope, given: list[int], target: Ints, keep_ratio: bool) -> list[int]:
    """Height and width; with ``keep_ratio``, one number is the shorter side (resize-inl.h, GetHeightAndWidth)."""
    if len(target) not in (1, 2) or min(target) < 1:
        raise BadInput(
            f"{g.node.op} {g.node.name!r} has size={target}; it must be a width and a height, or one number"
        )
    if len(target) == 2 or not keep_ratio:
        return [target[-1], target[0]]
    short = min(given)
    return [length * target[0] // short for length in given]


@parses("_image_crop")
def crop(g: Scope, data: Value, *, x: int, y: int, width: int, height: int) -> Value:
    """``width`` and ``height`` of pictures, HWC or NHWC, from the column ``x`` and the row ``y`` on."""
    axes = _rows_and_columns(g, data)
    starts = [at_least(g, "y", y, 0), at_least(g, "x", x, 0)]
    ends = [y + at_least(g, "height", height), x + at_least(g, "width", width)]
    whole = [length(g, data, axis) for axis in axes]
    if ends[0] > whole[0] or ends[1] > whole[1]:
        raise g.misfit(f"the crop ends at {ends[0]}x{ends[1]} of a picture of {whole[0]}x{whole[1]}")
    return g.emit("Slice", data, g.ints("starts", starts), g.ints("ends", ends), g.ints("axes", axes))


@parses("_image_flip_left_right")
def flip_left_right(g: Scope, data: Value) -> Value:
    """A picture (HWC) with its columns in reverse."""
    return _reversed(g, data, 1)


@parses("_image_flip_top_bottom")
def flip_top_bottom(g: Scope, data: Value) -> Value:
    """A picture (HWC) with its rows in reverse."""
    return _reversed(g, data, 0)


def _reversed(g: Scope, data: Value, axis: int) -> Value:
    rank(g, data, 3)
    last, first = length(g, data, axis) - 1, -length(g, data, axis) - 1
    limits = {"starts": last, "ends": first, "axes": axis, "steps": -1}
    return g.emit("Slice", data, *(g.ints(name, [value]) for name, value in limits.items()))


def _rows_and_columns(g: Scope, data: Value) -> tuple[int, int]:
    """The axes H and W of HWC or NHWC."""
    axes = rank(g, data, 3, 4)
    return axes - 3, axes - 2


def _check_float(g: Scope, data: Value) -> None:
    if dtype_of(data) is not DataType.FLOAT:
        raise g.refuse(f"pictures of {dtype_of(data).name.lower()}; supported: float32")
