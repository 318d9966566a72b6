"""Small models, one operator or one idiom each, with inputs: what every target has to compute or to refuse.

A case's model is built anew by each call of its function. The inputs hold two rows, though the models leave the
batch open and generated code states a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.models import Array, Builder, noise

ROUNDING = 2e-6
"""Largest difference, as a fraction of the largest value: both sides compute in float32, in another order."""


@dataclass(frozen=True)
class Case:
    """A model and how near a target has to come to it.

    Attributes:
        name: Unique; a folder's name.
        build: Makes the model.
        tolerance: Largest difference allowed, as a fraction of the output's largest value.
        reason: Why that much.
        low: The lowest number in the inputs; the highest is 1.
    """

    name: str
    build: Callable[[], ir.Model]
    tolerance: float = ROUNDING
    reason: str = "float32 sums in another order"
    low: float = -1.0

    def inputs(self, rows: int = 2) -> dict[str, Array]:
        """An array for each input of the model, with ``rows`` for the batch."""
        return {
            str(value.name): noise(
                f"{self.name}/{value.name}",
                [dim if isinstance(dim, int) else rows for dim in value.shape or ()],
                self.low,
            )
            for value in self.build().graph.inputs
        }


def unary(op: str, shape: tuple[int, ...] = (3, 4, 5), **attributes: Any) -> ir.Model:
    """One node of one input."""
    net = Builder()
    return net.model(net.node(op, "op", net.input("data", ("batch", *shape)), **attributes))


def conv(
    channels: int = 3,
    filters: int = 4,
    size: tuple[int, int] = (7, 8),
    kernel: tuple[int, int] = (3, 3),
    *,
    bias: bool = True,
    group: int = 1,
    **attributes: Any,
) -> ir.Model:
    """A convolution."""
    net = Builder()
    values = [net.input("data", ("batch", channels, *size))]
    values.append(net.parameter("conv_weight", (filters, channels // group, *kernel)))
    if bias:
        values.append(net.parameter("conv_bias", (filters,)))
    return net.model(net.node("Conv", "conv", *values, kernel_shape=kernel, group=group, **attributes))


def dense(shape: tuple[int, ...], outputs: int = 5, *, bias: bool = True, transposed: bool = True) -> ir.Model:
    """A fully connected layer, behind a Flatten where the data have more than two dimensions."""
    net = Builder()
    data = net.input("data", ("batch", *shape))
    length = 1
    for dim in shape:
        length *= dim
    flat = net.node("Flatten", "fc/flatten", data, axis=1) if len(shape) > 1 else data
    weight = net.parameter("fc_weight", (outputs, length) if transposed else (length, outputs))
    biases = [net.parameter("fc_bias", (outputs,))] if bias else []
    return net.model(net.node("Gemm", "fc", flat, weight, *biases, transB=int(transposed)))


def prelu(slope: tuple[int, ...], shape: tuple[int, ...] = (3, 4, 5)) -> ir.Model:
    """A PRelu with a slope of that shape."""
    net = Builder()
    data = net.input("data", ("batch", *shape))
    return net.model(net.node("PRelu", "op", data, net.parameter("op_gamma", slope, low=0.1)))


def pool(op: str, size: tuple[int, int], kernel: tuple[int, int], **attributes: Any) -> ir.Model:
    """A pooling layer."""
    net = Builder()
    return net.model(net.node(op, "pool", net.input("data", ("batch", 2, *size)), kernel_shape=kernel, **attributes))


def scalar(op: str, value: float, *, left: bool = False) -> ir.Model:
    """Arithmetic of the data and a number, which stands on the ``left`` or on the right."""
    net = Builder()
    data, number = net.input("data", ("batch", 3, 4, 5)), net.constant("number", value)
    return net.model(net.node(op, "op", *((number, data) if left else (data, number))))


def binary(op: str) -> ir.Model:
    """Arithmetic of two inputs."""
    net = Builder()
    left, right = net.input("left", ("batch", 3, 4, 5)), net.input("right", ("batch", 3, 4, 5))
    return net.model(net.node(op, "op", left, right))


def twice(op: str) -> ir.Model:
    """Arithmetic of a value with itself."""
    net = Builder()
    data = net.node("Relu", "relu", net.input("data", ("batch", 3, 4, 5)))
    return net.model(net.node(op, "op", data, data))


def concat(axis: int) -> ir.Model:
    """Three values one after the other."""
    net = Builder()
    values = [net.input(name, ("batch", 2, 3, 4)) for name in ("a", "b", "c")]
    return net.model(net.node("Concat", "concat", *values, axis=axis))


def split(axis: int, sizes: list[int] | None = None, *, used: tuple[int, ...] = (0, 1, 2)) -> ir.Model:
    """A value in three parts, of which only ``used`` are outputs of the model."""
    net = Builder()
    data = net.input("data", ("batch", 6, 6, 9))
    names = [f"split_output{index}" for index in range(3)]
    if sizes is None:
        parts = net.nodes("Split", "split", data, outputs=names, axis=axis, num_outputs=3)
    else:
        parts = net.nodes("Split", "split", data, net.constant("sizes", sizes), outputs=names, axis=axis)
    return net.model(*(parts[index] for index in used))


def batch_norm(
    net: Builder, data: ir.Value, name: str, channels: int, epsilon: float = 1e-3, *, zero: bool = False
) -> ir.Value:
    """A batch normalization, ``zero`` with a variance of nothing in the first channel."""
    var = noise(f"{name}_var", (channels,), 0.1)
    var[0] = 0.0 if zero else var[0]
    values = [net.parameter(f"{name}_{role}", (channels,), low=0.1 if role == "gamma" else -1.0) for role in _AFFINE]
    values.append(net.parameter(f"{name}_var", value=var))
    return net.node("BatchNormalization", name, data, *values, epsilon=epsilon)


_AFFINE = ("gamma", "beta", "mean")


def norm(shape: tuple[int, ...], epsilon: float = 1e-3, *, zero: bool = False) -> ir.Model:
    """A batch normalization alone."""
    net = Builder()
    data = net.input("data", ("batch", *shape))
    return net.model(batch_norm(net, data, "bn", shape[0], epsilon, zero=zero))


def conv_norm(
    kernel: tuple[int, int] = (3, 3), *, bias: bool = False, between: str = "", group: int = 1, tapped: bool = False
) -> ir.Model:
    """A convolution and its batch normalization, with another operator ``between`` or the value ``tapped``."""
    net = Builder()
    data = net.input("data", ("batch", 4, 7, 8))
    values = [net.parameter("conv_weight", (6, 4 // group, *kernel))]
    values += [net.parameter("conv_bias", (6,))] if bias else []
    value = conv_value = net.node("Conv", "conv", data, *values, kernel_shape=kernel, group=group)
    if between:
        value = net.node(between, "between", value)
    result = net.node("Relu", "relu", batch_norm(net, value, "bn", 6, 2e-5))
    return net.model(result, *([conv_value] if tapped else []))


def forked_norm() -> ir.Model:
    """A convolution that is read by a batch normalization and by another layer."""
    net = Builder()
    data = net.input("data", ("batch", 4, 7, 8))
    value = net.node("Conv", "conv", data, net.parameter("conv_weight", (6, 4, 1, 1)))
    return net.model(net.node("Add", "plus", batch_norm(net, value, "bn", 6), net.node("Tanh", "tanh", value)))


def dense_norm(*, transposed: bool = True) -> ir.Model:
    """A fully connected layer and its batch normalization, as face embeddings have."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4, 5))
    flat = net.node("Flatten", "fc/flatten", data, axis=1)
    weight = net.parameter("fc_weight", (7, 60) if transposed else (60, 7))
    fc = net.node("Gemm", "fc", flat, weight, net.parameter("fc_bias", (7,)), transB=int(transposed))
    return net.model(batch_norm(net, fc, "bn", 7))


def input_scaling() -> ir.Model:
    """``(data - 127.5) * 0.0078125`` before a convolution."""
    net = Builder()
    data = net.input("data", ("batch", 3, 7, 8))
    centred = net.node("Sub", "_minusscalar0", data, net.constant("c0", 127.5))
    scaled = net.node("Mul", "_mulscalar0", centred, net.constant("c1", 0.0078125))
    return net.model(
        net.node("Conv", "conv", scaled, net.parameter("conv_weight", (4, 3, 3, 3)), kernel_shape=(3, 3))
    )


def shared_memory() -> ir.Model:
    """Values that Caffe keeps in one place: an activation in place after a Flatten must not change its brother."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4, 5))
    base = net.node("Sigmoid", "base", data)
    flat = net.node(
        "Relu", "relu", net.node("Mul", "double", net.node("Flatten", "flatten", base), net.constant("c", 2.0))
    )
    return net.model(flat, net.node("Tanh", "tanh", base))


def residual() -> ir.Model:
    """A block whose input is read twice, and whose activations may be in place only inside."""
    net = Builder()
    data = net.node("Relu", "relu0", net.input("data", ("batch", 4, 6, 6)))
    value = net.node("Conv", "conv1", data, net.parameter("conv1_weight", (4, 4, 3, 3)), pads=(1, 1, 1, 1))
    value = net.node("Relu", "relu1", batch_norm(net, value, "bn1", 4))
    value = net.node("Conv", "conv2", value, net.parameter("conv2_weight", (4, 4, 1, 1)))
    value = net.node("Relu", "relu2", net.node("Add", "plus", batch_norm(net, value, "bn2", 4), data))
    return net.model(net.node("Softmax", "prob", net.node("Flatten", "flat", value), axis=1), value)


def aliases() -> ir.Model:
    """Identity and Dropout, of which the one has no layer and the other one that does nothing."""
    net = Builder()
    data = net.node("Identity", "id0", net.input("data", ("batch", 3, 4, 5)))
    value = net.node("Relu", "relu", net.node("Identity", "id1", net.node("Dropout", "drop", data)))
    return net.model(net.node("Identity", "id2", value), value, data)


def reshape(shape: list[int]) -> ir.Model:
    """A Reshape of ``[batch, 6, 4, 5]``."""
    net = Builder()
    return net.model(net.node("Reshape", "op", net.input("data", ("batch", 6, 4, 5)), net.constant("shape", shape)))


def squeeze() -> ir.Model:
    """The spatial dimensions of one pixel dropped."""
    net = Builder()
    value = net.node("GlobalAveragePool", "pool", net.input("data", ("batch", 3, 4, 5)))
    return net.model(net.node("Squeeze", "squeeze", value, net.constant("axes", [2, 3])))


def names() -> ir.Model:
    """Names that collide: a node called like the input, and nodes called like what other layers would be."""
    net = Builder('the "net"')
    data = net.input("data", ("batch", 4, 5, 5))
    value = net.node("Relu", "data", data)
    value = batch_norm(net, value, "bn", 4)
    first, second = net.nodes("Split", "bn/scale", value, outputs=["s_output0", "s_output1"], axis=1, num_outputs=2)
    left = net.node("Sigmoid", "bn/scale_0", first)
    return net.model(left, net.node("Tanh", "späß\\", second), value)


CASES = (
    Case("conv", conv),
    Case("conv-no-bias", partial(conv, bias=False)),
    Case("conv-pad-stride", partial(conv, pads=(1, 2, 1, 2), strides=(2, 1))),
    Case("conv-oblong", partial(conv, kernel=(1, 7), pads=(0, 3, 0, 3))),
    Case("conv-1x1", partial(conv, kernel=(1, 1), strides=(2, 2))),
    Case("conv-dilated", partial(conv, dilations=(2, 2), pads=(2, 2, 2, 2))),
    Case("conv-dilated-oblong", partial(conv, dilations=(1, 3))),
    Case("conv-group", partial(conv, channels=6, filters=4, group=2)),
    Case("conv-depthwise", partial(conv, channels=4, filters=8, group=4, bias=False)),
    Case("dense", partial(dense, (3, 4, 5))),
    Case("dense-no-bias", partial(dense, (3, 4, 5), bias=False)),
    Case("dense-flat", partial(dense, (6,))),
    Case("dense-transposed", partial(dense, (3, 4, 5), transposed=False)),
    Case("relu", partial(unary, "Relu")),
    Case("relu-flat", partial(unary, "Relu", (6,))),
    Case("sigmoid", partial(unary, "Sigmoid")),
    Case("tanh", partial(unary, "Tanh")),
    Case("softplus", partial(unary, "Softplus")),
    Case("leaky-relu", partial(unary, "LeakyRelu", alpha=0.1)),
    Case("leaky-relu-default", partial(unary, "LeakyRelu")),
    Case("elu", partial(unary, "Elu", alpha=0.3)),
    Case("elu-default", partial(unary, "Elu")),
    Case("selu", partial(unary, "Selu")),
    Case("prelu", partial(prelu, (3, 1, 1))),
    Case("prelu-shared", partial(prelu, (1, 1, 1))),
    Case("prelu-one", partial(prelu, (1,))),
    Case("prelu-flat", partial(prelu, (6,), (6,))),
    Case("softmax-channels", partial(unary, "Softmax", axis=1)),
    Case("softmax-last", partial(unary, "Softmax")),
    Case("softmax-flat", partial(unary, "Softmax", (6,))),
    Case("max-pool", partial(pool, "MaxPool", (8, 8), (2, 2), strides=(2, 2))),
    Case("max-pool-floor", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2))),
    Case("max-pool-floor-rows", partial(pool, "MaxPool", (8, 7), (3, 3), strides=(2, 2))),
    Case("max-pool-full", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2), pads=(0, 0, 1, 1))),
    Case("max-pool-pad-floor", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2), pads=(1, 1, 1, 1))),
    Case("max-pool-pad-full", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2), pads=(1, 1, 2, 2))),
    Case("max-pool-pad-before", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2), pads=(1, 1, 0, 0))),
    Case("max-pool-ceil", partial(pool, "MaxPool", (8, 8), (3, 3), strides=(2, 2), ceil_mode=1)),
    Case("max-pool-oblong", partial(pool, "MaxPool", (8, 9), (2, 3), strides=(2, 1), pads=(0, 1, 0, 1))),
    Case("max-pool-dense", partial(pool, "MaxPool", (8, 8), (3, 3), pads=(1, 1, 1, 1))),
    Case("average-pool", partial(pool, "AveragePool", (8, 8), (2, 2), strides=(2, 2))),
    Case("average-pool-floor", partial(pool, "AveragePool", (8, 8), (3, 3), strides=(2, 2))),
    Case("average-pool-pad", partial(pool, "AveragePool", (7, 7), (3, 3), pads=(1, 1, 1, 1), count_include_pad=1)),
    Case(
        "average-pool-pad-floor",
        partial(pool, "AveragePool", (8, 8), (3, 3), strides=(2, 2), pads=(1, 1, 1, 1), count_include_pad=1),
    ),
    Case("average-pool-full", partial(pool, "AveragePool", (8, 8), (3, 3), strides=(2, 2), pads=(0, 0, 1, 1))),
    Case("global-average-pool", partial(unary, "GlobalAveragePool")),
    Case("global-max-pool", partial(unary, "GlobalMaxPool")),
    Case("add-number", partial(scalar, "Add", 0.7)),
    Case("number-add", partial(scalar, "Add", 0.7, left=True)),
    Case("sub-number", partial(scalar, "Sub", 0.7)),
    Case("number-sub", partial(scalar, "Sub", 0.7, left=True)),
    Case("mul-number", partial(scalar, "Mul", 0.7)),
    Case("div-number", partial(scalar, "Div", 0.7)),
    Case("number-div", partial(scalar, "Div", 0.7, left=True), low=0.1),
    Case("add", partial(binary, "Add")),
    Case("sub", partial(binary, "Sub")),
    Case("mul", partial(binary, "Mul")),
    Case("add-twice", partial(twice, "Add")),
    Case("mul-twice", partial(twice, "Mul")),
    Case("concat", partial(concat, 1)),
    Case("concat-rows", partial(concat, 2)),
    Case("concat-last", partial(concat, -1)),
    Case("split", partial(split, 1)),
    Case("split-last", partial(split, -1)),
    Case("split-sizes", partial(split, 1, [1, 2, 3])),
    Case("split-unused", partial(split, 1, used=(2, 0))),
    Case("flatten", partial(unary, "Flatten", axis=1)),
    Case("reshape", partial(reshape, [0, -1, 5])),
    Case("reshape-heads", partial(reshape, [-1, 2, 60])),
    Case("squeeze", squeeze),
    Case("batch-norm", partial(norm, (4, 5, 6))),
    Case("batch-norm-flat", partial(norm, (7,), 1e-5)),
    Case(
        "batch-norm-zero",
        partial(norm, (4, 5, 6), zero=True),
        tolerance=1e-5,
        reason="where the variance is 0, the rounding of the difference to the mean is multiplied by 1 / sqrt(eps)",
    ),
    Case("conv-norm", conv_norm),
    Case("conv-norm-bias", partial(conv_norm, bias=True)),
    Case("conv-norm-oblong", partial(conv_norm, (1, 3))),
    Case("conv-norm-group", partial(conv_norm, group=2)),
    Case("conv-relu-norm", partial(conv_norm, between="Relu")),
    Case("conv-identity-norm", partial(conv_norm, between="Identity")),
    Case("conv-norm-tapped", partial(conv_norm, tapped=True)),
    Case("conv-norm-forked", forked_norm),
    Case("dense-norm", dense_norm),
    Case("dense-norm-transposed", partial(dense_norm, transposed=False)),
    Case("input-scaling", input_scaling),
    Case("shared-memory", shared_memory),
    Case("residual", residual, tolerance=5e-6, reason="four layers of float32 sums"),
    Case("aliases", aliases),
    Case("names", names),
)
