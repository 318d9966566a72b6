"""Convolutions and their transposes (src/operator/nn/convolution-inl.h, nn/deconvolution-inl.h)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from onnx_ir import Value

from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import (
    at_least,
    biases,
    channels_first,
    channels_last,
    extents,
    rank,
    size,
    to_channels_first,
)
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope

Layout: TypeAlias = Literal["NCW", "NCHW", "NCDHW", "NHWC", "NDHWC"]


@parses("Convolution", "Convolution_v1", ignores=("workspace", "cudnn_tune", "cudnn_off"))
def convolution(
    g: Scope,
    data: Value,
    weight: Parameter,
    bias: Parameter | None = None,
    *,
    kernel: Ints,
    num_filter: int,
    stride: Ints = (),
    dilate: Ints = (),
    pad: Ints = (),
    num_group: int = 1,
    no_bias: bool = False,
    layout: Layout | None = None,
) -> Value:
    """1-D, 2-D or 3-D convolution: weight ``[num_filter, C / num_group, *kernel]``, bias ``[num_filter]``.

    In a layout whose channels are last, which MXNet computes on GPUs only, the weight's are as well (OHWI).
    """
    axes = rank(g, data, 3, 4, 5)
    last = channels_last(g, data, layout)
    given, made, groups = _channels(g, data, num_filter, num_group, last=last)
    window = extents(g, "kernel", kernel, axes - 2)

    def convolve(inner: Scope, moved: Value) -> Value:
        return inner.emit(
            "Conv",
            moved,
            _weight(inner, weight, (made, given // groups, *window), last=last),
            *biases(inner, bias, no_bias, made),
            kernel_shape=window,
            strides=extents(g, "stride", stride, axes - 2, default=1),
            pads=extents(g, "pad", pad, axes - 2, default=0, least=0) * 2,
            dilations=extents(g, "dilate", dilate, axes - 2, default=1),
            group=groups,
        )

    return channels_first(g, data, convolve, last=last, role="conv")


@parses("Deconvolution", ignores=("workspace", "cudnn_tune", "cudnn_off"))
def deconvolution(
    g: Scope,
    data: Value,
    weight: Parameter,
    bias: Parameter | None = None,
    *,
    kernel: Ints,
    num_filter: int,
    stride: Ints = (),
    dilate: Ints = (),
    pad: Ints = (),
    adj: Ints = (),
    target_shape: Ints = (),
    num_group: int = 1,
    no_bias: bool = True,
    layout: Layout | None = None,
) -> Value:
    """1-D, 2-D or 3-D transposed convolution: weight ``[C, num_filter / num_group, *kernel]``, bias ``[num_filter]``.

    ``target_shape`` takes the place of ``pad`` and ``adj``. MXNet computes three spatial dimensions, and layouts with
    the channels last (weight IHWO), on GPUs only. Where an axis has both a stride and a dilation, its CPU kernel
    leaves products out (measured with 1.9.1): that is refused.
    """
    axes = rank(g, data, 3, 4, 5)
    last = channels_last(g, data, layout)
    given, made, groups = _channels(g, data, num_filter, num_group, last=last)
    window = extents(g, "kernel", kernel, axes - 2)
    steps = extents(g, "stride", stride, axes - 2, default=1)
    dilations = extents(g, "dilate", dilate, axes - 2, default=1)
    begin = extents(g, "pad", pad, axes - 2, default=0, least=0)
    more = extents(g, "adj", adj, axes - 2, default=0, least=0)
    if any(step > 1 and apart > 1 for step, apart in zip(steps, dilations, strict=True)):
        raise g.refuse(f"stride={steps} with dilate={dilations}, where MXNet on CPUs leaves products out")
    if any(target_shape):
        target = extents(g, "target_shape", target_shape, axes - 2)
        lengths = [size(g, data, axis + (1 if last else 2)) for axis in range(axes - 2)]
        begin, more = _towards(g, target, lengths, window, steps, dilations)
    elif any(extra >= step for extra, step in zip(more, steps, strict=True)):
        raise BadInput(f"{g.node.op} {g.node.name!r} has adj={adj}, which is not less than stride={steps}")

    def spread(inner: Scope, moved: Value) -> Value:
        return inner.emit(
            "ConvTranspose",
            moved,
            _weight(inner, weight, (given, made // groups, *window), last=last),
            *biases(inner, bias, no_bias, made),
            kernel_shape=window,
            strides=steps,
            pads=begin * 2,
            output_padding=more,
            dilations=dilations,
            group=groups,
        )

    return channels_first(g, data, spread, last=last, role="deconv")


def _channels(g: Scope, data: Value, num_filter: int, num_group: int, *, last: bool) -> tuple[int, int, int]:
    """The numbers of input channels, of output channels, and of groups that they can be split into."""
    groups = at_least(g, "num_group", num_group)
    given, made = size(g, data, -1 if last else 1), at_least(g, "num_filter", num_filter)
    if given % groups or made % groups:
        raise g.misfit(f"{given} input and {made} output channels cannot be split into {groups} groups")
    return given, made, groups


def _weight(g: Scope, weight: Parameter, shape: Ints, *, last: bool) -> Value:
    """The weight in ONNX's ``shape``, from MXNet's, whose second dimension is ``last`` in such a layout."""
    if not last:
        return g.parameter(weight, shape)
    return to_channels_first(g, g.parameter(weight, (shape[0], *shape[2:], shape[1])), "weight")


def _towards(
    g: Scope, target: Ints, lengths: Sequence[int], window: Ints, steps: Ints, dilations: Ints
) -> tuple[Ints, Ints]:
    """The padding, and the addition at the end, that make the output as large as ``target`` (InferPad)."""
    full = tuple(
        step * (length - 1) + 1 + (kernel - 1) * dilation
        for length, kernel, step, dilation in zip(lengths, window, steps, dilations, strict=True)
    )
    surplus = [most - wanted for most, wanted in zip(full, target, strict=True)]
    if min(surplus) < 0:
        raise g.misfit(f"target_shape={target} is more than the {full} that there are without padding")
    return tuple((most + 1) // 2 for most in surplus), tuple(most % 2 for most in surplus)
