"""Sampling at positions that the network computes.

Sources: src/operator/grid_generator-inl.h, bilinear_sampler.cc, spatial_transformer.cc.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import check_table, extents, rank, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("GridGenerator")
def grid_generator(
    g: Scope, data: Value, *, transform_type: Literal["affine", "warp"], target_shape: Ints = (0, 0)
) -> Value:
    """Positions to sample at, ``[N, 2 (x, y), H, W]`` with -1 and 1 for the borders' centres.

    ``affine`` takes matrices ``[N, 6]``, ``warp`` a flow in pixels ``[N, 2, H, W]``. One row or column is refused:
    MXNet divides by zero there.
    """
    if transform_type == "warp":
        return _warp(g, data)
    grid = _affine_grid(g, data, target_shape)
    return g.emit("Transpose", grid, perm=(0, 3, 1, 2))


def _affine_grid(g: Scope, matrices: Value, target_shape: Ints) -> Value:
    """``[N, H, W, 2]`` from matrices ``[N, 6]``."""
    batch, *rest = ir.dims(matrices)
    if rest != [6]:
        raise g.misfit(f"affine matrices of the shape {spell(ir.dims(matrices))}; they must be batchx6")
    height, width = _several(g, *extents(g, "target_shape", target_shape, 2))
    theta = g.emit("Reshape", matrices, g.ints("theta/shape", [0, 2, 3]), role="theta", shape=(batch, 2, 3))
    count = g.emit("Shape", matrices, role="batch", start=0, end=1)
    sizes = g.emit("Concat", count, g.ints("image", [1, height, width]), role="sizes", axis=0)
    return g.emit("AffineGrid", theta, sizes, role="grid", align_corners=1, shape=(batch, height, width, 2))


def _warp(g: Scope, flow: Value) -> Value:
    """Each pixel's own position plus the flow, from pixels to -1 ... 1."""
    rank(g, flow, 4)
    if size(g, flow, 1) != 2:
        raise g.misfit(f"a flow of the shape {spell(ir.dims(flow))}; it must have 2 channels")
    height, width = _several(g, size(g, flow, 2), size(g, flow, 3))
    check_table(g, "a table of positions", 2 * (height + width))
    columns, rows = np.zeros((1, 2, 1, width), np.float32), np.zeros((1, 2, height, 1), np.float32)
    columns[0, 0, 0], rows[0, 1, :, 0] = range(width), range(height)
    half = np.array([width - 1, height - 1], np.float32).reshape(1, 2, 1, 1) / 2
    moved = g.emit("Add", flow, g.array("columns", columns), role="x")
    moved = g.emit("Add", moved, g.array("rows", rows), role="y")
    scaled = g.emit("Div", moved, g.array("half", half), role="scaled")
    return g.emit("Sub", scaled, g.scalar("one", 1.0))


def _several(g: Scope, height: int, width: int) -> Ints:
    if min(height, width) < 2:
        raise g.refuse(f"a grid of {height}x{width}, where MXNet divides by zero")
    return height, width


@parses("BilinearSampler", ignores=("cudnn_off",))
def bilinear_sampler(g: Scope, data: Value, grid: Value) -> Value:
    """``data`` (NCHW) at the positions of ``grid`` (as GridGenerator gives them), bilinear; outside it is zero."""
    rank(g, data, 4)
    rank(g, grid, 4)
    if ir.dims(grid)[:2] != (ir.dims(data)[0], 2):
        raise g.misfit(f"a grid {spell(ir.dims(grid))} does not fit an input {spell(ir.dims(data))}")
    return _sample(g, data, g.emit("Transpose", grid, role="grid", perm=(0, 2, 3, 1)))


@parses("SpatialTransformer", ignores=("cudnn_off",))
def spatial_transformer(
    g: Scope,
    data: Value,
    loc: Value,
    *,
    target_shape: Ints = (0, 0),
    transform_type: Literal["affine"],  # noqa: ARG001 - MXNet has no other
    sampler_type: Literal["bilinear"],  # noqa: ARG001
) -> Value:
    """``data`` (NCHW) sampled on the grid that the affine matrices ``loc`` (``[N, 6]``) span; outside it is zero."""
    rank(g, data, 4)
    if ir.dims(loc)[:1] != ir.dims(data)[:1]:
        raise g.misfit(f"{spell(ir.dims(loc))} matrices do not fit an input {spell(ir.dims(data))}")
    return _sample(g, data, _affine_grid(g, loc, target_shape))


def _sample(g: Scope, data: Value, grid: Value) -> Value:
    return g.emit("GridSample", data, grid, mode="linear", padding_mode="zeros", align_corners=1)
