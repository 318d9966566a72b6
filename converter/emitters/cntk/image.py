"""Images: resizing, sampling, blocks of pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, resample
from converter.emitters.batch import batch_axis, made, row_axis, row_shape
from converter.emitters.cntk.convolution import cropped
from converter.emitters.cntk.creation import table
from converter.emitters.cntk.indexing import taken
from converter.emitters.cntk.operand import line, own_shape
from converter.emitters.cntk.shape import WHOLE
from converter.emitters.cntk.slicing import between
from converter.emitters.cntk.window import Window, per_row
from converter.emitters.known import numbers
from converter.emitters.operand import is_stored, static
from converter.emitters.python import literal
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims


@emits("cntk", "Resize")
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,  # noqa: ARG001 - of another mode
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] = (),  # noqa: ARG001 - the shapes tell
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,  # noqa: ARG001 - of another mode
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> list[Statement]:
    """Nearest from below by whole factors ``splice`` in a function, else gathered; others products with a matrix.

    Of an infinite pixel such a product makes more of them, and numbers that are none.
    """
    if scales is not None or sizes is None or antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("only sizes are expressed, without antialias")
    result, coordinates = node.outputs[0], coordinate_transformation_mode
    pairs = list(enumerate(zip(dims(data), dims(result), strict=True)))
    changed = [axis for axis, (old, new) in pairs if old != new]
    if not changed:
        return [line(node, "{0}", data)]
    statements, shape = [], list(own_shape(data))
    for axis in changed:
        place = row_axis(data, axis)
        size, count = shape[place], static(result, axis)[0]
        shape[place] = count
        target = result if axis == changed[-1] else between(node, f"axis{axis}", shape, batch_axis(result))
        if mode == "nearest":
            places = resample.nearest(size, count, coordinates, nearest_mode)
            statements += _nearest(node, data, target, place, size, places)
        elif mode in {"linear", "cubic"}:
            shares = resample.linear(size, count, coordinates)
            if mode == "cubic":
                excluded = bool(exclude_outside)
                shares = resample.cubic(size, count, coordinates, cubic_coeff_a, exclude=excluded)
            statements.append(along(node, data, target, place, shares))
        else:
            raise Refused(f"mode {mode}")
        data = target
    return statements


def _nearest(
    node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, axis: int, size: int, places: list[int]
) -> list[Statement]:
    count = len(places)
    if count % size or places != [place * size // count for place in range(count)]:
        return taken(node, data, result, axis, places)
    text = f"repeated({{0}}, {axis}, {count // size})"
    return [line(node, text, data, outputs=[result], scalars=False, library=["repeated"])]


def along(node: onnx_ir.Node, data: onnx_ir.Value, result: onnx_ir.Value, axis: int, shares: np.ndarray) -> Statement:
    """The statement of the product of a row's ``axis`` with a matrix, new elements x old ones."""
    last = axis == len(own_shape(data)) - 1
    text = "C.times({0}, {shares})" if last else f"along({{0}}, {axis}, {{shares}})"
    library = [] if last else ["along", "permuted"]
    held = {"shares": table(shares.T)}
    return line(node, text, data, outputs=[result], scalars=False, library=library, tensors=held)


@emits("cntk", "DepthToSpace", dtypes=WHOLE)
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Statement]:
    """``depth_to_space`` (``DCR``); else transposed."""

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        if blocksize == 1:
            return [line(node, "{0}", rows, outputs=[result])]
        if mode == "DCR":
            return [line(node, f"C.depth_to_space({{0}}, {blocksize})", rows, outputs=[result])]
        channels, height, width = row_shape(rows)
        split = (channels // blocksize**2, blocksize, blocksize, height, width)
        text = f"C.reshape(permuted(C.reshape({{0}}, {split}), (0, 3, 1, 4, 2)), {row_shape(result)})"
        return [line(node, text, rows, outputs=[result], library=["permuted"])]

    return per_row(node, data, translate)


@emits("cntk", "SpaceToDepth", dtypes=WHOLE)
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Statement]:
    """``space_to_depth``."""

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        text = "{0}" if blocksize == 1 else f"C.space_to_depth({{0}}, {blocksize})"
        return [line(node, text, rows, outputs=[result])]

    return per_row(node, data, translate)


@emits("cntk", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Statement]:
    """A function: products with the weights of the pixels, which ``one_hot`` makes of the places.

    Of an infinite pixel such a product makes numbers that are none.
    """
    if mode not in {"linear", "nearest", "cubic"}:
        raise Refused(f"mode {mode}")
    rank = len(dims(data)) - 2
    if dims(grid)[-1] != rank:
        raise Refused(f"{dims(grid)[-1]} coordinates of {rank}")
    if is_stored(data) or is_stored(grid) or batch_axis(data) != 0 or batch_axis(grid) != 0:
        raise Refused("the first axis of the images or the grid is not the batch")
    settings = f"{literal(mode)}, {literal(padding_mode)}, {bool(align_corners)}"
    library = ["grid_sample", "permuted"]
    return [line(node, f"grid_sample({{0}}, {{1}}, {settings})", data, grid, scalars=False, library=library)]


@emits("cntk", "AffineGrid", dtypes=WHOLE)
def affine_grid(
    node: onnx_ir.Node,
    theta: onnx_ir.Value,
    size: onnx_ir.Value,  # noqa: ARG001 - the shape of the result has it
    *,
    align_corners: int = 0,
) -> list[Statement]:
    """The product of all places with the maps."""
    if is_stored(theta) or batch_axis(theta) != 0:
        raise Refused(f"the first axis of {theta.name} is not the batch")
    result = node.outputs[0]
    sizes = row_shape(result)[:-1]
    axes = [_places(count, bool(align_corners)) for count in sizes]
    every = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(sizes)], -1).reshape(-1, len(sizes) + 1)
    flat = made(f"{node.name}/flat", (BATCH, math.prod(sizes), len(sizes)), 0)
    text = "C.times({places}, C.transpose({0}, (1, 0)))"
    return [
        line(node, text, theta, outputs=[flat], tensors={"places": table(every)}),
        line(node, "C.reshape({0}, {shape})", flat, shape=row_shape(result)),
    ]


def _places(count: int, aligned: bool) -> np.ndarray:
    """Where the pixels of an axis lie between -1 and 1, in float32."""
    number = np.arange(count, dtype=np.float32)
    return number * 2 / max(count - 1, 1) - 1 if aligned else (number * 2 + 1) / count - 1


@emits("cntk", "Col2Im")
def col2im(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    image: onnx_ir.Value,
    block: onnx_ir.Value,
    *,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``convolution_transpose`` of each channel, whose kernels are single ones, of which a slice is cut."""
    sizes, kernel = numbers(image), numbers(block)
    rank, taps = len(sizes), math.prod(kernel)
    steps, gaps = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    edges = tuple(pads) or (0,) * 2 * rank
    windows = [
        Window(size, (size + begin + end - (count - 1) * gap - 1) // step + 1, count, step, gap, begin, end)
        for size, count, step, gap, begin, end in zip(
            sizes, kernel, steps, gaps, edges[:rank], edges[rank:], strict=True
        )
    ]

    def translate(rows: onnx_ir.Value, result: onnx_ir.Value) -> list[Statement]:
        channels = row_shape(result)[0]
        ones = np.tile(np.eye(taps).reshape(taps, 1, *kernel), (channels, *(1,) * (rank + 1)))
        shape = tuple((each.count - 1) * each.stride + each.span for each in windows)
        whole = made(f"{node.name}/whole", (BATCH, channels, *shape), 0)
        given = (channels * taps, *(each.count for each in windows))
        parts = f"dilated({{ones}}, {gaps}), C.reshape({{0}}, {given})"
        text = f"grouped_convolution_transpose({parts}, {channels}, strides={steps})"
        library = ["grouped_convolution_transpose", "dilated"]
        spread = line(node, text, rows, outputs=[whole], library=library, tensors={"ones": table(ones)})
        return [spread, *cropped(node, whole, result, windows)]

    return per_row(node, data, translate)
