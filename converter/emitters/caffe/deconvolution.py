"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, parameter_shape
from converter.emitters.caffe.convolution import ROW, biases
from converter.emitters.caffe.layer import Blob, Fields, parameter
from converter.emitters.caffe.moves import Parts, cropped, ended, viewed
from converter.emitters.caffe.steps import Steps
from converter.emitters.caffe.window import Window, geometry, spatial
from converter.ir import dims


@emits("caffe", "ConvTranspose")
def deconvolution(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> Parts:
    """``Deconvolution``, whose weight has the same layout; one spatial dimension is an image of one row.

    What it has more at an edge is cut off by ``Slice``. Where ``output_padding`` wants more than the windows reach,
    the kernel is made larger by zeros.

    Raises:
        Refused: The weight is computed, or the padding is negative or not explicit.
    """
    size, steps = parameter_shape(weight), Steps(node)
    rank = len(spatial(data))
    if auto_pad != "NOTSET" or output_shape is not None:
        raise Refused("auto_pad or output_shape is set: implementations disagree on where the output begins")
    if kernel_shape is not None and tuple(kernel_shape) != size[2:]:
        raise Refused(f"kernel_shape {list(kernel_shape)} is not that of the weight, {list(size[2:])}")
    if len(size) != rank + 2 or min(pads or (0,)) < 0 or min(output_padding or (0,)) < 0:
        raise Refused(f"pads {list(pads or ())} are negative, or the weight has not {rank} dimensions")
    axes = _axes(data, steps.output, size[2:], strides, pads, dilations)
    blob, shape = parameter(weight), dims(data)
    if rank == 1:
        shape, axes = (*shape[:2], 1, shape[2]), [ROW, *axes]
        blob = parameter(weight, (*size[:2], 1, size[2]))
    axes, blob = _enlarged(axes, blob)
    edges = [min(axis.pad, _whole(axis) - axis.pad - axis.count) for axis in axes]
    params: Fields = {
        "num_output": size[1] * group,
        **({} if bias is not None else {"bias_term": False}),
        **geometry(axes, edges),
        **({"group": group} if group != 1 else {}),
    }
    value = steps.add(
        "Deconvolution",
        viewed(steps, data, shape, role="image"),
        role="all",
        params={"convolution_param": params},
        blobs=(blob, *biases(bias, size[1] * group)),
        shape=(shape[0], size[1] * group, *(_whole(axis) - 2 * pad for axis, pad in zip(axes, edges, strict=True))),
    )
    for index, (axis, pad) in enumerate(zip(axes, edges, strict=True)):
        value = cropped(steps, value, index + 2, axis.pad - pad, axis.count, role=f"cut_{index}")
    return ended(steps, viewed(steps, value, dims(steps.output), role="line"))


def _axes(
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
) -> list[Window]:
    """Of each dimension; ``count`` is how long the result has to be."""
    lengths, counts = spatial(data), spatial(result)
    rank = len(lengths)
    columns = (
        lengths,
        counts,
        kernel,
        strides or (1,) * rank,
        (pads or (0,) * rank)[:rank],
        dilations or (1,) * rank,
    )
    return [Window(*each) for each in zip(*columns, strict=True)]


def _whole(axis: Window) -> int:
    """How long the result is without padding."""
    return axis.stride * (axis.length - 1) + axis.extent


def _enlarged(axes: Sequence[Window], blob: Blob) -> tuple[list[Window], Blob]:
    """``axes`` and the weight, with zeros behind the kernel where it has to reach further."""
    found, shape, value = [], list(blob.shape), blob.value
    for place, axis in enumerate(axes, 2):
        missing = max(axis.pad + axis.count - _whole(axis), 0)
        more = -(missing // -axis.dilation)
        found.append(replace(axis, kernel=axis.kernel + more))
        if more:
            zeros = plan.full(0.0, [more if index == place else size for index, size in enumerate(shape)])
            value = plan.concat([value, zeros], place)
            shape[place] += more
    return found, Blob(tuple(shape), value)
