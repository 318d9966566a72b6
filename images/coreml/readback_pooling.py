"""Pooling over one to three spatial axes."""

from __future__ import annotations

import numpy
from readback_convolution import Pads, onnx_pads, padding
from readback_graph import Graph, Ints, RefusedError, Tensor, reads


@reads("max_pool")
def max_pool(
    graph: Graph,
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> str:
    """The largest element of each window; what is added to the input counts for nothing."""
    strides = strides or (1,) * len(kernel_sizes)
    pads, more = _windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    added = [(before, after + extra) for (before, after), extra in zip(pads, more, strict=True)]
    padded = _padded(graph, x.name, added, -numpy.inf)
    return graph.op("MaxPool", padded, kernel_shape=kernel_sizes, strides=strides)


@reads("avg_pool")
def avg_pool(
    graph: Graph,
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
    exclude_padding_from_average: bool = False,
) -> str:
    """The mean of each window.

    Padding counts as zeros, or not at all if it is excluded; the elements that a last window has beyond the padding,
    where sizes are rounded up, never count, as in PyTorch.
    """
    strides = strides or (1,) * len(kernel_sizes)
    pads, more = _windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    counted = [(0, 0)] * len(pads) if exclude_padding_from_average else pads
    added = [(before, after + extra) for (before, after), extra in zip(pads, more, strict=True)]
    mean = graph.op("AveragePool", _padded(graph, x.name, added, 0), kernel_shape=kernel_sizes, strides=strides)
    if counted == added:
        return mean
    share = _share([x.size(axis) for axis in range(2, x.rank)], kernel_sizes, strides, added, counted)
    return graph.op("Div", mean, graph.floats(share))


@reads("l2_pool")
def l2_pool(
    graph: Graph,
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> str:
    """The root of the sum of the squares in each window."""
    strides = strides or (1,) * len(kernel_sizes)
    pads, more = _windows(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    added = [(before, after + extra) for (before, after), extra in zip(pads, more, strict=True)]
    return graph.op("LpPool", _padded(graph, x.name, added, 0), kernel_shape=kernel_sizes, strides=strides, p=2)


def _windows(
    x: Tensor, kernel: Ints, strides: Ints, pad_type: str, pad: Ints | None, ceil_mode: bool
) -> tuple[Pads, list[int]]:
    """The padding, and what a last window has beyond it where sizes are rounded up.

    A window that would begin after the input and the padding before it is left out. Without padding the
    documentation does not leave it out, so that it would have no elements: that is refused.
    """
    pads = padding(x, pad_type, pad, kernel, strides)
    if not ceil_mode:
        return pads, [0] * len(pads)
    more = []
    for axis, (before, after) in enumerate(pads):
        size, width, stride = x.size(axis + 2), kernel[axis], strides[axis]
        whole = size + before + after
        count = -(-(whole - width) // stride) + 1
        if (count - 1) * stride >= size + before:
            if not before + after:
                raise RefusedError("sizes rounded up so that a window has no elements")
            count -= 1
        more.append(max((count - 1) * stride + width - whole, 0))
    return pads, more


def _padded(graph: Graph, x: str, pads: Pads, value: float) -> str:
    """``x`` with ``value`` added around it; spelled out, because runtimes limit how far a window may reach out."""
    if not any(map(any, pads)):
        return x
    return graph.op("Pad", x, onnx_pads([(0, 0), (0, 0), *pads]), graph.floats(value))


def _share(sizes: list[int], kernel: Ints, strides: Ints, added: Pads, counted: Pads) -> numpy.ndarray:
    """Of each window's elements the share that counts, over the spatial axes of the output."""
    result = numpy.ones([1] * len(sizes))
    for axis, one in enumerate(zip(sizes, kernel, strides, added, counted, strict=True)):
        column = [-1 if axis == other else 1 for other in range(len(sizes))]
        result = result * _axis_share(*one).reshape(column)
    return result


def _axis_share(
    size: int, width: int, stride: int, added: tuple[int, int], counted: tuple[int, int]
) -> numpy.ndarray:
    whole = size + sum(added)
    counts = numpy.zeros(whole)
    counts[added[0] - counted[0] : added[0] + size + counted[1]] = 1
    starts = range(0, whole - width + 1, stride)
    return numpy.array([counts[start : start + width].sum() / width for start in starts])
