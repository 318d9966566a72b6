"""Regions of interest, deformable convolution, greedy suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.greedy import greedy
from converter.emitters.operand import array, is_stored, static
from converter.emitters.python import literal
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.layout import around, both, layout_of
from converter.emitters.tensorflow.operand import line, state
from converter.ir import dims


@emits("tensorflow", *both("RoiAlign"))
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
    size = literal([output_height, output_width])
    aligned = coordinate_transformation_mode == "half_pixel"
    text = f"roi_align({{0}}, {{1}}, {{2}}, {size}, {{scale}}, {sampling_ratio}, {aligned})"
    return [_of_regions(node, text, [data, rois, images], "roi_align", spatial_scale)]


@emits("tensorflow", *both("MaxRoiPool"))
def max_roi_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    pooled_shape: Sequence[int],
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """A function: the largest of what lies in a window's rows and columns."""
    text = f"max_roi_pool({{0}}, {{1}}, {literal(list(pooled_shape))}, {{scale}})"
    return [_of_regions(node, text, [data, rois], "max_roi_pool", spatial_scale)]


def _of_regions(
    node: onnx_ir.Node, text: str, operands: Sequence[onnx_ir.Value], function: str, scale: float
) -> Statement:
    """The statement of ``text``, a function over images with their channels last."""
    if not layout_of(node, ranks=(2,)).last:
        text = around(2, text)
    return line(node, text, *operands, roles=("", "rois", "images"), library=[function], scale=scale)


@emits("tensorflow", "DeformConv")
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
    layout_of(node, ranks=(2,))
    kernel = tuple(kernel_shape) or static(weight, 2, 3)
    strides, dilations = tuple(strides) or (1, 1), tuple(dilations) or (1, 1)
    if dims(offset)[2:] != dims(node.outputs[0])[2:]:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(dims(node.outputs[0])[2:])}")
    out, inner = static(weight, 0, 1)
    operands, tensors = [data, offset], {}
    roles = ["", "offset"]
    shape = (group, out // group, inner * kernel[0] * kernel[1])
    if is_stored(weight):
        tensors["weight"] = state(weight, shape)
        filters = "{weight}"
    else:
        operands.append(weight)
        roles.append("weight")
        filters = f"tf.reshape({{2}}, {literal(list(shape))})"
    places = {}
    for role, value in (("bias", bias), ("mask", mask)):
        places[role] = "None" if value is None else f"{{{len(operands)}}}"
        operands += [] if value is None else [value]
        roles += [] if value is None else [role]
    settings = ", ".join(literal(list(part)) for part in (kernel, strides, tuple(pads)[:2] or (0, 0), dilations))
    text = f"deform_conv2d({{0}}, {filters}, {{1}}, {places['bias']}, {places['mask']}, {settings}, {offset_group})"
    return [line(node, text, *operands, roles=roles, library=["deform_conv2d"], tensors=tensors)]


@emits("tensorflow", "Loop")
def loop(
    node: onnx_ir.Node,
    rounds: onnx_ir.Value,
    condition: onnx_ir.Value | None,
    *carried: onnx_ir.Value,
    body: onnx_ir.Graph,
) -> list[Statement]:
    """Greedy non-maximum suppression, the only loop of the IR: a function with a ``tf.while_loop``."""
    if condition is not None and not (is_constant(condition) and bool(array(condition))):
        raise Refused("it ends by a condition")
    found = greedy(body)
    waiting, kept = carried
    if node.outputs[0].uses() or node.outputs[0].is_graph_output():
        raise Refused("what is left at the end is used")
    operands = [waiting, kept, rounds, found.least, found.most, found.area]
    operands += [] if found.kind is None else [found.kind]
    kind = "None" if found.kind is None else "{6}"
    text = f"suppress({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {kind}, {{threshold}}, {{inclusive}}, {{margin}})"
    settings: dict[str, Any] = {"threshold": found.threshold, "inclusive": found.inclusive, "margin": found.margin}
    return [line(node, text, *operands, outputs=node.outputs[1:], library=["suppress"], **settings)]
