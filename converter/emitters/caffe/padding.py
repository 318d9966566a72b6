"""What is put around blobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.caffe.layer import Fields, Token
from converter.emitters.caffe.moves import Parts, cropped, ended, filled, joined, length, taken, tiled
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import array, integers
from converter.ir import dims

Sides = Mapping[int, tuple[int, int]]
"""How much is put before and after the elements of an axis; less than nothing is cut off."""
_MODES = ("constant", "edge", "reflect", "wrap")
_TYPES = {"constant": "", "edge": "REPLICATE", "reflect": "REFLECT"}


@emits("caffe", "Pad", dtypes=WHOLE)
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> Parts:
    """``Concat`` with a number, made by ``Power`` with a ``scale`` of 0, or with parts of the data.

    Raises:
        Refused: The open batch is padded, or the number is computed.
    """
    steps = Steps(node)
    sides, number = _sides(data, pads, axes, mode), _number(value)
    return ended(steps, padded(steps, data, sides, number, mode=mode, role="padded"))


@emits("caffe ssd", "Pad", dtypes=WHOLE)
def pad_image(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> Parts:
    """``Pad`` of the rows and columns of images."""
    sides, number = _sides(data, pads, axes, mode), _number(value)
    steps = Steps(node)
    return ended(steps, around(steps, data, sides, number, mode=mode, role="padded"))


def _sides(data: onnx_ir.Value, pads: onnx_ir.Value, axes: onnx_ir.Value | None, mode: str) -> Sides:
    if mode not in _MODES:
        raise Refused(f"mode {mode}")
    rank, amounts = len(dims(data)), integers(pads) or ()
    listed = [axis % rank for axis in integers(axes) or ()] if axes is not None else list(range(rank))
    half = len(listed)
    found = {axis: (amounts[place], amounts[place + half]) for place, axis in enumerate(listed)}
    return {axis: sides for axis, sides in found.items() if any(sides)}


def _number(value: onnx_ir.Value | None) -> float:
    if value is None:
        return 0.0
    if not is_constant(value):
        raise Refused(f"the number around the data, {value.name}, is no constant")
    return float(array(value).reshape(())) if array(value).size else 0.0


def around(
    steps: Steps, data: onnx_ir.Value, sides: Sides, number: float = 0.0, *, mode: str = "constant", role: str
) -> onnx_ir.Value:
    """``data`` padded by the layer ``Pad`` where that does it: images, and nothing is cut off or reflected twice."""
    rows, columns = sides.get(2, (0, 0)), sides.get(3, (0, 0))
    amounts = (*rows, *columns)
    sizes = dims(data)
    native = (
        len(sizes) == 4
        and set(sides) <= {2, 3}
        and min(amounts) >= 0
        and mode in _TYPES
        and (mode != "reflect" or (max(rows) < length(data, 2) and max(columns) < length(data, 3)))
    )
    if not native or not any(amounts):
        return padded(steps, data, sides, number, mode=mode, role=role)
    params: Fields = {
        **({"pad_type": Token(_TYPES[mode])} if _TYPES[mode] else {}),
        **{name: size for name, size in zip(("pad_u", "pad_d", "pad_l", "pad_r"), amounts, strict=True) if size},
        **({"pad_value": number} if number and mode == "constant" else {}),
    }
    shape = (*sizes[:2], length(data, 2) + sum(rows), length(data, 3) + sum(columns))
    return steps.add("Pad", data, role=role, params={"pad_param": params}, shape=shape)


def padded(
    steps: Steps, data: onnx_ir.Value, sides: Sides, number: float = 0.0, *, mode: str = "constant", role: str
) -> onnx_ir.Value:
    """``data`` padded along one axis after the other by ``Concat``."""
    for axis, (before, after) in sides.items():
        size = length(data, axis)
        name = f"{role}_{axis}"
        if mode != "constant":
            indices = _indices(size, before, after, mode)
            data = taken(steps, data, axis, indices, role=name)
            continue
        start, end = max(-before, 0), size - max(-after, 0)
        if end <= start:
            raise Refused("nothing of the data is left, or there is none")
        data = cropped(steps, data, axis, start, end - start, role=f"{name}/cut")
        data = _surrounded(steps, data, axis, (max(before, 0), max(after, 0)), number, name)
    return data


def _surrounded(
    steps: Steps, data: onnx_ir.Value, axis: int, sides: Sequence[int], number: float, role: str
) -> onnx_ir.Value:
    """``data`` between blobs that hold ``number``, made of its first elements along ``axis``."""
    if not any(sides):
        return data
    first = cropped(steps, data, axis, 0, 1, role=f"{role}/first")
    line = filled(steps, first, number, role=f"{role}/fill")
    edges = [
        tiled(steps, line, axis, size, role=f"{role}/{name}") if size else None
        for name, size in zip(("before", "after"), sides, strict=True)
    ]
    parts = [part for part in (edges[0], data, edges[1]) if part is not None]
    return joined(steps, parts, axis=axis, role=role)


def _indices(size: int, before: int, after: int, mode: str) -> list[int]:
    line = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    widths = (max(before, 0), max(after, 0))
    if not line.size:
        raise Refused("nothing of the data is left")
    if mode == "edge":
        return [int(place) for place in np.pad(line, widths, mode="edge")]
    if mode == "reflect":
        return [int(place) for place in np.pad(line, widths, mode="reflect")]
    return [int(place) for place in np.pad(line, widths, mode="wrap")]
