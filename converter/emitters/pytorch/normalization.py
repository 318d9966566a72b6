"""Normalization: modules with their statistics, which training goes on with."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output
from converter.emitters.operand import fresh, is_stored, static
from converter.emitters.pytorch.convolution import weights
from converter.emitters.pytorch.operand import line, state
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import dims

_EPSILON = 1e-5
"""The default of torch's modules, and of ONNX."""


@emits("pytorch", "BatchNormalization")
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
    """``nn.BatchNorm1d``, ``2d``, ``3d``, whose momentum is 1 minus ONNX's."""
    output = only_output(node)
    if training_mode:
        raise Refused("it normalizes with the statistics of the batch at hand")
    rank = len(dims(data))
    if not 2 <= rank <= 5:
        raise Refused(f"PyTorch normalizes 2 to 5 dimensions, not {rank}")
    if not all(is_stored(value) for value in (scale, bias, mean, variance)):
        raise Refused("its parameters are computed by the network")
    (channels,) = static(scale)
    settings = _epsilon(epsilon)
    remainder = float(1 - Decimal(str(np.float32(momentum))))
    settings |= {} if remainder == 0.1 else {"momentum": remainder}
    statistics = {"running_mean": state(mean), "running_var": state(variance)}
    buffers = {name: State(part.shape, part.value, part.dtype, trained=False) for name, part in statistics.items()}
    buffers["num_batches_tracked"] = State((), plan.full(0, ()), "int64", trained=False)
    module = Submodule(
        f"nn.BatchNorm{max(rank - 2, 1)}d", (channels,), settings, {**weights(state(scale), bias), **buffers}
    )
    return [line(node, "{module}({0})", data, module=module, outputs=[output])]


@emits("pytorch", "InstanceNormalization")
def instance_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    *,
    epsilon: float = _EPSILON,
) -> list[Statement]:
    """``nn.InstanceNorm1d``, ``2d``, ``3d``; a function where scale and bias or the sizes are not known before.

    So it is where there is but one element to take the variance of, which torch refuses.
    """
    rank = len(dims(data)) - 2
    sizes = [dim for dim in dims(data)[2:] if isinstance(dim, int)]
    several = len(sizes) == rank and int(np.prod(sizes)) > 1
    if is_parameter(scale) and is_parameter(bias) and rank in {1, 2, 3} and several:
        settings = {**_epsilon(epsilon), "affine": True}
        module = Submodule(f"nn.InstanceNorm{rank}d", static(scale), settings, weights(state(scale), bias))
        return [line(node, "{module}({0})", data, module=module)]
    text = "instance_norm({0}, {1}, {2}, {eps})"
    return [line(node, text, data, scale, bias, roles=("", "weight", "bias"), library=["instance_norm"], eps=epsilon)]


@emits("pytorch", "LayerNormalization")
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
    """``nn.LayerNorm``; ``F.layer_norm`` where the network computes scale and bias."""
    output = only_output(node)
    if stash_type != 1:
        raise Refused(f"stash_type {stash_type}")
    rank = len(dims(data))
    shape = static(data, *range(axis % rank, rank))
    stored = [value for value in (scale, bias) if value is not None]
    if any(dims(value) != shape for value in stored):
        raise Refused("scale and bias do not have the shape of what is normalized")
    if all(is_stored(value) for value in stored):
        settings = _epsilon(epsilon) | ({} if bias is not None else {"bias": False})
        size = shape[0] if len(shape) == 1 else shape
        module = Submodule("nn.LayerNorm", (size,), settings, weights(state(scale), bias))
        return [line(node, "{module}({0})", data, module=module, outputs=[output])]
    parts = ["{0}", "{shape}", *(f"{{{number}}}" for number in range(1, len(stored) + 1)), "eps={eps}"]
    text = f"F.layer_norm({', '.join(parts)})"
    return [line(node, text, data, *stored, outputs=[output], shape=shape, eps=epsilon)]


@emits("pytorch", "LpNormalization")
def lp_norm(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1, p: int = 2) -> list[Statement]:
    """The quotient by ``torch.linalg.vector_norm``, or 0: ``F.normalize`` divides by no less than 1e-12."""
    norm = fresh(node, "norm")
    return [
        line(node, "torch.linalg.vector_norm({0}, {p}, {axis}, keepdim=True)", data, outputs=[norm], axis=axis, p=p),
        line(node, "torch.where({1} == 0, 0.0, {0} / {1})", data, norm),
    ]


@emits("pytorch", "LRN")
def local_response_norm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    size: int,
    alpha: float = 0.0001,
    beta: float = 0.75,
    bias: float = 1.0,
) -> list[Statement]:
    """``nn.LocalResponseNorm``, over an odd number of channels; of an even one torch takes another."""
    if size % 2 == 0 or len(dims(data)) < 3:
        raise Refused(f"size {size} of {len(dims(data))} dimensions: PyTorch takes the same neighbours if it is odd")
    given, defaults = {"alpha": alpha, "beta": beta, "k": bias}, {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    settings = {name: value for name, value in given.items() if np.float32(value) != np.float32(defaults[name])}
    return [line(node, "{module}({0})", data, module=Submodule("nn.LocalResponseNorm", (size,), settings))]


def _epsilon(epsilon: float) -> dict[str, float | bool]:
    if epsilon < 0:
        raise Refused(f"epsilon {epsilon}: PyTorch has none below 0")
    return {} if np.float32(epsilon) == np.float32(_EPSILON) else {"eps": epsilon}
