"""Borders around values, of any rank and element type."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused
from converter.emitters.known import is_whole
from converter.emitters.mxnet.call import Chain
from converter.ir import Dim, dims


def bordered(
    chain: Chain,
    role: str,
    data: onnx_ir.Value,
    pads: Sequence[int],
    axes: Sequence[int],
    value: float | None,
    mode: str = "constant",
) -> onnx_ir.Value:
    """``data`` with a border along ``axes``: ``pads`` are the widths before each of them, then those after.

    Args:
        chain: The calls.
        role: What the border is called.
        data: What is in it.
        pads: The widths; negative ones cut off, before anything is added.
        axes: The axes, counted from the front.
        value: What the border is made of, if that is a constant.
        mode: ``constant``, ``edge`` or ``reflect``.

    Raises:
        Refused: The batch is to be padded, or nothing is left.
    """
    shape, whole = [*dims(data)], is_whole(data)
    widths = {axis: (pads[place], pads[place + len(axes)]) for place, axis in enumerate(axes)}
    widths = {axis: width for axis, width in widths.items() if width != (0, 0)}
    for axis in widths:
        if not isinstance(shape[axis], int):
            raise Refused("the batch is padded")
    data, shape, widths = _cut(chain, role, data, shape, widths)
    flat = [number for axis in range(len(shape)) for number in widths.get(axis, (0, 0))]
    if len(shape) in (4, 5) and not any(flat[:4]) and not whole:
        return chain.step(role, "pad", data, mode=mode, pad_width=tuple(flat), constant_value=value or None)
    for axis, width in ((axis, width) for axis, width in widths.items() if width != (0, 0)):
        data = _along(chain, f"{role}{axis}", data, shape, axis, width, value, mode)
        shape[axis] = int(shape[axis]) + sum(width)
    return data


def _cut(
    chain: Chain, role: str, data: onnx_ir.Value, shape: list[Dim], widths: dict[int, tuple[int, int]]
) -> tuple[onnx_ir.Value, list[Dim], dict[int, tuple[int, int]]]:
    """``data`` without what negative ``widths`` cut off, its shape, and the widths that are left."""
    for axis, (before, after) in widths.items():
        if min(before, after) < 0:
            begin, end = max(-before, 0), int(shape[axis]) + min(after, 0)
            if begin >= end:
                raise Refused(f"pads ({before}, {after}) leave nothing of {shape[axis]} elements")
            data = chain.step(f"{role}{axis}_cut", "slice_axis", data, axis=axis, begin=begin, end=end)
            shape[axis] = end - begin
    return data, shape, {axis: (max(before, 0), max(after, 0)) for axis, (before, after) in widths.items()}


def _along(
    chain: Chain,
    role: str,
    data: onnx_ir.Value,
    shape: Sequence[int | str],
    axis: int,
    width: tuple[int, int],
    value: float | None,
    mode: str,
) -> onnx_ir.Value:
    """A border along one axis: pieces of ``data`` itself before and after it."""
    length = int(shape[axis])
    parts = [data]
    for side, count in zip(("before", "after"), width, strict=True):
        if not count:
            continue
        begin, end = _piece(side, mode, count, length)
        piece = chain.step(f"{role}_{side}", "slice_axis", data, axis=axis, begin=begin, end=end)
        if mode == "reflect":
            piece = chain.step(f"{role}_{side}_turned", "reverse", piece, axis=axis)
        else:
            if mode == "constant":
                piece = chain.step(f"{role}_{side}_zero", "zeros_like", piece)
                if value:
                    piece = chain.step(f"{role}_{side}_value", "_internal._plus_scalar", piece, scalar=value)
            piece = chain.step(f"{role}_{side}_wide", "repeat", piece, repeats=count, axis=axis)
        parts = [piece, *parts] if side == "before" else [*parts, piece]
    return chain.step(role, "concat", *parts, dim=axis)


def _piece(side: str, mode: str, count: int, length: int) -> tuple[int, int]:
    """Which elements of an axis make the border."""
    if mode == "reflect":
        return (1, count + 1) if side == "before" else (length - count - 1, length - 1)
    return (0, 1) if side == "before" else (length - 1, length)
