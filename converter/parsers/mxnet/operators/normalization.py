"""Normalizations.

Sources: src/operator/nn/batch_norm.cc, nn/layer_norm.cc, nn/group_norm.cc, nn/lrn.cc, instance_norm-inl.h,
l2_normalization-inl.h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import at_least, positive_axis, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope

_WITHOUT_MEANING = (
    "use_global_stats",
    "output_mean_var",
    "cudnn_off",
    "min_calib_range",
    "max_calib_range",
    "ndev",
    "key",
)


@parses("BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm", "_contrib_SyncBatchNorm", ignores=_WITHOUT_MEANING)
def batch_norm(
    g: Scope,
    data: Value,
    gamma: Parameter,
    beta: Parameter,
    moving_mean: Parameter,
    moving_var: Parameter,
    *,
    eps: float = 1e-3,
    momentum: float = 0.9,
    fix_gamma: bool = True,
    axis: int = 1,
) -> Value:
    """``(x - mean) / sqrt(var + eps) * gamma + beta`` along ``axis``.

    With ``fix_gamma`` gamma is 1, whatever is stored. In inference the moving mean and variance are used always. A
    network that uses the mean or the variance as well (``output_mean_var``) is refused.
    """
    return _batch_norm(g, data, [gamma, beta, moving_mean, moving_var], eps, momentum, axis, fix_gamma=fix_gamma)


@parses("_contrib_BatchNormWithReLU", ignores=_WITHOUT_MEANING)
def batch_norm_with_relu(
    g: Scope,
    data: Value,
    gamma: Parameter,
    beta: Parameter,
    moving_mean: Parameter,
    moving_var: Parameter,
    *,
    eps: float = 1e-3,
    momentum: float = 0.9,
    fix_gamma: bool = True,
    axis: int = 1,
) -> Value:
    """BatchNorm, and the negative made zero."""
    states = [gamma, beta, moving_mean, moving_var]
    return g.emit("Relu", _batch_norm(g.part("normal"), data, states, eps, momentum, axis, fix_gamma=fix_gamma))


def _batch_norm(
    g: Scope, data: Value, states: Sequence[Parameter], eps: float, momentum: float, axis: int, *, fix_gamma: bool
) -> Value:
    rank(g, data, 2, 3, 4, 5)
    place = positive_axis(g, data, axis)
    count = size(g, data, place)
    scale = g.parameter(states[0], (count,), ones=fix_gamma)
    rest = [g.parameter(parameter, (count,)) for parameter in states[1:]]

    def normalize(inner: Scope, moved: Value) -> Value:
        return inner.emit("BatchNormalization", moved, scale, *rest, epsilon=eps, momentum=momentum)

    return _exchanged(g, data, normalize, place, 1, role="channels-first")


@parses("InstanceNorm")
def instance_norm(g: Scope, data: Value, gamma: Parameter, beta: Parameter, *, eps: float = 1e-3) -> Value:
    """Each example's channels with mean 0 and variance 1 (which ``eps`` is added to), times gamma, plus beta."""
    rank(g, data, 3, 4, 5)
    count = size(g, data, 1)
    return g.emit(
        "InstanceNormalization", data, *(g.parameter(each, (count,)) for each in (gamma, beta)), epsilon=eps
    )


@parses("LayerNorm", ignores=("output_mean_var",))
def layer_norm(
    g: Scope, data: Value, gamma: Parameter, beta: Parameter, *, axis: int = -1, eps: float = 1e-5
) -> Value:
    """Mean 0 and variance 1 (which ``eps`` is added to) along ``axis``, times gamma, plus beta.

    A network that uses the mean or the deviation as well (``output_mean_var``) is refused.
    """
    last = len(ir.dims(data)) - 1
    place = positive_axis(g, data, axis)
    count = size(g, data, place)
    affine = [g.parameter(each, (count,)) for each in (gamma, beta)]

    def normalize(inner: Scope, moved: Value) -> Value:
        return inner.emit("LayerNormalization", moved, *affine, axis=-1, epsilon=eps)

    return _exchanged(g, data, normalize, place, last, role="axis-last")


def _exchanged(
    g: Scope, data: Value, normalize: Callable[[Scope, Value], Value], axis: int, place: int, *, role: str
) -> Value:
    """``normalize(scope, data)``, which needs in dimension ``place`` what ``data`` has in dimension ``axis``."""
    if axis == place:
        return normalize(g, data)
    order = [*range(len(ir.dims(data)))]
    order[axis], order[place] = place, axis
    moved = g.emit("Transpose", data, role=role, perm=order)
    return g.emit("Transpose", normalize(g.part("normalize"), moved), perm=order)


@parses("GroupNorm", ignores=("output_mean_var",))
def group_norm(
    g: Scope, data: Value, gamma: Parameter, beta: Parameter, *, num_groups: int = 1, eps: float = 1e-5
) -> Value:
    """Mean 0 and variance 1 in each group of channels, times gamma, plus beta, which have one number a group.

    A network that uses the mean or the deviation as well (``output_mean_var``) is refused.
    """
    rank(g, data, 3, 4, 5)
    groups = at_least(g, "num_groups", num_groups)
    shape = ir.dims(data)
    if size(g, data, 1) % groups:
        raise g.misfit(f"{shape[1]} channels cannot be split into {groups} groups")
    affine = [g.parameter(each, (groups,)) for each in (gamma, beta)]
    grouped = g.emit("Reshape", data, g.ints("groups", (0, groups, -1)), role="group")
    normal = g.emit("InstanceNormalization", grouped, *affine, role="normalize", epsilon=eps)
    whole = g.ints("shape", [0, *(size(g, data, axis) for axis in range(1, len(shape)))])
    return g.emit("Reshape", normal, whole, shape=shape)


@parses("L2Normalization")
def l2_normalization(
    g: Scope, data: Value, *, eps: float = 1e-10, mode: Literal["instance", "channel", "spatial"] = "instance"
) -> Value:
    """``x / sqrt(sum(x * x) + eps)`` over an example (instance), its channels (channel) or each of them (spatial)."""
    axes = rank(g, data, *((2, 3, 4, 5) if mode == "instance" else (3, 4, 5)))
    over = {"instance": range(1, axes), "channel": [1], "spatial": range(2, axes)}[mode]
    total = g.emit("ReduceSumSquare", data, g.ints("axes", [*over]), role="squares", keepdims=1)
    norm = g.emit("Sqrt", g.emit("Add", total, g.scalar("eps", eps), role="add-eps"), role="norm")
    return g.emit("Div", data, norm)


@parses("LRN")
def local_response_normalization(
    g: Scope, data: Value, *, nsize: int, alpha: float = 1e-4, beta: float = 0.75, knorm: float = 2.0
) -> Value:
    """``x / (knorm + alpha / nsize * sum(x * x)) ** beta``, the sum over the ``nsize`` nearest channels."""
    rank(g, data, 4)
    if at_least(g, "nsize", nsize) % 2 == 0 or nsize > size(g, data, 1):
        raise g.misfit(f"nsize={nsize} of {size(g, data, 1)} channels; it must be odd, and no more than they are")
    return g.emit("LRN", data, size=nsize, alpha=alpha, beta=beta, bias=knorm)
