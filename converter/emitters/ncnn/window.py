"""Windows that move over the spatial dimensions: of convolution and of pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import Refused
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.layer import Scalar
from converter.emitters.ncnn.layout import mat_shape

_MOST_AXES = 3


@dataclass(frozen=True)
class Window:
    """How a window moves along one dimension.

    Attributes:
        length: Elements of the data.
        count: How many windows there are.
        kernel: Elements of a window.
        dilation: From one of them to the next.
        stride: From the beginning of one window to that of the next.
        pad: Elements of padding before the data.
        pad_end: Elements of padding behind the data.
    """

    length: int
    count: int
    kernel: int
    dilation: int
    stride: int
    pad: int
    pad_end: int


def spatial(value: onnx_ir.Value) -> tuple[int, ...]:
    """The one to three dimensions of ``value`` behind the batch and the channels.

    Raises:
        Refused: It has others.
    """
    shape = mat_shape(value)
    if batch_axis(value) != 0:
        raise Refused(f"the first dimension of {value.name} is not the batch")
    if not 1 <= len(shape) - 1 <= _MOST_AXES:
        raise Refused(f"{value.name} has {len(shape) - 1} spatial dimensions, not one to three")
    return shape[1:]


def window(
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
) -> list[Window]:
    """The window along each spatial dimension of ``data``, the outermost first, with explicit padding.

    Raises:
        Refused: The padding is negative or not certain, or the numbers of dimensions do not agree.
    """
    lengths, counts = spatial(data), spatial(result)
    rank = len(lengths)
    steps, gaps = tuple(strides or (1,) * rank), tuple(dilations or (1,) * rank)
    edges = tuple(pads or (0,) * (2 * rank))
    if not (rank == len(kernel) == len(steps) == len(gaps) and len(edges) == 2 * rank):
        raise Refused(f"kernel, strides, dilations and pads are not those of {rank} dimensions")
    if auto_pad.startswith("SAME"):
        if any(count != -(length // -step) for length, count, step in zip(lengths, counts, steps, strict=True)):
            raise Refused(f"auto_pad is {auto_pad}, and {result.name} has not one window for each stride")
        extent = [(size - 1) * gap + 1 for size, gap in zip(kernel, gaps, strict=True)]
        edges = _same(
            lengths, [(count - 1) * step for count, step in zip(counts, steps, strict=True)], extent, auto_pad
        )
    elif auto_pad == "VALID":
        edges = (0,) * (2 * rank)
    if min(edges) < 0:
        raise Refused(f"pads {list(edges)} are negative")
    return [
        Window(*each) for each in zip(lengths, counts, kernel, gaps, steps, edges[:rank], edges[rank:], strict=True)
    ]


def spread(keys: Sequence[int], values: Sequence[int], default: int) -> dict[int, Scalar]:
    """The first of ``keys`` where it is not ``default``, and of the others those that differ from the first."""
    first: dict[int, Scalar] = {keys[0]: values[0]} if values[0] != default else {}
    return first | {key: value for key, value in zip(keys[1:], values[1:], strict=False) if value != values[0]}


def _same(lengths: Sequence[int], reach: Sequence[int], extent: Sequence[int], auto_pad: str) -> tuple[int, ...]:
    totals = [last + size - length for length, last, size in zip(lengths, reach, extent, strict=True)]
    if min(totals) < 0:
        raise Refused(f"auto_pad is {auto_pad}, which leaves out data: implementations disagree on which")
    less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (*less, *more) if auto_pad == "SAME_UPPER" else (*more, *less)
