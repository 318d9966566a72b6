"""Pooling (src/operator/nn/pooling-inl.h, nn/pool.h, pooling_v1-inl.h)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onnx_ir import Value

from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import pair, rank, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope


@parses("Pooling", ignores=("cudnn_off", "p_value"))
def pooling(
    g: Scope,
    data: Value,
    *,
    kernel: Ints = (),
    pool_type: Literal["max", "avg"] = "max",
    global_pool: bool = False,
    pooling_convention: Literal["valid", "full"] = "valid",
    stride: Ints = (),
    pad: Ints = (),
    count_include_pad: bool | None = None,
    layout: Literal["NCHW"] | None = None,  # noqa: ARG001 - its type refuses the others
) -> Value:
    """Maximum or mean of a window that moves over H and W; ``full`` rounds the number of windows up, ``valid`` down.

    A mean divides by the elements that lie in the padded input, also where the last window reaches beyond it, or
    in the input itself without ``count_include_pad`` (pool.h, pool_sum_2d_cpu). Such a reach is padding at the end.
    """
    rank(g, data, 4)
    if global_pool:
        return _global(g, data, pool_type)
    window = _window(g, data, kernel, stride, pad, full=pooling_convention == "full")
    if pool_type == "max":
        return _maximum(g, data, window)
    include = count_include_pad is not False and any(window.pad)
    if include and any(window.reach):
        pads = g.ints("pads", [0, 0, *window.pad, 0, 0, *window.pad])
        padded = g.emit("Pad", data, pads, role="pad", mode="constant")
        return _mean(g, padded, window, (0, 0, *window.reach), counted=False)
    return _mean(g, data, window, window.pads, counted=include)


@parses("Pooling_v1")
def pooling_v1(
    g: Scope,
    data: Value,
    *,
    kernel: Ints = (),
    pool_type: Literal["max", "avg"] = "max",
    global_pool: bool = False,
    pooling_convention: Literal["valid", "full"] = "valid",
    stride: Ints = (),
    pad: Ints = (),
) -> Value:
    """As Pooling, but a mean always divides by the whole window, and a maximum sees the padding as zeros.

    The latter is refused: onnxruntime would fold the zeros into MaxPool, whose padding is minus infinity.
    """
    rank(g, data, 4)
    if global_pool:
        return _global(g, data, pool_type)
    window = _window(g, data, kernel, stride, pad, full=pooling_convention == "full")
    if pool_type == "avg":
        return _mean(g, data, window, window.pads, counted=True)
    if any(window.pad):
        raise g.refuse(f"pool_type=max with pad={window.pad}")
    return _maximum(g, data, window)


@dataclass(frozen=True)
class _Window:
    """A window's size, step and padding, and how far beyond the padded input the last one reaches; H and W each."""

    kernel: Ints
    stride: Ints
    pad: Ints
    reach: Ints

    @property
    def pads(self) -> Ints:
        """All of it as ONNX's ``pads``: the beginnings, then the ends."""
        return (*self.pad, *(pad + reach for pad, reach in zip(self.pad, self.reach, strict=True)))


def _window(g: Scope, data: Value, kernel: Ints, stride: Ints, pad: Ints, *, full: bool) -> _Window:
    kernel = pair(g, "kernel", kernel)
    stride = pair(g, "stride", stride, default=1)
    pad = pair(g, "pad", pad, default=0, least=0)
    reach = tuple(_reach(g, size(g, data, 2 + i), kernel[i], stride[i], pad[i], full=full) for i in (0, 1))
    return _Window(kernel, stride, pad, reach)


def _reach(g: Scope, length: int, window: int, step: int, pad: int, *, full: bool) -> int:
    """How far the last window reaches beyond the padded input of ``length``; 0 with the ``valid`` convention."""
    room = length + 2 * pad - window
    if room < 0 or pad >= window:
        raise g.misfit(f"a window of {window} does not fit an input of {length} padded by {pad}")
    windows = (-(-room // step) if full else room // step) + 1
    start = (windows - 1) * step
    if start >= length + pad:
        raise g.refuse(f"a window that begins at {start - pad} lies outside the input of {length}")
    return max(0, start + window - length - 2 * pad)


def _global(g: Scope, data: Value, pool_type: str) -> Value:
    return g.emit("GlobalMaxPool" if pool_type == "max" else "GlobalAveragePool", data)


def _maximum(g: Scope, data: Value, window: _Window) -> Value:
    return g.emit(
        "MaxPool",
        data,
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=window.pads,
        dilations=(1, 1),
        ceil_mode=0,
    )


def _mean(g: Scope, data: Value, window: _Window, pads: Ints, *, counted: bool) -> Value:
    return g.emit(
        "AveragePool",
        data,
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=pads,
        dilations=(1, 1),
        ceil_mode=0,
        count_include_pad=int(counted),
    )
