"""Convolutions (src/operator/nn/convolution-inl.h)."""

from __future__ import annotations

from typing import Literal

from onnx_ir import Value

from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, biases, pair, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope


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
    layout: Literal["NCHW"] | None = None,  # noqa: ARG001 - its type refuses the others
) -> Value:
    """2-D convolution: data NCHW, weight ``[num_filter, C / num_group, kH, kW]``, bias ``[num_filter]``."""
    rank(g, data, 4)
    groups = at_least(g, "num_group", num_group)
    given, made = size(g, data, 1), at_least(g, "num_filter", num_filter)
    if given % groups or made % groups:
        raise g.misfit(f"{given} input and {made} output channels cannot be split into {groups} groups")
    window = pair(g, "kernel", kernel)
    return g.emit(
        "Conv",
        data,
        g.parameter(weight, (made, given // groups, *window)),
        *biases(g, bias, no_bias, made),
        kernel_shape=window,
        strides=pair(g, "stride", stride, default=1),
        pads=pair(g, "pad", pad, default=0, least=0) * 2,
        dilations=pair(g, "dilate", dilate, default=1),
        group=groups,
    )
