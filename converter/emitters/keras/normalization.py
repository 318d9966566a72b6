"""Normalization: layers with their statistics, which training goes on with."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.keras.operand import channel_axis, layer, line, spatial, state, variable
from converter.emitters.operand import is_stored, static
from converter.emitters.statement import Statement
from converter.ir import dims

_KERAS_EPSILON = 1e-3
"""The default of Keras's layers; ONNX's is smaller."""


@emits("keras", "BatchNormalization", "transship.channels_last::BatchNormalization")
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
    """``layers.BatchNormalization``; ``ops.batch_normalization`` where the network computes its parameters."""
    output = only_output(node)
    if training_mode:
        raise Refused("it normalizes with the statistics of the batch at hand")
    axis = channel_axis(node, data)
    if not all(is_stored(value) for value in (scale, bias, mean, variance)):
        text = "ops.batch_normalization({0}, {1}, {2}, {axis}, {3}, {4}, {epsilon})"
        operands = (data, mean, variance, bias, scale)
        roles = ("data", "mean", "variance", "beta", "gamma")
        return [line(node, text, *operands, outputs=[output], roles=roles, axis=axis, epsilon=epsilon)]
    settings: dict[str, Any] = {} if axis == len(dims(data)) - 1 else {"axis": axis}
    settings |= {} if _equal(momentum, 0.99) else {"momentum": momentum}
    found = {"gamma": scale, "beta": bias, "moving_mean": mean, "moving_variance": variance}
    own = {name: variable(state(value)) for name, value in found.items()}
    kind = "layers.BatchNormalization"
    return [layer(node, data, kind, outputs=[output], state=own, **settings, **_epsilon(epsilon))]


@emits("keras", "InstanceNormalization", "transship.channels_last::InstanceNormalization")
def instance_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
) -> list[Statement]:
    """``layers.GroupNormalization`` of a group a channel; a function where the network computes scale and bias."""
    axis = channel_axis(node, data)
    if is_stored(scale) and is_stored(bias):
        return [_by_channel(node, data, scale, bias, axis, epsilon)]
    text = "instance_norm({0}, {1}, {2}, {epsilon}, {axes}, {axis})"
    settings: dict[str, Any] = {"epsilon": epsilon, "axes": spatial(node, data), "axis": axis}
    roles = ("", "gamma", "beta")
    return [line(node, text, data, scale, bias, roles=roles, library=["instance_norm"], **settings)]


def _by_channel(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    axis: int,
    epsilon: float,
) -> Statement:
    settings: dict[str, Any] = {} if axis == len(dims(data)) - 1 else {"axis": axis}
    own = {"gamma": variable(state(scale)), "beta": variable(state(bias))}
    return layer(node, data, "layers.GroupNormalization", -1, state=own, **settings, **_epsilon(epsilon))


@emits("keras", "LayerNormalization")
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
    """``layers.LayerNormalization``; ``ops.layer_normalization`` where the network computes scale or bias."""
    output = only_output(node)
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    rank = len(dims(data))
    axes = tuple(range(axis % rank, rank))
    shape = static(data, *axes)
    given = {"gamma": scale, **({} if bias is None else {"beta": bias})}
    if any(dims(value) != shape for value in given.values()):
        raise Refused("scale and bias do not have the shape of what is normalized")
    where: Any = -1 if len(axes) == 1 else list(axes)
    if all(is_stored(value) for value in given.values()):
        settings: dict[str, Any] = {} if where == -1 else {"axis": where}
        settings |= {} if bias is not None else {"center": False}
        own = {name: variable(state(value)) for name, value in given.items()}
        kind = "layers.LayerNormalization"
        return [layer(node, data, kind, outputs=[output], state=own, **settings, **_epsilon(epsilon))]
    beta = "None" if bias is None else "{2}"
    text = f"ops.layer_normalization({{0}}, {{1}}, {beta}, {{axis}}, {{epsilon}})"
    roles = ("", *given)
    return [line(node, text, data, *given.values(), outputs=[output], roles=roles, axis=where, epsilon=epsilon)]


@emits("keras", "LRN", "transship.channels_last::LRN")
def local_response_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Statement]:
    """A function: the sum of the squares of shifted channels."""
    text = "local_response_norm({0}, {size}, {alpha}, {beta}, {bias}, {axis})"
    settings: dict[str, Any] = {"size": size, "alpha": alpha, "beta": beta, "bias": bias}
    return [line(node, text, data, library=["local_response_norm"], axis=channel_axis(node, data), **settings)]


@emits("keras", "LpNormalization")
def lp_norm(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Statement]:
    """``ops.divide_no_nan`` by a function, the norm: 0 where that is 0."""
    text = "ops.divide_no_nan({0}, norm({0}, {p}, {axis}))"
    return [line(node, text, data, library=["norm"], axis=axis, p=p)]


def _epsilon(epsilon: float) -> dict[str, Any]:
    return {} if _equal(epsilon, _KERAS_EPSILON) else {"epsilon": epsilon}


def _equal(left: float, right: float) -> bool:
    """Whether both are the same number as a float32."""
    return bool(np.float32(left) == np.float32(right))
