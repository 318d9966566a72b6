"""Normalization."""

from __future__ import annotations

import math

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.coreml.chain import Chain
from converter.emitters.coreml.operand import Operand, state
from converter.emitters.operand import is_stored, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_EPSILON = 1e-5
"""ONNX's default, and Core ML's."""
_TINY = 1.1754943508222875e-38
"""The smallest normal number."""


@emits("coreml", "BatchNormalization")
def batch_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    mean: onnx_ir.Value,
    variance: onnx_ir.Value,
    *,
    epsilon: float = _EPSILON,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> list[Statement]:
    """``mb.batch_norm``, of 3 to 5 dimensions; of 2 between ``mb.expand_dims`` and ``mb.squeeze``."""
    del momentum  # of training
    output = only_output(node)
    if training_mode:
        raise Refused("it normalizes with the statistics of the batch at hand")
    if not all(is_stored(value) for value in (scale, bias, mean, variance)):
        raise Refused("its parameters are computed by the network")
    rank = len(dims(data))
    if not 2 <= rank <= 5:
        raise Refused(f"Core ML normalizes 3 to 5 dimensions, not {rank}")
    chain = Chain(node)
    source = data if rank > 2 else chain.step("column", "expand_dims", x=data, axes=(2,))
    parameters = {"mean": state(mean), "variance": state(variance), "gamma": state(scale), "beta": state(bias)}
    if rank > 2:
        return chain.ends([output], "batch_norm", x=source, **parameters, epsilon=_other(epsilon))
    normal = chain.step("normal", "batch_norm", x=source, **parameters, epsilon=_other(epsilon))
    return chain.ends([output], "squeeze", x=normal, axes=(2,))


@emits("coreml", "InstanceNormalization")
def instance_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    epsilon: float = _EPSILON,
) -> list[Statement]:
    """``mb.instance_norm``, of 3 or 4 dimensions; what is normalized of a volume is made a row before.

    Scale and bias that the network computes are applied behind it.
    """
    rank = len(dims(data))
    chain = Chain(node)
    if is_stored(scale) and is_stored(bias) and rank in {3, 4}:
        parameters = {"gamma": state(scale), "beta": state(bias)}
        return chain.last("instance_norm", x=data, **parameters, epsilon=_other(epsilon))
    normal = _rows_normalized(chain, data, epsilon)
    return _scaled(chain, normal, scale, bias, rank, 1)


def _rows_normalized(chain: Chain, data: onnx_ir.Value, epsilon: float) -> onnx_ir.Value:
    """``data`` with each of its channels normalized, over all of its elements."""
    rows, *sizes = dims(data)
    first, shape = -1 if rows == BATCH else int(rows), [int(size) for size in sizes]
    flat = chain.step("rows", "reshape", x=data, shape=(first, shape[0], math.prod(shape[1:])))
    normal = chain.step("normal", "instance_norm", x=flat, epsilon=_other(epsilon))
    return chain.step("channels", "reshape", x=normal, shape=(first, *shape))


def _scaled(
    chain: Chain, normal: onnx_ir.Value, scale: onnx_ir.Value, bias: onnx_ir.Value | None, rank: int, axis: int
) -> list[Statement]:
    """``normal``, which has ``rank`` dimensions, times ``scale`` plus ``bias``, whose first axis is its ``axis``."""
    behind = rank - axis - len(dims(scale))
    if bias is None:
        return chain.last("mul", x=normal, y=_aligned(chain, "scale", scale, behind))
    scaled = chain.step("scaled", "mul", x=normal, y=_aligned(chain, "scale", scale, behind))
    return chain.last("add", x=scaled, y=_aligned(chain, "bias", bias, behind))


def _aligned(chain: Chain, role: str, value: onnx_ir.Value, behind: int) -> Operand:
    """``value`` with so many axes of size 1 behind its own."""
    if is_stored(value):
        return state(value, (*static(value), *(1,) * behind))
    if behind == 0:
        return value
    rank = len(dims(value))
    return chain.step(role, "expand_dims", x=value, axes=tuple(range(rank, rank + behind)))


@emits("coreml", "LayerNormalization")
def layer_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    axis: int = -1,
    epsilon: float = _EPSILON,
    stash_type: int = 1,
) -> list[Statement]:
    """``mb.layer_norm``; a scale and a bias that the network computes, or of another shape, are applied behind it."""
    output = only_output(node)
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    rank = len(dims(data))
    axes = tuple(range(axis % rank, rank))
    shape = static(data, *axes)
    given = [value for value in (scale, bias) if value is not None]
    chain = Chain(node)
    if all(is_stored(value) and dims(value) == shape for value in given):
        beta = None if bias is None else state(bias)
        settings = {"gamma": state(scale), "beta": beta, "epsilon": _other(epsilon)}
        return chain.ends([output], "layer_norm", x=data, axes=axes, **settings)
    if any(len(dims(value)) > rank for value in given):
        raise Refused("scale or bias have more dimensions than what is normalized")
    normal = chain.step("normal", "layer_norm", x=data, axes=axes, epsilon=_other(epsilon))
    if bias is None:
        return chain.ends([output], "mul", x=normal, y=scale)
    return chain.ends([output], "add", x=chain.step("scaled", "mul", x=normal, y=scale), y=bias)


@emits("coreml", "LRN")
def local_response_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Statement]:
    """``mb.local_response_norm``, over an odd number of channels of 3 or 4 dimensions."""
    if size % 2 == 0 or len(dims(data)) not in {3, 4}:
        raise Refused(f"size {size} of {len(dims(data))} dimensions")
    settings: dict[str, Operand] = {"alpha": float(alpha), "beta": float(beta), "k": float(bias)}
    return Chain(node).last("local_response_norm", x=data, size=size, **settings)


@emits("coreml", "LpNormalization")
def lp_normalization(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Statement]:
    """``mb.reduce_l1_norm`` or ``mb.reduce_l2_norm``, and a division; of zeros zeros remain."""
    if p not in {1, 2}:
        raise Refused(f"p is {p}")
    chain = Chain(node)
    norm = chain.step("norm", f"reduce_l{p}_norm", x=data, axes=(axis,), keep_dims=True)
    return chain.last("real_div", x=data, y=chain.step("divisor", "maximum", x=norm, y=_TINY))


def _other(epsilon: float) -> float | None:
    """``epsilon``, if it is not Core ML's own.

    Raises:
        Refused: It is below 0.
    """
    if epsilon < 0:
        raise Refused(f"epsilon {epsilon}: there is none below 0")
    return None if math.isclose(epsilon, _EPSILON, rel_tol=1e-7) else float(epsilon)
