"""Normalization, with the statistics that inference has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.operand import fresh, is_stored, static
from converter.emitters.python import Code, literal
from converter.emitters.statement import State, Statement
from converter.emitters.tensorflow.layout import DOMAIN, both, layout_of
from converter.emitters.tensorflow.operand import line, state
from converter.ir import dims


@emits("tensorflow", *both("BatchNormalization"))
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
    """``tf.nn.batch_normalization``, with statistics that are no trainable variables."""
    del momentum  # of training
    output = only_output(node)
    if training_mode:
        raise Refused("it normalizes with the statistics of the batch at hand")
    after = 0 if node.domain == DOMAIN else max(len(dims(data)) - 2, 0)
    given = {"mean": mean, "variance": variance, "beta": bias, "gamma": scale}
    return [_normalized(node, data, given, after, output, epsilon)]


def _normalized(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    given: dict[str, onnx_ir.Value],
    after: int,
    output: onnx_ir.Value,
    epsilon: float,
) -> Statement:
    """The call, with vectors of channels that ``after`` axes come after."""
    tensors: dict[str, State] = {}
    operands, texts = [data], []
    for role, value in given.items():
        if is_stored(value):
            held = state(value, (*static(value), *[1] * after))
            tensors[role] = replace(held, trained=False) if role in _STATISTICS else held
            texts.append(f"{{{role}}}")
        else:
            operands.append(value)
            place = f"{{{len(operands) - 1}}}"
            texts.append(f"tf.reshape({place}, {literal([-1, *[1] * after])})" if after else place)
    text = f"tf.nn.batch_normalization({{0}}, {', '.join(texts)}, {{epsilon}})"
    return line(node, text, *operands, outputs=[output], tensors=tensors, epsilon=epsilon)


_STATISTICS = ("mean", "variance")


@emits("tensorflow", *both("InstanceNormalization"))
def instance_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
) -> list[Statement]:
    """``tf.nn.moments`` of the spatial axes, and ``tf.nn.batch_normalization`` with them."""
    layout = layout_of(node, ranks=range(1, 7))
    return _by_moments(node, data, layout.axes, (bias, scale), 0 if layout.last else layout.rank, epsilon)


@emits("tensorflow", "LayerNormalization")
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
    """``tf.nn.moments`` of the last axes, and ``tf.nn.batch_normalization`` with them."""
    only_output(node)
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    rank = len(dims(data))
    return _by_moments(node, data, range(axis % rank, rank), (bias, scale), 0, epsilon)


def _by_moments(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    axes: Sequence[int],
    given: tuple[onnx_ir.Value | None, onnx_ir.Value],
    after: int,
    epsilon: float,
) -> list[Statement]:
    mean, variance = fresh(node, "mean"), fresh(node, "variance")
    text = f"tf.nn.moments({{0}}, {literal(list(axes))}, keepdims=True)"
    texts, operands, tensors = [], [data, mean, variance], {}
    for role, value in zip(("beta", "gamma"), given, strict=True):
        if value is None:
            texts.append("None")
        elif is_stored(value):
            tensors[role] = state(value, (*static(value), *[1] * after))
            texts.append(f"{{{role}}}")
        else:
            operands.append(value)
            place = f"{{{len(operands) - 1}}}"
            texts.append(f"tf.reshape({place}, {literal([-1, *[1] * after])})" if after else place)
    called = f"tf.nn.batch_normalization({{0}}, {{1}}, {{2}}, {', '.join(texts)}, {{epsilon}})"
    outputs = [node.outputs[0]]
    return [
        line(node, text, data, outputs=[mean, variance]),
        line(node, called, *operands, outputs=outputs, tensors=tensors, epsilon=epsilon),
    ]


@emits("tensorflow", "LpNormalization")
def lp_norm(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Statement]:
    """``tf.math.divide_no_nan`` by ``tf.norm``: 0 where that is 0."""
    text = "tf.math.divide_no_nan({0}, tf.norm({0}, {p}, {axis}, keepdims=True))"
    return [line(node, text, data, axis=axis, p=p)]


@emits("tensorflow", *both("LRN"))
def local_response_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Statement]:
    """``tf.nn.local_response_normalization`` of an odd number of last channels; else a function."""
    layout = layout_of(node, ranks=range(1, 7))
    share = Code(repr(alpha / size))
    if size % 2 and layout.last and layout.rank == 2:
        text = "tf.nn.local_response_normalization({0}, {radius}, {bias}, {alpha}, {beta})"
        return [line(node, text, data, radius=size // 2, bias=bias, alpha=share, beta=beta)]
    text = "local_response_norm({0}, {size}, {bias}, {alpha}, {beta}, {axis})"
    settings: dict[str, Any] = {"size": size, "bias": bias, "alpha": share, "beta": beta, "axis": layout.channels}
    return [line(node, text, data, library=["local_response_norm"], **settings)]
