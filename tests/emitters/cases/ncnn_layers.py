"""Layers with weights, pooling and normalization in ranks and variants that MXNet has not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case, batch_norm, dense, unary
from tests.emitters.models import Builder


def conv(
    shape: Sequence[int],
    kernel: Sequence[int],
    *,
    filters: int = 4,
    group: int = 1,
    transposed: bool = False,
    norm: bool = False,
    then: str = "",
    then_attributes: dict[str, Any] | None = None,
    **attributes: Any,
) -> ir.Model:
    """A convolution or its transpose of data of ``shape``, maybe normalized, ``then`` activated."""
    net = Builder()
    data = net.input("data", ("batch", *shape))
    size = (shape[0], filters // group) if transposed else (filters, shape[0] // group)
    weights = net.parameter("conv_weight", (*size, *kernel)), net.parameter("conv_bias", (filters,))
    value = net.node("ConvTranspose" if transposed else "Conv", "conv", data, *weights, group=group, **attributes)
    value = batch_norm(net, value, "bn", filters) if norm else value
    return net.model(net.node(then, "act", value, **(then_attributes or {})) if then else value)


def scaled(op: str, factor: float) -> ir.Model:
    """An activation of numbers up to ``factor`` on both sides of 0."""
    net = Builder()
    value = net.node("Mul", "scale", net.input("data", ("batch", 3, 4, 5)), net.constant("factor", factor))
    return net.model(net.node(op, "op", value))


def clipped(*, least: float | None = 0.0, most: float | None = 0.5, whole: bool = False) -> ir.Model:
    """A Clip behind a convolution, or of the data themselves."""
    net = Builder()
    value = net.input("data", ("batch", 3, 5, 6))
    if not whole:
        value = net.node("Conv", "conv", value, net.parameter("conv_weight", (4, 3, 3, 3)))
    bounds = [None if bound is None else net.constant(name, bound) for name, bound in (("min", least), ("max", most))]
    return net.model(net.node("Clip", "clip", value, *bounds))


def gemm(shape: Sequence[int | str], bias: Sequence[int] | None = (5,), **attributes: Any) -> ir.Model:
    """A fully connected layer of any bias and factors."""
    net = Builder()
    values = [net.input("data", shape), net.parameter("fc_weight", (5, 6))]
    if bias is not None:
        values.append(net.parameter("fc_bias", bias) if bias else net.constant("fc_bias", 0.3))
    return net.model(net.node("Gemm", "fc", *values, transB=1, **attributes))


def pool(op: str, shape: Sequence[int], **attributes: Any) -> ir.Model:
    """A pooling of any rank."""
    net = Builder()
    return net.model(net.node(op, "pool", net.input("data", ("batch", *shape)), **attributes))


def affine(op: str, shape: Sequence[int], size: Sequence[int], *, bias: bool = True, **attributes: Any) -> ir.Model:
    """A normalization with a scale and a bias."""
    net = Builder()
    values = [net.input("data", ("batch", *shape)), net.parameter("scale", size)]
    values += [net.parameter("bias", size)] if bias else []
    return net.model(net.node(op, "op", *values, **attributes))


def norm(shape: Sequence[int]) -> ir.Model:
    """A batch normalization of any rank."""
    net = Builder()
    return net.model(batch_norm(net, net.input("data", ("batch", *shape)), "bn", shape[0]))


def prelu(shape: Sequence[int], slope: Sequence[int]) -> ir.Model:
    """A PRelu of any rank."""
    net = Builder()
    return net.model(net.node("PRelu", "op", net.input("data", ("batch", *shape)), net.parameter("slope", slope)))


def pooled_flat(op: str, *, tapped: bool = False, axes: bool = False) -> ir.Model:
    """A global pooling that is flattened for a fully connected layer, maybe read by another one too."""
    net = Builder()
    value = net.node(op, "pool", net.input("data", ("batch", 6, 4, 5)))
    other = [net.node("Sigmoid", "gate", value)] if tapped else []
    flat = (
        net.node("Squeeze", "flat", value, net.constant("axes", [2, 3]))
        if axes
        else net.node("Flatten", "flat", value)
    )
    return net.model(net.node("Gemm", "fc", flat, net.parameter("fc_weight", (5, 6)), transB=1), *other)


def pooled_flat_twice() -> ir.Model:
    """A global pooling with two readers."""
    return pooled_flat("GlobalAveragePool", tapped=True)


def fixed(rows: int) -> ir.Model:
    """A small net whose batch is a number."""
    net = Builder()
    value = net.node("Conv", "conv", net.input("data", (rows, 3, 5, 6)), net.parameter("conv_weight", (4, 3, 3, 3)))
    value = net.node("Relu", "relu", batch_norm(net, value, "bn", 4))
    return net.model(net.node("Softmax", "prob", net.node("Flatten", "flat", value), axis=1))


def softmax_rows() -> ir.Model:
    """A softmax over the first dimension of data that have no batch."""
    net = Builder()
    return net.model(net.node("Softmax", "op", net.input("data", (3, 4)), axis=0))


def chain(*, through: str = "Relu") -> ir.Model:
    """Outputs that others are computed from, and that nothing may be fused over."""
    net = Builder()
    data = net.input("data", ("batch", 3, 5, 6))
    first = net.node("Conv", "conv", data, net.parameter("conv_weight", (3, 3, 3, 3)))
    second = net.node(through, "act", first)
    third = net.node("Conv", "conv2", second, net.parameter("conv2_weight", (2, 3, 1, 1)))
    return net.model(third, first, net.node("Relu", "last", third))


def unused_input() -> ir.Model:
    """Two inputs of which one is not read, and one that is returned as it is."""
    net = Builder()
    net.input("ignored", ("batch", 2))
    data = net.input("data", ("batch", 3))
    return net.model(net.node("Relu", "relu", data), net.node("Identity", "same", data))


CASES = (
    Case("ncnn-conv-1d", partial(conv, (3, 9), (3,), pads=(1, 2), strides=(2,))),
    Case("ncnn-conv-1d-group", partial(conv, (4, 9), (3,), group=2, dilations=(2,))),
    Case("ncnn-conv-3d", partial(conv, (3, 4, 5, 6), (2, 3, 1), pads=(1, 0, 2, 0, 1, 1), strides=(1, 2, 3))),
    Case("ncnn-conv-3d-group", partial(conv, (4, 4, 5, 6), (2, 2, 2), group=4)),
    Case("ncnn-conv-asymmetric", partial(conv, (3, 7, 8), (3, 2), pads=(0, 1, 2, 0), strides=(2, 1))),
    Case("ncnn-conv-same-upper", partial(conv, (3, 7, 8), (4, 3), auto_pad="SAME_UPPER", strides=(2, 2))),
    Case("ncnn-conv-same-lower", partial(conv, (3, 7, 8), (4, 3), auto_pad="SAME_LOWER", strides=(2, 2))),
    Case("ncnn-conv-valid", partial(conv, (3, 7, 8), (4, 3), auto_pad="VALID")),
    Case("ncnn-conv-dilated-thin", partial(conv, (4, 5, 8), (3, 3), group=4, dilations=(2, 2))),
    Case("ncnn-conv-sigmoid", partial(conv, (3, 7, 8), (3, 3), then="Sigmoid")),
    Case("ncnn-conv-mish", partial(conv, (3, 7, 8), (3, 3), then="Mish")),
    Case("ncnn-conv-hard-swish", partial(conv, (3, 7, 8), (3, 3), then="HardSwish")),
    Case("ncnn-conv-leaky", partial(conv, (3, 7, 8), (3, 3), then="LeakyRelu", then_attributes={"alpha": 0.3})),
    Case("ncnn-conv-norm-1d", partial(conv, (3, 9), (3,), norm=True, then="Relu")),
    Case("ncnn-conv-norm-3d", partial(conv, (3, 4, 5, 6), (2, 2, 2), norm=True, then="Relu")),
    Case("ncnn-conv-norm-depthwise", partial(conv, (4, 5, 6), (3, 3), group=4, norm=True, then="Relu")),
    Case("ncnn-deconv-norm", partial(conv, (3, 4, 5), (3, 2), transposed=True, norm=True, then="Relu")),
    Case("ncnn-deconv-norm-group", partial(conv, (4, 4, 5), (3, 2), transposed=True, group=2, norm=True)),
    Case("ncnn-deconv-pads", partial(conv, (3, 4, 5), (3, 4), transposed=True, pads=(0, 1, 2, 1), strides=(2, 3))),
    Case("ncnn-deconv-1d", partial(conv, (4, 5), (3,), transposed=True, group=2, strides=(2,), output_padding=(1,))),
    Case("ncnn-deconv-3d", partial(conv, (4, 2, 3, 4), (2, 3, 2), transposed=True, group=4, strides=(2, 1, 2))),
    Case("ncnn-conv-clip", clipped),
    Case("ncnn-clip", partial(clipped, whole=True)),
    Case("ncnn-clip-least", partial(clipped, most=None)),
    Case("ncnn-clip-most", partial(clipped, least=None, whole=True)),
    Case("ncnn-clip-crossed", partial(clipped, least=0.5, most=0.2, whole=True)),
    Case("ncnn-gemm-factors", partial(gemm, ("batch", 6), alpha=0.7, beta=1.3)),
    Case("ncnn-gemm-number", partial(gemm, ("batch", 6), ())),
    Case("ncnn-gemm-one", partial(gemm, ("batch", 6), (1,))),
    Case("ncnn-gemm-row", partial(gemm, ("batch", 6), (1, 5))),
    Case("ncnn-gemm-fixed", partial(gemm, (3, 6))),
    Case("ncnn-dense-cube", partial(dense, (2, 3, 2, 2))),
    Case("ncnn-celu", partial(unary, "Celu", alpha=0.7)),
    Case("ncnn-hard-swish", partial(unary, "HardSwish"), low=-5.0),
    Case("ncnn-gelu-tanh", partial(unary, "Gelu", approximate="tanh"), low=-5.0),
    Case("ncnn-gelu", partial(unary, "Gelu"), low=-5.0),
    Case("ncnn-mish-far", partial(unary, "Mish"), low=-90.0),
    Case("ncnn-softplus-far", partial(scaled, "Softplus", 120.0)),
    Case("ncnn-sigmoid-far", partial(scaled, "Sigmoid", 120.0)),
    Case("ncnn-elu-far", partial(scaled, "Elu", 120.0)),
    Case("ncnn-prelu-1d", partial(prelu, (3, 6), (3, 1))),
    Case("ncnn-prelu-3d", partial(prelu, (3, 2, 3, 4), (3, 1, 1, 1))),
    Case("ncnn-max-pool-1d", partial(pool, "MaxPool", (3, 9), kernel_shape=(3,), strides=(2,), pads=(1, 0))),
    Case(
        "ncnn-max-pool-3d",
        partial(pool, "MaxPool", (3, 5, 6, 7), kernel_shape=(2, 3, 2), strides=(2, 1, 3), pads=(1, 1, 0, 0, 2, 1)),
    ),
    Case(
        "ncnn-max-pool-same",
        partial(pool, "MaxPool", (3, 7, 8), kernel_shape=(3, 2), strides=(2, 2), auto_pad="SAME_LOWER"),
    ),
    Case(
        "ncnn-average-pool-3d",
        partial(
            pool, "AveragePool", (3, 5, 6, 7), kernel_shape=(2, 3, 2), strides=(2, 1, 3), pads=(1, 1, 0, 0, 2, 1)
        ),
    ),
    Case(
        "ncnn-average-pool-1d",
        partial(pool, "AveragePool", (3, 9), kernel_shape=(3,), strides=(2,), pads=(1, 2), count_include_pad=1),
    ),
    Case(
        "ncnn-average-pool-uneven",
        partial(pool, "AveragePool", (3, 7, 8), kernel_shape=(3, 4), strides=(3, 2), pads=(2, 0, 1, 3)),
    ),
    Case(
        "ncnn-average-pool-ceil",
        partial(pool, "AveragePool", (3, 8, 8), kernel_shape=(3, 3), strides=(2, 2), ceil_mode=1),
    ),
    Case("ncnn-lp-pool-one", partial(pool, "LpPool", (3, 7, 8), kernel_shape=(2, 3), strides=(2, 2), p=1)),
    Case("ncnn-global-lp-pool-one", partial(pool, "GlobalLpPool", (3, 4, 5), p=1)),
    Case("ncnn-global-average-1d", partial(pool, "GlobalAveragePool", (3, 4))),
    Case("ncnn-global-max-3d", partial(pool, "GlobalMaxPool", (3, 4, 5, 2))),
    Case("ncnn-pooled-flat", partial(pooled_flat, "GlobalAveragePool")),
    Case("ncnn-pooled-flat-max", partial(pooled_flat, "GlobalMaxPool", axes=True)),
    Case("ncnn-pooled-flat-tapped", partial(pooled_flat, "GlobalAveragePool", tapped=True)),
    Case("ncnn-instance-norm-1d", partial(affine, "InstanceNormalization", (3, 7), (3,))),
    Case("ncnn-instance-norm-3d", partial(affine, "InstanceNormalization", (3, 2, 4, 5), (3,))),
    Case("ncnn-layer-norm", partial(affine, "LayerNormalization", (6,), (6,))),
    Case("ncnn-layer-norm-plane", partial(affine, "LayerNormalization", (3, 4, 5), (4, 5), axis=2)),
    Case("ncnn-layer-norm-all", partial(affine, "LayerNormalization", (3, 4, 5), (3, 4, 5), axis=1, bias=False)),
    Case("ncnn-layer-norm-cube", partial(affine, "LayerNormalization", (2, 3, 4, 5), (5,))),
    Case("ncnn-batch-norm-1d", partial(norm, (4, 7))),
    Case("ncnn-batch-norm-3d", partial(norm, (4, 2, 3, 5))),
    Case("ncnn-softmax-3d", partial(unary, "Softmax", (3, 2, 4, 5), axis=1)),
    Case("ncnn-softmax-3d-rows", partial(unary, "Softmax", (3, 2, 4, 5), axis=3)),
    Case("ncnn-softmax-3d-last", partial(unary, "Softmax", (3, 2, 4, 5))),
    Case("ncnn-softmax-3d-depth", partial(unary, "Softmax", (3, 2, 4, 5), axis=2)),
    Case("ncnn-log-softmax", partial(unary, "LogSoftmax", (3, 4, 5), axis=2), low=-200.0),
    Case("ncnn-lrn", partial(unary, "LRN", (7, 4, 5), size=3, alpha=0.5, beta=0.6, bias=1.5)),
    Case("ncnn-fixed-one", partial(fixed, 1)),
    Case("ncnn-fixed-two", partial(fixed, 2)),
    Case("ncnn-softmax-first", softmax_rows),
    Case("ncnn-chain", chain),
    Case("ncnn-unused-input", unused_input),
    Case("ncnn-chain-tanh", partial(chain, through="Tanh")),
)
