"""Convolutions that sample at learned offsets.

Sources, all of src/operator/contrib: deformable_convolution-inl.h, modulated_deformable_convolution-inl.h,
nn/deformable_im2col.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from onnx_ir import DataType, Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, biases, check_table, extents, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("_contrib_DeformableConvolution", ignores=("workspace",))
def deformable_convolution(
    g: Scope,
    data: Value,
    offset: Value,
    weight: Parameter,
    bias: Parameter | None = None,
    *,
    kernel: Ints,
    num_filter: int,
    stride: Ints = (),
    dilate: Ints = (),
    pad: Ints = (),
    num_group: int = 1,
    num_deformable_group: int = 1,
    no_bias: bool = False,
    layout: Literal["NCHW"] | None = None,  # noqa: ARG001 - its type refuses the others
) -> Value:
    """2-D convolution (NCHW) whose every element is sampled at an offset ``[N, 2 G kH kW, H, W]`` (y, x).

    A position outside of the input counts as zero, one beyond the centre of its last row or column as that row or
    column; ONNX's DeformConv fades to zero on all sides instead.
    """
    window = _window(g, data, kernel, stride, dilate, pad, num_group, num_deformable_group)
    window.check(g, data, offset, "offset", 2)
    trained = _trained(g, data, weight, bias, window, num_filter, no_bias)
    samples = _Samples(window, (size(g, data, 2), size(g, data, 3)))
    return g.call("DeformableConvolution", data, offset, *trained, body=samples.convolution, **window.attributes)[0]


@parses("_contrib_ModulatedDeformableConvolution", ignores=("workspace", "im2col_step"))
def modulated_deformable_convolution(
    g: Scope,
    data: Value,
    offset: Value,
    mask: Value,
    weight: Parameter,
    bias: Parameter | None = None,
    *,
    kernel: Ints,
    num_filter: int,
    stride: Ints = (),
    dilate: Ints = (),
    pad: Ints = (),
    num_group: int = 1,
    num_deformable_group: int = 1,
    no_bias: bool = False,
    layout: Literal["NCHW"] | None = None,  # noqa: ARG001 - its type refuses the others
) -> Value:
    """As DeformableConvolution, each element times a ``mask`` ``[N, G kH kW, H, W]``; outside, the input is zero."""
    window = _window(g, data, kernel, stride, dilate, pad, num_group, num_deformable_group)
    window.check(g, data, offset, "offset", 2)
    window.check(g, data, mask, "mask", 1)
    kernels, *rest = _trained(g, data, weight, bias, window, num_filter, no_bias)
    return g.emit("DeformConv", data, kernels, offset, rest[0] if rest else None, mask, **window.attributes)


@dataclass(frozen=True)
class _Window:
    """How a window moves over the input, and its output's height and width."""

    kernel: Ints
    stride: Ints
    dilate: Ints
    pad: Ints
    groups: int
    offsets: int
    output: Ints

    @property
    def attributes(self) -> dict[str, Any]:
        """All of it as attributes of ONNX's DeformConv."""
        return {
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "dilations": self.dilate,
            "pads": self.pad * 2,
            "group": self.groups,
            "offset_group": self.offsets,
        }

    @property
    def places(self) -> int:
        """The number of positions for each of the output's."""
        return self.offsets * self.kernel[0] * self.kernel[1]

    def check(self, g: Scope, data: Value, value: Value, name: str, each: int) -> None:
        """Refuse a ``value`` that does not have ``each`` numbers for each position."""
        needed = (ir.dims(data)[0], each * self.places, *self.output)
        if ir.dims(value) != needed:
            raise g.misfit(f"its {name} is {spell(ir.dims(value))}, but it needs {spell(needed)}")


def _window(
    g: Scope, data: Value, kernel: Ints, stride: Ints, dilate: Ints, pad: Ints, groups: int, offsets: int
) -> _Window:
    rank(g, data, 4)
    kernel, stride = extents(g, "kernel", kernel, 2), extents(g, "stride", stride, 2, default=1)
    dilate, pad = extents(g, "dilate", dilate, 2, default=1), extents(g, "pad", pad, 2, default=0, least=0)
    if size(g, data, 1) % at_least(g, "num_deformable_group", offsets):
        raise g.misfit(f"{size(g, data, 1)} channels cannot be split into {offsets} groups")
    output = tuple(
        (size(g, data, 2 + i) + 2 * pad[i] - dilate[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)
    )
    window = _Window(kernel, stride, dilate, pad, at_least(g, "num_group", groups), offsets, output)
    check_table(g, "a table of positions", 2 * (window.places + sum(output)))
    return window


def _trained(
    g: Scope, data: Value, weight: Parameter, bias: Parameter | None, window: _Window, num_filter: int, no_bias: bool
) -> list[Value]:
    """The weight ``[num_filter, C / groups, kH, kW]``, and the bias if there is to be one."""
    given, made = size(g, data, 1), at_least(g, "num_filter", num_filter)
    if given % window.groups or made % window.groups:
        raise g.misfit(f"{given} input and {made} output channels cannot be split into {window.groups} groups")
    kernels = g.parameter(weight, (made, given // window.groups, *window.kernel))
    return [kernels, *biases(g, bias, no_bias, made)]


@dataclass(frozen=True)
class _Samples:
    """The function DeformableConvolution for an input of ``limits`` (height and width)."""

    window: _Window
    limits: Ints

    def convolution(self, g: Scope, data: Value, offset: Value, weight: Value, bias: Value | None = None) -> Value:
        """DeformConv at positions moved back to the last row or column, and masked where they are outside."""
        each, whole = (self.window.places, 2, *self.window.output), (2 * self.window.places, *self.window.output)
        batch = ir.dims(offset)[0]
        pairs = g.emit("Reshape", offset, g.ints("pairs/shape", [0, *each]), role="pairs", shape=(batch, *each))
        base = self._base(g)
        position = g.emit("Add", base, pairs, role="position")
        last = g.array("last", np.array(self.limits, np.float32).reshape(2, 1, 1) - 1)
        moved = g.emit("Sub", g.emit("Min", position, last, role="nearest"), base, role="moved")
        offsets = g.emit(
            "Reshape", moved, g.ints("offsets/shape", [0, *whole]), role="offsets", shape=ir.dims(offset)
        )
        mask = self._inside(g, position)
        return g.emit("DeformConv", data, weight, offsets, bias, mask, **self.window.attributes)

    def _base(self, g: Scope) -> Value:
        """Where each element of the window lies without its offset, ``[1, places, 2, H, W]``."""
        window = self.window
        first = [np.arange(window.kernel[i]) * window.dilate[i] - window.pad[i] for i in (0, 1)]
        element = np.stack(np.meshgrid(*first, indexing="ij"), axis=-1).reshape(-1, 2)
        elements = np.tile(element, (window.offsets, 1)).reshape(1, -1, 2, 1, 1).astype(np.float32)
        rows, columns = (np.arange(window.output[i], dtype=np.float32) * window.stride[i] for i in (0, 1))
        down = np.stack([rows, 0 * rows]).reshape(2, -1, 1)
        right = np.stack([0 * columns, columns]).reshape(2, 1, -1)
        place = g.emit("Add", g.array("down", down), g.array("right", right), role="place")
        return g.emit("Add", place, g.array("elements", elements), role="base")

    def _inside(self, g: Scope, position: Value) -> Value:
        """1 for the positions that lie in the input, 0 for the others, ``[N, places, H, W]``."""
        beyond = g.array("limits", np.array(self.limits, np.float32).reshape(2, 1, 1))
        low = g.emit("GreaterOrEqual", position, g.scalar("zero", 0.0), role="low")
        both = g.emit("And", low, g.emit("Less", position, beyond, role="high"), role="both")
        number = g.emit("Cast", both, role="number", to=int(DataType.FLOAT))
        return g.emit("ReduceMin", number, g.ints("axis", [2]), role="inside", keepdims=0)
