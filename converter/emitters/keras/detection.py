"""Regions of interest, deformable convolution, greedy suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.greedy import greedy
from converter.emitters.keras.convolution import halves
from converter.emitters.keras.operand import line
from converter.emitters.known import contents
from converter.emitters.operand import array, static
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, dims


@emits("keras", "RoiAlign")
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


@emits("keras", "MaxRoiPool")
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


@emits("keras", "DeformConv")
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
    static(offset, 2, 3)
    if dims(offset)[2:] != dims(node.outputs[0])[2:]:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(dims(node.outputs[0])[2:])}")
    given = {"weight": weight, "offset": offset, "bias": bias, "mask": mask}
    operands = {name: value for name, value in given.items() if value is not None}
    places = {name: f"{{{number}}}" for number, name in enumerate(operands, 1)}
    settings: dict[str, Any] = {
        "kernel": tuple(kernel_shape) or static(weight, 2, 3),
        "strides": tuple(strides) or (1, 1),
        "padding": halves(pads, 2)[0],
        "dilations": tuple(dilations) or (1, 1),
        "groups": group,
        "offset_groups": offset_group,
    }
    parts = [*(places.get(name, "None") for name in given), *(f"{{{name}}}" for name in settings)]
    text = f"deform_conv({{0}}, {', '.join(parts)})"
    roles = ("", *operands)
    return [line(node, text, data, *operands.values(), roles=roles, library=["deform_conv"], **settings)]


@emits("keras", "Loop")
def loop(
    node: onnx_ir.Node,
    rounds: onnx_ir.Value,
    condition: onnx_ir.Value | None,
    *carried: onnx_ir.Value,
    body: onnx_ir.Graph,
) -> list[Statement]:
    """Greedy non-maximum suppression, the only loop of the IR: a layer of its own with ``ops.while_loop``."""
    if condition is not None and not (is_constant(condition) and bool(array(condition))):
        raise Refused("it ends by a condition")
    found = greedy(body)
    waiting, kept = carried
    if node.outputs[0].uses() or node.outputs[0].is_graph_output():
        raise Refused("what is left at the end is used")
    settings: dict[str, Any] = {"threshold": found.threshold, "inclusive": found.inclusive, "margin": found.margin}
    operands = [waiting, kept, found.least, found.most, found.area]
    operands += [] if found.kind is None else [found.kind]
    known = contents(rounds)
    if known is None or BATCH in known.reshape(-1).tolist():
        operands.insert(2, rounds)
    else:
        settings["rounds"] = int(known.reshape(-1)[0])
    if any(is_constant(value) for value in operands):
        raise Refused("a table of its boxes is constant")
    places = ", ".join(f"{{{place}}}" for place in range(len(operands)))
    module = Submodule("Suppress", (), settings)
    return [line(node, f"{{module}}([{places}])", *operands, outputs=node.outputs[1:], module=module)]
