"""Normalization, with the statistics that inference has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.cntk.bounds import TINY
from converter.emitters.cntk.operand import line, own_shape, state
from converter.emitters.operand import is_stored, omit
from converter.emitters.python import literal
from converter.emitters.statement import Statement, Submodule
from converter.ir import dims

_IMAGES = 3
"""Dimensions of images without the batch."""


@emits("cntk", "BatchNormalization")
def batch_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    mean: onnx_ir.Value,
    variance: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> list[Statement]:
    """``layers.BatchNormalization``; arithmetic where its parameters are computed, or the batch is another axis."""
    del momentum  # of training
    output = only_output(node)
    if training_mode:
        raise Refused("it normalizes with the statistics of the batch at hand")
    given = {"scale": scale, "bias": bias, "aggregate_mean": mean, "aggregate_variance": variance}
    if batch_axis(data) != 0 or not all(is_stored(value) for value in given.values()):
        text = "({0} - {1}) / C.sqrt({2} + {epsilon}) * {3} + {4}"
        return [_of_channels(node, text, data, (mean, variance, scale, bias), output, epsilon)]
    states = {role: state(value) for role, value in given.items()}
    for role in ("aggregate_mean", "aggregate_variance"):
        states[role] = replace(states[role], trained=False)
    settings = omit({"map_rank": None, "epsilon": 1e-5}, map_rank=1, epsilon=_rounded(epsilon))
    layer = Submodule("C.layers.BatchNormalization", (), settings, states)
    return [line(node, "{module}({0})", data, module=layer, outputs=[output])]


def _rounded(epsilon: float) -> float:
    """An attribute of ONNX, which is float32, as the decimal that it was."""
    return float(f"{epsilon:.7g}")


def _of_channels(
    node: onnx_ir.Node,
    text: str,
    data: onnx_ir.Value,
    vectors: Sequence[onnx_ir.Value],
    output: onnx_ir.Value,
    epsilon: float,
) -> Statement:
    """A statement whose further operands are ``vectors`` of an element a channel."""
    shape = [1] * len(own_shape(data))
    channels = row_axis(data, 1)
    shape[channels] = own_shape(data)[channels]
    wanted = tuple(shape[channels:])
    tensors, operands = {}, [data]
    for place, value in enumerate(vectors, 1):
        if is_stored(value):
            role = f"operand{place}"
            tensors[role] = state(value, wanted)
            text = text.replace(f"{{{place}}}", f"{{{role}}}")
            continue
        operands.append(value)
        turned = (
            f"C.reshape({{{len(operands) - 1}}}, {{channels}})" if len(wanted) > 1 else f"{{{len(operands) - 1}}}"
        )
        text = text.replace(f"{{{place}}}", turned)
    return line(node, text, *operands, outputs=[output], tensors=tensors, epsilon=_rounded(epsilon), channels=wanted)


@emits("cntk", "InstanceNormalization")
def instance_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
) -> list[Statement]:
    """A function: less the mean of the spatial axes, divided by their standard deviation."""
    axes = [row_axis(data, axis) for axis in range(2, len(dims(data)))]
    text = f"normalized({{0}}, {_axes(axes)}, {{epsilon}}) * {{1}} + {{2}}"
    _check(epsilon)
    found = _of_channels(node, text, data, (scale, bias), node.outputs[0], epsilon)
    return [replace(found, library=("normalized",))]


@emits("cntk", "GroupNormalization")
def group_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> list[Statement]:
    """The function of an instance normalization between ``C.reshape``, which makes of each group one axis."""
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    _check(epsilon)
    if row_axis(data, 1) != 0:
        raise Refused(f"the batch is not the first axis of {data.name}")
    shape = own_shape(data)
    groups = (num_groups, math.prod(shape) // num_groups)
    grouped = f"normalized(C.reshape({{0}}, {literal(groups)}), 1, {{epsilon}})"
    text = f"C.reshape({grouped}, {literal(shape)}) * {{1}} + {{2}}"
    found = _of_channels(node, text, data, (scale, bias), node.outputs[0], epsilon)
    return [replace(found, library=("normalized",))]


def _axes(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(list(axes))


def _check(epsilon: float) -> None:
    if epsilon < TINY:
        raise Refused(f"epsilon is {epsilon:g}: CNTK does not divide by 0")


@emits("cntk", "LayerNormalization")
def layer_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> list[Statement]:
    """A function: less the mean of the last axes, divided by their standard deviation.

    ``layers.LayerNormalization`` adds epsilon to the root.
    """
    output = only_output(node)
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    _check(epsilon)
    rank = len(dims(data))
    axes = [row_axis(data, place) for place in range(axis % rank, rank)]
    text = f"normalized({{0}}, {_axes(axes)}, {{epsilon}}) * {{1}}" + ("" if bias is None else " + {2}")
    operands = [data, scale, *([] if bias is None else [bias])]
    return [
        line(
            node,
            text,
            *operands,
            outputs=[output],
            broadcast=True,
            roles=("", "scale", "bias"),
            library=["normalized"],
            epsilon=_rounded(epsilon),
        )
    ]


@emits("cntk", "LpNormalization")
def lp_norm(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Statement]:
    """``/`` and ``C.reduce_l1`` or ``C.reduce_l2``: CNTK's quotient of zeros is 0, as it has to be here."""
    if p not in {1, 2}:
        raise Refused(f"p is {p}")
    return [line(node, f"{{0}} / C.reduce_l{p}({{0}}, axis={{axis}})", data, axis=row_axis(data, axis))]


@emits("cntk", "LRN")
def local_response_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Statement]:
    """``C.local_response_normalization`` of images that have as many channels; else a function."""
    if size % 2 == 0:
        raise Refused(f"size {size} is even")
    settings: dict[str, Any] = {"bias": float(bias), "alpha": float(alpha), "beta": float(beta)}
    shape, channels = own_shape(data), row_axis(data, 1)
    # CNTK's is a convolution, whose padding is another one where the kernel is wider, and a logarithm
    if channels == 0 and len(shape) == _IMAGES and size <= shape[0] and bias >= TINY and alpha >= 0:
        text = "C.local_response_normalization({0}, {radius}, {bias}, {alpha}, {beta})"
        return [line(node, text, data, radius=size // 2, **settings)]
    text = "local_response_normalization({0}, {size}, {bias}, {alpha}, {beta}, {axis})"
    library = ["local_response_normalization"]
    return [line(node, text, data, library=library, size=size, axis=channels, **settings)]
