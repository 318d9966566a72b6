"""Convolution, its transpose, and the fully connected layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, emits, is_constant, is_parameter, only_output, parameter_shape
from converter.emitters.batch import row_axis
from converter.emitters.ncnn.layer import Alias, Layer, Scalar, Weight, inner, weight
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.matrix import gemm
from converter.emitters.ncnn.window import Window, spread, window

_SUFFIX = {1: "1D", 2: "", 3: "3D"}
_KERNEL, _DILATION, _STRIDE = (1, 11, 21), (2, 12, 22), (3, 13, 23)
_PAD, _PAD_END = (4, 14, 24), (15, 16, 17)
"""The numbers of a layer's parameters for width, height and depth."""


@emits("ncnn", "Conv")
def convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kernel: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,  # noqa: ARG001 - that of the weight
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Convolution``, ``Convolution1D`` or ``Convolution3D``; with groups ``ConvolutionDepthWise`` and so on.

    The weight has the same layout. A batch normalization, then an activation, that alone read it become part of it.
    """
    shape = parameter_shape(kernel)
    axes = window(data, only_output(node), shape[2:], strides, pads, dilations, auto_pad)
    kind = f"Convolution{'DepthWise' if group > 1 else ''}{_SUFFIX[len(axes)]}"
    weights = (weight(kernel, tagged=True), *_bias(bias, shape[0]))
    params = _params(shape[0], axes, weights, group)
    return [Layer(str(node.name), kind, (data,), (only_output(node),), params, weights)]


@emits("ncnn", "ConvTranspose")
def deconvolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kernel: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,  # noqa: ARG001 - that of the weight
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Deconvolution``, ``Deconvolution1D`` or ``Deconvolution3D``; with groups ``DeconvolutionDepthWise`` etc.

    ncnn keeps the weight outputs by inputs, group after group.

    Raises:
        Refused: The padding is not explicit.
    """
    if auto_pad != "NOTSET":
        raise Refused(f"auto_pad is {auto_pad}, not explicit")
    inputs, outputs, *size = parameter_shape(kernel)
    axes = window(data, only_output(node), size, strides, pads, dilations, auto_pad)
    extra = tuple(output_padding or (0,) * len(axes))[::-1]
    swapped = plan.transpose(
        plan.reshape(weight(kernel).value, (group, inputs // group, outputs, *size)),
        (0, 2, 1, *range(3, 3 + len(size))),
    )
    stored = (outputs * group, inputs // group, *size)
    weights = (Weight(stored, plan.reshape(swapped, stored), tagged=True), *_bias(bias, outputs * group))
    params = _params(outputs * group, axes, weights, group)
    params |= {18 + index: pad for index, pad in enumerate(extra) if any(extra)}
    kind = f"Deconvolution{'DepthWise' if group > 1 else ''}{_SUFFIX[len(axes)]}"
    return [Layer(str(node.name), kind, (data,), (only_output(node),), params, weights)]


@emits("ncnn", "Gemm")
def inner_product(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    matrix: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's own name
    transB: int = 0,  # noqa: N803
) -> Sequence[Layer | Alias]:
    """``InnerProduct`` with ``alpha`` and ``beta`` in its weights; ``MatMul`` where the matrix is no parameter.

    Raises:
        Refused: The data are transposed, or the batch is summed up, or the bias is not one number an output.
    """
    if not is_parameter(matrix):
        transposed = bool(transA), bool(transB)
        return gemm(node, data, matrix, bias, alpha=alpha, beta=beta, transposed=transposed)
    shape = parameter_shape(matrix)
    row_axis(data, -1)
    if transA:
        raise Refused("transA is set")
    outputs, inputs = shape if transB else shape[::-1]
    value = weight(matrix).value if transB else plan.transpose(weight(matrix).value, (1, 0))
    weights = (
        Weight((outputs, inputs), _scaled(value, alpha), tagged=True),
        *(Weight(w.shape, _scaled(w.value, beta)) for w in _bias(bias, outputs)),
    )
    params = {0: outputs, **({1: 1} if bias is not None else {}), 2: outputs * inputs}
    return _rows(node, Layer(str(node.name), "InnerProduct", (data,), (only_output(node),), params, weights))


def _rows(node: onnx_ir.Node, layer: Layer) -> list[Layer]:
    """``layer``, whose result ncnn makes a Mat of one dimension where its data have one row."""
    top = layer.tops[0]
    if len(mat_shape(layer.bottoms[0])) == 1 or mat_shape(top)[0] != 1:
        return [layer]
    flat = inner(node, "row")
    reshape = Layer(f"{node.name}/row", "Reshape", (flat,), (top,), {0: mat_shape(top)[1], 1: 1})
    return [Layer(layer.name, layer.type, layer.bottoms, (flat,), layer.params, layer.weights), reshape]


def _params(outputs: int, axes: Sequence[Window], weights: Sequence[Weight], group: int) -> dict[int, Scalar]:
    """The parameters that all kinds of convolutions have; what has ncnn's default value is left out."""
    params: dict[int, Scalar] = {0: outputs, 6: math.prod(weights[0].shape)}
    inward = axes[::-1]
    for keys, values, default in (
        (_KERNEL, [axis.kernel for axis in inward], 0),
        (_DILATION, [axis.dilation for axis in inward], 1),
        (_STRIDE, [axis.stride for axis in inward], 1),
        (_PAD, [axis.pad for axis in inward], 0),
    ):
        params |= spread(keys, values, default)
    for key, axis in zip(_PAD_END, inward, strict=False):
        if axis.pad_end != axis.pad:
            params[key] = axis.pad_end
    return params | ({5: 1} if len(weights) > 1 else {}) | ({7: group} if group > 1 else {})


def _bias(value: onnx_ir.Value | None, channels: int) -> tuple[Weight, ...]:
    if value is None:
        return ()
    if is_constant(value) and constant(value).size == 1:
        return (Weight((channels,), plan.full(float(constant(value).numpy().reshape(())), (channels,))),)
    shape = parameter_shape(value)
    if math.prod(shape) == 1 and channels > 1:
        spread = plan.add(plan.full(0.0, (channels,)), plan.reshape(weight(value).value, (1,)))
        return (Weight((channels,), spread),)
    if shape[-1:] != (channels,) or math.prod(shape) != channels:
        raise Refused(f"the bias {value.name} has the shape {list(shape)}, not {[channels]}")
    return (weight(value, (channels,)),)


def _scaled(value: plan.Expression, factor: float) -> plan.Expression:
    return value if factor == 1 else plan.mul(value, plan.full(float(factor), ()))
