"""Convolution and the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, only_output, parameter_shape
from converter.emitters.caffe.layer import Blob, Layer, pair, parameter, size
from converter.ir import dims


@emits("caffe", "Conv")
def convolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``Conv`` of two spatial dimensions: ``Convolution``, whose weight has the same layout.

    Raises:
        Refused: One edge is padded otherwise than the opposite one, or the padding is not explicit.
    """
    size(data, 4)
    shape = parameter_shape(weight)
    if auto_pad != "NOTSET":
        raise Refused(f"auto_pad is {auto_pad}, not explicit")
    if kernel_shape is not None and tuple(kernel_shape) != shape[2:]:
        raise Refused(f"kernel_shape {list(kernel_shape)} is not that of the weight, {list(shape[2:])}")
    if tuple(pads[:2]) != tuple(pads[2:]) or min(pads) < 0:
        raise Refused(f"pads {list(pads)} (top, left, bottom, right) are not the same at opposite edges")
    params = {
        "num_output": shape[0],
        **({} if bias is not None else {"bias_term": False}),
        **pair("pad", pads[:2], default=0),
        **pair("kernel", shape[2:], default=-1, square="kernel_size"),
        **pair("stride", strides, default=1),
        **_dilation(dilations),
        **({"group": group} if group != 1 else {}),
    }
    blobs = (parameter(weight), *_bias(bias, shape[0]))
    return [Layer(str(node.name), "Convolution", (data,), (only_output(node),), {"convolution_param": params}, blobs)]


@emits("caffe", "Gemm")
def inner_product(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's own name
    transB: int = 0,  # noqa: N803
) -> list[Layer]:
    """``Gemm`` with a parameter: ``InnerProduct``, ``transpose`` where the weight is inputs by outputs.

    Raises:
        Refused: The product is scaled, or the data are transposed.
    """
    shape = parameter_shape(weight)
    if transA:
        raise Refused("transA is set")
    if alpha != 1 or (beta != 1 and bias is not None):
        raise Refused(f"alpha {alpha:g} and beta {beta:g} are not both 1")
    outputs = shape[0] if transB else shape[1]
    params = {
        "num_output": outputs,
        **({} if bias is not None else {"bias_term": False}),
        **({} if transB else {"transpose": True}),
    }
    blobs = (parameter(weight), *_bias(bias, outputs))
    return [
        Layer(str(node.name), "InnerProduct", (data,), (only_output(node),), {"inner_product_param": params}, blobs)
    ]


def _bias(value: onnx_ir.Value | None, channels: int) -> tuple[Blob, ...]:
    if value is None:
        return ()
    if dims(value)[-1:] != (channels,):
        raise Refused(f"the bias {value.name} has the shape {list(dims(value))}, not {[channels]}")
    return (parameter(value, (channels,)),)


def _dilation(values: Sequence[int]) -> dict[str, object]:
    """Caffe has no ``dilation_h``: the field is repeated, height first."""
    if values[0] == values[1]:
        return {} if values[0] == 1 else {"dilation": values[0]}
    return {"dilation": tuple(values)}
