"""Images: resizing, sampling, blocks of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.operand import fresh, integers, static
from converter.emitters.python import Code
from converter.emitters.pytorch.operand import is_sizes, line
from converter.emitters.statement import State, Statement
from converter.ir import dims

_COORDINATES = {"align_corners", "half_pixel", "pytorch_half_pixel"}
_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


@emits("pytorch", "Resize")
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
    """``F.interpolate`` if linear; if nearest, asymmetric and from below, ``repeat_interleave`` or an index.

    Linear may be of aligned corners or half pixels, and of other axes than the last ones, by a function.
    """
    del roi, cubic_coeff_a, exclude_outside, extrapolation_value  # of other modes
    if scales is not None or sizes is None or antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("only sizes are expressed, without antialias")
    rank = len(dims(data))
    chosen = sorted(axis % rank for axis in axes) or list(range(rank))
    changed = [axis for axis in chosen if dims(data)[axis] != dims(node.outputs[0])[axis]]
    if not changed:
        return [line(node, "{0}", data)]
    if mode == "nearest" and coordinate_transformation_mode == "asymmetric" and nearest_mode == "floor":
        return _nearest(node, data, changed)
    if mode != "linear" or coordinate_transformation_mode not in _COORDINATES:
        raise Refused(f"mode {mode} of {coordinate_transformation_mode}")
    return _linear(node, data, changed, coordinate_transformation_mode)


def _linear(node: onnx_ir.Node, data: onnx_ir.Value, changed: Sequence[int], coordinates: str) -> list[Statement]:
    aligned = coordinates == "align_corners"
    rank = len(dims(data)) - 2
    statements, source = [], data
    # where one pixel is left torch takes the middle, and ONNX, whatever it calls that, the first
    single = [axis for axis in changed if dims(node.outputs[0])[axis] == 1]
    if single and coordinates == "pytorch_half_pixel":
        index = Code(", ".join(":1" if axis in single else ":" for axis in range(max(single) + 1)))
        source = fresh(node, "first")
        statements.append(line(node, "{0}[{index}]", data, outputs=[source], index=index))
    if rank in _MODES and all(axis >= 2 for axis in changed):
        text = "F.interpolate({0}, {size}, mode={mode}, align_corners={aligned})"
        size = static(node.outputs[0], *range(2, 2 + rank))
        return [*statements, line(node, text, source, size=size, mode=_MODES[rank], aligned=aligned)]
    if len(changed) > 2:
        raise Refused(f"linear of the axes {list(changed)} of {rank + 2}")
    first = min(changed[0], rank)
    axes = tuple(changed) if len(changed) == 2 else (first, first + 1)
    size = static(node.outputs[0], *axes)
    text = "resize({0}, {axes}, {size}, {aligned})"
    return [*statements, line(node, text, source, library=["resize"], axes=axes, size=size, aligned=aligned)]


def _nearest(node: onnx_ir.Node, data: onnx_ir.Value, changed: Sequence[int]) -> list[Statement]:
    statements, source = [], data
    for axis in changed:
        output = node.outputs[0] if axis == changed[-1] else fresh(node, f"axis{axis}")
        (size,), (count,) = static(data, axis), static(node.outputs[0], axis)
        if count % size == 0:
            text = "{0}.repeat_interleave({times}, dim={dim})"
            statements.append(line(node, text, source, outputs=[output], times=count // size, dim=axis))
        else:
            scale = np.float32(count) / np.float32(size)
            places = np.floor(np.arange(count, dtype=np.float32) / scale).astype(np.int64).clip(0, size - 1)
            state = State((count,), plan.literal(places.tolist()), "int64", trained=False)
            text = f"{{0}}[{':, ' * axis}{{index}}]"
            inputs = (source,)
            statements.append(Statement(str(node.name), inputs, (output,), text, tensors={"index": state}))
        source = output
    return statements


@emits("pytorch", "GridSample")
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Statement]:
    """``F.grid_sample``; cubic of images only, not of volumes."""
    name = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}.get(mode)
    if name is None or (name == "bicubic" and len(dims(data)) != 4):
        raise Refused(f"mode {mode}")
    if dims(grid)[-1] != len(dims(data)) - 2:
        raise Refused(f"{dims(grid)[-1]} coordinates of {len(dims(data)) - 2}")
    settings = {"mode": name, "padding_mode": padding_mode}
    defaults = {"mode": "bilinear", "padding_mode": "zeros"}
    changed: dict[str, Any] = {key: value for key, value in settings.items() if value != defaults[key]}
    parts = ["{0}", "{1}", *(f"{key}={{{key}}}" for key in changed), "align_corners={align_corners}"]
    text = f"F.grid_sample({', '.join(parts)})"
    return [line(node, text, data, grid, roles=("", "grid"), align_corners=bool(align_corners), **changed)]


@emits("pytorch", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node, theta: onnx_ir.Value, size: onnx_ir.Value, *, align_corners: int = 0
) -> list[Statement]:
    """``F.affine_grid``."""
    text = "F.affine_grid({0}, {size}, align_corners={align_corners})"
    aligned = bool(align_corners)
    if is_sizes(size):
        text = text.replace("{size}", "{1}")
        return [line(node, text, theta, size, as_sizes=True, align_corners=aligned)]
    return [line(node, text, theta, size=integers(size), align_corners=aligned)]


@emits("pytorch", "DepthToSpace")
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Statement]:
    """``F.pixel_shuffle`` (``CRD``), or a function that takes the channels in the other order (``DCR``)."""
    if mode == "CRD":
        return [line(node, "F.pixel_shuffle({0}, {size})", data, size=blocksize)]
    return [line(node, "depth_to_space({0}, {size})", data, library=["depth_to_space"], size=blocksize)]


@emits("pytorch", "SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Statement]:
    """A function: ``F.pixel_unshuffle`` has the channels in another order."""
    return [line(node, "space_to_depth({0}, {size})", data, library=["space_to_depth"], size=blocksize)]


@emits("pytorch", "Col2Im")
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
    """``F.fold``, of two axes with as much padding before as after."""
    size, kernel = integers(image) or (), integers(block) or ()
    rank = len(size)
    padding = tuple(pads) or (0,) * (2 * rank)
    if rank != 2 or padding[:rank] != padding[rank:]:
        raise Refused(f"{rank} spatial axes with pads {list(padding)}")
    given = {"dilation": tuple(dilations), "padding": padding[:rank], "stride": tuple(strides)}
    plain = {"dilation": (1, 1), "padding": (0, 0), "stride": (1, 1)}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value and value != plain[name]}
    more = "".join(f", {name}={{{name}}}" for name in settings)
    return [line(node, f"F.fold({{0}}, {{size}}, {{kernel}}{more})", data, size=size, kernel=kernel, **settings)]
