"""Normalizations (src/operator/nn/batch_norm.cc)."""

from __future__ import annotations

from typing import Literal

from onnx_ir import Value

from converter.parsers.mxnet.operators.common import positive_axis, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope


@parses(
    "BatchNorm",
    "BatchNorm_v1",
    "CuDNNBatchNorm",
    "_contrib_SyncBatchNorm",
    ignores=("use_global_stats", "cudnn_off", "min_calib_range", "max_calib_range", "ndev", "key"),
)
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
    output_mean_var: Literal[False] = False,  # noqa: ARG001
    axis: int = 1,
) -> Value:
    """``(x - mean) / sqrt(var + eps) * gamma + beta`` along ``axis``.

    With ``fix_gamma`` gamma is 1, whatever is stored. In inference the moving mean and variance are used always.
    """
    axes = rank(g, data, 2, 3, 4, 5)
    place = positive_axis(g, data, axis)
    count = size(g, data, place)
    scale = g.parameter(gamma, (count,), ones=fix_gamma)
    rest = [g.parameter(parameter, (count,)) for parameter in (beta, moving_mean, moving_var)]
    if place == 1:
        return g.emit("BatchNormalization", data, scale, *rest, epsilon=eps, momentum=momentum)
    order = [*range(axes)]
    order[1], order[place] = order[place], order[1]
    moved = g.emit("Transpose", data, role="channels-first", perm=order)
    normal = g.emit("BatchNormalization", moved, scale, *rest, role="normalize", epsilon=eps, momentum=momentum)
    return g.emit("Transpose", normal, perm=order)
