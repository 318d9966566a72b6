"""Deformable convolution."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis, made, row_shape
from converter.emitters.cntk.convolution import add_bias
from converter.emitters.cntk.operand import line
from converter.emitters.operand import is_stored, static
from converter.emitters.python import literal
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims


@emits("cntk", "DeformConv")
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
    kernel_shape: Sequence[int] = (),  # noqa: ARG001 - the weight has it
    offset_group: int = 1,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """A function: bilinear samples as products with the weights of the pixels, times the weight.

    Of an infinite pixel such a product makes numbers that are none.
    """
    if any(is_stored(value) or batch_axis(value) != 0 for value in (data, offset, mask) if value is not None):
        raise Refused("the first axis of the images, the offsets or the mask is not the batch")
    if not is_stored(weight) and batch_axis(weight) is not None:
        raise Refused("a kernel of its own for each row of the batch")
    if len(static(weight)) != 4 or dims(offset)[2:] != dims(node.outputs[0])[2:]:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(dims(node.outputs[0])[2:])}")
    result = node.outputs[0]
    operands, roles = [data, weight, offset], ["", "weight", "offset"]
    masked = ""
    if mask is not None:
        operands.append(mask)
        masked = ", mask={3}"
    settings = ", ".join(
        literal(each) for each in (tuple(strides) or (1, 1), tuple(pads)[:2] or (0, 0), tuple(dilations) or (1, 1))
    )
    text = f"deform_convolution({{0}}, {{1}}, {{2}}, {settings}, {group}, {offset_group}{masked})"
    library = ["deform_convolution", "grid_weights", "permuted"]
    target = result if bias is None else made(f"{node.name}/product", (BATCH, *row_shape(result)), 0)
    product = line(node, text, *operands, outputs=[target], scalars=False, roles=roles, library=library)
    return [product] if bias is None else [product, add_bias(node, target, bias, result, 2)]
