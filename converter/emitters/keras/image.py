"""Images: resizing, sampling, blocks of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.keras.operand import CHANNELS_LAST, INLINE, data_format, layer, line, spatial
from converter.emitters.operand import fresh, integers, square, static
from converter.emitters.resample import Floats, cubic, linear, nearest
from converter.emitters.statement import State, Statement
from converter.ir import dims

_COORDINATES = {"align_corners", "half_pixel", "pytorch_half_pixel"}


Sides = Mapping[int, tuple[int, int]]
"""The axes of which there are more or less elements afterwards: how many there were, and how many there are."""


@emits("keras", "Resize", "transship.channels_last::Resize")
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
    """``layers.UpSampling2D`` by whole factors, if nearest from below or linear of half pixels; else axis by axis.

    Nearest is ``ops.take`` then. Linear of aligned corners or half pixels is a function; cubic, and linear of other
    coordinates, an ``ops.einsum`` with the weights of the pixels.
    """
    del roi, axes, extrapolation_value  # of another mode, or told by the shapes
    if scales is not None or sizes is None or antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("only sizes are expressed, without antialias")
    coordinates = coordinate_transformation_mode
    before, after = dims(data), dims(node.outputs[0])
    changed = [axis for axis, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    sides = {axis: (static(data, axis)[0], static(node.outputs[0], axis)[0]) for axis in changed}
    if not changed:
        return [line(node, "{0}", data)]
    if mode == "nearest":
        if (coordinates, nearest_mode) == ("asymmetric", "floor") and _is_layer(node, data, sides):
            return [_up(node, data, sides)]
        return _taken(node, data, {axis: nearest(*side, coordinates, nearest_mode) for axis, side in sides.items()})
    if mode == "linear":
        return _linear(node, data, sides, coordinates)
    found = partial(cubic, coordinates=coordinates, a=cubic_coeff_a, exclude=bool(exclude_outside))
    return _weighted(node, data, {axis: found(*side) for axis, side in sides.items()})


def _is_layer(node: onnx_ir.Node, data: onnx_ir.Value, sides: Sides) -> bool:
    """Whether these are rows and columns of images, as many times as before."""
    places = spatial(node, data)
    return len(places) == 2 and {*sides} <= {*places} and all(count % size == 0 for size, count in sides.values())


def _linear(node: onnx_ir.Node, data: onnx_ir.Value, sides: Sides, coordinates: str) -> list[Statement]:
    if coordinates not in _COORDINATES:
        return _weighted(node, data, {axis: linear(*side, coordinates) for axis, side in sides.items()})
    counts = tuple(count for _, count in sides.values())
    if coordinates != "align_corners" and min(counts) > 1 and _is_layer(node, data, sides):
        return [_up(node, data, sides, interpolation="bilinear")]
    text = "resize({0}, {axes}, {size}, {coordinates})"
    return [line(node, text, data, library=["resize"], axes=tuple(sides), size=counts, coordinates=coordinates)]


def _up(node: onnx_ir.Node, data: onnx_ir.Value, sides: Sides, **settings: Any) -> Statement:
    factors = {axis: count // size for axis, (size, count) in sides.items()}
    size = square([factors.get(axis, 1) for axis in spatial(node, data)])
    return layer(node, data, "layers.UpSampling2D", size, **settings, **data_format(node))


def _taken(node: onnx_ir.Node, data: onnx_ir.Value, places: Mapping[int, list[int]]) -> list[Statement]:
    """The elements at ``places`` of each axis."""
    statements = []
    for axis, found in places.items():
        output = node.outputs[0] if axis == [*places][-1] else fresh(node, f"axis{axis}")
        if len(found) <= INLINE:
            text = "ops.take({0}, {places}, axis={axis})"
            statements.append(line(node, text, data, outputs=[output], places=found, axis=axis))
        else:
            role = f"places{axis}"
            own = State((len(found),), plan.literal(found), "int32", trained=False)
            made = line(node, f"ops.take({{0}}, {{{role}}}, axis={axis})", data, outputs=[output])
            statements.append(replace(made, tensors={role: own}))
        data = output
    return statements


def _weighted(node: onnx_ir.Node, data: onnx_ir.Value, weights: Mapping[int, Floats]) -> list[Statement]:
    """The sums along each axis that its ``weights``, results x elements, say."""
    statements, letters = [], "abcdef"[: len(dims(data))]
    for axis, table in weights.items():
        output = node.outputs[0] if axis == [*weights][-1] else fresh(node, f"axis{axis}")
        role = f"weights{axis}"
        rule = f"{letters},z{letters[axis]}->{letters.replace(letters[axis], 'z')}"
        made = line(node, f"ops.einsum({{rule}}, {{0}}, {{{role}}})", data, outputs=[output], rule=rule)
        own = State(table.shape, plan.literal(table.tolist()), trained=False)
        statements.append(replace(made, tensors={role: own}))
        data = output
    return statements


@emits("keras", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Statement]:
    """A function: linear or nearest samples, gathered."""
    if mode not in {"linear", "nearest"}:
        raise Refused(f"mode {mode}")
    if dims(grid)[-1] != len(dims(data)) - 2:
        raise Refused(f"{dims(grid)[-1]} coordinates of {len(dims(data)) - 2}")
    text = "grid_sample({0}, {1}, {mode}, {outside}, {aligned})"
    settings: dict[str, Any] = {"mode": mode, "outside": padding_mode, "aligned": bool(align_corners)}
    return [line(node, text, data, grid, roles=("", "grid"), library=["grid_sample"], **settings)]


@emits("keras", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node, theta: onnx_ir.Value, size: onnx_ir.Value, *, align_corners: int = 0
) -> list[Statement]:
    """A function: the product of ``theta`` and the places of the pixels."""
    del size  # the output's shape says it
    places = static(node.outputs[0], *range(1, len(dims(node.outputs[0])) - 1))
    text = "affine_grid({0}, {size}, {aligned})"
    settings: dict[str, Any] = {"size": places, "aligned": bool(align_corners)}
    return [line(node, text, theta, roles=("theta",), library=["affine_grid"], **settings)]


@emits("keras", "DepthToSpace", "transship.channels_last::DepthToSpace")
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Statement]:
    """``ops.reshape``, ``ops.transpose`` and ``ops.reshape``."""
    last = node.domain == CHANNELS_LAST
    height, width, channels = _sizes(data, last=last)
    depth = channels // (blocksize * blocksize)
    blocks = (blocksize, blocksize, depth) if mode == "DCR" else (depth, blocksize, blocksize)
    row, column, deep = (0, 1, 2) if mode == "DCR" else (1, 2, 0)
    if last:
        inner, at = (-1, height, width, *blocks), 3
        perm = (0, 1, at + row, 2, at + column, at + deep)
        outer = (-1, height * blocksize, width * blocksize, depth)
    else:
        inner, at = (-1, *blocks, height, width), 1
        perm = (0, at + deep, 4, at + row, 5, at + column)
        outer = (-1, depth, height * blocksize, width * blocksize)
    return _rearranged(node, data, inner, perm, outer)


@emits("keras", "SpaceToDepth", "transship.channels_last::SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Statement]:
    """``ops.reshape``, ``ops.transpose`` and ``ops.reshape``."""
    last = node.domain == CHANNELS_LAST
    height, width, channels = _sizes(data, last=last)
    rows, columns, depth = height // blocksize, width // blocksize, channels * blocksize * blocksize
    if last:
        inner: tuple[int, ...] = (-1, rows, blocksize, columns, blocksize, channels)
        return _rearranged(node, data, inner, (0, 1, 3, 2, 4, 5), (-1, rows, columns, depth))
    inner = (-1, channels, rows, blocksize, columns, blocksize)
    return _rearranged(node, data, inner, (0, 3, 5, 1, 2, 4), (-1, depth, rows, columns))


def _sizes(data: onnx_ir.Value, *, last: bool) -> tuple[int, int, int]:
    """Height, width and channels."""
    height, width, channels = static(data, *((1, 2, 3) if last else (2, 3, 1)))
    return height, width, channels


def _rearranged(
    node: onnx_ir.Node, data: onnx_ir.Value, inner: Sequence[int], perm: Sequence[int], outer: Sequence[int]
) -> list[Statement]:
    blocks, moved = fresh(node, "blocks"), fresh(node, "moved")
    return [
        line(node, "ops.reshape({0}, {shape})", data, outputs=[blocks], shape=tuple(inner)),
        line(node, "ops.transpose({0}, {perm})", blocks, outputs=[moved], perm=tuple(perm)),
        line(node, "ops.reshape({0}, {shape})", moved, shape=tuple(outer)),
    ]


@emits("keras", "Col2Im")
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
    """A function: each tap's columns with zeros between, added up; of two axes."""
    size, kernel = integers(image) or (), integers(block) or ()
    if len(size) != 2:
        raise Refused(f"{len(size)} spatial axes")
    settings: dict[str, Any] = {
        "size": size,
        "kernel": kernel,
        "strides": tuple(strides) or (1, 1),
        "dilations": tuple(dilations) or (1, 1),
        "pads": tuple(pads) or (0, 0, 0, 0),
    }
    text = "col2im({0}, {size}, {kernel}, {strides}, {dilations}, {pads})"
    return [line(node, text, data, library=["col2im"], **settings)]
