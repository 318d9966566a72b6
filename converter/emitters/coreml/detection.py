"""Regions of interest, deformable convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain, whole
from converter.emitters.coreml.convolution import halves
from converter.emitters.coreml.operand import Operand, state
from converter.emitters.operand import is_stored, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_LARGEST = float(np.finfo(np.float32).max)
RESAMPLED: dict[str, Operand] = {
    "sampling_mode": "bilinear",
    "padding_mode": "constant",
    "padding_value": 0.0,
    "coordinates_mode": "unnormalized",
    "align_corners": True,
}
"""How ``mb.resample`` takes pixels by their numbers, with zeros around the image."""


@emits("coreml", "RoiAlign")
def roi_align(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    images: onnx_ir.Value,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """Bilinear samples, as a product with their weights by row and by column."""
    if mode != "avg":
        raise Refused(f"mode {mode}")
    aligned = coordinate_transformation_mode == "half_pixel"
    chain = Chain(node)
    corners = chain.step("corners", "mul", x=rois, y=float(spatial_scale))
    if aligned:
        corners = chain.step("centred", "sub", x=corners, y=0.5)
    left, top, right, bottom = chain.steps(
        ("left", "top", "right", "bottom"), "split", x=corners, num_splits=4, axis=1
    )
    height, width = static(data, 2, 3)
    rows = _roi_weights(chain, top, bottom, output_height, height, sampling_ratio, aligned=aligned)
    columns = _roi_weights(chain, left, right, output_width, width, sampling_ratio, aligned=aligned)
    chosen = chain.step("chosen", "gather", x=data, indices=images, axis=0)
    wide = chain.step("wide", "expand_dims", x=columns, axes=(1,))
    by_column = chain.step("by_column", "matmul", x=chosen, y=wide, transpose_y=True)
    return chain.last("matmul", x=chain.step("high", "expand_dims", x=rows, axes=(1,)), y=by_column)


def _roi_weights(
    chain: Chain,
    start: onnx_ir.Value,
    end: onnx_ir.Value,
    cells: int,
    length: int,
    samples: int,
    *,
    aligned: bool,
) -> onnx_ir.Value:
    """How much of each of ``length`` pixels is in the average of each cell, regions x cells x length.

    Samples that are more than a pixel outside of the image count as 0. There is at most a handful of others for each
    pixel, so no more are looked at, however long the region is.
    """
    extent = chain.step("extent", "sub", x=end, y=start)
    extent = extent if aligned else chain.step("extent", "maximum", x=extent, y=1.0)
    cell = chain.step("cell", "expand_dims", x=chain.step("share", "real_div", x=extent, y=float(cells)), axes=(2,))
    first = chain.step("start", "expand_dims", x=start, axes=(2,))
    numbers = np.arange(cells, dtype=np.float32).reshape(1, -1, 1)
    origin = chain.step("origin", "add", x=chain.step("offset", "mul", x=cell, y=numbers), y=first)
    count: Operand = float(samples) if samples else chain.step("count", "ceil", x=cell)
    safe: Operand = count if samples else chain.step("counted", "maximum", x=count, y=1.0)
    step = chain.step("step", "real_div", x=cell, y=safe)
    most = samples or 2 * length + 8
    series = np.arange(most, dtype=np.float32).reshape(1, 1, -1)
    if samples:
        place = chain.step("moved", "mul", x=step, y=series + np.float32(0.5))
    else:
        before = chain.step("before", "sub", x=-1.0, y=origin)
        skipped = chain.step("steps", "sub", x=chain.step("ratio", "real_div", x=before, y=step), y=0.5)
        skipped = chain.step("skipped", "floor", x=skipped)
        finite = chain.step("finite", "less_equal", x=chain.step("size", "abs", x=skipped), y=_LARGEST)
        skipped = chain.step("known", "select", cond=finite, a=skipped, b=0.0)
        skipped = chain.step("skipped", "maximum", x=skipped, y=0.0)
        sample = chain.step("sample", "add", x=skipped, y=series)
        middle = chain.step("middle", "add", x=sample, y=0.5)
        place = chain.step("moved", "mul", x=middle, y=step)
    place = chain.step("place", "add", x=place, y=origin)
    low_enough = chain.step("from", "greater_equal", x=place, y=-1.0)
    inside = chain.step(
        "inside", "logical_and", x=low_enough, y=chain.step("to", "less_equal", x=place, y=float(length))
    )
    if not samples:
        inside = chain.step("inside", "logical_and", x=inside, y=chain.step("of", "less", x=sample, y=count))
    place = chain.step("place", "maximum", x=place, y=0.0)
    last = float(length - 1)
    low = chain.step("low", "minimum", x=chain.step("floor", "floor", x=place), y=last)
    rest = chain.step("rest", "sub", x=place, y=low)
    before_end = chain.step("short", "cast", x=chain.step("before_end", "less", x=low, y=last), dtype="fp32")
    fraction = chain.step("fraction", "expand_dims", x=chain.step("part", "mul", x=rest, y=before_end), axes=(3,))
    pixel = chain.step("pixel", "expand_dims", x=low, axes=(3,))
    pixels = np.arange(length, dtype=np.float32).reshape(1, 1, 1, -1)
    here = chain.step("here", "cast", x=chain.step("is_low", "equal", x=pixel, y=pixels), dtype="fp32")
    next_ = chain.step("next", "cast", x=chain.step("is_next", "equal", x=pixel, y=pixels - 1), dtype="fp32")
    near = chain.step("near", "mul", x=here, y=chain.step("other", "sub", x=1.0, y=fraction))
    weights = chain.step("weights", "add", x=near, y=chain.step("far", "mul", x=next_, y=fraction))
    mask = chain.step("mask", "expand_dims", x=chain.step("counts", "cast", x=inside, dtype="fp32"), axes=(3,))
    kept = chain.step("kept", "mul", x=weights, y=mask)
    total = chain.step("total", "reduce_sum", x=kept, axes=(2,), keep_dims=False)
    return chain.step("mean", "real_div", x=total, y=safe)


@emits("coreml", "MaxRoiPool")
def max_roi_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    pooled_shape: Sequence[int],
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """The largest of what lies in a window's rows, and of these in its columns, one of a cell after the other."""
    chain = Chain(node)
    height, width = static(data, 2, 3)
    image, corners = chain.steps(("image", "corners"), "split", x=rois, split_sizes=(1, 4), axis=1)
    corners = _rounded(chain, chain.step("scaled", "mul", x=corners, y=float(spatial_scale)))
    left, top, right, bottom = chain.steps(
        ("left", "top", "right", "bottom"), "split", x=corners, num_splits=4, axis=1
    )
    rows = _roi_cells(chain, top, bottom, pooled_shape[0], height)
    columns = _roi_cells(chain, left, right, pooled_shape[1], width)
    number = chain.step("number", "cast", x=chain.step("image", "squeeze", x=image, axes=(1,)), dtype="int32")
    chosen = chain.step("chosen", "gather", x=data, indices=number, axis=0)
    strips = [_strip(chain, chosen, row, (1, 3), 2) for row in rows]
    by_row = chain.step("by_row", "stack", values=strips, axis=2)
    cells = [_strip(chain, by_row, column, (1, 2), 3) for column in columns]
    found = chain.step("found", "stack", values=cells, axis=3)
    filled = chain.step("filled", "greater", x=found, y=-math.inf)
    return chain.last("select", cond=filled, a=found, b=0.0)


def _strip(chain: Chain, data: onnx_ir.Value, part: onnx_ir.Value, axes: tuple[int, ...], axis: int) -> onnx_ir.Value:
    """The largest of ``data`` along ``axis`` where ``part``, regions x elements, holds."""
    mask = chain.step("part", "expand_dims", x=part, axes=axes)
    kept = chain.step("kept", "select", cond=mask, a=data, b=-math.inf)
    return chain.step("strip", "reduce_max", x=kept, axes=(axis,), keep_dims=False)


def _rounded(chain: Chain, value: onnx_ir.Value) -> onnx_ir.Value:
    """Halves rounded away from zero."""
    near = whole(chain, value)
    rest = chain.step("rest", "abs", x=chain.step("behind", "sub", x=value, y=near))
    more = chain.step("more", "cast", x=chain.step("half", "greater_equal", x=rest, y=0.5), dtype="fp32")
    change = chain.step("change", "mul", x=chain.step("direction", "sign", x=value), y=more)
    return chain.step("rounded", "add", x=near, y=change)


def _roi_cells(
    chain: Chain, start: onnx_ir.Value, end: onnx_ir.Value, cells: int, length: int
) -> list[onnx_ir.Value]:
    """Which of ``length`` pixels each cell has, regions x length each; ``start`` and ``end`` are regions x 1."""
    extent = chain.step("extent", "add", x=chain.step("last", "sub", x=end, y=start), y=1.0)
    extent = chain.step("extent", "maximum", x=extent, y=1.0)
    cell = chain.step("cell", "real_div", x=extent, y=float(cells))
    pixels = np.arange(length, dtype=np.float32).reshape(1, -1)
    found = []
    for number in range(cells):
        low = chain.step("low", "floor", x=chain.step("from", "mul", x=cell, y=float(number)))
        high = chain.step("high", "ceil", x=chain.step("to", "mul", x=cell, y=float(number + 1)))
        first, last = (chain.step("edge", "add", x=edge, y=start) for edge in (low, high))
        after = chain.step("after", "less_equal", x=first, y=pixels)
        found.append(chain.step("cell", "logical_and", x=after, y=chain.step("before", "greater", x=last, y=pixels)))
    return found


@emits("coreml", "DeformConv")
def deform_conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    offset: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    mask: onnx_ir.Value | None = None,
    *,
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    offset_group: int = 1,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``mb.resample`` where the taps are, and ``mb.matmul`` with the weight."""
    if len(dims(data)) != 4:
        raise Refused(f"{len(dims(data)) - 2} spatial axes, not 2")
    if not is_stored(weight) or (bias is not None and not is_stored(bias)):
        raise Refused("its weight is computed by the network")
    kernel = tuple(kernel_shape) or static(weight, 2, 3)
    filters, channels = static(weight, 0)[0], static(data, 1)[0]
    counts = static(node.outputs[0], 2, 3)
    if dims(offset)[2:] != counts:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(counts)}")
    taps, places = math.prod(kernel), math.prod(counts)
    rows = -1 if dims(data)[0] == BATCH else int(dims(data)[0])
    begin, _ = halves(pads, 2)
    base = _tap_places(kernel, counts, tuple(strides) or (1, 1), begin, tuple(dilations) or (1, 1))
    chain = Chain(node)
    images, moves = _parts(chain, "image", data, offset_group), _parts(chain, "moves", offset, offset_group)
    masks = [] if mask is None else _parts(chain, "mask", mask, offset_group)
    found = []
    for number, (image, move) in enumerate(zip(images, moves, strict=True)):
        apart = chain.step("apart", "reshape", x=move, shape=(rows, taps, 2, places))
        turned = chain.step("turned", "transpose", x=apart, perm=(0, 1, 3, 2))
        place = chain.step("place", "add", x=turned, y=base)
        place = chain.step("place", "reverse", x=place, axes=(3,))  # Core ML's are x, y
        place = chain.step("grid", "reshape", x=place, shape=(rows, taps * counts[0], counts[1], 2))
        sampled = chain.step("sampled", "resample", x=image, coordinates=place, **RESAMPLED)
        sampled = chain.step("taps", "reshape", x=sampled, shape=(rows, channels // offset_group, taps, places))
        if masks:
            factor = chain.step("factor", "reshape", x=masks[number], shape=(rows, 1, taps, places))
            sampled = chain.step("masked", "mul", x=sampled, y=factor)
        found.append(sampled)
    columns = found[0] if len(found) == 1 else chain.step("columns", "concat", values=found, axis=1)
    columns = chain.step("groups", "reshape", x=columns, shape=(rows, group, channels // group * taps, places))
    factors = state(weight, (1, group, filters // group, channels // group * taps))
    product = chain.step("product", "matmul", x=factors, y=columns)
    if bias is None:
        return chain.last("reshape", x=product, shape=(rows, filters, *counts))
    result = chain.step("filters", "reshape", x=product, shape=(rows, filters, *counts))
    return chain.last("add", x=result, y=state(bias, (1, filters, 1, 1)))


def _parts(chain: Chain, role: str, value: onnx_ir.Value, count: int) -> list[onnx_ir.Value]:
    """``value``'s channels, in ``count`` parts."""
    if count == 1:
        return [value]
    roles = [f"{role}{number}" for number in range(count)]
    return chain.steps(roles, "split", x=value, num_splits=count, axis=1)


def _tap_places(
    kernel: Sequence[int],
    counts: Sequence[int],
    strides: Sequence[int],
    begin: Sequence[int],
    dilations: Sequence[int],
) -> Operand:
    """Where each tap is at each place before it is moved, 1 x taps x places x (row, column)."""
    axes = [
        np.arange(kernel[axis])[:, None] * dilations[axis] + np.arange(counts[axis]) * strides[axis] - begin[axis]
        for axis in range(2)
    ]
    shape = (kernel[0], kernel[1], counts[0], counts[1])
    rows = np.broadcast_to(axes[0][:, None, :, None], shape)
    columns = np.broadcast_to(axes[1][None, :, None, :], shape)
    return np.stack([rows, columns], -1).reshape(1, math.prod(kernel), math.prod(counts), 2).astype(np.float32)
