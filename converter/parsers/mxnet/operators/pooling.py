"""Pooling (src/operator/nn/pooling-inl.h, nn/pool.h, pooling_v1-inl.h, contrib/adaptive_avg_pooling-inl.h)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.builder import Array
from converter.parsers.mxnet.operators.common import (
    at_least,
    channels_first,
    channels_last,
    check_table,
    extents,
    rank,
    size,
)
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope

Convention: TypeAlias = Literal["valid", "full", "same"]
Layout: TypeAlias = Literal["NCW", "NCHW", "NCDHW", "NWC", "NHWC", "NDHWC"]

LOWEST = float(np.finfo(np.float32).min)
"""The maximum of no elements (mshadow's MinValue)."""


@dataclass(frozen=True)
class Window:
    """A window that moves over the spatial dimensions; one number for each of them.

    Windows that hold no element of the data at all are left out, and only counted.

    Attributes:
        kernel: Its size.
        stride: Its step.
        pad: Padding before the data.
        end: Padding after the data.
        reach: How far the last window reaches beyond both.
        before: How many windows without an element come before the others.
        after: And after them.
    """

    kernel: Ints
    stride: Ints
    pad: Ints
    end: Ints
    reach: Ints
    before: Ints
    after: Ints

    @property
    def pads(self) -> Ints:
        """All of the padding as ONNX's ``pads``: the beginnings, then the ends."""
        return (*self.pad, *(end + reach for end, reach in zip(self.end, self.reach, strict=True)))


Reduce: TypeAlias = Callable[[Scope, Value, Window], Value]


@parses("Pooling", ignores=("cudnn_off",))
def pooling(
    g: Scope,
    data: Value,
    *,
    kernel: Ints = (),
    pool_type: Literal["max", "avg", "sum", "lp"] = "max",
    global_pool: bool = False,
    pooling_convention: Convention = "valid",
    stride: Ints = (),
    pad: Ints = (),
    p_value: int | None = None,
    count_include_pad: bool | None = None,
    layout: Layout | None = None,
) -> Value:
    """Maximum, mean, sum or root of the sum of powers in a window that moves over one to three dimensions.

    ``full`` rounds the number of windows up, ``valid`` down; ``same``, of one dimension, has one for each step.
    A mean divides by the elements that lie in the padded input, also where the last window reaches beyond it, or
    in the input itself without ``count_include_pad`` (pool.h, pool_sum_2d_cpu). Such a reach is padding at the end.
    ``lp`` raises to the power of 1, 2 or 3, without taking absolute values.
    """
    spatial = rank(g, data, 3, 4, 5) - 2
    power = p_value if pool_type == "lp" else 1
    if power not in (1, 2, 3):
        raise g.refuse(f"pool_type=lp with p_value={power}; supported: 1, 2, 3")
    if pooling_convention == "same" and (spatial > 1 or any(pad)):
        raise g.refuse(f"pooling_convention=same of {spatial} dimensions with pad={pad}")
    given = () if pooling_convention == "same" else pad

    def pool(inner: Scope, moved: Value) -> Value:
        if global_pool:
            return _globally(inner, moved, pool_type, power)
        window = _window(inner, moved, kernel, stride, given, pooling_convention)
        if pool_type == "max":
            return _filled(inner, moved, window, _maximum, LOWEST)
        if pool_type == "avg":
            return _filled(inner, moved, window, partial(_mean, include=count_include_pad is not False), 0)
        return _filled(inner, moved, window, partial(_root_of_powers, power=power), 0)

    return channels_first(g, data, pool, last=channels_last(g, data, layout), role="pool")


@parses("Pooling_v1")
def pooling_v1(
    g: Scope,
    data: Value,
    *,
    kernel: Ints = (),
    pool_type: Literal["max", "avg", "sum"] = "max",
    global_pool: bool = False,
    pooling_convention: Literal["valid", "full"] = "valid",
    stride: Ints = (),
    pad: Ints = (),
) -> Value:
    """As Pooling in two dimensions, but a mean divides by the whole window, and a maximum sees padding as zeros."""
    rank(g, data, 4)
    if global_pool:
        return _globally(g, data, pool_type, 1)
    if pool_type == "max":
        if any(pad):
            around = extents(g, "pad", pad, 2, least=0)
            data, pad = _padded(g, data, around, around, 0, "pad"), ()
        window = _window(g, data, kernel, stride, pad, pooling_convention)
        return _filled(g, data, window, _maximum, -math.inf)
    window = _window(g, data, kernel, stride, pad, pooling_convention)
    return _filled(g, data, window, _mean_of_all if pool_type == "avg" else partial(_root_of_powers, power=1), 0)


@parses("_contrib_AdaptiveAvgPooling2D")
def adaptive_average_pooling(g: Scope, data: Value, *, output_size: Ints = ()) -> Value:
    """The mean of ``output_size`` parts of H and W, which overlap where they cannot be equal; 1 x 1 by default."""
    rank(g, data, 4)
    target = {1: output_size * 2, 2: output_size}.get(len(output_size), (1, 1))
    at_least(g, "output_size", min(target))
    if target == (1, 1):
        return g.emit("GlobalAveragePool", data)
    lengths = size(g, data, 2), size(g, data, 3)
    if not any(length % count for length, count in zip(lengths, target, strict=True)):
        kernel = tuple(length // count for length, count in zip(lengths, target, strict=True))
        return _average(g, data, kernel, kernel, (0, 0, 0, 0), counted=False)

    for length, count in zip(lengths, target, strict=True):
        check_table(g, "a table of means", length * count)

    def body(inner: Scope, data: Value) -> Value:
        rows, columns = (_means(length, count) for length, count in zip(lengths, target, strict=True))
        pooled = inner.emit("MatMul", inner.array("row_means", rows), data, role="rows")
        return inner.emit("MatMul", pooled, inner.array("column_means", columns.T), role="columns")

    return g.call("AdaptiveAveragePool", data, body=body, output_size=list(target))[0]


def _window(g: Scope, data: Value, kernel: Ints, stride: Ints, pad: Ints, convention: Convention) -> Window:
    """The window over the spatial dimensions of ``data``, which has the channels first."""
    count = len(ir.dims(data)) - 2
    kernel = extents(g, "kernel", kernel, count)
    stride = extents(g, "stride", stride, count, default=1)
    pad = extents(g, "pad", pad, count, default=0, least=0)
    lengths = [size(g, data, 2 + axis) for axis in range(count)]
    along = [_along(g, *axis, convention) for axis in zip(lengths, kernel, stride, pad, strict=True)]
    return Window(kernel, stride, *zip(*along, strict=True))


def _along(
    g: Scope, length: int, kernel: int, stride: int, pad: int, convention: Convention
) -> tuple[int, int, int, int, int]:
    """One dimension's padding before and after the data and reach, and its windows without an element."""
    room = length + 2 * pad - kernel
    if room < 0:
        raise g.misfit(f"a window of {kernel} does not fit an input of {length} padded by {pad}")
    count = {"valid": room // stride + 1, "full": -(-room // stride) + 1, "same": -(-length // stride)}[convention]
    first, last = max(0, (pad - kernel) // stride + 1), min(count, -(-(length + pad) // stride)) - 1
    if not first and last == count - 1:
        return pad, pad, max(0, last * stride + kernel - length - 2 * pad), 0, 0
    if first > last or first * stride > pad:
        raise g.refuse(f"windows of {kernel} every {stride} over an input of {length} padded by {pad}")
    beyond = max(0, last * stride - pad + kernel - length)
    return pad - first * stride, min(pad, beyond), max(0, beyond - pad), first, count - 1 - last


def _filled(g: Scope, data: Value, window: Window, reduce: Reduce, nothing: float) -> Value:
    """``reduce`` over each window; ``nothing`` over those that hold no element."""
    if not any(window.before + window.after):
        return reduce(g, data, window)
    reduced = reduce(g.part("pool"), data, window)
    return _padded(g, reduced, window.before, window.after, nothing)


def _globally(g: Scope, data: Value, pool_type: str, power: int) -> Value:
    """One window over all of the spatial dimensions."""
    if pool_type == "max":
        return g.emit("GlobalMaxPool", data)
    if pool_type == "avg":
        return g.emit("GlobalAveragePool", data)
    if power == 2:
        return g.emit("GlobalLpPool", data, p=2)
    axes = g.ints("axes", range(2, len(ir.dims(data))))
    if power == 1:
        return g.emit("ReduceSum", data, axes, keepdims=1)
    return _cube_root(g, g.emit("ReduceSum", _cubes(g, data), axes, role="sum", keepdims=1))


def _maximum(g: Scope, data: Value, window: Window) -> Value:
    return g.emit(
        "MaxPool",
        data,
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=window.pads,
        dilations=(1,) * len(window.kernel),
        ceil_mode=0,
    )


def _mean(g: Scope, data: Value, window: Window, *, include: bool) -> Value:
    """The mean of the elements, of the padding as well if that is to be included, but never of the reach."""
    counted = include and any(window.pad + window.end)
    if not counted or not any(window.reach):
        return _average(g, data, window.kernel, window.stride, window.pads, counted=counted)
    nowhere = (0,) * len(window.kernel)
    pads = g.ints("pads", [0, 0, *window.pad, 0, 0, *window.end])
    padded = g.emit("Pad", data, pads, role="pad", mode="constant")
    return _average(g, padded, window.kernel, window.stride, (*nowhere, *window.reach), counted=False)


def _mean_of_all(g: Scope, data: Value, window: Window) -> Value:
    """The mean of as many elements as the window has, wherever it lies."""
    return _average(g, data, window.kernel, window.stride, window.pads, counted=True)


def _average(g: Scope, data: Value, kernel: Ints, stride: Ints, pads: Ints, *, counted: bool) -> Value:
    return g.emit(
        "AveragePool",
        data,
        kernel_shape=kernel,
        strides=stride,
        pads=pads,
        dilations=(1,) * len(kernel),
        ceil_mode=0,
        count_include_pad=int(counted),
    )


def _root_of_powers(g: Scope, data: Value, window: Window, *, power: int) -> Value:
    """The sum of the elements, or the root of the sum of their squares or cubes."""
    if power == 2:
        return g.emit(
            "LpPool", data, kernel_shape=window.kernel, strides=window.stride, pads=window.pads, p=2, ceil_mode=0
        )
    if power == 3:
        return _cube_root(g, _root_of_powers(g.part("sum"), _cubes(g, data), window, power=1))
    mean = _mean_of_all(g.part("mean"), data, window)
    return g.emit("Mul", mean, g.scalar("area", math.prod(window.kernel)))


def _cubes(g: Scope, data: Value) -> Value:
    return g.emit("Pow", data, g.scalar("three", 3), role="cubes")


def _cube_root(g: Scope, data: Value) -> Value:
    """The cube root, which of a negative number is negative."""
    root = g.emit("Pow", g.emit("Abs", data, role="magnitude"), g.scalar("third", 1 / 3), role="root")
    return g.emit("Mul", g.emit("Sign", data, role="sign"), root)


def _padded(g: Scope, data: Value, before: Ints, after: Ints, value: float, role: str = "") -> Value:
    """``data`` with ``value`` around it.

    The pads name their axes: onnxruntime would fold zeros into a MaxPool that follows, whose padding is not zero.
    """
    grown = [size(g, data, 2 + axis) + low + high for axis, (low, high) in enumerate(zip(before, after, strict=True))]
    pads, axes = g.ints("pads", before + after), g.ints("axes", range(2, 2 + len(grown)))
    padding = g.scalar("padding", value)
    return g.emit("Pad", data, pads, padding, axes, role=role, shape=(*ir.dims(data)[:2], *grown), mode="constant")


def _means(length: int, count: int) -> Array:
    """The matrix ``[count, length]`` that takes the means of ``count`` parts of ``length`` elements."""
    matrix = np.zeros((count, length), np.float32)
    for part in range(count):
        start, end = part * length // count, -(-(part + 1) * length // count)
        matrix[part, start:end] = 1 / (end - start)
    return matrix
