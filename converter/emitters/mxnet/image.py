"""Feature maps made larger or smaller, or sampled elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, is_parameter, only_output
from converter.emitters.known import is_whole, numbers, sizes
from converter.emitters.mxnet.call import Call, Chain, call, parameter, renamed
from converter.emitters.mxnet.spread import codes
from converter.ir import BATCH, Dim, dims

_HALVES = ("half_pixel", "pytorch_half_pixel")


@emits("mxnet", "Resize")
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,  # noqa: ARG001 - of a mode that is refused
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,  # noqa: ARG001 - the output's shape says the same
    *,
    axes: Sequence[int] = (),
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    antialias: int = 0,
    keep_aspect_ratio_policy: str = "stretch",
    cubic_coeff_a: float = -0.75,  # noqa: ARG001
    exclude_outside: int = 0,  # noqa: ARG001
    extrapolation_value: float = 0.0,  # noqa: ARG001
) -> list[Call]:
    """``UpSampling`` or ``repeat`` by whole factors, ``take`` of the nearest otherwise; ``contrib.BilinearResize2D``.

    Raises:
        Refused: It is cubic, antialiased, of the batch, by factors that do not give the sizes exactly, or linear
            along more than two axes or in a way of its own.
    """
    if antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("it is antialiased, or keeps the aspect ratio")
    given, made = dims(data), dims(only_output(node))
    changed = [axis for axis, (old, new) in enumerate(zip(given, made, strict=True)) if old != new]
    pairs = {axis: (given[axis], made[axis]) for axis in changed}
    if any(BATCH in pair for pair in pairs.values()):
        raise Refused("the batch is resized")
    _check_scales(scales, axes, {axis: (int(old), int(new)) for axis, (old, new) in pairs.items()}, len(given))
    lengths = {axis: (int(old), int(new)) for axis, (old, new) in pairs.items()}
    chain = Chain(node)
    if not changed:
        return chain.last("identity", data)
    if mode == "nearest":
        return _nearest(chain, data, lengths, coordinate_transformation_mode, nearest_mode)
    if mode == "linear":
        return _linear(
            chain, data, lengths, sorted(axis % len(given) for axis in axes), coordinate_transformation_mode
        )
    raise Refused(f"mode is {mode}")


def _check_scales(
    scales: onnx_ir.Value | None, axes: Sequence[int], lengths: dict[int, tuple[int, int]], rank: int
) -> None:
    """Refuse factors, along ``axes``, that the sizes are not made by exactly."""
    if scales is None or dims(scales) == (0,):
        return
    if is_parameter(scales):
        raise Refused(f"{scales.name} is a parameter")
    factors = [float(factor) for factor in constant(scales).numpy().reshape(-1)]
    for place, factor in enumerate(factors):
        axis = axes[place] % rank if axes else place
        old, new = lengths.get(axis, (1, 1))
        if Fraction(factor) * old != new and axis in lengths:
            raise Refused(f"the factor {factor:g} of {old} elements does not make {new} exactly")


def _nearest(
    chain: Chain, data: onnx_ir.Value, lengths: dict[int, tuple[int, int]], transformation: str, rounding: str
) -> list[Call]:
    tables = {axis: _places(old, new, transformation, rounding) for axis, (old, new) in lengths.items()}
    factors = {axis: _factor(table, lengths[axis][0]) for axis, table in tables.items()}
    whole = set(factors.values())
    if (
        len(dims(data)) == 4
        and sorted(tables) == [2, 3]
        and len(whole) == 1
        and None not in whole
        and not is_whole(data)
    ):
        return chain.last("UpSampling", data, scale=whole.pop(), sample_type="nearest", num_args=1)
    for axis, table in tables.items():
        factor = factors[axis]
        if factor is not None:
            data = chain.step(f"axis{axis}", "repeat", data, repeats=factor, axis=axis)
        else:
            kind = onnx_ir.DataType.INT64
            places = parameter(f"{chain.node.name}/places{axis}", (len(table),), plan.literal(table), kind)
            data = chain.step(f"axis{axis}", "take", data, places, axis=axis, mode="clip")
    return renamed(chain, data)


def _places(old: int, new: int, transformation: str, rounding: str) -> list[int]:
    """Which of ``old`` elements each of ``new`` is."""
    position = {
        "asymmetric": lambda index: Fraction(index * old, new),
        "half_pixel": lambda index: Fraction((2 * index + 1) * old, 2 * new) - Fraction(1, 2),
        "pytorch_half_pixel": lambda index: (
            Fraction((2 * index + 1) * old, 2 * new) - Fraction(1, 2) if new > 1 else Fraction(0)
        ),
        "align_corners": lambda index: Fraction(index * (old - 1), new - 1) if new > 1 else Fraction(0),
    }.get(transformation)
    half = Fraction(1, 2)
    nearest = {
        "floor": math.floor,
        "ceil": math.ceil,
        "round_prefer_floor": lambda place: math.ceil(place - half),
        "round_prefer_ceil": lambda place: math.floor(place + half),
    }.get(rounding)
    if position is None or nearest is None:
        raise Refused(f"the nearest by {transformation} and {rounding}")
    return [min(max(nearest(position(index)), 0), old - 1) for index in range(new)]


def _factor(table: Sequence[int], length: int) -> int | None:
    """How many times the ``table`` has each of ``length`` elements, one after the other."""
    factor = len(table) // length
    return factor if factor and list(table) == [index // factor for index in range(factor * length)] else None


def _linear(
    chain: Chain, data: onnx_ir.Value, lengths: dict[int, tuple[int, int]], axes: Sequence[int], transformation: str
) -> list[Call]:
    """Two axes at a time; one alone with another that stays."""
    if transformation not in ("align_corners", *_HALVES):
        raise Refused(f"linear by {transformation}")
    if transformation == "half_pixel" and any(new == 1 for _, new in lengths.values()):
        raise Refused("one element alone is between two by half_pixel, and the first in MXNet")
    shape, left = [*dims(data)], sorted(lengths)
    while left:
        pair = left[-2:] if len(left) > 1 else _with_another(left[0], shape, axes)
        left = [axis for axis in left if axis not in pair]
        made = [lengths[axis][1] if axis in pair and axis in lengths else dim for axis, dim in enumerate(shape)]
        data = _bilinear(chain, data, shape, made, pair, aligned=transformation == "align_corners")
        shape = made
    return renamed(chain, data)


def _with_another(axis: int, shape: Sequence[Dim], axes: Sequence[int]) -> list[int]:
    """``axis`` and one of the others that is no batch, of the given ``axes`` if there is."""
    others = [*axes, *range(len(shape) - 1, -1, -1)]
    found = [other for other in others if other != axis and isinstance(shape[other], int)]
    if not found:
        raise Refused("there is one axis besides the batch")
    return sorted((axis, found[0]))


def _bilinear(
    chain: Chain,
    data: onnx_ir.Value,
    given: Sequence[Dim],
    made: Sequence[Dim],
    pair: Sequence[int],
    *,
    aligned: bool,
) -> onnx_ir.Value:
    """``data`` of the shape ``given`` with the axes ``pair`` resized, which makes it of the shape ``made``."""
    rank, role = len(made), "-".join(map(str, pair))
    height, width = (int(made[axis]) for axis in pair)
    size: dict[str, Any] = {"height": height, "width": width, "align_corners": aligned}
    order = (*(axis for axis in range(rank) if axis not in pair), *pair)
    straight = order == tuple(range(rank))
    moved = data if straight else chain.step(f"moved{role}", "transpose", data, axes=order)
    if rank != 4:
        moved = chain.step(f"planes{role}", "reshape", moved, shape=(-1, 1, *(int(given[axis]) for axis in pair)))
    resized = chain.step(f"resized{role}", "contrib.BilinearResize2D", moved, **size)
    if rank != 4:
        resized = chain.step(f"back{role}", "reshape", resized, shape=codes((), [made[axis] for axis in order]))
    if straight:
        return resized
    return chain.step(f"turned{role}", "transpose", resized, axes=tuple(order.index(axis) for axis in range(rank)))


@emits("mxnet", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Call]:
    """``BilinearSampler``, whose grid has x and y in the second place.

    Where the corners are not aligned the grid is made wider, and where the border goes on it is clipped before.

    Raises:
        Refused: It is not linear, in two dimensions, or what is outside is a mirror image.
    """
    given = dims(data)
    if mode not in ("linear", "bilinear") or padding_mode not in ("zeros", "border") or len(given) != 4:
        raise Refused(f"mode is {mode}, padding_mode {padding_mode}, of {len(given) - 2} dimensions")
    height, width = sizes(given[2:], "sampled")
    chain = Chain(node)
    moved = chain.step("grid", "transpose", grid, axes=(0, 3, 1, 2))
    if not align_corners:
        if min(height, width) < 2:
            raise Refused("one row or column, whose corners cannot be aligned")
        factors = plan.literal([[[[width / (width - 1)]], [[height / (height - 1)]]]])
        moved = chain.step("wider", "broadcast_mul", moved, parameter(f"{node.name}/factors", (1, 2, 1, 1), factors))
    if padding_mode == "border":
        moved = chain.step("inside", "clip", moved, a_min=-1.0, a_max=1.0)
    return chain.last("BilinearSampler", data=data, grid=moved)


@emits("mxnet", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node,
    theta: onnx_ir.Value,
    size: onnx_ir.Value,  # noqa: ARG001 - the output's shape says the same
    *,
    align_corners: int = 0,
) -> list[Call]:
    """``GridGenerator`` of the type ``affine``, x and y moved last; ``dot`` where corners are not aligned.

    Raises:
        Refused: There are three dimensions.
    """
    made = dims(only_output(node))
    if len(made) != 4:
        raise Refused(f"{len(made) - 2} dimensions")
    chain = Chain(node)
    height, width = sizes(made[1:3], "a grid's size")
    if align_corners:
        flat = chain.step("theta", "reshape", theta, shape=(0, 6))
        grid = chain.step("grid", "GridGenerator", flat, transform_type="affine", target_shape=(height, width))
    else:
        table = plan.literal(_middles(height, width))
        places = parameter(f"{node.name}/places", (3, height * width), table)
        lines = chain.step("lines", "dot", theta, places)
        grid = chain.step(
            "grid", "reshape", lines, shape=codes((made[0], 2, height * width), (made[0], 2, height, width))
        )
    return chain.last("transpose", grid, axes=(0, 2, 3, 1))


def _middles(height: int, width: int) -> list[list[float]]:
    """x, y and 1 of the middle of each pixel, with -1 and 1 for the borders."""
    rows, columns = ([(2 * index + 1) / count - 1 for index in range(count)] for count in (height, width))
    pairs = [(x, y) for y in rows for x in columns]
    return [[x for x, _ in pairs], [y for _, y in pairs], [1.0] * len(pairs)]


@emits("mxnet", "Col2Im")
def col2im(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    image: onnx_ir.Value,
    block: onnx_ir.Value,
    *,
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
) -> list[Call]:
    """``col2im``.

    Raises:
        Refused: Opposite edges are padded differently.
    """
    if tuple(pads[:2]) != tuple(pads[2:]) or len(pads) != 4:
        raise Refused(f"pads {list(pads)} are not the same at opposite edges")
    attributes = {"stride": tuple(strides), "dilate": tuple(dilations), "pad": tuple(pads[:2])}
    kernel = tuple(numbers(block))
    return call(node, "col2im", data, output_size=tuple(numbers(image)), kernel=kernel, **attributes)
