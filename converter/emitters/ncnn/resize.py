"""Images of another size, and images sampled anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.elementwise import MUL, SUB
from converter.emitters.ncnn.layer import Alias, Layer, Weight, inner, mat_params
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import Step, series
from converter.emitters.ncnn.slicing import cropped
from converter.ir import dims

Places = npt.NDArray[np.float32]

_MODES = {"nearest": 1, "linear": 2, "cubic": 3}
_CUBIC = -0.75
_PERIOD = 4.0
"""An image from -1 to 1, and its reflection."""
_ROUND = 18
"""A number of ``UnaryOp``."""
_ALIGNED = {"half_pixel": 0, "pytorch_half_pixel": 0, "half_pixel_symmetric": 0, "align_corners": 1}
"""How ``Interp`` is told where linear and cubic interpolation read."""
_ROUNDED: Mapping[str, Callable[[Places], Places]] = {
    "round_prefer_floor": lambda places: np.ceil(places - np.float32(0.5)),
    "round_prefer_ceil": lambda places: np.floor(places + np.float32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


@emits("ncnn", "Resize")
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,  # noqa: ARG001 - of a mode that is refused
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,  # noqa: ARG001 - the output's shape says the same
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = _CUBIC,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,  # noqa: ARG001 - of a mode that is refused
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> list[Layer | Alias]:
    """``Interp``, of the last two dimensions in one, of others in a view of the Mat each.

    Raises:
        Refused: ``Interp`` would read other places than the IR says, or weigh them otherwise.
    """
    before, after = _sizes(node, data)
    changed = {axis: (old, new) for axis, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
    if antialias or exclude_outside or keep_aspect_ratio_policy != "stretch":
        raise Refused("antialias, exclude_outside or keep_aspect_ratio_policy is set")
    if scales is not None and constant(scales).numpy().size:
        _check_scales(data, only_output(node), constant(scales).numpy(), axes)
    if mode == "nearest":
        for pair in changed.values():
            if _places(coordinate_transformation_mode, nearest_mode, *pair) != _nearest(*pair):
                raise Refused(f"{coordinate_transformation_mode}, {nearest_mode} of {pair[0]} to {pair[1]} elements")
    elif coordinate_transformation_mode not in _ALIGNED or (mode == "cubic" and cubic_coeff_a != _CUBIC):
        raise Refused(f"mode {mode}, {coordinate_transformation_mode}, cubic_coeff_a {cubic_coeff_a:g}")
    params = {0: _MODES[mode], 6: 0 if mode == "nearest" else _ALIGNED[coordinate_transformation_mode]}
    first = [
        axis
        for axis, (_, new) in changed.items()
        if new == 1 and coordinate_transformation_mode == "pytorch_half_pixel"
    ]
    steps: list[Step] = [cropped(dict.fromkeys(first, range(1)))] if first and mode != "nearest" else []
    shape = [1 if steps and axis in first else size for axis, size in enumerate(before)]
    steps += _interpolated(shape, after, params)
    return [*series(node, data, *steps)] if steps else [Alias(only_output(node), data)]


def _interpolated(before: Sequence[int], after: Sequence[int], params: Mapping[int, int]) -> list[Step]:
    """``Interp`` of the last two dimensions at once, and of each before them as the rows of a view."""
    shape, steps = list(before), []
    views = [len(shape) - 1, *range(len(shape) - 3, -1, -1)]
    for axis in views:
        two = axis == len(shape) - 1
        start = max(axis - two, 0)
        if shape[start : axis + 1] == list(after[start : axis + 1]):
            continue
        rest = math.prod(shape[axis + 1 :])
        rows, columns = (math.prod(shape[start:axis]), shape[axis]) if two else (shape[axis], rest)
        steps += _view(shape, (math.prod(shape[:start]), rows, columns))
        shape[start : axis + 1] = after[start : axis + 1]
        new_rows, new_columns = (math.prod(shape[start:axis]), shape[axis]) if two else (shape[axis], rest)
        steps.append(("Interp", {**params, 3: new_rows, 4: new_columns}))
        steps += _view((math.prod(shape[:start]), new_rows, new_columns), shape)
    return steps


def _view(shape: Sequence[int], wanted: Sequence[int]) -> list[Step]:
    return [] if tuple(shape) == tuple(wanted) else [("Reshape", mat_params(wanted))]


def _sizes(node: onnx_ir.Node, data: onnx_ir.Value) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of both Mats; the batch is not resized."""
    top = only_output(node)
    if batch_axis(data) != batch_axis(top):
        raise Refused(f"the batch of {data.name} is not that of {top.name}")
    return mat_shape(data), mat_shape(top)


def _check_scales(
    data: onnx_ir.Value, top: onnx_ir.Value, scales: npt.NDArray[Any], axes: Sequence[int] | None
) -> None:
    """Refuse scales that are not the ratio of both sizes: ``Interp`` computes with that."""
    for axis, scale in zip(axes if axes is not None else range(scales.size), scales.tolist(), strict=True):
        old, new = dims(data)[axis], dims(top)[axis]
        if scale != 1 and (
            not isinstance(old, int) or not isinstance(new, int) or np.float32(new / old) != np.float32(scale)
        ):
            raise Refused(f"the scale {scale:g} is not {new} / {old}")
        if scale == 1 and old != new:
            raise Refused(f"the scale 1 is not {new} / {old}")


def _places(coordinates: str, rounding: str, old: int, new: int) -> list[int]:
    """The elements that the IR reads in one dimension, as float32 places them."""
    index, scale = np.arange(new, dtype=np.float32), np.float32(new) / np.float32(old)
    half = np.float32(0.5)
    if coordinates == "asymmetric":
        places = index / scale
    elif coordinates == "align_corners":
        places = index * np.float32(old - 1) / np.float32(max(new - 1, 1))
    elif coordinates == "pytorch_half_pixel" and new == 1:
        places = np.zeros(1, np.float32)
    elif coordinates in _ALIGNED:
        places = (index + half) / scale - half
    else:
        raise Refused(f"coordinate_transformation_mode {coordinates}")
    return [int(place) for place in np.clip(_ROUNDED[rounding](places), 0, old - 1)]


def _nearest(old: int, new: int) -> list[int]:
    """The elements that ``Interp`` reads."""
    ratio = np.float32(old) / np.float32(new)
    return [int(place) for place in np.minimum(np.floor(np.arange(new, dtype=np.float32) * ratio), old - 1)]


@emits("ncnn", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Layer]:
    """``GridSample`` of images; with reflection, of ``g - 4 * round(g / 4)``, as ncnn reflects once only.

    Raises:
        Refused: There are three spatial dimensions, or the interpolation is cubic.
    """
    if mode not in ("linear", "nearest") or len(dims(data)) != 4:
        raise Refused(f"mode {mode} of {len(dims(data)) - 2} spatial dimensions")
    if {batch_axis(data), batch_axis(grid), batch_axis(only_output(node))} != {0}:
        raise Refused(f"the batch of {data.name} and {grid.name} is not their first dimension")
    params = {
        0: {"linear": 1, "nearest": 2}[mode],
        1: {"zeros": 1, "border": 2, "reflection": 3}[padding_mode],
        2: align_corners,
    }
    before, read = _near(node, grid) if padding_mode == "reflection" else ([], grid)
    return [*before, Layer(str(node.name), "GridSample", (data, read), (only_output(node),), params)]


def _near(node: onnx_ir.Node, grid: onnx_ir.Value) -> tuple[list[Layer], onnx_ir.Value]:
    """The layers that bring places to [-2, 2] by whole periods of the reflected image, and what they compute."""
    periods, near = inner(node, "periods"), inner(node, "near")
    count, times = ("BinaryOp", {0: MUL, 1: 1, 2: 1 / _PERIOD}), ("BinaryOp", {0: MUL, 1: 1, 2: _PERIOD})
    layers = series(node, grid, count, ("UnaryOp", {0: _ROUND}), times, top=periods)
    return [*layers, Layer(str(near.name), "BinaryOp", (grid, periods), (near,), {0: SUB})], near


@emits("ncnn", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node,
    theta: onnx_ir.Value,
    size: onnx_ir.Value | None,  # noqa: ARG001 - the output's shape says the same
    *,
    align_corners: int = 0,
) -> list[Layer]:
    """``MatMul`` of the places of the pixels, which are ``MemoryData``, and the transposed matrix.

    Raises:
        Refused: There are three spatial dimensions.
    """
    top = only_output(node)
    if len(dims(theta)) != 3 or mat_shape(theta) != (2, 3) or (batch_axis(theta), batch_axis(top)) != (0, 0):
        raise Refused(f"{theta.name} has the shape {list(dims(theta))}")
    rows, columns, _ = mat_shape(top)
    places, turned, product = (inner(node, name) for name in ("places", "matrix", "product"))
    held = Weight((rows * columns, 3), _pixels(rows, columns, align_corners))
    return [
        Layer(str(places.name), "MemoryData", (), (places,), mat_params(held.shape), (held,)),
        Layer(str(turned.name), "Permute", (theta,), (turned,), {0: 1}),
        Layer(str(product.name), "MatMul", (places, turned), (product,)),
        Layer(str(node.name), "Reshape", (product,), (top,), mat_params((rows, columns, 2))),
    ]


def _pixels(rows: int, columns: int, align_corners: int) -> plan.Expression:
    """``[x, y, 1]`` of every pixel, row by row, from -1 to 1."""

    def line(count: int) -> list[float]:
        if align_corners:
            return [float(place) for place in np.linspace(-1, 1, count, dtype=np.float32)] if count > 1 else [-1.0]
        return [float(place) for place in ((2 * np.arange(count) + 1) / count - 1).astype(np.float32)]

    flat = plan.full(0.0, (rows, columns, 1))
    x = plan.add(flat, plan.reshape(plan.literal(line(columns)), (1, columns, 1)))
    y = plan.add(flat, plan.reshape(plan.literal(line(rows)), (rows, 1, 1)))
    return plan.reshape(plan.concat([x, y, plan.full(1.0, (rows, columns, 1))], 2), (rows * columns, 3))
