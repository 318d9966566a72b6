"""Pooling, which Caffe does its own way.

What `pooling_layer.cpp` of BVLC Caffe computes along one dimension of ``length`` elements, where windows of
``kernel`` elements begin every ``stride`` and the first one begins ``pad`` before the data:

- There are ``ceil((length + 2 * pad - kernel) / stride) + 1`` windows; where either dimension is padded, one less if
  the last one would begin at ``length + pad`` or later (counted from the padding's beginning).
- Elements outside of the data do not take part. The average is over those of the window that are not beyond
  ``length + pad``, padding included.

ONNX says where windows begin by the padding before the data alone, so the windows that both have agree in their
beginnings. What is left to compare is which elements each window holds, and by what it is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.caffe.layer import Layer, Token, pair, size


@dataclass(frozen=True)
class Axis:
    """How one spatial dimension is pooled.

    Attributes:
        name: What its elements are called.
        length: Elements of the data.
        kernel: Elements of a window.
        stride: From the beginning of one window to that of the next.
        pad: Elements of padding before the data.
        count: How many windows there have to be.
    """

    name: str
    length: int
    kernel: int
    stride: int
    pad: int
    count: int


@dataclass(frozen=True)
class Window:
    """One window along one dimension: the elements ``start`` to ``end`` of the data, divided by ``divisor``."""

    start: int
    end: int
    divisor: int


def caffe_windows(axis: Axis, *, padded: bool) -> list[Window]:
    """The windows that Caffe's pooling has, whatever their number should be, where any dimension is ``padded``."""
    count = -((axis.length + 2 * axis.pad - axis.kernel) // -axis.stride) + 1
    if padded and (count - 1) * axis.stride >= axis.length + axis.pad:
        count -= 1
    limit = axis.length + axis.pad
    return [
        Window(max(start, 0), min(start + axis.kernel, axis.length), min(start + axis.kernel, limit) - start)
        for start in (index * axis.stride - axis.pad for index in range(count))
    ]


def onnx_windows(axis: Axis, *, count_include_pad: bool) -> list[Window]:
    """The windows that ONNX's pooling has."""
    windows = []
    for begin in (index * axis.stride - axis.pad for index in range(axis.count)):
        start, end = max(begin, 0), min(begin + axis.kernel, axis.length)
        windows.append(Window(start, end, axis.kernel if count_include_pad else end - start))
    return windows


@emits("caffe", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    ceil_mode: int = 0,  # noqa: ARG001 - the output's shape says the same
    storage_order: int = 0,  # noqa: ARG001 - of the indices, which are refused
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``MAX`` pooling, cut to size where Caffe has more windows."""
    axes = _axes(node, data, kernel=kernel_shape, strides=strides, pads=pads, dilations=dilations, auto_pad=auto_pad)
    return _pooling(node, data, "MAX", axes)


@emits("caffe", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    auto_pad: str = "NOTSET",
) -> list[Layer]:
    """``AVE`` pooling, cut to size where Caffe has more windows.

    Raises:
        Refused: Caffe divides a window's sum by another number.
    """
    if ceil_mode and count_include_pad:
        raise Refused("ceil_mode and count_include_pad are both set: implementations disagree on what that means")
    axes = _axes(node, data, kernel=kernel_shape, strides=strides, pads=pads, dilations=dilations, auto_pad=auto_pad)
    return _pooling(node, data, "AVE", axes, count_include_pad=bool(count_include_pad))


@emits("caffe", "GlobalMaxPool")
def global_max_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``MAX`` pooling over the whole of each channel."""
    return _global(node, data, "MAX")


@emits("caffe", "GlobalAveragePool")
def global_average_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``AVE`` pooling over the whole of each channel."""
    return _global(node, data, "AVE")


def _global(node: onnx_ir.Node, data: onnx_ir.Value, method: str) -> list[Layer]:
    size(data, 4)
    params = {"pooling_param": {"pool": Token(method), "global_pooling": True}}
    return [Layer(str(node.name), "Pooling", (data,), (only_output(node),), params)]


def _pooling(
    node: onnx_ir.Node, data: onnx_ir.Value, method: str, axes: Sequence[Axis], *, count_include_pad: bool = False
) -> list[Layer]:
    """The pooling layer, with the padding before the data at all edges, and what cuts it to size."""
    padded = any(axis.pad for axis in axes)
    surplus = [
        _surplus(
            axis, method, caffe_windows(axis, padded=padded), onnx_windows(axis, count_include_pad=count_include_pad)
        )
        for axis in axes
    ]
    params = {
        "pooling_param": {
            "pool": Token(method),
            **pair("pad", [axis.pad for axis in axes], default=0),
            **pair("kernel", [axis.kernel for axis in axes], default=-1, square="kernel_size"),
            **pair("stride", [axis.stride for axis in axes], default=1),
        }
    }
    if not any(surplus):
        return [Layer(str(node.name), "Pooling", (data,), (node.outputs[0],), params)]
    pooled = onnx_ir.Value(name=f"{node.name}/ceil")
    cuts = [(index + 2, axis) for index, axis in enumerate(axes) if surplus[index]]
    return [Layer(f"{node.name}/ceil", "Pooling", (data,), (pooled,), params), *_cut(node, pooled, cuts)]


def _axes(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    auto_pad: str,
) -> list[Axis]:
    if auto_pad != "NOTSET":
        raise Refused(f"auto_pad is {auto_pad}, not explicit")
    if tuple(dilations) != (1, 1):
        raise Refused(f"dilations {list(dilations)} are not 1")
    lengths, counts = size(data, 4)[1:], size(only_output(node), 4)[1:]
    return [
        Axis(name, lengths[index], kernel[index], strides[index], pads[index], counts[index])
        for index, name in enumerate(("rows", "columns"))
    ]


def _surplus(axis: Axis, method: str, has: Sequence[Window], wants: Sequence[Window]) -> int:
    """How many windows Caffe ``has`` more than ONNX ``wants``, provided that it has those too.

    Raises:
        Refused: It does not. Says how the first window that differs does.
    """
    if not 0 <= axis.pad < axis.kernel:
        raise Refused(f"the padding of the {axis.name}, {axis.pad}, is not less than the kernel, {axis.kernel}")
    if len(has) < len(wants):
        raise Refused(f"Caffe pools {axis.length} {axis.name} to {len(has)}, not to {len(wants)}")
    for index, (ours, theirs) in enumerate(zip(has, wants, strict=False)):
        if ours.start >= ours.end:
            raise Refused(f"window {index} of the {axis.name} holds padding only")
        if method == "AVE" and ours.divisor != theirs.divisor:
            raise Refused(
                f"Caffe divides window {index} of the {axis.name} by {ours.divisor}, not by {theirs.divisor}"
            )
    return len(has) - len(wants)


def _cut(node: onnx_ir.Node, pooled: onnx_ir.Value, cuts: Sequence[tuple[int, Axis]]) -> list[Layer]:
    """``Slice`` off the windows that Caffe has too many at the end of each dimension of ``cuts``."""
    layers: list[Layer] = []
    value = pooled
    for number, axis in cuts:
        last = number == cuts[-1][0]
        name = str(node.name) if last else f"{node.name}/{axis.name}"
        kept = node.outputs[0] if last else onnx_ir.Value(name=name)
        surplus = onnx_ir.Value(name=f"{node.name}/surplus_{axis.name}")
        params = {"slice_param": {"axis": number, "slice_point": axis.count}}
        layers.append(Layer(name, "Slice", (value,), (kept, surplus), params, top_names=(name, str(surplus.name))))
        value = kept
    return layers
