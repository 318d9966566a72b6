"""Windows that move over the spatial dimensions: of convolution and of pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import Refused
from converter.emitters.caffe.layer import Fields, pair
from converter.ir import dims


@dataclass(frozen=True)
class Window:
    """How a window moves along one dimension.

    Attributes:
        length: Elements of the data.
        count: How many windows there are.
        kernel: Elements of a window.
        stride: From the beginning of one window to that of the next.
        pad: Elements of padding before the data.
        dilation: From one element of a window to the next.
    """

    length: int
    count: int
    kernel: int
    stride: int
    pad: int
    dilation: int = 1

    @property
    def extent(self) -> int:
        """Elements from a window's first to its last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def needed(self) -> int:
        """Elements from the first window's first to the last window's last."""
        return (self.count - 1) * self.stride + self.extent


def windows(
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
) -> list[Window]:
    """The window along each spatial dimension, the outermost first, with as many as ``result`` has elements.

    Raises:
        Refused: The padding is negative or not certain, or the dimensions are not known or do not agree.
    """
    lengths, counts = spatial(data), spatial(result)
    rank = len(lengths)
    steps, gaps = tuple(strides or (1,) * rank), tuple(dilations or (1,) * rank)
    edges = tuple(pads or (0,) * (2 * rank))
    if not (rank == len(kernel) == len(steps) == len(gaps) == len(counts) and len(edges) == 2 * rank):
        raise Refused(f"kernel, strides, dilations and pads are not those of {rank} dimensions")
    before = edges[:rank] if auto_pad == "NOTSET" else (0,) * rank
    found = [Window(*each) for each in zip(lengths, counts, kernel, steps, before, gaps, strict=True)]
    if auto_pad.startswith("SAME"):
        found = [_same(axis, upper=auto_pad == "SAME_UPPER") for axis in found]
    if min(edges) < 0:
        raise Refused(f"pads {list(edges)} are negative")
    return found


def spatial(value: onnx_ir.Value) -> tuple[int, ...]:
    """The dimensions of ``value`` behind the batch and the channels.

    Raises:
        Refused: There are none, or one of them is the open batch.
    """
    shape = dims(value)
    found = tuple(size for size in shape[2:] if isinstance(size, int))
    if len(shape) < 3 or len(found) < len(shape) - 2 or 0 in shape:
        raise Refused(f"{value.name} has the shape {list(shape)}: no batch, channels and spatial dimensions")
    return found


def _same(axis: Window, *, upper: bool) -> Window:
    total = axis.needed - axis.length
    if total < 0 or axis.count != -(axis.length // -axis.stride):
        raise Refused("auto_pad leaves out data: implementations disagree on which")
    pad = total // 2 if upper else total - total // 2
    return Window(axis.length, axis.count, axis.kernel, axis.stride, pad, axis.dilation)


def geometry(axes: Sequence[Window], pads: Sequence[int]) -> Fields:
    """The fields of a convolution's windows; Caffe has no ``dilation_h``, and of three dimensions none of these."""
    kernel, stride, dilation = ([getattr(axis, name) for axis in axes] for name in ("kernel", "stride", "dilation"))
    each = {"dilation": _repeated(dilation, 1)}
    if len(axes) == 2:
        fields = {
            **pair("pad", pads, default=0),
            **pair("kernel", kernel, default=-1, square="kernel_size"),
            **pair("stride", stride, default=1),
        }
    else:
        each = {
            "pad": _repeated(pads, 0),
            "kernel_size": _repeated(kernel, -1),
            "stride": _repeated(stride, 1),
            **each,
        }
        fields = {}
    return {**fields, **{name: value for name, value in each.items() if value != ()}}


def _repeated(values: Sequence[int], default: int) -> int | tuple[int, ...]:
    if len(set(values)) > 1:
        return tuple(values)
    return () if values[0] == default else values[0]
