"""Pooling of regions of feature maps.

Sources: src/operator/roi_pooling.cc, contrib/roi_align.cc.
"""

from __future__ import annotations

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import extents, rank, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("ROIPooling")
def roi_pooling(g: Scope, data: Value, rois: Value, *, pooled_size: Ints, spatial_scale: float) -> Value:
    """The maximum of each part of each region: ``rois`` are ``[image, x1, y1, x2, y2]``, in pixels before the scale.

    A region of image -1, as box_nms writes it, gives zeros; of an image beyond the last, an error in onnxruntime.
    """
    check_regions(g, data, rois)
    shape = extents(g, "pooled_size", pooled_size, 2)
    index, corners = split_regions(g, rois)
    regions = g.emit("Concat", _existing(g, index), corners, role="regions", axis=1)
    pooled = g.emit("MaxRoiPool", data, regions, role="all", pooled_shape=shape, spatial_scale=spatial_scale)
    return _only_existing(g, index, pooled)


@parses("_contrib_ROIAlign")
def roi_align(
    g: Scope,
    data: Value,
    rois: Value,
    *,
    pooled_size: Ints,
    spatial_scale: float,
    sample_ratio: int = -1,
    position_sensitive: bool = False,
    aligned: bool = False,
) -> Value:
    """The mean of bilinear samples of each part of each region: ``rois`` are ``[image, x1, y1, x2, y2]``.

    ``position_sensitive`` takes each part from a channel of its own. A region of image -1, as box_nms writes it,
    gives zeros, where MXNet reads memory beyond its own; of an image beyond the last, an error in onnxruntime.
    """
    check_regions(g, data, rois)
    height, width = extents(g, "pooled_size", pooled_size, 2)
    channels, parts = size(g, data, 1), height * width
    if position_sensitive and channels % parts:
        raise g.misfit(f"{channels} channels cannot be split into {parts} parts")
    index, corners = split_regions(g, rois)
    image = g.emit("Squeeze", _existing(g, index), g.ints("axis", [1]), role="index")
    aligned_parts = g.emit(
        "RoiAlign",
        data,
        corners,
        g.emit("Cast", image, role="image", to=int(DataType.INT64)),
        role="all",
        output_height=height,
        output_width=width,
        spatial_scale=spatial_scale,
        sampling_ratio=max(sample_ratio, 0),
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
        mode="avg",
    )
    if position_sensitive:
        aligned_parts = _own_parts(g, aligned_parts, channels // parts, height, width)
    return _only_existing(g, index, aligned_parts)


def _existing(g: Scope, index: Value) -> Value:
    """The image of each region, the first one for regions that have none."""
    return g.emit("Max", index, g.scalar("first", 0, like=index), role="existing")


def _only_existing(g: Scope, index: Value, pooled: Value) -> Value:
    """``pooled``, and zeros for the regions that have no image."""
    none = g.emit("Less", index, g.scalar("first", 0, like=index), role="none")
    regions = ir.dims(pooled)[0]
    spread = g.emit("Reshape", none, g.ints("spread/shape", [-1, 1, 1, 1]), role="spread", shape=(regions, 1, 1, 1))
    return g.emit("Where", spread, g.scalar("zero", 0), pooled)


def _own_parts(g: Scope, parts: Value, channels: int, height: int, width: int) -> Value:
    """Of ``[R, channels * parts, height, width]`` the part of each channel that is its own."""
    count, regions = height * width, ir.dims(parts)[0]
    square = g.ints("square/shape", [0, channels, count * count])
    flat = g.emit("Reshape", parts, square, role="square", shape=(regions, channels, count * count))
    own = g.emit("Gather", flat, g.array("diagonal", np.arange(count) * (count + 1)), role="own", axis=2)
    shape = (regions, channels, height, width)
    return g.emit("Reshape", own, g.ints("own/shape", [0, *shape[1:]]), role="parts", shape=shape)


def split_regions(g: Scope, rois: Value) -> list[Value]:
    """The numbers of images ``[R, 1]`` and the corners ``[R, 4]`` of regions."""
    return g.emit_many("Split", rois, g.ints("split/sizes", [1, 4]), outputs=["image", "box"], role="split", axis=1)


def check_regions(g: Scope, data: Value, rois: Value) -> None:
    """Refuse feature maps that are not NCHW and regions that are not ``[R, 5]``."""
    rank(g, data, 4)
    if ir.dims(rois)[1:] != (5,):
        raise g.misfit(f"regions of the shape {spell(ir.dims(rois))}; they must be [image, x1, y1, x2, y2]")
