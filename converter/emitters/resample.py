"""Where the elements of a resized axis come from, and how much of each: ONNX's Resize, as tables of numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from converter.emitters import Refused

Floats = npt.NDArray[np.floating]

_COORDINATES = ("align_corners", "asymmetric", "half_pixel", "pytorch_half_pixel")
_ROUNDING: dict[str, Callable[[Floats], Floats]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda found: np.ceil(found - np.float32(0.5)),
    "round_prefer_ceil": lambda found: np.floor(found + np.float32(0.5)),
}


def places(size: int, count: int, coordinates: str) -> Floats:
    """Where each of ``count`` elements lies among ``size``, computed in float32 as onnxruntime does.

    Raises:
        Refused: The coordinates are others than those of whole axes.
    """
    if coordinates not in _COORDINATES:
        raise Refused(f"coordinates {coordinates}")
    number, scale = np.arange(count, dtype=np.float32), np.float32(count) / np.float32(size)
    if coordinates == "asymmetric":
        return number / scale
    if coordinates == "align_corners":
        return number * np.float32(size - 1) / np.float32(max(count - 1, 1))
    if coordinates == "pytorch_half_pixel" and count == 1:
        return np.zeros(1, np.float32)
    return (number + np.float32(0.5)) / scale - np.float32(0.5)


def nearest(size: int, count: int, coordinates: str, rounding: str) -> list[int]:
    """Which of ``size`` elements each of ``count`` is.

    Raises:
        Refused: There are no such coordinates, or there is no such ``rounding``.
    """
    if rounding not in _ROUNDING:
        raise Refused(f"nearest_mode {rounding}")
    found = _ROUNDING[rounding](places(size, count, coordinates)).clip(0, size - 1)
    return [int(place) for place in found]


def linear(size: int, count: int, coordinates: str) -> Floats:
    """How much of each of ``size`` elements each of ``count`` has, ``count x size``, between two elements."""
    inside = places(size, count, coordinates).clip(0, size - 1)
    low = np.floor(inside).astype(np.int64)
    rows, share = np.arange(count), inside - low
    found = np.zeros((count, size), np.float32)
    np.add.at(found, (rows, low), 1 - share)
    np.add.at(found, (rows, (low + 1).clip(0, size - 1)), share)
    return found


def cubic(size: int, count: int, coordinates: str, a: float, *, exclude: bool = False) -> Floats:
    """How much of each of ``size`` elements each of ``count`` has, ``count x size``, by cubic convolution.

    Args:
        size: How many elements there are.
        count: How many there are to be.
        coordinates: How ONNX calls the way the ones lie among the others.
        a: The steepness of the kernel.
        exclude: Whether elements outside have no part, rather than that of the outermost ones.
    """
    where = places(size, count, coordinates)
    found = np.zeros((count, size), np.float64)
    rows, first = np.arange(count), np.floor(where).astype(np.int64)
    for offset in range(-1, 3):
        index = first + offset
        distance = np.abs(where.astype(np.float64) - index)
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
        weight = np.where(distance <= 1, near, far)
        weight = np.where((index < 0) | (index >= size), 0.0, weight) if exclude else weight
        np.add.at(found, (rows, index.clip(0, size - 1)), weight)
    return (found / found.sum(1, keepdims=True) if exclude else found).astype(np.float32)
