"""Images: of another size, and blocks of pixels as channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, resample
from converter.emitters.caffe.layer import Blob, Fields, pair
from converter.emitters.caffe.moves import Parts, ended, length, permuted, repeated, taken, viewed, volume
from converter.emitters.caffe.padding import padded
from converter.emitters.caffe.steps import Steps
from converter.emitters.caffe.transposition import Permutation, permute
from converter.emitters.operand import array
from converter.ir import dims

Sides = Mapping[int, tuple[int, int]]
"""The axes that change: how many elements there were, and how many there are."""


@emits("caffe", "Resize")
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Parts:
    """Images by whole factors: ``Deconvolution`` with a fixed kernel, of ones or, for half pixels, bilinear.

    The latter reads data whose edges are repeated once. Otherwise the nearest elements are put together by ``Slice``
    and ``Concat``, and of linear or cubic interpolation the sums along one axis after the other are an
    ``InnerProduct`` or a ``Convolution`` with the weights of the elements.

    Raises:
        Refused: There is an antialias, or the scales are not the ratio of the sizes; or the batch is resized.
    """
    del roi, sizes, extrapolation_value  # of another mode, or told by the shapes
    if antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("antialias or keep_aspect_ratio_policy is set")
    steps = Steps(node)
    sides = _sides(data, steps.output)
    _check_scales(data, steps.output, scales, axes)
    if mode == "nearest":
        places = {
            axis: resample.nearest(*side, coordinate_transformation_mode, nearest_mode)
            for axis, side in sides.items()
        }
        return ended(steps, _nearest(steps, data, sides, places))
    if mode == "linear" and _is_bilinear(data, sides, coordinate_transformation_mode):
        return ended(steps, _bilinear(steps, data, sides))
    found = partial(resample.linear, coordinates=coordinate_transformation_mode)
    if mode == "cubic":
        found = partial(
            resample.cubic,
            coordinates=coordinate_transformation_mode,
            a=cubic_coeff_a,
            exclude=bool(exclude_outside),
        )
    value = data
    for axis, side in sides.items():
        value = weighted(steps, value, axis, found(*side), role=f"axis_{axis}")
    return ended(steps, value)


@emits("caffe", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node,
    theta: onnx_ir.Value,
    size: onnx_ir.Value | None = None,  # noqa: ARG001 - the output's shape says the same
    *,
    align_corners: int = 0,
) -> Parts:
    """``InnerProduct`` of the matrices' rows and the places of the pixels, its dimensions in another order."""
    steps = Steps(node)
    shape = dims(steps.output)
    lines = [_places(length(steps.output, axis), bool(align_corners)) for axis in range(1, len(shape) - 1)]
    mesh = np.meshgrid(*lines, indexing="ij")[::-1]
    table = np.stack([*(line.reshape(-1) for line in mesh), np.ones(mesh[0].size)], 1)
    value = weighted(steps, theta, 2, table.astype(np.float32), role="places")
    value = permuted(steps, value, (0, 2, 1), role="moved")
    return ended(steps, viewed(steps, value, shape, role="shape"))


def _places(count: int, align_corners: bool) -> resample.Floats:
    """Where ``count`` pixels are between -1 and 1."""
    if not align_corners:
        return (2 * np.arange(count) + 1) / count - 1
    return np.linspace(-1, 1, count) if count > 1 else np.full(1, -1.0)


@emits("caffe", "DepthToSpace")
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> Parts:
    """``Reshape``, the dimensions in another order as of ``Transpose``, and ``Reshape``."""
    return _blocks_to_space(node, data, blocksize, mode, permuted)


@emits("caffe ssd", "DepthToSpace")
def depth_to_space_by_layer(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> Parts:
    """``Reshape``, ``Permute`` and ``Reshape``."""
    return _blocks_to_space(node, data, blocksize, mode, permute)


@emits("caffe", "SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> Parts:
    """``Reshape``, the dimensions in another order as of ``Transpose``, and ``Reshape``."""
    return _space_to_blocks(node, data, blocksize, permuted)


@emits("caffe ssd", "SpaceToDepth")
def space_to_depth_by_layer(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> Parts:
    """``Reshape``, ``Permute`` and ``Reshape``."""
    return _space_to_blocks(node, data, blocksize, permute)


def _blocks_to_space(node: onnx_ir.Node, data: onnx_ir.Value, block: int, mode: str, order: Permutation) -> Parts:
    steps, shape = Steps(node), dims(data)
    channels = length(data, 1) // block**2
    last = mode == "CRD"
    view = (shape[0], *((channels, block, block) if last else (block, block, channels)), *shape[2:])
    value = viewed(steps, data, view, role="blocks")
    value = order(steps, value, (0, 1, 4, 2, 5, 3) if last else (0, 3, 4, 1, 5, 2), role="moved")
    return ended(steps, viewed(steps, value, dims(steps.output), role="shape"))


def _space_to_blocks(node: onnx_ir.Node, data: onnx_ir.Value, block: int, order: Permutation) -> Parts:
    steps, shape = Steps(node), dims(data)
    rows, columns = length(data, 2) // block, length(data, 3) // block
    value = viewed(steps, data, (*shape[:2], rows, block, columns, block), role="blocks")
    value = order(steps, value, (0, 3, 5, 1, 2, 4), role="moved")
    return ended(steps, viewed(steps, value, dims(steps.output), role="shape"))


def weighted(steps: Steps, value: onnx_ir.Value, axis: int, table: resample.Floats, *, role: str) -> onnx_ir.Value:
    """The sums along ``axis`` that ``table``, results x elements, says: ``InnerProduct`` of the last, else a view's.

    That is a ``Convolution`` of channels.
    """
    shape, (count, size) = dims(value), table.shape
    blob = plan.literal([[float(share) for share in line] for line in table])
    if axis == len(shape) - 1 and axis:
        params: Fields = {"num_output": count, "bias_term": False, **({} if axis == 1 else {"axis": axis})}
        return steps.add(
            "InnerProduct",
            value,
            role=role,
            params={"inner_product_param": params},
            blobs=[Blob((count, size), blob)],
            shape=(*shape[:-1], count),
        )
    image = (volume(shape[:axis]), size, volume(shape[axis + 1 :]), 1)
    summed = steps.add(
        "Convolution",
        viewed(steps, value, image, role=f"{role}/image"),
        role=f"{role}/sums",
        params={"convolution_param": {"num_output": count, "bias_term": False, "kernel_size": 1}},
        blobs=[Blob((count, size, 1, 1), plan.reshape(blob, (count, size, 1, 1)))],
        shape=(image[0], count, *image[2:]),
    )
    return viewed(steps, summed, (*shape[:axis], count, *shape[axis + 1 :]), role=role)


def _sides(data: onnx_ir.Value, result: onnx_ir.Value) -> Sides:
    before, after = dims(data), dims(result)
    changed = [axis for axis, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    return {axis: (length(data, axis), length(result, axis)) for axis in changed}


def _check_scales(
    data: onnx_ir.Value, result: onnx_ir.Value, scales: onnx_ir.Value | None, axes: Sequence[int] | None
) -> None:
    """Refuse scales that are not the ratio of both sizes, of which the tables are made."""
    if scales is None or 0 in dims(scales):
        return
    listed = range(len(dims(data))) if axes is None else axes
    for axis, scale in zip(listed, array(scales).reshape(-1).tolist(), strict=True):
        old, new = dims(data)[axis], dims(result)[axis]
        exact = (
            isinstance(old, int) and isinstance(new, int) and np.float32(new) / np.float32(old) == np.float32(scale)
        )
        if not exact and not (scale == 1 and old == new):
            raise Refused(f"the scale {scale:g} is not {new} / {old}")


def _nearest(steps: Steps, value: onnx_ir.Value, sides: Sides, places: Mapping[int, list[int]]) -> onnx_ir.Value:
    factors = {axis: count // size for axis, (size, count) in sides.items() if count % size == 0}
    whole = {
        axis
        for axis, factor in factors.items()
        if places[axis] == [place // factor for place in range(sides[axis][1])]
    }
    if len(dims(value)) == 4 and whole and whole == set(sides) <= {2, 3}:
        kernel = [factors.get(axis, 1) for axis in (2, 3)]
        ones = plan.full(1.0, (length(value, 1), 1, *kernel))
        return _upsampled(steps, value, kernel, kernel, (0, 0), ones, "upsampled")
    for axis in sides:
        role = f"axis_{axis}"
        if axis in whole:
            value = repeated(steps, value, axis, factors[axis], role=role)
        else:
            value = taken(steps, value, axis, places[axis], role=role)
    return value


def _is_bilinear(data: onnx_ir.Value, sides: Sides, coordinates: str) -> bool:
    """Whether a bilinear kernel does it: of half pixels, by whole factors."""
    return (
        len(dims(data)) == 4
        and coordinates in ("half_pixel", "pytorch_half_pixel")
        and bool(sides)
        and set(sides) <= {2, 3}
        and all(count % size == 0 for size, count in sides.values())
    )


def _bilinear(steps: Steps, data: onnx_ir.Value, sides: Sides) -> onnx_ir.Value:
    """``Deconvolution``: beyond the edges it has zeros where interpolation has the outermost elements again."""
    factors = [sides[axis][1] // sides[axis][0] if axis in sides else 1 for axis in (2, 3)]
    value = padded(steps, data, dict.fromkeys(sides, (1, 1)), mode="edge", role="edges")
    lines = [bilinear_kernel(factor) for factor in factors]
    kernel = [[[[row * column for column in lines[1]] for row in lines[0]]]]
    channels = length(data, 1)
    weight = plan.add(plan.full(0.0, (channels, 1, 1, 1)), plan.literal(kernel))
    cut = [factor // 2 + factor if factor > 1 else 0 for factor in factors]
    return _upsampled(steps, value, [len(line) for line in lines], factors, cut, weight, "upsampled")


def bilinear_kernel(factor: int) -> list[float]:
    """The shares of one element in those around it, ``factor`` times as many: ``2 * factor - factor % 2`` of them."""
    count = 2 * factor - factor % 2
    centre = (count - 1) / 2
    return [1 - abs(place - centre) / factor for place in range(count)]


def _upsampled(
    steps: Steps,
    value: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    weight: plan.Expression,
    role: str,
) -> onnx_ir.Value:
    """``Deconvolution`` of each channel with the same kernel."""
    channels = length(value, 1)
    shape = [
        stride * (length(value, axis) - 1) + size - 2 * pad
        for axis, size, stride, pad in zip((2, 3), kernel, strides, pads, strict=True)
    ]
    params: Fields = {
        "num_output": channels,
        "bias_term": False,
        **pair("pad", pads, default=0),
        **pair("kernel", kernel, default=-1, square="kernel_size"),
        **pair("stride", strides, default=1),
        **({"group": channels} if channels > 1 else {}),
    }
    return steps.add(
        "Deconvolution",
        value,
        role=role,
        params={"convolution_param": params},
        blobs=[Blob((channels, 1, *kernel), weight)],
        shape=(*dims(value)[:2], *shape),
    )
