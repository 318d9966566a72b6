"""Position-sensitive pooling of regions: each part of a region is pooled from channels of its own.

Sources: src/operator/contrib/psroi_pooling.cc, deformable_psroi_pooling.cc. Both take the mean over a rectangle, or
over samples in one: a product of weights for the rows, weights for the columns and the feature map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.operators.common import at_least, check_table, rank, size
from converter.parsers.mxnet.operators.roi import check_regions, split_regions
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@dataclass(frozen=True)
class _Span:
    """Where regions lie on one axis of the feature map.

    Attributes:
        axis: 0 for the rows, 1 for the columns.
        start: Of each region, ``[R, 1, 1, 1, 1]``.
        length: Likewise.
        total: The number of elements on the axis.
    """

    axis: int
    start: Value
    length: Value
    total: int


Along: TypeAlias = Callable[[Scope, _Span], Value]
"""Weights of the elements on an axis, ``[R, classes, rows, columns, elements]``."""


@parses("_contrib_PSROIPooling")
def psroi_pooling(
    g: Scope,
    data: Value,
    rois: Value,
    *,
    spatial_scale: float,
    output_dim: int,
    pooled_size: int,
    group_size: int = 0,
) -> Value:
    """The mean of each part of each region (``[image, x1, y1, x2, y2]``), from the channels of that part's group."""
    parts = _parts(g, data, rois, output_dim, pooled_size, group_size, spatial_scale, 0.0)

    def body(g: Scope, data: Value, rois: Value) -> Value:
        return parts.pooled(g, data, rois, parts.bins)

    return g.call(
        "PsRoiPooling",
        data,
        rois,
        body=body,
        spatial_scale=spatial_scale,
        output_dim=output_dim,
        pooled_size=parts.count,
        group_size=parts.groups,
    )[0]


@parses("_contrib_DeformablePSROIPooling")
def deformable_psroi_pooling(
    g: Scope,
    data: Value,
    rois: Value,
    trans: Value | None = None,
    *,
    spatial_scale: float,
    output_dim: int,
    group_size: int,
    pooled_size: int,
    part_size: int = 0,
    sample_per_part: int = 1,
    trans_std: float = 0.0,
    no_trans: bool = False,
) -> Value:
    """As PSROIPooling, but of bilinear samples of parts that ``trans`` moves, by ``trans_std`` of the region's size.

    ``trans`` is ``[R, 2 classes (x, y), part_size, part_size]``; the outputs are divided among the classes.
    """
    parts = _parts(g, data, rois, output_dim, pooled_size, group_size, spatial_scale, 0.5)
    moved = at_least(g, "part_size", part_size, 0) or parts.count
    samples = at_least(g, "sample_per_part", sample_per_part)
    check_table(g, "a table of samples", samples)
    given = [] if trans is None or no_trans else [trans]
    if not given and not no_trans:
        raise g.misfit("it has no input trans although no_trans is False")
    for value in given:
        rank(g, value, 4)
        pairs, shape = size(g, value, 1), ir.dims(value)
        fits = pairs % 2 == 0 and output_dim % (pairs // 2) == 0 and shape[2:] == (moved, moved)
        if not fits or shape[0] != ir.dims(rois)[0]:
            raise g.misfit(f"its trans {spell(shape)} does not fit {output_dim} outputs of {moved}x{moved} parts")
    return g.call(
        "DeformablePsRoiPooling",
        data,
        rois,
        *given,
        body=_Deformed(parts, moved, samples, trans_std).pooled,
        spatial_scale=spatial_scale,
        output_dim=output_dim,
        group_size=parts.groups,
        pooled_size=parts.count,
        part_size=moved,
        sample_per_part=samples,
        trans_std=trans_std,
        no_trans=int(no_trans),
    )[0]


def _parts(
    g: Scope, data: Value, rois: Value, outputs: int, count: int, groups: int, scale: float, shift: float
) -> _Parts:
    check_regions(g, data, rois)
    at_least(g, "pooled_size", count)
    groups = at_least(g, "group_size", groups, 0) or count
    if size(g, data, 1) != at_least(g, "output_dim", outputs) * groups * groups:
        raise g.misfit(
            f"{size(g, data, 1)} channels; {outputs} outputs of {groups}x{groups} groups need another number"
        )
    tables = (count * count, size(g, rois, 0), *(size(g, data, axis) for axis in (0, 2, 3)))
    check_table(g, "a table of parts", max(tables))
    return _Parts(outputs, count, groups, scale, shift)


@dataclass(frozen=True)
class _Parts:
    """How regions are divided.

    Attributes:
        outputs: The number of channels that are made.
        count: The number of parts along each axis.
        groups: The number of groups of channels along each axis.
        scale: From pixels to the feature map's elements.
        shift: What is subtracted after that.
    """

    outputs: int
    count: int
    groups: int
    scale: float
    shift: float

    def pooled(self, g: Scope, data: Value, rois: Value, along: Along, classes: int = 1) -> Value:
        """``[R, outputs, count, count]`` with the weights that ``along`` gives."""
        images, _, height, width = (size(g, data, axis) for axis in range(4))
        regions = size(g, rois, 0)
        image, corners = split_regions(g, rois)
        starts, lengths = self._rectangles(g, corners)
        sizes = {"rows": height, "columns": width}
        rows, columns = (
            along(g.part(name), self._span(g.part(name), starts, lengths, axis, total))
            for axis, (name, total) in enumerate(sizes.items())
        )
        tall = g.emit("Unsqueeze", rows, g.ints("tall/axes", [4, 6]), role="tall")
        wide = g.emit("Unsqueeze", columns, g.ints("wide/axes", [4, 5]), role="wide")
        own = g.emit("Mul", tall, self._own_image(g, image, images), role="own")
        weights = g.emit("Mul", own, wide, role="weights")
        ordered = g.emit("Transpose", weights, role="ordered", perm=(2, 3, 1, 0, 4, 5, 6))
        elements = images * height * width
        left = _reshaped(g, ordered, (self.count, self.count, classes, regions, elements), "left")
        right = self._grouped(g, data, classes)
        means = g.emit("MatMul", left, right, role="means")
        turned = g.emit("Transpose", means, role="turned", perm=(3, 2, 4, 0, 1))
        return _reshaped(g, turned, (regions, self.outputs, self.count, self.count), "")

    def bins(self, g: Scope, span: _Span) -> Value:
        """Weights over whole elements, of which those count that lie on the feature map."""
        one = g.emit("Div", span.length, g.scalar("count", self.count), role="bin")
        low = g.emit("Floor", self.border(g, one, span, 0), role="low")
        high = g.emit("Ceil", self.border(g, one, span, 1), role="high")
        elements = g.array("elements", np.arange(span.total, dtype=np.float32))
        after = g.emit("GreaterOrEqual", elements, low, role="after")
        inside = g.emit("And", after, g.emit("Less", elements, high, role="before"), role="inside")
        ones = g.emit("Cast", inside, role="ones", to=int(DataType.FLOAT))
        return _mean(g, ones, ones)

    def border(self, g: Scope, one: Value, span: _Span, end: int) -> Value:
        """Where each part begins (``end`` 0) or ends (1), ``[R, 1, rows, columns, 1]``."""
        places = np.arange(end, self.count + end, dtype=np.float32).reshape(
            (-1, 1, 1) if span.axis == 0 else (1, -1, 1)
        )
        offset = g.emit("Mul", one, g.array(f"places{end}", places), role=f"offset{end}")
        return g.emit("Add", offset, span.start, role=f"border{end}")

    def _rectangles(self, g: Scope, corners: Value) -> tuple[Value, Value]:
        """Where regions begin and how long they are, each ``[R, 2 (x, y)]``; corners are rounded away from zero."""
        up = g.emit("Add", g.emit("Abs", corners, role="abs"), g.scalar("half", 0.5), role="up")
        whole = g.emit("Floor", up, role="floor")
        rounded = g.emit("Mul", whole, g.emit("Sign", corners, role="sign"), role="rounded")
        ones = g.array("end", np.array([0, 0, 1, 1], np.float32))
        moved = g.emit("Add", rounded, ones, role="with-ends")
        scaled = g.emit("Mul", moved, g.scalar("scale", self.scale), role="scaled")
        if self.shift:
            scaled = g.emit("Sub", scaled, g.scalar("shift", self.shift), role="shifted")
        starts, ends = g.emit_many("Split", scaled, outputs=["starts", "ends"], role="split", axis=1, num_outputs=2)
        lengths = g.emit("Max", g.emit("Sub", ends, starts, role="extent"), g.scalar("least", 0.1), role="lengths")
        return starts, lengths

    @staticmethod
    def _span(g: Scope, starts: Value, lengths: Value, axis: int, total: int) -> _Span:
        """What concerns one axis of ``[R, 2 (x, y)]``."""
        index, shape = g.ints("axis", [1 - axis]), (ir.dims(starts)[0], 1, 1, 1, 1)
        start, length = (
            _reshaped(g, g.emit("Gather", value, index, role=f"{name}-column", axis=1), shape, name)
            for name, value in (("start", starts), ("length", lengths))
        )
        return _Span(axis, start, length, total)

    @staticmethod
    def _own_image(g: Scope, index: Value, images: int) -> Value:
        """1 for the image that a region lies in, ``[R, 1, 1, 1, images, 1, 1]``."""
        whole = g.emit("Cast", index, role="whole", to=int(DataType.INT64))
        same = g.emit("Equal", whole, g.ints("images", range(images)), role="same")
        number = g.emit("Cast", same, role="number", to=int(DataType.FLOAT))
        return _reshaped(g, number, (ir.dims(number)[0], 1, 1, 1, images, 1, 1), "image")

    def _grouped(self, g: Scope, data: Value, classes: int) -> Value:
        """The feature map as ``[parts or 1, parts or 1, classes, elements, channels]``."""
        images, _, height, width = (size(g, data, axis) for axis in range(4))
        channels, groups = self.outputs // classes, self.groups
        split = _reshaped(g, data, (images, classes, channels, groups, groups, height * width), "split-channels")
        turned = g.emit("Transpose", split, role="groups-first", perm=(3, 4, 1, 0, 5, 2))
        shape = (groups, groups, classes, images * height * width, channels)
        grouped = _reshaped(g, turned, shape, "grouped")
        return _own(g, grouped, [place * groups // self.count for place in range(self.count)], 0, self.count)


@dataclass(frozen=True)
class _Deformed:
    """Parts that are moved and sampled.

    Attributes:
        parts: Where they lie before.
        size: How many parts along each axis move on their own.
        samples: The number of samples along each axis of a part.
        std: What the moves are multiplied by.
    """

    parts: _Parts
    size: int
    samples: int
    std: float

    def pooled(self, g: Scope, data: Value, rois: Value, trans: Value | None = None) -> Value:
        """The body of the function."""
        if trans is None:
            return self.parts.pooled(g, data, rois, lambda g, span: self._sampled(g, span, None))
        regions, pairs = size(g, trans, 0), size(g, trans, 1)
        shape = (regions, pairs // 2, 2, self.size, self.size)
        moves = g.emit("Mul", _reshaped(g, trans, shape, "pairs"), g.scalar("std", self.std), role="moves")
        moves = _own(g, moves, self._index(), 3, self.parts.count)
        return self.parts.pooled(g, data, rois, lambda g, span: self._sampled(g, span, moves), pairs // 2)

    def _index(self) -> list[int]:
        """Which of the moves is a part's, in MXNet's float32 arithmetic."""
        share = np.arange(self.parts.count, dtype=np.float32) / np.float32(self.parts.count)
        return [int(place) for place in np.floor(share * np.float32(self.size))]

    def _sampled(self, g: Scope, span: _Span, moves: Value | None) -> Value:
        """Bilinear weights of the samples that lie on the feature map or less than half an element beside it."""
        one = g.emit("Div", span.length, g.scalar("count", self.parts.count), role="bin")
        border = self.parts.border(g, one, span, 0)
        if moves is not None:
            move = g.emit("Gather", moves, g.array("move/index", np.array(1 - span.axis)), role="move", axis=2)
            move = g.emit("Unsqueeze", move, g.ints("move/axis", [4]), role="move5")
            border = g.emit("Add", border, g.emit("Mul", move, span.length, role="distance"), role="moved")
        step = g.emit("Div", one, g.scalar("samples", self.samples), role="step")
        steps = g.emit("Mul", step, g.array("steps", np.arange(self.samples, dtype=np.float32)), role="offset")
        places = g.emit("Add", border, steps, role="places")
        column = g.emit("Unsqueeze", places, g.ints("places/axis", [5]), role="places6")
        low = g.emit("GreaterOrEqual", column, g.scalar("low", -0.5), role="after")
        high = g.emit("LessOrEqual", column, g.scalar("high", span.total - 0.5), role="before")
        inside = g.emit("And", low, high, role="inside")
        valid = g.emit("Cast", inside, role="valid", to=int(DataType.FLOAT))
        near = g.emit("Clip", column, g.scalar("first", 0.0), g.scalar("last", span.total - 1.0), role="near")
        elements = g.array("elements", np.arange(span.total, dtype=np.float32))
        distance = g.emit("Abs", g.emit("Sub", elements, near, role="away"), role="distances")
        tent = g.emit("Relu", g.emit("Sub", g.scalar("one", 1.0), distance, role="slope"), role="tent")
        axes = g.ints("samples/axis", [4])
        weights = g.emit("ReduceSum", g.emit("Mul", tent, valid, role="kept"), axes, role="weights", keepdims=0)
        return _mean(g, weights, g.emit("ReduceSum", valid, axes, role="found", keepdims=0))


def _mean(g: Scope, weights: Value, counted: Value) -> Value:
    """``weights`` divided by the sum of what is ``counted`` along the last axis; all zero where that is."""
    total = g.emit("ReduceSum", counted, g.ints("last-axis", [4]), role="total", keepdims=1)
    return g.emit("Div", weights, g.emit("Max", total, g.scalar("least", 1.0), role="divisor"), role="mean")


def _own(g: Scope, value: Value, index: list[int], axis: int, count: int) -> Value:
    """For each of ``count`` parts along two axes from ``axis`` on, what is at its place in ``index``."""
    if ir.dims(value)[axis] == 1 or index == list(range(count)):
        return value
    places = g.ints(f"places{axis}", index)
    return g.emit(
        "Gather",
        g.emit("Gather", value, places, role=f"rows{axis}", axis=axis),
        places,
        role=f"own{axis}",
        axis=axis + 1,
    )


def _reshaped(g: Scope, value: Value, shape: tuple[ir.Dim, ...], role: str) -> Value:
    target = g.part(role).ints("shape", [dim for dim in shape if isinstance(dim, int)])
    return g.emit("Reshape", value, target, role=role, shape=shape)
