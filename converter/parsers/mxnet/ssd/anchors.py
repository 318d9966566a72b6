"""The parameters of a PriorBox layer, found in a table of anchors.

A detector's files hold its anchors as they came out of somebody's generator. Caffe-SSD's PriorBox layer makes them
again of sizes, ratios and steps (caffe, ssd branch, src/caffe/layers/prior_box_layer.cpp): at every pixel of a map,
around ``((x + offset) * step_w, (y + offset) * step_h)``, for each ``min_size`` a square of it, a square of
``sqrt(min_size * max_size)``, and for each ratio a box ``min_size * sqrt(ratio)`` wide and ``min_size / sqrt(ratio)``
high, in this order. All lengths are pixels of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float64]
"""Anchors of a feature map, ``H x W x A x 4``: the center's x and y, width and height, in pixels of the image."""

ALLOWED = 4e-6
"""The error that anchors may have, as a part of the image's longer side: what float32 leaves of their arithmetic."""
_SAME = 1e-5
_DIGITS = range(1, 8)


@dataclass(frozen=True)
class Priors:
    """The parameters of a PriorBox layer, with Caffe's names and meanings; ``aspect_ratios`` leaves out the 1."""

    min_sizes: tuple[float, ...]
    max_sizes: tuple[float, ...]
    aspect_ratios: tuple[float, ...]
    step_w: float
    step_h: float
    offset: float
    img_w: int
    img_h: int

    def boxes(self) -> npt.NDArray[np.float64]:
        """Width and height of a pixel's anchors, ``A x 2``, in pixels of the image."""
        sides = []
        for number, least in enumerate(self.min_sizes):
            sides.append((least, least))
            if self.max_sizes:
                side = math.sqrt(least * self.max_sizes[number])
                sides.append((side, side))
            sides += [(least * math.sqrt(ratio), least / math.sqrt(ratio)) for ratio in self.aspect_ratios]
        return np.array(sides, np.float64)

    def table(self, height: int, width: int) -> Table:
        """The anchors of a map of that size."""
        boxes = self.boxes()
        found = np.empty((height, width, len(boxes), 4))
        found[..., 0] = ((np.arange(width) + self.offset) * self.step_w)[None, :, None]
        found[..., 1] = ((np.arange(height) + self.offset) * self.step_h)[:, None, None]
        found[..., 2:] = boxes
        return found


@dataclass(frozen=True)
class Misfit:
    """What no PriorBox can express, as words: why, or by how many pixels the nearest one is off."""

    reason: str


@dataclass(frozen=True)
class Run:
    """Anchors of a pixel that follow each other: those of a layer but the first ``skip``."""

    layer: Priors
    skip: int = 0


def fit(table: Table, image: tuple[int, int]) -> list[Run] | Misfit:
    """Find the layers that make the anchors of ``table`` for an image of that width and height.

    One layer is enough for most detectors. Where a pixel has its anchors in another order, several make a run of them
    each, and where there is no square for a run to begin with, the one that the layer puts there is left out.
    """
    if not np.isfinite(table).all() or not (table[..., 2:] > 0).all():
        return Misfit("not all of them have a positive size")
    grid = _grid(table, image)
    runs = [Run(Priors(*shapes, *grid, *image), skip) for shapes, skip in _shapes(table[0, 0, :, 2:])]
    made = [run.layer.table(*table.shape[:2])[:, :, run.skip :] for run in runs]
    error = float(np.abs(np.concatenate(made, axis=2) - table).max())
    return runs if error <= ALLOWED * max(image) else Misfit(f"the nearest is off by {error:.3g} pixels")


_Shapes = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
"""``min_sizes``, ``max_sizes`` and ``aspect_ratios``."""


def _shapes(sides: Table) -> list[tuple[_Shapes, int]]:
    """What layers have to be told, and what to skip of each, for a pixel's anchors, ``A x 2``."""
    square = np.abs(sides[:, 0] - sides[:, 1]) <= _SAME * sides[:, 0]
    if len(sides) > 1 and square.all() and not (len(sides) == 2 and sides[1, 0] > sides[0, 0]):
        return [((tuple(_short(float(side)) for side in sides[:, 0]), (), ()), 0)]
    found, place = [], 0
    while place < len(sides):
        shapes, skip, count = _run(sides[place:], square[place:])
        found.append((shapes, skip))
        place += count
    return found


def _run(sides: Table, square: npt.NDArray[np.bool_]) -> tuple[_Shapes, int, int]:
    """The layer for as many of the anchors as it can make, what to skip of it, and how many these are."""
    least = float(sides[0, 0]) if square[0] else math.sqrt(float(sides[0].prod()))
    larger = bool(square[0] and len(sides) > 1 and square[1] and sides[1, 0] > least)
    most = (_short(float(sides[1, 0]) ** 2 / least),) if larger else ()
    start = int(square[0]) + larger
    ratios: list[float] = []
    for width, height in sides[start:]:
        ratio = _ratio(float(width / height))
        alike = abs(math.sqrt(width * height) - least) <= _SAME * least
        if not alike or any(abs(ratio - other) < _SAME for other in (1.0, *ratios)):
            break
        ratios.append(ratio)
    return ((_short(least),), most, tuple(ratios)), int(not square[0]), start + len(ratios)


def _grid(table: Table, image: tuple[int, int]) -> tuple[float, float, float]:
    """``step_w``, ``step_h`` and ``offset``; where a map is one pixel wide, the offset tells its step."""
    height, width = table.shape[:2]
    least, most = table[0, 0, 0, :2], table[-1, -1, 0, :2]
    steps = [
        _step(float(most[axis] - least[axis]) / (count - 1), side / count) if count > 1 else None
        for axis, count, side in ((0, width, image[0]), (1, height, image[1]))
    ]
    offset = next((_short(float(least[axis]) / step) for axis, step in enumerate(steps) if step), 0.5)
    step_w, step_h = (
        _short(float(least[axis]) / (offset or 0.5)) if step is None else step for axis, step in enumerate(steps)
    )
    return step_w, step_h, offset


def _step(found: float, whole: float) -> float:
    """A step as it was meant: that of a map that covers the image, or the shortest number."""
    return whole if abs(found - whole) <= _SAME * abs(whole) else _short(found)


def _ratio(found: float) -> float:
    """A ratio as it was meant: a short number, or one divided by a short number."""
    return _short(found) if found > 1 else 1 / _short(1 / found)


def _short(number: float) -> float:
    """The shortest decimal that differs from ``number`` by no more than float32 arithmetic may have changed it."""
    for digits in _DIGITS:
        rounded = float(f"{number:.{digits}g}")
        if abs(rounded - number) <= 1e-6 * abs(number):
            return rounded
    return number
