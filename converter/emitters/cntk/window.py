"""The windows that move over the spatial axes of images, exactly where ONNX has them, and CNTK's own padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import Refused
from converter.emitters.batch import batch_axis, made, row_shape
from converter.emitters.cntk.operand import line
from converter.emitters.statement import Statement
from converter.ir import dims

_RANKS = range(1, 4)


@dataclass(frozen=True)
class Window:
    """How a window moves along one axis.

    Attributes:
        size: Elements of the data.
        count: How many windows there are.
        kernel: Elements of a window.
        stride: From one window to the next.
        dilation: From one element of a window to the next.
        begin: Padding before the data.
        end: Padding after the data, as it was asked for.
    """

    size: int
    count: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int

    @property
    def span(self) -> int:
        """How far a window reaches."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def after(self) -> int:
        """The padding after the data that windows reach."""
        return max((self.count - 1) * self.stride + self.span - self.size - self.begin, 0)

    @property
    def beyond(self) -> int:
        """How much of that is more than was asked for, because their number was rounded up."""
        return max(self.after - self.end, 0)

    @property
    def plain(self) -> bool:
        """Whether windows reach nothing but data, and CNTK counts as many."""
        return self.begin == self.after == 0

    @property
    def automatic(self) -> bool:
        """Whether CNTK's automatic padding is the same: a window for each stride, around the middle of its own."""
        extra = self.size - 1 - (self.count - 1) * self.stride
        begin = (self.span - 1) // 2 - extra // 2
        return self.count == -(self.size // -self.stride) and self.begin == begin and self.span <= self.size

    @property
    def rounded_up(self) -> bool:
        """Whether CNTK's number of windows, rounded up, is the same."""
        up = -((self.size - self.span) // -self.stride) + 1
        return self.begin == 0 and self.span <= self.size and self.count == up


def windows_of(
    data: onnx_ir.Value,
    result: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    auto_pad: str,
) -> list[Window]:
    """The windows along each spatial axis of ``data``, ``[batch, channels, ...]``, with explicit padding.

    Raises:
        Refused: The padding is negative or not certain, or the numbers of axes do not agree.
    """
    sizes, counts = spatial(data), spatial(result)
    rank = len(sizes)
    steps, gaps = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    edges = tuple(pads) or (0,) * (2 * rank)
    if not (rank == len(kernel) == len(steps) == len(gaps) and len(edges) == 2 * rank):
        raise Refused(f"kernel, strides, dilations and pads are not those of {rank} axes")
    if auto_pad != "NOTSET":
        edges = (0,) * (2 * rank)
    found = [
        Window(*each) for each in zip(sizes, counts, kernel, steps, gaps, edges[:rank], edges[rank:], strict=True)
    ]
    if min(edges) < 0:
        raise Refused(f"pads {list(edges)} are negative")
    return [_same(each, auto_pad) for each in found] if auto_pad.startswith("SAME") else found


def _same(plain: Window, auto_pad: str) -> Window:
    if plain.dilation > 1:
        raise Refused(f"auto_pad is {auto_pad} with dilation, where implementations disagree")
    if plain.count != -(plain.size // -plain.stride):
        raise Refused(f"auto_pad is {auto_pad}, and there is not one window for each stride")
    total = (plain.count - 1) * plain.stride + plain.span - plain.size
    if total < 0:
        raise Refused(f"auto_pad is {auto_pad}, which leaves out data: implementations disagree on which")
    less, more = total // 2, total - total // 2
    begin, end = (less, more) if auto_pad == "SAME_UPPER" else (more, less)
    return Window(plain.size, plain.count, plain.kernel, plain.stride, plain.dilation, begin, end)


def spatial(value: onnx_ir.Value) -> tuple[int, ...]:
    """The one to three axes of ``value`` behind the batch and the channels.

    Raises:
        Refused: It has others.
    """
    shape = dims(value)[2:]
    if len(shape) not in _RANKS:
        raise Refused(f"{value.name} has {len(shape)} spatial axes, not one to three")
    sizes = tuple(dim for dim in shape if isinstance(dim, int))
    if len(sizes) < len(shape) or 0 in sizes:
        raise Refused(f"{value.name} has the spatial axes {list(shape)}")
    return sizes


def padding(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """The pattern of ``C.pad`` for all axes that a row has, channels first."""
    return [(0, 0), *((each.begin, each.after) for each in windows)]


def per_row(
    node: onnx_ir.Node, data: onnx_ir.Value, translate: Callable[[onnx_ir.Value, onnx_ir.Value], list[Statement]]
) -> list[Statement]:
    """What ``translate`` makes of ``data`` and the node's output, whose first axis has to be CNTK's batch there.

    Where nothing of the network has a batch, its first axis becomes one for this.

    Raises:
        Refused: The batch is another axis.
    """
    result, axis = node.outputs[0], batch_axis(data)
    if axis == 0:
        return translate(data, result)
    if axis is not None:
        raise Refused(f"the first axis of {data.name} is not the batch")
    rows = made(f"{node.name}/rows", dims(data), 0)
    computed = made(f"{node.name}/computed", dims(result), 0)
    back = "C.reshape(C.unpack_batch({0}), {shape})"
    return [
        line(node, "C.to_batch({0})", data, outputs=[rows]),
        *translate(rows, computed),
        line(node, back, computed, outputs=[result], shape=row_shape(result)),
    ]
