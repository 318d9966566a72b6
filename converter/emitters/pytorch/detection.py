"""Regions of interest, deformable convolution, greedy suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.greedy import greedy
from converter.emitters.operand import array, static
from converter.emitters.pytorch.convolution import padding
from converter.emitters.pytorch.operand import line
from converter.emitters.statement import Statement
from converter.ir import dims


@emits("pytorch", "RoiAlign")
def roi_align(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    images: onnx_ir.Value,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """A function: bilinear samples as a product with their weights by row and by column."""
    if mode != "avg":
        raise Refused(f"mode {mode}")
    text = "roi_align({0}, {1}, {2}, {size}, {scale}, {samples}, {aligned})"
    settings: dict[str, Any] = {
        "size": (output_height, output_width),
        "scale": spatial_scale,
        "samples": sampling_ratio,
        "aligned": coordinate_transformation_mode == "half_pixel",
    }
    return [line(node, text, data, rois, images, roles=("", "rois", "images"), library=["roi_align"], **settings)]


@emits("pytorch", "MaxRoiPool")
def max_roi_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    pooled_shape: Sequence[int],
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """A function: the largest of what lies in a window's rows and columns."""
    text = "max_roi_pool({0}, {1}, {size}, {scale})"
    settings: dict[str, Any] = {"size": tuple(pooled_shape), "scale": spatial_scale}
    return [line(node, text, data, rois, roles=("", "rois"), library=["max_roi_pool"], **settings)]


@emits("pytorch", "DeformConv")
def deform_conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    offset: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    mask: onnx_ir.Value | None = None,
    *,
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    offset_group: int = 1,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """A function: bilinear samples, gathered into columns, times the weight."""
    rank = len(dims(data)) - 2
    if rank != 2:
        raise Refused(f"{rank} spatial axes, not 2")
    kernel = tuple(kernel_shape) or static(weight, 2, 3)
    strides, dilations = tuple(strides) or (1, 1), tuple(dilations) or (1, 1)
    if dims(offset)[2:] != dims(node.outputs[0])[2:]:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(dims(node.outputs[0])[2:])}")
    begin, _ = padding(node, data, "NOTSET", kernel, strides, dilations, pads)
    given = {"weight": weight, "offset": offset, "bias": bias, "mask": mask}
    operands = {name: value for name, value in given.items() if value is not None}
    places = {name: f"{{{number}}}" for number, name in enumerate(operands, 1)}
    settings: dict[str, Any] = {
        "stride": strides,
        "padding": begin,
        "dilation": dilations,
        "groups": group,
        "offset_groups": offset_group,
    }
    parts = [*(places.get(name, "None") for name in given), *(f"{{{name}}}" for name in settings)]
    text = f"deform_conv2d({{0}}, {', '.join(parts)})"
    roles = ("", *operands)
    return [line(node, text, data, *operands.values(), roles=roles, library=["deform_conv2d"], **settings)]


@emits("pytorch", "Loop")
def loop(
    node: onnx_ir.Node,
    rounds: onnx_ir.Value,
    condition: onnx_ir.Value | None,
    *carried: onnx_ir.Value,
    body: onnx_ir.Graph,
) -> list[Statement]:
    """Greedy non-maximum suppression, the only loop of the IR: a function that has a loop of its own."""
    if condition is not None and not (is_constant(condition) and bool(array(condition))):
        raise Refused("it ends by a condition")
    found = greedy(body)
    waiting, kept = carried
    if _is_read(node.outputs[0]):
        raise Refused("what is left at the end is used")
    operands = [waiting, kept, rounds, found.least, found.most, found.area]
    operands += [] if found.kind is None else [found.kind]
    kind = "None" if found.kind is None else "{6}"
    text = f"suppress({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {kind}, {{threshold}}, {{inclusive}}, {{margin}})"
    settings: dict[str, Any] = {"threshold": found.threshold, "inclusive": found.inclusive, "margin": found.margin}
    library = ["suppress", "while_loop"]
    return [line(node, text, *operands, scalars=False, outputs=node.outputs[1:], library=library, **settings)]


def _is_read(value: onnx_ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()
