"""The same numbers as a Mat of another shape, or in another order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.ncnn.layer import Alias, Layer, mat_params
from converter.emitters.ncnn.layout import mat_shape
from converter.ir import dims


@emits("ncnn", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Layer | Alias]:  # noqa: ARG001
    """``Flatten``, or ``Reshape`` where a Mat of two dimensions is left; nothing where the Mat stays as it is."""
    top = only_output(node)
    parts = reshaped(node, data)
    if isinstance(parts[0], Layer) and len(mat_shape(top)) == 1:
        return [Layer(str(node.name), "Flatten", (data,), (top,))]
    return parts


@emits("ncnn", "Reshape")
def reshape(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    shape: onnx_ir.Value | None,  # noqa: ARG001 - the output's shape says the same
    *,
    allowzero: int = 0,  # noqa: ARG001
) -> list[Layer | Alias]:
    """``Reshape`` of each row of the batch; nothing where the Mat stays as it is."""
    return reshaped(node, data)


@emits("ncnn", "Squeeze", "Unsqueeze")
def squeeze(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,  # noqa: ARG001 - the output's shape says the same
) -> list[Layer | Alias]:
    """``Reshape`` of each row of the batch; nothing where the Mat stays as it is."""
    return reshaped(node, data)


@emits("ncnn", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] | None = None) -> list[Layer | Alias]:
    """``Permute``; nothing where only the batch moves."""
    top = only_output(node)
    rank = len(dims(data))
    order = list(perm) if perm is not None else list(range(rank))[::-1]
    batch = batch_axis(data)
    if batch is not None and batch_axis(top) != order.index(batch):
        raise Refused(f"the batch of {data.name} is not that of {top.name}")
    kept = [row_axis(data, axis) for axis in order if axis != batch]
    return [
        Layer(str(node.name), "Permute", (data,), (top,), {0: order_type(kept)})
        if kept != sorted(kept)
        else Alias(top, data)
    ]


@emits("ncnn", "DepthToSpace")
def depth_to_space(
    node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR"
) -> list[Layer | Alias]:
    """``PixelShuffle``, in both of its modes."""
    return _blocks(node, data, "PixelShuffle", blocksize, {"CRD": 0, "DCR": 1}[mode])


@emits("ncnn", "SpaceToDepth")
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Layer | Alias]:
    """``Reorg``."""
    return _blocks(node, data, "Reorg", blocksize, 1)


def _blocks(node: onnx_ir.Node, data: onnx_ir.Value, kind: str, size: int, mode: int) -> list[Layer | Alias]:
    top = only_output(node)
    if [row_axis(data, axis) for axis in (1, 2, 3)] != [0, 1, 2]:
        raise Refused(f"the batch of {data.name} is not its first dimension")
    if size == 1:
        return [Alias(top, data)]
    return [Layer(str(node.name), kind, (data,), (top,), {0: size, 1: mode})]


def reshaped(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer | Alias]:
    """What gives the only output of ``node`` the elements of ``data``, in their order.

    Raises:
        Refused: The batch is not where it was, counted in elements.
    """
    top = only_output(node)
    if _around_batch(data) != _around_batch(top):
        shapes = f"{list(dims(data))} to {list(dims(top))}"
        raise Refused(f"{shapes} mixes the rows of the batch, which ncnn computes one by one")
    shape = mat_shape(top)
    return [Alias(top, data)] if shape == mat_shape(data) else [viewed(str(node.name), data, top, shape)]


def viewed(name: str, data: onnx_ir.Value, top: onnx_ir.Value, shape: Sequence[int]) -> Layer:
    """``top``: the elements of ``data`` as a Mat of ``shape``."""
    return Layer(name, "Reshape", (data,), (top,), mat_params(shape))


def order_type(perm: Sequence[int]) -> int:
    """``Permute``'s number of a permutation: its place among all of its length in lexicographic order."""
    rest, place = sorted(perm), 0
    for axis in perm:
        place += rest.index(axis) * math.factorial(len(rest) - 1)
        rest.remove(axis)
    return place


def _around_batch(value: onnx_ir.Value) -> tuple[int, int]:
    """How many elements a row has, and how many steps the dimensions before the batch take."""
    axis, shape = batch_axis(value), dims(value)
    before = 1 if axis is None else math.prod(int(dim) for dim in shape[:axis])
    return math.prod(mat_shape(value)), before
