"""Convolution, and the fully connected layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, parameter_shape
from converter.emitters.caffe.layer import Blob, Fields, Layer, parameter
from converter.emitters.caffe.matrix import gemm
from converter.emitters.caffe.moves import Parts, cropped, ended, viewed
from converter.emitters.caffe.steps import Steps
from converter.emitters.caffe.window import Window, geometry, windows
from converter.emitters.operand import is_stored
from converter.ir import dims


@emits("caffe", "Conv")
def convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> Parts:
    """``Convolution``, whose weight has the same layout; one spatial dimension is an image of one row.

    Where opposite edges are padded differently, both have so much padding that the windows coincide, and the windows
    that ONNX does not have are cut off by ``Slice``.

    Raises:
        Refused: The weight is computed, or the padding is negative or not certain.
    """
    size = parameter_shape(weight)
    if kernel_shape is not None and tuple(kernel_shape) != size[2:]:
        raise Refused(f"kernel_shape {list(kernel_shape)} is not that of the weight, {list(size[2:])}")
    steps = Steps(node)
    axes = windows(data, steps.output, size[2:], strides, pads, dilations, auto_pad)
    shape, blob = dims(data), parameter(weight)
    if len(axes) == 1:
        shape, axes = (*shape[:2], 1, shape[2]), [ROW, *axes]
        blob = parameter(weight, (*size[:2], 1, size[2]))
    edges = [padding(axis) for axis in axes]
    params: Fields = {
        "num_output": size[0],
        **({} if bias is not None else {"bias_term": False}),
        **geometry(axes, edges),
        **({"group": group} if group != 1 else {}),
    }
    value = steps.add(
        "Convolution",
        viewed(steps, data, shape, role="image"),
        role="all",
        params={"convolution_param": params},
        blobs=(blob, *biases(bias, size[0])),
        shape=(shape[0], size[0], *(_counted(axis, pad) for axis, pad in zip(axes, edges, strict=True))),
    )
    for index, (axis, pad) in enumerate(zip(axes, edges, strict=True)):
        start = (pad - axis.pad) // axis.stride
        value = cropped(steps, value, index + 2, start, axis.count, role=f"cut_{index}")
    return ended(steps, viewed(steps, value, dims(steps.output), role="line"))


ROW = Window(length=1, count=1, kernel=1, stride=1, pad=0)
"""The rows of an image that has one row."""


def padding(axis: Window) -> int:
    """The least padding at both edges with which Caffe has all windows that ONNX has, and where it has them."""
    pad = axis.pad
    while axis.length + 2 * pad < axis.needed + pad - axis.pad:
        pad += axis.stride
    return pad


def _counted(axis: Window, pad: int) -> int:
    return (axis.length + 2 * pad - axis.extent) // axis.stride + 1


@emits("caffe", "Gemm")
def inner_product(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's own names
    transB: int = 0,  # noqa: N803
) -> list[Layer]:
    """``InnerProduct`` with a parameter on the right, written outputs by inputs.

    Otherwise as ``MatMul``, with ``Power`` for the factors and ``Bias`` or ``Eltwise`` for the sum.

    Raises:
        Refused: As for ``MatMul``; or both factors are computed, and transposed.
    """
    return gemm(node, data, weight, bias, alpha=alpha, beta=beta, transposed=(bool(transA), bool(transB)))


def biases(value: onnx_ir.Value | None, channels: int) -> tuple[Blob, ...]:
    """The blob of a bias, if there is one.

    Raises:
        Refused: It is computed, or is not one number a channel.
    """
    if value is None:
        return ()
    if not is_stored(value) or dims(value)[-1:] != (channels,) or math.prod(map(int, dims(value))) != channels:
        raise Refused(f"the bias {value.name} of the shape {list(dims(value))} is no parameter of {[channels]}")
    return (parameter(value, (channels,)),)
