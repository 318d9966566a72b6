"""Normalizations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output
from converter.emitters.known import sizes
from converter.emitters.mxnet.call import Call, Chain, call, parameter
from converter.emitters.mxnet.spread import codes
from converter.ir import Dim, dims
from converter.passes.fold import expression_of


@emits("mxnet", "BatchNormalization")
def batch_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    shift: onnx_ir.Value,
    mean: onnx_ir.Value,
    variance: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> list[Call]:
    """``BatchNorm``, with ``fix_gamma`` off: gamma is what the parameter says.

    Raises:
        Refused: The node normalizes by the batch's own mean and variance, or these are computed: in MXNet they are
            states.
    """
    if training_mode:
        raise Refused("training_mode is set")
    only_output(node)
    if not (is_parameter(mean) and is_parameter(variance)):
        raise Refused(f"{mean.name} and {variance.name} are not parameters")
    return call(
        node,
        "BatchNorm",
        data=data,
        gamma=scale,
        beta=shift,
        moving_mean=mean,
        moving_var=variance,
        eps=epsilon,
        momentum=momentum,
        fix_gamma=False,
    )


@emits("mxnet", "InstanceNormalization")
def instance_norm(
    node: onnx_ir.Node, data: onnx_ir.Value, scale: onnx_ir.Value, shift: onnx_ir.Value, *, epsilon: float = 1e-5
) -> list[Call]:
    """``InstanceNorm``."""
    return call(node, "InstanceNorm", data=data, gamma=scale, beta=shift, eps=epsilon)


@emits("mxnet", "LayerNormalization")
def layer_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    shift: onnx_ir.Value | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001 - float32 it is
) -> list[Call]:
    """``LayerNorm`` of the last axis; of several, between two of ``reshape`` that make one of them.

    Raises:
        Refused: The batch is normalized over, or the scale or the shift has another shape than what is normalized,
            or is neither a parameter nor a vector.
    """
    given = dims(data)
    only_output(node)
    first = axis % len(given)
    shape = sizes(given[first:], "normalized over")
    count = math.prod(shape)
    if shift is None:
        shift = parameter(f"{node.name}_beta", (count,), plan.full(0.0, (count,)))
    chain = Chain(node)
    gamma, beta = _flat(scale, shape), _flat(shift, shape)
    if first == len(given) - 1:
        return chain.last("LayerNorm", data=data, gamma=gamma, beta=beta, axis=-1, eps=epsilon)
    merged = (*given[:first], count)
    flat = chain.step("flat", "reshape", data, shape=codes(given, merged))
    normal = chain.step("normal", "LayerNorm", data=flat, gamma=gamma, beta=beta, axis=-1, eps=epsilon)
    return chain.last("reshape", normal, shape=codes(merged, given))


def _flat(value: onnx_ir.Value, shape: Sequence[int]) -> onnx_ir.Value:
    """A scale or a shift of the ``shape`` that is normalized, as a vector."""
    count = math.prod(shape)
    if dims(value) == (count,):
        return value
    if not is_parameter(value) or _significant(dims(value)) != _significant(shape):
        raise Refused(f"{value.name} has the shape {list(dims(value))}, not {list(shape)}")
    return parameter(str(value.name), (count,), plan.reshape(expression_of(value), (count,)))


def _significant(shape: Sequence[Dim]) -> list[Dim]:
    """``shape`` without leading dimensions of 1."""
    return list(itertools.dropwhile(lambda dim: dim == 1, shape))


@emits("mxnet", "LRN")
def local_response_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Call]:
    """``LRN`` of four dimensions.

    Raises:
        Refused: The number of channels that are added up is even, or more than there are.
    """
    given = dims(data)
    if len(given) != 4 or size % 2 == 0 or size > sizes(given[1:2], "normalized over")[0]:
        raise Refused(f"size {size} of the shape {list(given)} is even, or more than the channels")
    return Chain(node).last("LRN", data=data, alpha=alpha, beta=beta, knorm=bias, nsize=size)
