"""Models that Caffe's options are tested on, by a name for each."""

from __future__ import annotations

from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases import common
from tests.emitters.models import Builder


def image(net: Builder, name: str = "data") -> ir.Value:
    """A photograph of three channels."""
    return net.input(name, ("batch", 3, 7, 8))


def conv(net: Builder, name: str, data: ir.Value, *, channels: int = 3, group: int = 1) -> ir.Value:
    """A convolution with six filters."""
    weight = net.parameter(f"{name}_weight", (6, channels // group, 3, 3))
    return net.node("Conv", name, data, weight, net.parameter(f"{name}_bias", (6,)), kernel_shape=(3, 3), group=group)


def norm_first() -> ir.Model:
    """As ResNet's second version begins."""
    net = Builder()
    return net.model(conv(net, "conv", common.batch_norm(net, image(net), "bn", 3)))


def group_first() -> ir.Model:
    """A depthwise convolution of the image."""
    net = Builder()
    return net.model(conv(net, "conv", image(net), group=3))


def conv_norm() -> ir.Model:
    """A convolution and its batch normalization."""
    net = Builder()
    return net.model(common.batch_norm(net, conv(net, "conv", image(net)), "bn", 6))


def read_twice(*, by: str) -> ir.Model:
    """An image that a convolution reads and another layer ``by`` it."""
    net = Builder()
    data = image(net)
    other = conv(net, "other", data) if by == "Conv" else net.node(by, "other", data)
    return net.model(conv(net, "conv", data), other)


def passed_on() -> ir.Model:
    """An image that is an output itself."""
    net = Builder()
    data = image(net)
    return net.model(conv(net, "conv", data), net.node("Identity", "same", data))


def behind_identity() -> ir.Model:
    """An image under another name."""
    net = Builder()
    return net.model(conv(net, "conv", net.node("Identity", "same", image(net))))


def flatten_twice() -> ir.Model:
    """A flattened image that a dense layer reads and another one."""
    net = Builder()
    flat = net.node("Flatten", "flat", image(net), axis=1)
    dense = net.node("Gemm", "fc", flat, net.parameter("fc_weight", (5, 3 * 7 * 8)), transB=1)
    return net.model(dense, net.node("Relu", "relu", flat))


def several_inputs() -> ir.Model:
    """Two images and something else."""
    net = Builder()
    left, right, more = image(net, "left"), image(net, "right"), net.input("more", ("batch", 6, 5, 6))
    value = net.node("Add", "sum", conv(net, "one", left), conv(net, "two", right))
    return net.model(net.node("Mul", "product", value, more), net.node("Tanh", "tanh", right))


BGR = {
    "conv": partial(common.conv),
    "norm-first": norm_first,
    "scaling-first": common.input_scaling,
    "group-first": group_first,
    "conv-norm": conv_norm,
    "read-by-two-convolutions": partial(read_twice, by="Conv"),
    "read-by-another-layer": partial(read_twice, by="Sigmoid"),
    "output": passed_on,
    "identity": behind_identity,
    "flatten-dense": partial(common.dense, (3, 4, 5)),
    "flatten-dense-transposed": partial(common.dense, (3, 4, 5), transposed=False),
    "flatten-twice": flatten_twice,
    "several": several_inputs,
}
"""Images that are read in all ways."""


def deconv_norm(*, group: int = 1, bias: bool = True, kernel: tuple[int, int] = (3, 2)) -> ir.Model:
    """A deconvolution and its batch normalization."""
    net = Builder()
    values = [net.input("data", ("batch", 4, 5, 6)), net.parameter("up_weight", (4, 6 // group, *kernel))]
    values += [net.parameter("up_bias", (6,))] if bias else []
    value = net.node("ConvTranspose", "up", *values, kernel_shape=kernel, strides=(2, 2), group=group)
    return net.model(common.batch_norm(net, value, "bn", 6))


def rows_norm() -> ir.Model:
    """A dense layer for each of several rows, which are the channels of the batch normalization behind it."""
    net = Builder()
    value = net.node("MatMul", "fc", net.input("data", ("batch", 5, 4)), net.parameter("fc_weight", (4, 5)))
    return net.model(common.batch_norm(net, value, "bn", 5))


def two_norms() -> ir.Model:
    """Two batch normalizations, one after the other, of one convolution."""
    net = Builder()
    value = common.batch_norm(net, conv(net, "conv", image(net)), "bn1", 6)
    return net.model(common.batch_norm(net, value, "bn2", 6))


NORMALIZED = {
    "deconv": deconv_norm,
    "deconv-no-bias": partial(deconv_norm, bias=False),
    "deconv-group": partial(deconv_norm, group=2),
    "deconv-square": partial(deconv_norm, kernel=(4, 4)),
    "conv": conv_norm,
    "conv-oblong": partial(common.conv_norm, (1, 3)),
    "conv-group": partial(common.conv_norm, group=2, bias=True),
    "conv-relu": partial(common.conv_norm, between="Relu"),
    "conv-output": partial(common.conv_norm, tapped=True),
    "conv-forked": common.forked_norm,
    "conv-twice": two_norms,
    "dense": common.dense_norm,
    "dense-transposed": partial(common.dense_norm, transposed=False),
    "dense-rows": rows_norm,
}
"""Batch normalization behind all that it can be merged into, and behind what it cannot."""


def activated() -> ir.Model:
    """Scores that are computed in place of others."""
    net = Builder()
    return net.model(net.node("Relu", "relu", conv(net, "conv", image(net))))


SCORES = {
    "conv": common.conv,
    "dense": partial(common.dense, (3, 4, 5)),
    "activated": activated,
    "reshaped": partial(common.unary, "Flatten", axis=1),
}
"""Models that end without a softmax."""


def clipped() -> ir.Model:
    """A ReLU6 of numbers that reach beyond 6."""
    net = Builder()
    value = net.node("Mul", "times", net.input("data", ("batch", 3, 4, 5)), net.constant("ten", 10.0))
    return net.model(net.node("Clip", "relu6", value, net.constant("low", 0.0), net.constant("high", 6.0)))


def normalized(net: Builder, name: str, data: ir.Value, weight: tuple[int, ...], **attributes: Any) -> ir.Value:
    """A convolution without a bias and its batch normalization."""
    kernel, pad = weight[2:], weight[2] // 2
    parameter = net.parameter(f"{name}_weight", weight)
    value = net.node("Conv", name, data, parameter, kernel_shape=kernel, pads=(pad, pad, pad, pad), **attributes)
    return common.batch_norm(net, value, f"{name}_bn", weight[0])


def classified(net: Builder, data: ir.Value, channels: int) -> ir.Model:
    """The mean of each channel, and classes of them."""
    flat = net.node("Flatten", "flat", net.node("GlobalAveragePool", "mean", data), axis=1)
    scores = net.node(
        "Gemm", "fc", flat, net.parameter("fc_weight", (5, channels)), net.parameter("fc_bias", (5,)), transB=1
    )
    return net.model(net.node("Softmax", "prob", scores, axis=1))


def resnet() -> ir.Model:
    """A residual network in small: floor pooling of odd sizes, a block as it is and one that halves."""
    net = Builder("resnet")
    value = normalized(net, "stem", net.input("data", ("batch", 3, 31, 37)), (8, 3, 7, 7), strides=(2, 2))
    value = net.node("Relu", "stem_relu", value)
    value = net.node("MaxPool", "pool", value, kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    for name, before, after, stride in (("one", 8, 8, 1), ("two", 8, 12, 2)):
        short = (
            value if stride == 1 else normalized(net, f"{name}_short", value, (after, before, 1, 1), strides=(2, 2))
        )
        inner = normalized(net, f"{name}_a", value, (after, before, 3, 3), strides=(stride, stride))
        inner = normalized(net, f"{name}_b", net.node("Relu", f"{name}_relu", inner), (after, after, 3, 3))
        value = net.node("Relu", f"{name}_out", net.node("Add", f"{name}_sum", inner, short))
    return classified(net, value, 12)


def mobilenet() -> ir.Model:
    """Inverted residuals in small: depthwise convolutions, ReLU6, sums."""
    net = Builder("mobilenet")
    value = relu6(
        net, "stem", normalized(net, "stem", net.input("data", ("batch", 3, 33, 30)), (8, 3, 3, 3), strides=(2, 2))
    )
    for name, before, after, stride in (("one", 8, 8, 1), ("two", 8, 12, 2), ("three", 12, 12, 1)):
        inner = relu6(net, f"{name}_a", normalized(net, f"{name}_a", value, (24, before, 1, 1)))
        inner = normalized(net, f"{name}_b", inner, (24, 1, 3, 3), strides=(stride, stride), group=24)
        inner = normalized(net, f"{name}_c", relu6(net, f"{name}_b", inner), (after, 24, 1, 1))
        value = net.node("Add", f"{name}_sum", inner, value) if (before, stride) == (after, 1) else inner
    return classified(net, value, 12)


def relu6(net: Builder, name: str, data: ir.Value) -> ir.Value:
    """Cut off at 0 and at 6."""
    return net.node(
        "Clip", f"{name}_relu6", data, net.constant(f"{name}_low", 0.0), net.constant(f"{name}_high", 6.0)
    )
