"""Operations over images: they compute pixels between pixels. The last two axes are the rows and the columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from readback_graph import Graph, Ints, RefusedError, Tensor, reads


def grid_points(mode: str, size: int, count: int) -> numpy.ndarray:
    """Where ``count`` samples of an axis of ``size`` elements lie, by the documentation of ``resize_bilinear``."""
    places = numpy.arange(count, dtype=numpy.float64)
    if mode == "ALIGN_CORNERS" and count == 1:
        found = (places + size - 1) / 2
    elif mode in {"ALIGN_CORNERS", "STRICT_ALIGN_CORNERS"}:
        found = places * (size - 1) / max(count - 1, 1)
    elif mode == "DEFAULT":
        found = places * size / count
    elif mode == "OFFSET_CORNERS":
        found = (places + 0.5) * max(1, size - 1) / count
    elif mode == "UNALIGN_CORNERS":
        found = (places + 0.5) * size / count - 0.5
    else:
        raise RefusedError(f"the sampling mode {mode!r}")
    return found.clip(0, size - 1)


def _resized(graph: Graph, x: Tensor, points: dict[int, numpy.ndarray], nearest: bool = False) -> str:
    """``x`` sampled at ``points`` of its axes: each linearly between two elements, or the nearest element."""
    result = x.name
    for axis, places in points.items():
        if nearest:
            result = graph.op("Gather", result, _nearest(places), axis=axis)
        else:
            result = _blended(graph, result, places, axis, [-1] + [1] * (x.rank - 1 - axis))
    return result if points else graph.op("Identity", x)


def _blended(graph: Graph, x: str, places: numpy.ndarray, axis: int, column: list[int]) -> str:
    low = numpy.floor(places).astype(numpy.int64)
    high = numpy.ceil(places).astype(numpy.int64)
    if (low == high).all():
        return graph.op("Gather", x, low, axis=axis)
    share = graph.floats((places - low).reshape(column))
    rest = graph.floats((1 - (places - low)).reshape(column))
    before, after = (graph.op("Gather", x, numbers, axis=axis) for numbers in (low, high))
    return graph.op("Add", graph.op("Mul", before, rest), graph.op("Mul", after, share))


def _nearest(places: numpy.ndarray) -> numpy.ndarray:
    """Which element is the nearest; the documentation does not say which of two that are equally near."""
    found = numpy.rint(places)
    if numpy.isclose(numpy.abs(places - found), 0.5, atol=1e-6).any():
        raise RefusedError("a sample as near to one element as to another, for which the choice is not documented")
    return found.astype(numpy.int64)


def _both(x: Tensor, mode: str, height: int, width: int) -> dict[int, numpy.ndarray]:
    return {
        x.rank - 2: grid_points(mode, x.size(-2), height),
        x.rank - 1: grid_points(mode, x.size(-1), width),
    }


def _scaled(x: Tensor, axis: int, factor: float) -> int:
    return int(numpy.floor(x.size(axis) * factor))


@reads("upsample_bilinear")
def upsample_bilinear(
    graph: Graph,
    x: Tensor,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> str:
    """Linear between pixels; the factors only lead to the sizes, from which the places follow."""
    centred = not align_corners if half_pixel_centers is None else half_pixel_centers
    modes = {(True, False): "STRICT_ALIGN_CORNERS", (False, True): "UNALIGN_CORNERS", (False, False): "DEFAULT"}
    if (align_corners, centred) not in modes:
        raise RefusedError("aligned corners with half pixel centers")
    height, width = _scaled(x, -2, scale_factor_height), _scaled(x, -1, scale_factor_width)
    return _resized(graph, x, _both(x, modes[align_corners, centred], height, width))


@reads("upsample_nearest_neighbor")
def upsample_nearest_neighbor(
    graph: Graph, x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1
) -> str:
    """Each pixel so many times. What a fraction of a time is, is not documented."""
    return _repeated(graph, x, [scale_factor_height, scale_factor_width])


@reads("resize_nearest_neighbor")
def resize_nearest_neighbor(graph: Graph, x: Tensor, target_size_height: int, target_size_width: int) -> str:
    """Each pixel so many times as it takes; what a fraction of a time is, is not documented."""
    return _repeated(graph, x, [target_size_height / x.size(-2), target_size_width / x.size(-1)])


def _repeated(graph: Graph, x: Tensor, factors: Sequence[float]) -> str:
    if any(factor != int(factor) or factor < 1 for factor in factors):
        raise RefusedError("a factor that is not a whole number, for which the choice of pixels is not documented")
    result = x.name
    for axis, factor in ((x.rank - 2, int(factors[0])), (x.rank - 1, int(factors[1]))):
        result = graph.op("Gather", result, numpy.arange(x.size(axis)).repeat(factor), axis=axis)
    return result


@reads("resize_bilinear")
def resize_bilinear(
    graph: Graph, x: Tensor, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> str:
    """Linear between pixels."""
    return _resized(graph, x, _both(x, sampling_mode, target_size_height, target_size_width))


@reads("resize")
def resize(
    graph: Graph,
    x: Tensor,
    shape: Ints,
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> str:
    """The last ``resized_dims`` axes to the sizes at the end of ``shape``; a 0 keeps the size."""
    if interpolation_mode not in {"LINEAR", "NEAREST_NEIGHBOR"} or not 0 <= resized_dims <= min(len(shape), x.rank):
        raise RefusedError(f"{resized_dims} axes, {interpolation_mode}")
    points = {}
    for place in range(1, resized_dims + 1):
        if shape[-place]:
            points[x.rank - place] = grid_points(sampling_mode, x.size(-place), shape[-place])
    return _resized(graph, x, points, nearest=interpolation_mode == "NEAREST_NEIGHBOR")


@reads("resample")
def resample(
    graph: Graph,
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> str:
    """``x`` at ``coordinates``, columns first.

    ONNX's GridSample does it for coordinates from -1 to 1. Whether these are of the outermost pixels' centres or
    their edges is there, too, about what a reflection is: around the centres it does not repeat the outermost pixels.
    """
    modes = {"constant": "zeros", "border": "border", "reflection": "reflection", "symmetric": "reflection"}
    samplings = {"bilinear": "linear", "nearest": "nearest"}
    if padding_mode not in modes or sampling_mode not in samplings:
        raise RefusedError(f"the modes {padding_mode!r} and {sampling_mode!r}")
    sizes = numpy.array([x.size(-1), x.size(-2)], numpy.float64)
    apart = align_corners and coordinates_mode != "unnormalized" and bool((sizes > 1).all())
    aligned = {"reflection": True, "symmetric": False}.get(padding_mode, apart)
    if padding_mode == "reflection" and (sizes == 1).any():
        raise RefusedError("the reflection of one pixel")
    scale, shift = _to_pixels(coordinates_mode, align_corners, sizes)
    if aligned:
        scale, shift = scale * 2 / (sizes - 1), shift * 2 / (sizes - 1) - 1
    else:
        scale, shift = scale * 2 / sizes, (shift * 2 + 1) / sizes - 1
    grid = coordinates.name
    if not coordinates.is_float:
        grid = graph.op("Cast", grid, to=1)
    if not (numpy.allclose(scale, 1, atol=1e-12) and numpy.allclose(shift, 0, atol=1e-12)):
        grid = graph.op("Add", graph.op("Mul", grid, graph.floats(scale)), graph.floats(shift))
    value = graph.floats(padding_value) if padding_mode == "constant" and padding_value else None
    found = graph.op(
        "GridSample",
        graph.op("Sub", x, value) if value else x,
        grid,
        mode=samplings[sampling_mode],
        padding_mode=modes[padding_mode],
        align_corners=int(aligned),
    )
    return graph.op("Add", found, value) if value else found


def _to_pixels(mode: str, align_corners: bool, sizes: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The factor and the summand that turn coordinates into numbers of columns and of rows."""
    if mode == "unnormalized":
        return numpy.ones(2), numpy.zeros(2)
    span, first = (sizes - 1, numpy.zeros(2)) if align_corners else (sizes, numpy.full(2, -0.5))
    if mode == "normalized_zero_to_one":
        return span, first
    if mode == "normalized_minus_one_to_one":
        return span / 2, first + span / 2
    raise RefusedError(f"the coordinates {mode!r}")


@reads("affine")
def affine(
    graph: Graph,
    x: Tensor,
    transform_matrix: Tensor,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> str:
    """``x`` at what the matrix makes of the output's coordinates, from -1 to 1 between the outermost centres."""
    documented = ("bilinear", "constant", 0, "normalized_minus_one_to_one", True)
    if (sampling_mode, padding_mode, padding_value, coordinates_mode, align_corners) != documented:
        raise RefusedError("modes that the documentation excludes")
    batch = graph.op("Slice", graph.op("Shape", x), [0], [1])
    matrices = graph.op("Reshape", transform_matrix, [-1, 2, 3])
    matrices = graph.op("Expand", matrices, graph.op("Concat", batch, [2, 3], axis=0))
    size = graph.op("Concat", batch, [x.size(1), output_height, output_width], axis=0)
    grid = graph.op("AffineGrid", matrices, size, align_corners=1)
    return graph.op("GridSample", x, grid, mode="linear", padding_mode="zeros", align_corners=1)
