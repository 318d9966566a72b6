"""Pooling, exactly where ONNX has its windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.coreml.chain import Chain
from converter.emitters.coreml.convolution import interleaved, pad_arguments, padding, spatial
from converter.emitters.coreml.operand import line
from converter.emitters.operand import static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims


@dataclass(frozen=True)
class Windows:
    """The windows of a pooling layer, per spatial axis.

    Attributes:
        kernel: Their sizes.
        strides: The steps from one to the next.
        dilations: The steps within one.
        begin: The padding before the data.
        end: The padding after it, as far as the last window reaches.
        sizes: The sizes of the data.
        counts: How many windows there are.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    sizes: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """What Core ML's operation is told."""
        steps = {"strides": self.strides} if max(self.strides) > 1 else {}
        return {"kernel_sizes": self.kernel, **steps, **pad_arguments(self.begin, self.end)}

    @property
    def volume(self) -> int:
        """The elements of a window."""
        return math.prod(self.kernel)

    def places(self, axis: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where along ``axis`` the elements of each window lie in the padded data: windows x kernel."""
        starts = np.arange(self.counts[axis])[:, None] * self.strides[axis]
        return starts + np.arange(self.kernel[axis])[None, :] * self.dilations[axis]

    def shares(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """How many elements of the data each window has."""
        found = np.ones((), np.int64)
        for axis, size in enumerate(self.sizes):
            places = self.places(axis) - self.begin[axis]
            found = found[..., None] * ((places >= 0) & (places < size)).sum(1)
        return found.astype(np.float32)


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
    rank = spatial(data)
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    begin, end = padding(node, data, auto_pad, kernel, strides, dilations, pads)
    sizes, counts = static(data, *range(2, 2 + rank)), static(node.outputs[0], *range(2, 2 + rank))
    if ceil_mode:
        last = zip(sizes, counts, strides, begin, strict=True)
        if any((count - 1) * step >= size + pad for size, count, step, pad in last):
            raise Refused("ceil_mode: its last window would lie in the padding, where runtimes do not have it")
        spans = zip(counts, strides, kernel, dilations, strict=True)
        reach = [(count - 1) * step + (size - 1) * dilation + 1 for count, step, size, dilation in spans]
        end = tuple(
            max(last, ends - size - first) for last, ends, size, first in zip(end, reach, sizes, begin, strict=True)
        )
    return Windows(tuple(kernel), strides, dilations, begin, end, sizes, counts)


@emits("coreml", "MaxPool")
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
    """``mb.max_pool``, padded as far as the last window reaches, without Core ML's own ``ceil_mode``.

    With dilations the elements of the windows are gathered along each axis, and the largest is taken.
    """
    del storage_order  # of the indices
    output = only_output(node)
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    if max(windows.dilations) == 1:
        return [line(node, "max_pool", x=data, outputs=[output], **windows.settings)]
    chain = Chain(node)
    found = _gathered(chain, data, windows, "reduce_max", -math.inf)
    return chain.ends([output], "reshape", x=found, shape=_shape(data, windows.counts))


@emits("coreml", "AveragePool")
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
    """``mb.avg_pool``, padded as far as the last window reaches, without Core ML's own ``ceil_mode``.

    With dilations the elements of the windows are gathered along each axis, and summed.
    """
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    if ceil_mode and count_include_pad:
        raise Refused("ceil_mode with count_include_pad: runtimes disagree on what lies beyond the padding")
    padded = any((*windows.begin, *windows.end))
    if max(windows.dilations) == 1:
        exclude = True if padded and not count_include_pad else None
        return [line(node, "avg_pool", x=data, **windows.settings, exclude_padding_from_average=exclude)]
    chain = Chain(node)
    found = _gathered(chain, data, windows, "reduce_sum", 0.0)
    total = chain.step("total", "reshape", x=found, shape=_shape(data, windows.counts))
    share = windows.shares() if padded and not count_include_pad else float(windows.volume)
    return chain.last("real_div", x=total, y=share)


@emits("coreml", "LpPool")
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
    """``mb.avg_pool`` of powers, times the size of a window, and the root of that."""
    windows = _windows(node, data, auto_pad, ceil_mode, dilations, kernel_shape, pads, strides)
    chain = Chain(node)
    powers = _powers(chain, data, p)
    if max(windows.dilations) == 1:
        mean = chain.step("mean", "avg_pool", x=powers, **windows.settings)
        total = mean if windows.volume == 1 else chain.step("total", "mul", x=mean, y=float(windows.volume))
    else:
        found = _gathered(chain, powers, windows, "reduce_sum", 0.0, like=data)
        total = chain.step("total", "reshape", x=found, shape=_shape(data, windows.counts))
    return _root(chain, total, p)


@emits("coreml", "GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``mb.reduce_mean`` or ``mb.reduce_max`` over the spatial axes."""
    operation = "reduce_mean" if node.op_type == "GlobalAveragePool" else "reduce_max"
    return [line(node, operation, x=data, axes=_spatial_axes(data), keep_dims=True)]


@emits("coreml", "GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Statement]:
    """``mb.reduce_l1_norm`` or ``mb.reduce_l2_norm`` over the spatial axes; else the root of the sum of powers."""
    axes = _spatial_axes(data)
    if p in {1, 2}:
        return [line(node, f"reduce_l{p}_norm", x=data, axes=axes, keep_dims=True)]
    chain = Chain(node)
    total = chain.step("total", "reduce_sum", x=_powers(chain, data, p), axes=axes, keep_dims=True)
    return _root(chain, total, p)


@emits("coreml", "transship::AdaptiveAveragePool")
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Statement]:
    """``mb.avg_pool`` where all windows are alike; else products with the windows' shares by row and by column."""
    sizes = static(data, 2, 3)
    if all(size % count == 0 for size, count in zip(sizes, output_size, strict=True)):
        kernel = tuple(size // count for size, count in zip(sizes, output_size, strict=True))
        return [line(node, "avg_pool", x=data, kernel_sizes=kernel, strides=kernel, pad_type="valid")]
    chain = Chain(node)
    rows, columns = (_shares(size, count) for size, count in zip(sizes, output_size, strict=True))
    means = chain.step("rows", "matmul", x=rows, y=data)
    return chain.last("matmul", x=means, y=columns, transpose_y=True)


def _shares(size: int, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What of each element is in the mean of each of ``count`` windows over ``size``."""
    found = np.zeros((count, size), np.float32)
    for place in range(count):
        start, end = place * size // count, -((place + 1) * size // -count)
        found[place, start:end] = 1 / (end - start)
    return found


def _spatial_axes(data: onnx_ir.Value) -> tuple[int, ...]:
    return tuple(range(2, len(dims(data))))


def _powers(chain: Chain, data: onnx_ir.Value, p: int) -> onnx_ir.Value:
    """``data``'s magnitudes to the power of ``p``."""
    if p < 1:
        raise Refused(f"p is {p}, of which there is no norm")
    if p == 2:
        return chain.step("squares", "square", x=data)
    sizes = chain.step("magnitudes", "abs", x=data)
    return sizes if p == 1 else chain.step("powers", "pow", x=sizes, y=float(p))


def _root(chain: Chain, total: onnx_ir.Value, p: int) -> list[Statement]:
    if p == 1:
        return chain.last("identity", x=total)
    return chain.last("sqrt", x=total) if p == 2 else chain.last("pow", x=total, y=1 / p)


def _shape(data: onnx_ir.Value, sizes: Sequence[int]) -> tuple[int, ...]:
    """The shape of ``data`` with other spatial ``sizes``, as ``mb.reshape`` is told."""
    rows, channels = dims(data)[:2]
    return (-1 if rows == BATCH else int(rows), int(channels), *sizes)


def _gathered(
    chain: Chain,
    data: onnx_ir.Value,
    windows: Windows,
    reduction: str,
    fill: float,
    like: onnx_ir.Value | None = None,
) -> onnx_ir.Value:
    """The ``reduction`` over each window of ``data`` padded with ``fill``: rows of some shape, in ONNX's order.

    Args:
        chain: To write to.
        data: What has windows.
        windows: Which.
        reduction: Of Core ML's operations.
        fill: What the padding consists of.
        like: Says what shape ``data`` has, if it does not itself.
    """
    like = like or data
    if any((*windows.begin, *windows.end)):
        pad = interleaved(windows.begin, windows.end)
        data = chain.step("padded", "pad", x=data, pad=pad, mode="constant", constant_val=fill)
    sides = zip(windows.begin, windows.sizes, windows.end, strict=True)
    sizes = [before + size + after for before, size, after in sides]
    for axis, count in enumerate(windows.counts):
        if axis:
            data = chain.step("image", "reshape", x=data, shape=_shape(like, sizes))
        places = windows.places(axis)
        taken = chain.step("taken", "gather", x=data, indices=places.reshape(-1), axis=2 + axis)
        behind = math.prod(sizes[axis + 1 :])
        rows = chain.step("rows", "reshape", x=taken, shape=(-1, *places.shape, behind))
        data = chain.step("reduced", reduction, x=rows, axes=(2,), keep_dims=False)
        sizes[axis] = count
    return data
