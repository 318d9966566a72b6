"""Pooling. MXNet's windows are counted out, and only pooled with where they are those of the IR."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, only_output
from converter.emitters.known import sizes
from converter.emitters.mxnet.border import bordered
from converter.emitters.mxnet.call import Call, Chain, call, parameter
from converter.emitters.mxnet.convolution import explicit, spatial
from converter.ir import dims

LOWEST = float(np.finfo(np.float32).min)
"""What MXNet starts a maximum with: padding of it is no padding."""


@dataclass(frozen=True)
class Axis:
    """How one spatial dimension is pooled.

    Attributes:
        length: Elements of the data.
        kernel: Elements of a window.
        stride: From the beginning of one window to that of the next.
        begin: Elements of padding before the data.
        end: Elements of padding after the data.
        dilation: From one element of a window to the next.
        count: How many windows there have to be.
    """

    length: int
    kernel: int
    stride: int
    begin: int
    end: int
    dilation: int
    count: int

    @property
    def needed(self) -> int:
        """Elements of padding after the data that the windows reach; less than 0 where they do not reach its end."""
        return (self.count - 1) * self.stride + (self.kernel - 1) * self.dilation + 1 - self.begin - self.length


@dataclass(frozen=True)
class Window:
    """One window along one dimension: the elements ``start`` to ``end`` of the data, divided by ``divisor``."""

    start: int
    end: int
    divisor: int


def mxnet_windows(axis: Axis, convention: str, *, include: bool) -> list[Window]:
    """The windows that MXNet has (src/operator/nn/pool.h); ``include`` is ``count_include_pad``."""
    room = axis.length + 2 * axis.begin - axis.kernel
    if room < 0:
        return []
    count = (room // axis.stride if convention == "valid" else -(-room // axis.stride)) + 1
    windows = []
    for first in (index * axis.stride - axis.begin for index in range(count)):
        last = min(first + axis.kernel, axis.length + axis.begin)
        start, end = max(first, 0), min(last, axis.length)
        windows.append(Window(start, end, last - first if include else end - start))
    return windows


def onnx_windows(axis: Axis, *, include: bool) -> list[Window]:
    """The windows that ONNX has."""
    windows = []
    for first in (index * axis.stride - axis.begin for index in range(axis.count)):
        start, end = max(first, 0), min(first + axis.kernel, axis.length)
        windows.append(Window(start, end, axis.kernel if include else end - start))
    return windows


def fitting(axes: Sequence[Axis], *, include: bool, divided: bool) -> dict[str, Any] | None:
    """MXNet's attributes that give the windows of ``axes``, whose sums are ``divided`` or not; None if none do."""
    for convention, counted in itertools.product(("valid", "full"), (True, False) if divided else (True,)):
        if all(_same(axis, convention, include, counted, divided) for axis in axes):
            return {
                "pooling_convention": None if convention == "valid" else convention,
                "count_include_pad": False if divided and not counted else None,
            }
    return None


def _same(axis: Axis, convention: str, include: bool, counted: bool, divided: bool) -> bool:
    has, wants = mxnet_windows(axis, convention, include=counted), onnx_windows(axis, include=include)
    if axis.dilation != 1 or len(has) != len(wants) or any(window.start >= window.end for window in wants):
        return False
    return has == wants or (
        not divided and [(one.start, one.end) for one in has] == [(one.start, one.end) for one in wants]
    )


@emits("mxnet", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilations: Sequence[int] = (),
    ceil_mode: int = 0,  # noqa: ARG001 - the output's shape says the same
    storage_order: int = 0,  # noqa: ARG001 - of the indices, which are refused
    auto_pad: str = "NOTSET",
) -> list[Call]:
    """``Pooling`` of the type ``max``; after ``pad`` where MXNet's own padding gives other windows.

    Raises:
        Refused: A window holds padding only, or its elements are apart.
    """
    axes = _axes(node, data, kernel_shape, strides, pads, dilations, auto_pad)
    chain = Chain(node)
    found = fitting(axes, include=False, divided=False)
    if found is not None:
        return _pooled(chain, data, axes, "max", **found)
    padded, bare = _padded(chain, data, axes, LOWEST)
    return _pooled(chain, padded, bare, "max")


@emits("mxnet", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilations: Sequence[int] = (),
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    auto_pad: str = "NOTSET",
) -> list[Call]:
    """``Pooling`` of the type ``avg``; where MXNet divides otherwise, after ``pad``, or the sum divided afterwards.

    Raises:
        Refused: A window holds padding only, or its elements are apart.
    """
    if ceil_mode and count_include_pad:
        raise Refused("ceil_mode and count_include_pad are both set: implementations disagree on what that means")
    axes = _axes(node, data, kernel_shape, strides, pads, dilations, auto_pad)
    chain, include = Chain(node), bool(count_include_pad)
    found = fitting(axes, include=include, divided=True)
    if found is not None:
        return _pooled(chain, data, axes, "avg", **found)
    padded, bare = _padded(chain, data, axes, 0.0)
    if include:
        return _pooled(chain, padded, bare, "avg")
    total = chain.step("sum", "Pooling", padded, **_window(bare, "sum"))
    return chain.last("broadcast_div", total, _divisors(node, axes))


@emits("mxnet", "LpPool")
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilations: Sequence[int] = (),
    ceil_mode: int = 0,  # noqa: ARG001 - the output's shape says the same
    p: int = 2,
    auto_pad: str = "NOTSET",
) -> list[Call]:
    """``Pooling`` of the type ``lp``, which takes no absolute values, or ``sum`` of them for the power 1.

    Raises:
        Refused: The power is neither 1 nor 2, a window holds padding only, or its elements are apart.
    """
    axes = _axes(node, data, kernel_shape, strides, pads, dilations, auto_pad)
    chain = Chain(node)
    found = fitting(axes, include=False, divided=False)
    if found is None:
        data, axes = _padded(chain, data, axes, 0.0)
    kind, data = _power(chain, data, p)
    return _pooled(chain, data, axes, kind, **(found or {}))


def _power(chain: Chain, data: onnx_ir.Value, power: int) -> tuple[str, onnx_ir.Value]:
    """The type of pooling that takes the norm of ``power``, and what it pools."""
    if power == 1:
        return "sum", chain.step("size", "abs", data)
    if power == 2:
        return "lp", data
    raise Refused(f"p is {power}")


@emits("mxnet", "GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool")
def global_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> list[Call]:
    """``Pooling`` with ``global_pool``.

    Raises:
        Refused: A power is neither 1 nor 2.
    """
    spatial(data)
    chain = Chain(node)
    kind = {"GlobalMaxPool": "max", "GlobalAveragePool": "avg"}.get(node.op_type, "")
    if not kind:
        kind, data = _power(chain, data, p)
    return chain.last("Pooling", data=data, global_pool=True, pool_type=kind, p_value=2 if kind == "lp" else None)


@emits("mxnet", "transship::AdaptiveAveragePool")
def adaptive_average_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, output_size: Sequence[int]) -> list[Call]:
    """``contrib.AdaptiveAvgPooling2D``."""
    return call(node, "contrib.AdaptiveAvgPooling2D", data=data, output_size=tuple(output_size))


def _axes(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    auto_pad: str,
) -> list[Axis]:
    count = spatial(data)
    steps, edges = tuple(strides) or (1,) * count, explicit(node, data, auto_pad, kernel, strides, pads, dilations)
    apart = tuple(dilations) or (1,) * count
    lengths, made = sizes(dims(data)[2:], "pooled"), sizes(dims(only_output(node))[2:], "pooled")
    axes = [
        Axis(lengths[i], kernel[i], steps[i], edges[i], edges[i + count], apart[i], made[i]) for i in range(count)
    ]
    for axis in axes:
        if axis.dilation != 1:
            raise Refused(f"dilations {list(dilations)} are not 1")
        if any(window.start >= window.end for window in onnx_windows(axis, include=False)):
            raise Refused(f"a window over {axis.length} elements holds padding only")
    return axes


def _padded(
    chain: Chain, data: onnx_ir.Value, axes: Sequence[Axis], value: float
) -> tuple[onnx_ir.Value, list[Axis]]:
    """``data`` with the padding that the windows reach, and the same windows without any."""
    after = [max(axis.needed, 0) for axis in axes]
    pads = [axis.begin for axis in axes] + after
    padded = bordered(chain, "pad", data, pads, range(2, len(axes) + 2), value)
    bare = [
        Axis(axis.length + axis.begin + more, axis.kernel, axis.stride, 0, 0, 1, axis.count)
        for axis, more in zip(axes, after, strict=True)
    ]
    return padded, bare


def _pooled(
    chain: Chain,
    data: onnx_ir.Value,
    axes: Sequence[Axis],
    kind: str,
    pooling_convention: str | None = None,
    count_include_pad: bool | None = None,
) -> list[Call]:
    attributes = _window(axes, kind)
    more: dict[str, Any] = {"pooling_convention": pooling_convention, "count_include_pad": count_include_pad}
    return chain.last("Pooling", data=data, **attributes, **more)


def _window(axes: Sequence[Axis], kind: str) -> dict[str, Any]:
    pads = tuple(axis.begin for axis in axes)
    return {
        "kernel": tuple(axis.kernel for axis in axes),
        "stride": tuple(axis.stride for axis in axes),
        "pad": pads if any(pads) else None,
        "pool_type": kind,
        "p_value": 2 if kind == "lp" else None,
    }


def _divisors(node: onnx_ir.Node, axes: Sequence[Axis]) -> onnx_ir.Value:
    """How many elements each window has, as a parameter that is broadcast."""
    table = np.ones((1, 1), np.int64)
    for axis in axes:
        table = np.multiply.outer(table, [window.divisor for window in onnx_windows(axis, include=False)])
    return parameter(f"{node.name}/divisors", table.shape, plan.literal(table.tolist()))
