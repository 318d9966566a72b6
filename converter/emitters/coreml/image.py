"""Feature maps made larger or smaller, or sampled elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import Refused, emits, resample
from converter.emitters.coreml.chain import Chain
from converter.emitters.coreml.elementwise import rounded
from converter.emitters.coreml.operand import Operand
from converter.emitters.operand import array, static
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_NATIVE = {"align_corners": "STRICT_ALIGN_CORNERS", "half_pixel": "UNALIGN_CORNERS"}
"""Core ML's names of ONNX's coordinates, for linear interpolation."""


@emits("coreml", "Resize")
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] = (),
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> list[Statement]:
    """``mb.resize_bilinear`` of the last two axes, ``mb.upsample_nearest_neighbor`` by whole numbers.

    Along other axes, and with other coordinates, nearest neighbours are gathered, and linear and cubic interpolation
    is a product with the matrix of its weights.
    """
    del roi, sizes, extrapolation_value  # of another mode, or in the result's shape
    if antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("antialias, or an aspect ratio that is kept")
    shape, result = dims(data), dims(node.outputs[0])
    changed = [axis for axis in range(len(shape)) if shape[axis] != result[axis]]
    _check_scales(scales, shape, result, axes)
    if any(BATCH in (shape[axis], result[axis]) for axis in changed):
        raise Refused("the batch changes its size")
    chain = Chain(node)
    if not changed:
        return chain.last("identity", x=data)
    if mode == "nearest":
        return _nearest(chain, data, changed, coordinate_transformation_mode, nearest_mode)
    if mode == "linear" and _is_native(data, node.outputs[0], changed, coordinate_transformation_mode):
        height, width = static(node.outputs[0], -2, -1)
        sampling = _NATIVE[coordinate_transformation_mode.removeprefix("pytorch_")]
        return chain.last(
            "resize_bilinear", x=data, target_size_height=height, target_size_width=width, sampling_mode=sampling
        )
    if mode not in {"linear", "cubic"}:
        raise Refused(f"mode {mode}")
    matrices = {}
    for axis in changed:
        (size,), (count,) = static(data, axis), static(node.outputs[0], axis)
        given = (size, count, coordinate_transformation_mode)
        if mode == "linear":
            matrices[axis] = resample.linear(*given)
        else:
            matrices[axis] = resample.cubic(*given, cubic_coeff_a, exclude=bool(exclude_outside))
    return _multiplied(chain, data, matrices)


def _check_scales(
    scales: onnx_ir.Value | None, shape: Sequence[int | str], result: Sequence[int | str], axes: Sequence[int]
) -> None:
    """Refuse factors that are not those from one shape to the other, for which ONNX takes them as they are."""
    if scales is None:
        return
    chosen = [axis % len(shape) for axis in axes] or list(range(len(shape)))
    for axis, scale in zip(chosen, array(scales).reshape(-1).tolist(), strict=False):
        size, count = shape[axis], result[axis]
        if size != count and (BATCH in (size, count) or float(count) != float(size) * scale):
            raise Refused(f"scale {scale} of {size} elements, which are made {count}")


def _is_native(data: onnx_ir.Value, result: onnx_ir.Value, changed: Sequence[int], coordinates: str) -> bool:
    """Whether ``mb.resize_bilinear`` does it; where one row or column is left that is another one than ONNX's."""
    rank = len(dims(data))
    if rank < 3 or min(changed) < rank - 2 or coordinates.removeprefix("pytorch_") not in _NATIVE:
        return False
    return coordinates == "half_pixel" or 1 not in dims(result)[-2:]


def _nearest(
    chain: Chain, data: onnx_ir.Value, changed: Sequence[int], coordinates: str, rounding: str
) -> list[Statement]:
    node, rank = chain.node, len(dims(data))
    sides = [(*static(data, axis), *static(node.outputs[0], axis)) for axis in changed]
    whole = all(count % size == 0 for size, count in sides)
    if whole and (coordinates, rounding) == ("asymmetric", "floor") and min(changed) >= rank - 2 and rank > 2:
        factors = dict(zip(changed, (count // size for size, count in sides), strict=True))
        height, width = (factors.get(rank - 2), factors.get(rank - 1))
        return chain.last("upsample_nearest_neighbor", x=data, scale_factor_height=height, scale_factor_width=width)
    for axis, (size, count) in zip(changed, sides, strict=True):
        indices = np.array(resample.nearest(size, count, coordinates, rounding))
        if axis == changed[-1]:
            break
        data = chain.step("resized", "gather", x=data, indices=indices, axis=axis)
    return chain.last("gather", x=data, indices=indices, axis=axis)


def _multiplied(chain: Chain, data: onnx_ir.Value, matrices: dict[int, resample.Floats]) -> list[Statement]:
    """``data`` multiplied along each axis with its matrix, results x elements."""
    shape = [-1 if size == BATCH else int(size) for size in dims(data)]
    for place, (axis, matrix) in enumerate(matrices.items()):
        before, behind = shape[:axis], shape[axis + 1 :]
        lead = -1 if -1 in before else math.prod(before)
        rows = chain.step("rows", "reshape", x=data, shape=(lead, shape[axis], math.prod(behind)))
        product = chain.step("product", "matmul", x=matrix, y=rows)
        shape[axis] = len(matrix)
        if place == len(matrices) - 1:
            return chain.last("reshape", x=product, shape=tuple(shape))
        data = chain.step("resized", "reshape", x=product, shape=tuple(shape))
    raise AssertionError("there is a matrix")


@emits("coreml", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Statement]:
    """``mb.resample`` of images, linear."""
    paddings = {
        "zeros": "constant",
        "border": "border",
        "reflection": "reflection" if align_corners else "symmetric",
    }
    if len(dims(data)) != 4:
        raise Refused(f"{len(dims(data)) - 2} spatial axes, not 2")
    if mode not in {"linear", "nearest"}:
        raise Refused(f"mode {mode}")
    if padding_mode not in paddings:
        raise Refused(f"padding_mode {padding_mode}")
    if dims(data)[0] != dims(grid)[0]:
        raise Refused(f"{dims(data)[0]} images with places in {dims(grid)[0]}")
    settings: dict[str, Operand] = {
        "sampling_mode": "bilinear",
        "padding_mode": paddings[padding_mode],
        "padding_value": 0.0,
        "coordinates_mode": "normalized_minus_one_to_one",
        "align_corners": bool(align_corners),
    }
    chain = Chain(node)
    if mode == "linear":
        return chain.last("resample", x=data, coordinates=grid, **settings)
    settings |= {"coordinates_mode": "unnormalized", "align_corners": True}
    return chain.last("resample", x=data, coordinates=_pixels(chain, data, grid, bool(align_corners)), **settings)


def _pixels(chain: Chain, data: onnx_ir.Value, grid: onnx_ir.Value, aligned: bool) -> onnx_ir.Value:
    """The numbers of the pixels next to the places in ``grid``; between two of them the even one."""
    sizes = np.array(static(data, 3, 2), np.float32).reshape(1, 1, 1, 2)
    moved = chain.step("moved", "add", x=grid, y=1.0)
    if aligned:
        halves = chain.step("halves", "real_div", x=moved, y=2.0)
        place = chain.step("place", "mul", x=halves, y=sizes - 1)
    else:
        shifted = chain.step("shifted", "sub", x=chain.step("doubled", "mul", x=moved, y=sizes), y=1.0)
        place = chain.step("place", "real_div", x=shifted, y=2.0)
    return rounded(chain, place)


@emits("coreml", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node, theta: onnx_ir.Value, size: onnx_ir.Value, *, align_corners: int = 0
) -> list[Statement]:
    """``mb.matmul`` of the pixels' places with the matrices."""
    del size  # in the result's shape
    rows, *sizes, axes = dims(node.outputs[0])
    counts = [int(count) for count in sizes]
    chain = Chain(node)
    series = [_corners(count) if align_corners else _centres(count) for count in counts]
    places = np.stack([*np.meshgrid(*series, indexing="ij")[::-1], np.ones(counts)], -1).astype(np.float32)
    product = chain.step("places", "matmul", x=places.reshape(1, -1, int(axes) + 1), y=theta, transpose_y=True)
    return chain.last("reshape", x=product, shape=(-1 if rows == BATCH else int(rows), *counts, int(axes)))


def _corners(count: int) -> npt.NDArray[np.float64]:
    """From the middle of the first to that of the last of ``count`` pixels."""
    return np.linspace(-1, 1, count) if count > 1 else np.full(1, -1.0)


def _centres(count: int) -> npt.NDArray[np.float64]:
    """The middles of ``count`` pixels from the one edge to the other."""
    return (2 * np.arange(count) + 1) / count - 1


@emits("coreml", "DepthToSpace")
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Statement]:
    """``mb.pixel_shuffle`` (``CRD``); ``DCR`` after a ``mb.transpose`` of its channels."""
    chain = Chain(node)
    if blocksize == 1:
        return chain.last("identity", x=data)
    if mode == "CRD":
        return chain.last("pixel_shuffle", x=data, upscale_factor=blocksize)
    rows, channels, height, width = dims(data)
    first = -1 if rows == BATCH else int(rows)
    blocks = blocksize * blocksize
    apart = chain.step(
        "apart", "reshape", x=data, shape=(first, blocks, int(channels) // blocks, int(height) * int(width))
    )
    turned = chain.step("turned", "transpose", x=apart, perm=(0, 2, 1, 3))
    ordered = chain.step("ordered", "reshape", x=turned, shape=(first, int(channels), int(height), int(width)))
    return chain.last("pixel_shuffle", x=ordered, upscale_factor=blocksize)


@emits("coreml", "SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Statement]:
    """``mb.pixel_unshuffle``, and a ``mb.transpose`` of its channels."""
    chain = Chain(node)
    if blocksize == 1:
        return chain.last("identity", x=data)
    rows, channels, height, width = dims(node.outputs[0])
    first = -1 if rows == BATCH else int(rows)
    blocks = blocksize * blocksize
    deep = chain.step("deep", "pixel_unshuffle", x=data, downscale_factor=Code(f"np.uint32({blocksize})"))
    apart = chain.step(
        "apart", "reshape", x=deep, shape=(first, int(channels) // blocks, blocks, int(height) * int(width))
    )
    turned = chain.step("turned", "transpose", x=apart, perm=(0, 2, 1, 3))
    return chain.last("reshape", x=turned, shape=(first, int(channels), int(height), int(width)))
