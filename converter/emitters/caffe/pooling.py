"""Pooling, which Caffe does its own way.

What `pooling_layer.cpp` of BVLC Caffe computes along one dimension of ``length`` elements, where windows of
``kernel`` elements begin every ``stride`` and the first one begins ``pad`` before the data:

- There are ``ceil((length + 2 * pad - kernel) / stride) + 1`` windows; where either dimension is padded, one less if
  the last one would begin at ``length + pad`` or later (counted from the padding's beginning).
- Elements outside of the data do not take part. The average is over those of the window that are not beyond
  ``length + pad``, padding included.

ONNX says where windows begin by the padding before the data alone, so the windows that both have agree in their
beginnings, and in the elements that they hold. What Caffe has too many, ``Crop`` cuts off. It takes the size from a
second blob, for which ``DummyData`` would do; OpenCV's reader does not have that, so it is another pooling of the
data, whose windows begin as far apart, are as many as there should be, and of a size to leave no remainder. By what
Caffe divides otherwise than ONNX, a known number for each window, ``Scale`` multiplies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.caffe.layer import Blob, Fields, Token, pair
from converter.emitters.caffe.moves import Parts, cropped, ended, taken, viewed, volume
from converter.emitters.caffe.padding import Sides, padded
from converter.emitters.caffe.steps import Steps
from converter.emitters.caffe.window import Window, spatial, windows
from converter.ir import dims

LOWEST = -3.4028234663852886e38
"""What Caffe and ONNX begin a maximum with."""


@dataclass(frozen=True)
class Held:
    """One window along one dimension: the elements ``start`` to ``end`` of the data, divided by ``divisor``."""

    start: int
    end: int
    divisor: int


def caffe_windows(axis: Window, *, any_padding: bool) -> list[Held]:
    """The windows that Caffe's pooling has, with ``any_padding`` along this dimension or another."""
    count = -((axis.length + 2 * axis.pad - axis.kernel) // -axis.stride) + 1
    if any_padding and (count - 1) * axis.stride >= axis.length + axis.pad:
        count -= 1
    limit = axis.length + axis.pad
    return [
        Held(max(start, 0), min(start + axis.kernel, axis.length), min(start + axis.kernel, limit) - start)
        for start in (index * axis.stride - axis.pad for index in range(count))
    ]


def onnx_windows(axis: Window, *, count_include_pad: bool) -> list[Held]:
    """The windows that ONNX's pooling has."""
    found = []
    for begin in (index * axis.stride - axis.pad for index in range(axis.count)):
        inside = [place for place in range(begin, begin + axis.extent, axis.dilation) if 0 <= place < axis.length]
        start, end = (inside[0], inside[-1] + 1) if inside else (0, 0)
        found.append(Held(start, end, axis.kernel if count_include_pad else len(inside)))
    return found


@emits("caffe", "MaxPool")
def max_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,  # noqa: ARG001 - the output's shape says the same
    storage_order: int = 0,  # noqa: ARG001 - of the indices, which are refused
    auto_pad: str = "NOTSET",
) -> Parts:
    """``MAX`` pooling, cut to size by ``Crop`` where Caffe has more windows; of images, other dimensions by views.

    A window that begins in other padding than Caffe's is one of data padded with the lowest number. A dilated one is
    an ``Eltwise`` maximum of as many blobs as it has elements.
    """
    steps = Steps(node)
    axes = windows(data, steps.output, kernel_shape, strides, pads, dilations, auto_pad)
    return ended(steps, pooled(steps, data, "MAX", axes, []))


@emits("caffe", "AveragePool")
def average_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    auto_pad: str = "NOTSET",
) -> Parts:
    """``AVE`` pooling, cut to size by ``Crop`` where Caffe has more windows; of images, other dimensions by views.

    Where Caffe divides a window's sum by another number than ONNX, ``Scale`` makes up for it. A window that begins in
    other padding than Caffe's is one of data padded with zeros. A dilated one is an ``Eltwise`` sum.

    Raises:
        Refused: A window holds padding only, which is not counted; or it is not certain by what is divided.
    """
    if ceil_mode and count_include_pad:
        raise Refused("ceil_mode and count_include_pad are both set: implementations disagree on what that means")
    steps = Steps(node)
    axes = windows(data, steps.output, kernel_shape, strides, pads, dilations, auto_pad)
    counted = [onnx_windows(axis, count_include_pad=bool(count_include_pad)) for axis in axes]
    divisors = [[held.divisor for held in each] for each in counted]
    if not all(map(all, divisors)):
        raise Refused("a window holds nothing but padding, which is not counted")
    return ended(steps, pooled(steps, data, "AVE", axes, divisors))


@emits("caffe", "GlobalMaxPool")
def global_max_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> Parts:
    """``MAX`` pooling over the whole of each channel."""
    return _global(node, data, "MAX")


@emits("caffe", "GlobalAveragePool")
def global_average_pool(node: onnx_ir.Node, data: onnx_ir.Value) -> Parts:
    """``AVE`` pooling over the whole of each channel."""
    return _global(node, data, "AVE")


@emits("caffe", "LpPool")
def lp_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,  # noqa: ARG001 - padding adds nothing to a sum
    p: int = 2,
    auto_pad: str = "NOTSET",
) -> Parts:
    """``AbsVal`` and ``Power``, ``AVE`` pooling as of ``AveragePool``, times the number of elements; then the root.

    Raises:
        Refused: ``p`` is less than 1.
    """
    steps = Steps(node)
    powers = _powers(steps, data, p)
    axes = windows(data, steps.output, kernel_shape, strides, pads, dilations, auto_pad)
    divisors = [[axis.kernel] * axis.count for axis in axes]
    mean = pooled(steps, powers, "AVE", axes, divisors)
    total = steps.power(mean, role="sum", scale=float(math.prod(axis.kernel for axis in axes)))
    return ended(steps, _root(steps, total, p))


@emits("caffe", "GlobalLpPool")
def global_lp_pool(node: onnx_ir.Node, data: onnx_ir.Value, *, p: int = 2) -> Parts:
    """``AbsVal`` and ``Power``, ``Reduction`` to the sum of each channel, and the root.

    Raises:
        Refused: ``p`` is less than 1.
    """
    steps = Steps(node)
    spatial(data)
    shape = dims(steps.output)
    params: Fields = {"axis": 2}
    total = steps.add(
        "Reduction", _powers(steps, data, p), role="sum", params={"reduction_param": params}, shape=shape[:2]
    )
    return ended(steps, viewed(steps, _root(steps, total, p), shape, role="shape"))


def _powers(steps: Steps, data: onnx_ir.Value, p: int) -> onnx_ir.Value:
    if p < 1:
        raise Refused(f"p is {p}")
    size = steps.add("AbsVal", data, role="size") if p % 2 else data
    return steps.power(size, role="powers", power=float(p)) if p > 1 else size


def _root(steps: Steps, total: onnx_ir.Value, p: int) -> onnx_ir.Value:
    return steps.power(total, role="root", power=1 / p) if p > 1 else total


def _global(node: onnx_ir.Node, data: onnx_ir.Value, method: str) -> Parts:
    steps, shape = Steps(node), dims(data)
    elements = volume(spatial(data))
    image = data if len(shape) == 4 else viewed(steps, data, (*shape[:2], elements, 1), role="image")
    params: Fields = {"pool": Token(method), "global_pooling": True}
    found = steps.add("Pooling", image, role="pool", params={"pooling_param": params}, shape=(*shape[:2], 1, 1))
    return ended(steps, viewed(steps, found, dims(steps.output), role="shape"))


def pooled(
    steps: Steps,
    data: onnx_ir.Value,
    method: str,
    axes: Sequence[Window],
    divisors: Sequence[Sequence[int]],
    *,
    role: str = "",
) -> onnx_ir.Value:
    """``data`` pooled along ``axes``, its spatial dimensions, two at a time; averages over ``divisors`` elements."""
    shape, value = list(dims(data)), data
    pairs = [(first, min(first + 2, len(axes))) for first in range(len(axes) % 2, len(axes), 2)]
    for first, end in [*([(0, 1)] if len(axes) % 2 else []), *pairs]:
        own, rest = list(axes[first:end]), shape[2 + end :]
        outer, inner = shape[: 2 + first], volume(rest)
        if len(own) == 1:
            own.append(Window(length=int(inner), count=int(inner), kernel=1, stride=1, pad=0))
        elif inner != 1:
            raise AssertionError("the last two dimensions are pooled together")
        image = (outer[0], volume(outer[1:]), own[0].length, own[1].length)
        name = role if len(axes) <= 2 else f"{role}axis_{first}/"
        value = viewed(steps, value, image, role=f"{name}image")
        divided = [*divisors[first:end], [1] * own[1].count][:2] if divisors else []
        value = _image_pooled(steps, value, method, own, divided, name)
        shape[2 + first : 2 + end] = [axis.count for axis in axes[first:end]]
        value = viewed(steps, value, shape, role=f"{name}shape")
    return value


def _image_pooled(
    steps: Steps,
    data: onnx_ir.Value,
    method: str,
    axes: Sequence[Window],
    divisors: Sequence[Sequence[int]],
    role: str,
) -> onnx_ir.Value:
    if any(axis.dilation > 1 and axis.kernel > 1 for axis in axes):
        return _gathered(steps, data, axes, divisors, role)
    axes = [replace(axis, dilation=1) for axis in axes]
    if not _is_native(axes):
        data = padded(steps, data, _sides(axes), 0.0 if divisors else LOWEST, role=f"{role}padded")
        axes = [replace(axis, length=axis.needed, pad=0) for axis in axes]
    params: Fields = {
        "pool": Token(method),
        **pair("pad", [axis.pad for axis in axes], default=0),
        **pair("kernel", [axis.kernel for axis in axes], default=-1, square="kernel_size"),
        **pair("stride", [axis.stride for axis in axes], default=1),
    }
    has = [caffe_windows(axis, any_padding=any(each.pad for each in axes)) for axis in axes]
    shape = (*dims(data)[:2], len(has[0]), len(has[1]))
    value = steps.add("Pooling", data, role=f"{role}ceil", params={"pooling_param": params}, shape=shape)
    value = _cut_to_size(steps, value, data, axes, role)
    if not divisors:
        return value
    factors = [
        [held.divisor / wanted for held, wanted in zip(found, each, strict=False)]
        for found, each in zip(has, divisors, strict=True)
    ]
    return _weighed(steps, value, factors, role=f"{role}divided")


def _cut_to_size(
    steps: Steps, value: onnx_ir.Value, data: onnx_ir.Value, axes: Sequence[Window], role: str
) -> onnx_ir.Value:
    """The first windows of ``value``, pooled of ``data``, as many as there are to be."""
    shape = (*dims(data)[:2], *(axis.count for axis in axes))
    if dims(value) == shape:
        return value
    kernels = [axis.length - axis.stride * (axis.count - 1) for axis in axes]
    if min(kernels) < 1:
        for index, (axis, name) in enumerate(zip(axes, ("rows", "columns"), strict=True)):
            value = cropped(steps, value, index + 2, 0, axis.count, role=f"{role}{name}")
        return value
    params: Fields = {
        "pool": Token("MAX"),
        **pair("kernel", kernels, default=-1, square="kernel_size"),
        **pair("stride", [axis.stride for axis in axes], default=1),
    }
    size = steps.add("Pooling", data, role=f"{role}size", params={"pooling_param": params}, shape=shape)
    return steps.add("Crop", value, size, role=f"{role}cut", shape=shape)


def _is_native(axes: Sequence[Window]) -> bool:
    """Whether Caffe's padding is ONNX's, and no window of ONNX lacks."""
    if any(axis.pad >= axis.kernel and axis.pad for axis in axes):
        return False
    if any(axis.length + 2 * axis.pad < axis.kernel for axis in axes):
        return False
    has = [caffe_windows(axis, any_padding=any(each.pad for each in axes)) for axis in axes]
    wants = [onnx_windows(axis, count_include_pad=False) for axis in axes]
    return all(
        len(ours) >= len(theirs) and all(held.start < held.end for held in ours[: len(theirs)])
        for ours, theirs in zip(has, wants, strict=True)
    )


def _sides(axes: Sequence[Window]) -> Sides:
    found = {index + 2: (axis.pad, axis.needed - axis.pad - axis.length) for index, axis in enumerate(axes)}
    return {axis: sides for axis, sides in found.items() if any(sides)}


def _weighed(steps: Steps, value: onnx_ir.Value, factors: Sequence[Sequence[float]], *, role: str) -> onnx_ir.Value:
    """``Scale`` of each row and column by the product of two factors; nothing where all are 1."""
    rows, columns = factors
    if all(factor == 1 for factor in (*rows, *columns)):
        return value
    table = [[row * column for column in columns] for row in rows]
    blob = Blob((len(rows), len(columns)), plan.literal(table))
    params: Fields = {"axis": 2, "num_axes": 2}
    return steps.add("Scale", value, role=role, params={"scale_param": params}, blobs=[blob], in_place=True)


def _gathered(
    steps: Steps,
    data: onnx_ir.Value,
    axes: Sequence[Window],
    divisors: Sequence[Sequence[int]],
    role: str,
) -> onnx_ir.Value:
    """Dilated windows: ``Eltwise`` of the blobs that hold their first elements, their second ones and so on."""
    value = padded(steps, data, _sides(axes), 0.0 if divisors else LOWEST, role=f"{role}padded")
    for index, axis in enumerate(axes):
        if axis.kernel == axis.stride == 1:
            continue
        name = f"{role}{('rows', 'columns')[index]}"
        parts = [
            taken(steps, value, index + 2, _progression(axis, number), role=f"{name}_{number}")
            for number in range(axis.kernel)
        ]
        operation = "SUM" if divisors else "MAX"
        value = parts[0] if len(parts) == 1 else steps.eltwise(operation, *parts, role=name)
    if not divisors:
        return value
    return _weighed(steps, value, [[1 / each for each in line] for line in divisors], role=f"{role}divided")


def _progression(axis: Window, number: int) -> list[int]:
    first = number * axis.dilation
    return [first + index * axis.stride for index in range(axis.count)]
