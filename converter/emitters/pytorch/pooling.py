"""Pooling, exactly where ONNX has its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.operand import fresh, square, static
from converter.emitters.pytorch.convolution import pad_argument, padding
from converter.emitters.pytorch.operand import line
from converter.emitters.statement import Statement, Submodule
from converter.ir import dims


@dataclass(frozen=True)
class Windows:
    """The windows of a pooling layer, per spatial axis.

    Attributes:
        kernel: Their sizes.
        strides: The steps from one to the next.
        dilations: The steps within one.
        begin: The padding before the data.
        end: The padding after it.
        beyond: How far the last window reaches beyond that padding.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    beyond: tuple[int, ...]

    @property
    def rank(self) -> int:
        """How many spatial axes there are."""
        return len(self.kernel)

    @property
    def native(self) -> bool:
        """Whether a module of torch pads like this by itself."""
        spans = zip(self.kernel, self.begin, strict=True)
        return self.begin == self.end and not any(self.beyond) and all(2 * pad <= size for size, pad in spans)

    @property
    def pad(self) -> tuple[int, ...]:
        """All padding as ``F.pad`` wants it."""
        return pad_argument(self.begin, [end + more for end, more in zip(self.end, self.beyond, strict=True)])

    @property
    def settings(self) -> dict[str, int | tuple[int, ...]]:
        """The step and the dilation as torch's modules want them, whose step is the window's size if not given."""
        settings = {} if self.strides == self.kernel else {"stride": square(self.strides)}
        return settings | ({"dilation": square(self.dilations)} if max(self.dilations) > 1 else {})


def _windows(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    auto_pad: str,
    ceil_mode: int,
    dilations: Sequence[int],
    kernel: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
) -> Windows:
    rank = len(kernel)
    if rank not in {1, 2, 3} or len(dims(data)) != rank + 2:
        raise Refused(f"PyTorch pools 1, 2 or 3 spatial axes, not {rank}")
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    begin, end = padding(node, data, auto_pad, kernel, strides, dilations, pads)
    beyond = (0,) * rank
    if ceil_mode:
        sizes, results = static(data, *range(2, 2 + rank)), static(node.outputs[0], *range(2, 2 + rank))
        last = zip(sizes, results, strides, begin, strict=True)
        if any((count - 1) * step >= size + pad for size, count, step, pad in last):
            raise Refused("ceil_mode: its last window would lie in the padding, where runtimes do not have it")
        beyond = tuple(
            max(
                (results[axis] - 1) * strides[axis]
                + (kernel[axis] - 1) * dilations[axis]
                + 1
                - sizes[axis]
                - begin[axis]
                - end[axis],
                0,
            )
            for axis in range(rank)
        )
    return Windows(tuple(kernel), strides, dilations, begin, end, beyond)


@emits("pytorch", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    storage_order: int = 0,
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``nn.MaxPool1d``, ``2d``, ``3d``, behind ``F.pad`` with minus infinity where its own padding is not ONNX's.

    That is on one side, of more than half a window, or because of ``ceil_mode``.
    """
    del storage_order  # of the indices
    output = only_output(node)
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    if not windows.native:
        padded = fresh(node, "padded")
        before = line(node, 'F.pad({0}, {padding}, value=float("-inf"))', data, outputs=[padded], padding=windows.pad)
        return [before, _pool(node, "Max", padded, windows, output)]
    return [_pool(node, "Max", data, windows, output, **_padding(windows))]


@emits("pytorch", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``nn.AvgPool1d``, ``2d``, ``3d``; behind ``F.pad``, or a function, where its padding is not ONNX's.

    The function, where padding does not count, is the quotient of two poolings.
    """
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    output = node.outputs[0]
    if max(windows.dilations) > 1:
        raise Refused(f"dilations {list(windows.dilations)}: PyTorch averages neighbours only")
    if any(windows.beyond) and count_include_pad:
        raise Refused("ceil_mode with count_include_pad: runtimes disagree on what lies beyond the padding")
    if windows.native and not _is_thin(data, windows):
        counted = {} if count_include_pad or not any(windows.begin) else {"count_include_pad": False}
        return [_pool(node, "Avg", data, windows, output, **_padding(windows), **counted)]
    if count_include_pad:
        padded = fresh(node, "padded")
        before = line(node, "F.pad({0}, {padding})", data, outputs=[padded], padding=windows.pad)
        return [before, _pool(node, "Avg", padded, windows, output)]
    text = "average_pool({0}, {kernel}, {stride}, {padding})"
    sizes: dict[str, Any] = {"kernel": windows.kernel, "stride": windows.strides, "padding": windows.pad}
    return [line(node, text, data, library=["average_pool"], **sizes)]


@emits("pytorch", "LpPool")
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] = (),
    p: int = 2,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """A function of powers, an average pooling and a root: ``nn.LPPool2d`` takes odd powers of negative numbers."""
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    if max(windows.dilations) > 1:
        raise Refused(f"dilations {list(windows.dilations)}: PyTorch sums neighbours only")
    _check_norm(p)
    text = "lp_pool({0}, {p}, {kernel}, {stride}, {padding})"
    sizes: dict[str, Any] = {"kernel": windows.kernel, "stride": windows.strides, "padding": windows.pad}
    return [line(node, text, data, library=["lp_pool"], p=p, **sizes)]


@emits("pytorch", "GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``nn.AdaptiveAvgPool1d(1)`` or ``nn.AdaptiveMaxPool1d(1)``, ``2d``, ``3d``."""
    rank = len(dims(data)) - 2
    if rank not in {1, 2, 3}:
        raise Refused(f"PyTorch pools 1, 2 or 3 spatial axes, not {rank}")
    kind = "Avg" if node.op_type == "GlobalAveragePool" else "Max"
    return [line(node, "{module}({0})", data, module=Submodule(f"nn.Adaptive{kind}Pool{rank}d", (1,)))]


@emits("pytorch", "transship::AdaptiveAveragePool")
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Statement]:
    """``nn.AdaptiveAvgPool2d``."""
    size = tuple(output_size)
    return [line(node, "{module}({0})", data, module=Submodule("nn.AdaptiveAvgPool2d", (square(size),)))]


@emits("pytorch", "GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Statement]:
    """``torch.linalg.vector_norm``."""
    _check_norm(p)
    axes = tuple(range(2, len(dims(data))))
    return [line(node, "torch.linalg.vector_norm({0}, {p}, dim={dim}, keepdim=True)", data, p=p, dim=axes)]


def _is_thin(data: onnx_ir.Value, windows: Windows) -> bool:
    """Whether ``data`` without its padding is a volume smaller than a window, which torch does not average."""
    sizes = zip(dims(data)[2:], windows.kernel, strict=True)
    return windows.rank == 3 and any(not isinstance(size, int) or size < kernel for size, kernel in sizes)


def _check_norm(p: int) -> None:
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")


def _padding(windows: Windows) -> dict[str, int | tuple[int, ...]]:
    return {"padding": square(windows.begin)} if any(windows.begin) else {}


def _pool(
    node: onnx_ir.Node,
    kind: str,
    data: onnx_ir.Value,
    windows: Windows,
    output: onnx_ir.Value,
    **settings: int | tuple[int, ...] | bool,
) -> Statement:
    module = Submodule(f"nn.{kind}Pool{windows.rank}d", (square(windows.kernel),), {**windows.settings, **settings})
    return line(node, "{module}({0})", data, module=module, outputs=[output])
