"""Convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output
from converter.emitters.known import sizes
from converter.emitters.mxnet.border import bordered
from converter.emitters.mxnet.call import Call, Chain, parameter
from converter.ir import dims
from converter.passes.fold import expression_of


@emits("mxnet", "Conv")
def convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilations: Sequence[int] = (),
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> list[Call]:
    """``Convolution``, after ``pad`` where opposite edges are padded differently.

    Raises:
        Refused: There are no or more than three spatial dimensions, or an edge is cut off.
    """
    shape = sizes(dims(weight), "convolved with")
    count = spatial(data)
    if kernel_shape is not None and tuple(kernel_shape) != tuple(shape[2:]):
        raise Refused(f"kernel_shape {list(kernel_shape)} is not that of the weight, {list(shape[2:])}")
    chain = Chain(node)
    edges = explicit(node, data, auto_pad, shape[2:], strides, pads, dilations)
    if edges[:count] != edges[count:] or min(edges) < 0:
        data, edges = bordered(chain, "pad", data, edges, range(2, count + 2), 0.0), (0,) * 2 * count
    return chain.last(
        "Convolution",
        data=data,
        weight=weight,
        bias=bias,
        num_filter=shape[0],
        kernel=tuple(shape[2:]),
        **extents(edges[:count], strides, dilations),
        num_group=group if group != 1 else None,
        no_bias=True if bias is None else None,
    )


@emits("mxnet", "ConvTranspose")
def deconvolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,  # noqa: ARG001 - the weight says the same
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    output_shape: Sequence[int] | None = None,
    dilations: Sequence[int] = (),
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> list[Call]:
    """``Deconvolution``, cut by ``slice`` where opposite edges are padded differently.

    With both a stride and a dilation MXNet leaves out elements (mshadow's ``pack_col2patch``): then the weight itself
    is dilated, with zeros.

    Raises:
        Refused: There are three spatial dimensions, which MXNet computes on GPUs only, the padding is not explicit,
            or a weight that is to be dilated is computed.
    """
    count = spatial(data)
    if auto_pad not in ("NOTSET", "VALID"):
        raise Refused(f"auto_pad is {auto_pad}, not explicit")
    if count > 2:
        raise Refused(f"MXNet computes {count} spatial dimensions on GPUs only")
    if output_shape is not None:
        raise Refused("output_shape takes the place of explicit padding")
    shape = sizes(dims(weight), "convolved with")
    edges, more = tuple(pads) or (0,) * 2 * count, tuple(output_padding) or (0,) * count
    if min(edges) < 0:
        raise Refused(f"pads {list(edges)} are negative")
    steps = tuple(strides) or (1,) * count
    if any(extra >= step for extra, step in zip(more, steps, strict=True)):
        raise Refused(f"output_padding {list(more)} is not less than the strides, {list(steps)}")
    chain, apart = Chain(node), tuple(dilations) or (1,) * count
    weight, apart = _dilated(weight, steps, apart)
    common = tuple(min(pair) for pair in zip(edges[:count], edges[count:], strict=True))
    layer: dict[str, Any] = {
        "data": data,
        "weight": weight,
        "bias": bias,
        "num_filter": shape[1] * group,
        "kernel": tuple(dims(weight)[2:]),
        **extents(common, strides, apart),
        "adj": more if any(more) else None,
        "num_group": group if group != 1 else None,
        "no_bias": bias is None,
    }
    if common * 2 == edges:
        return chain.last("Deconvolution", **layer)
    whole = chain.step("whole", "Deconvolution", **layer)
    begin = [edge - least for edge, least in zip(edges[:count], common, strict=True)]
    lengths = sizes(dims(only_output(node))[2:], "cut")
    end = [start + length for start, length in zip(begin, lengths, strict=True)]
    return chain.last("slice", whole, begin=(None, None, *begin), end=(None, None, *end))


def _dilated(
    weight: onnx_ir.Value, strides: Sequence[int], dilations: Sequence[int]
) -> tuple[onnx_ir.Value, tuple[int, ...]]:
    """``weight`` with zeros between its elements along the axes that have a stride too, and what dilation is left."""
    both = [axis for axis, pair in enumerate(zip(strides, dilations, strict=True)) if min(pair) > 1]
    if not both:
        return weight, tuple(dilations)
    if not is_parameter(weight):
        raise Refused(
            f"{weight.name} is computed, and has both strides {list(strides)} and dilations {list(dilations)}"
        )
    shape, value = list(sizes(dims(weight), "convolved with")), expression_of(weight)
    for axis in (2 + place for place in both):
        length, gap = shape[axis], dilations[axis - 2]
        zeros = plan.full(0.0, (*shape[:axis], 1, *shape[axis + 1 :]))
        shape[axis] = (length - 1) * gap + 1
        places = [length if index % gap else index // gap for index in range(shape[axis])]
        value = plan.take(plan.concat([value, zeros], axis), axis, places)
    left = tuple(1 if axis in both else gap for axis, gap in enumerate(dilations))
    return parameter(str(weight.name), shape, value), left


@emits("mxnet", "DeformConv")
def modulated_deformable_convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    offset: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    mask: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,  # noqa: ARG001 - the weight says the same
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
    offset_group: int = 1,
) -> list[Call]:
    """``contrib.ModulatedDeformableConvolution``.

    Raises:
        Refused: Opposite edges are padded differently, or there is no mask.
    """
    if mask is None:
        raise Refused("there is no mask")
    if tuple(pads[:2]) != tuple(pads[2:]):
        raise Refused(f"pads {list(pads)} are not the same at opposite edges")
    window = extents(pads[:2], strides, dilations)
    return _deformable(
        node, "contrib.ModulatedDeformableConvolution", data, offset, weight, bias, window, group, offset_group, mask
    )


@emits("mxnet", "transship::DeformableConvolution")
def deformable_convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    offset: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int],  # noqa: ARG001 - the weight says the same
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    group: int,
    offset_group: int,
) -> list[Call]:
    """``contrib.DeformableConvolution``."""
    window = extents(pads[:2], strides, dilations)
    return _deformable(node, "contrib.DeformableConvolution", data, offset, weight, bias, window, group, offset_group)


def _deformable(
    node: onnx_ir.Node,
    op: str,
    data: onnx_ir.Value,
    offset: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    window: dict[str, Any],
    group: int,
    offset_group: int,
    mask: onnx_ir.Value | None = None,
) -> list[Call]:
    shape = sizes(dims(weight), "convolved with")
    return Chain(node).last(
        op,
        data=data,
        offset=offset,
        mask=mask,
        weight=weight,
        bias=bias,
        num_filter=shape[0],
        kernel=tuple(shape[2:]),
        **window,
        num_group=group if group != 1 else None,
        num_deformable_group=offset_group if offset_group != 1 else None,
        no_bias=True if bias is None else None,
    )


def explicit(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    auto_pad: str,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, ...]:
    """The padding before each spatial dimension, then that after each, which ``auto_pad`` may leave to be found."""
    count = len(kernel)
    if not auto_pad.startswith("SAME"):
        return tuple(pads) or (0,) * 2 * count
    lengths, made = (sizes(dims(value)[2:], "padded") for value in (data, only_output(node)))
    steps, apart = tuple(strides) or (1,) * count, tuple(dilations) or (1,) * count
    total = [max((made[i] - 1) * steps[i] + (kernel[i] - 1) * apart[i] + 1 - lengths[i], 0) for i in range(count)]
    less, more = tuple(one // 2 for one in total), tuple(one - one // 2 for one in total)
    return (*less, *more) if auto_pad == "SAME_UPPER" else (*more, *less)


def spatial(data: onnx_ir.Value) -> int:
    """The number of spatial dimensions of ``data``, of which MXNet takes one to three.

    Raises:
        Refused: It does not.
    """
    count = len(dims(data)) - 2
    if not 1 <= count <= 3:
        raise Refused(f"{data.name} has {count} spatial dimensions")
    return count


def extents(pads: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> dict[str, Any]:
    """``stride``, ``dilate`` and ``pad``, left out where they are MXNet's defaults."""
    return {
        "stride": tuple(strides) if any(step != 1 for step in strides) else None,
        "dilate": tuple(dilations) if any(step != 1 for step in dilations) else None,
        "pad": tuple(pads) if any(pads) else None,
    }
