"""Normalizations. All statistics are those of the tensor itself but for ``batch_norm``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from readback_graph import Graph, Ints, RefusedError, Tensor, reads


@reads("batch_norm")
def batch_norm(
    graph: Graph,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> str:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` for each channel."""
    scale, bias = _scale_and_bias(graph, x, gamma, beta)
    return graph.op("BatchNormalization", x, scale, bias, mean, variance, epsilon=epsilon)


@reads("instance_norm")
def instance_norm(
    graph: Graph, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, epsilon: float = 1e-5
) -> str:
    """Each channel of each example by its own mean and variance."""
    scale, bias = _scale_and_bias(graph, x, gamma, beta)
    return graph.op("InstanceNormalization", x, scale, bias, epsilon=epsilon)


def _scale_and_bias(graph: Graph, x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> tuple[str, str]:
    channels = x.size(1)
    return (
        gamma.name if gamma else graph.floats(numpy.ones(channels)),
        beta.name if beta else graph.floats(numpy.zeros(channels)),
    )


@reads("layer_norm")
def layer_norm(
    graph: Graph,
    x: Tensor,
    axes: Ints | None = None,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> str:
    """By the mean and the variance over ``axes``; ``gamma`` and ``beta`` have the sizes of these axes."""
    over = sorted(x.axis(axis) for axis in (range(x.rank) if axes is None else axes))
    centred = graph.op("Sub", x, graph.op("ReduceMean", x, over))
    variance = graph.op("ReduceMean", graph.op("Mul", centred, centred), over)
    result = graph.op("Div", centred, graph.op("Sqrt", graph.op("Add", variance, graph.floats(epsilon))))
    if gamma:
        result = graph.op("Mul", result, _spread(graph, gamma, x, over))
    return graph.op("Add", result, _spread(graph, beta, x, over)) if beta else result


def _spread(graph: Graph, numbers: Tensor, x: Tensor, axes: Sequence[int]) -> str:
    return graph.op("Reshape", numbers, [x.size(axis) if axis in axes else 1 for axis in range(x.rank)])


@reads("l2_norm")
def l2_norm(graph: Graph, x: Tensor, epsilon: float = 1e-6) -> str:
    """``x / sqrt(sum(x * x) + epsilon)``, the sum over the last three axes."""
    if x.rank < 3:
        raise RefusedError(f"a tensor of rank {x.rank}")
    total = graph.op("ReduceSumSquare", x, [-3, -2, -1])
    return graph.op("Div", x, graph.op("Sqrt", graph.op("Add", total, graph.floats(epsilon))))


@reads("local_response_norm")
def local_response_norm(
    graph: Graph, x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> str:
    """``x / (k + alpha / size * sum(x * x)) ** beta``, the sum over ``size`` channels around each.

    Where these are of an even number, the documentation does not say on which side there is one more.
    """
    if size % 2 == 0:
        raise RefusedError(f"{size} channels around one, an even number")
    flat = graph.op("Unsqueeze", x, [-1]) if x.rank == 3 else x.name
    found = graph.op("LRN", flat, size=size, alpha=alpha, beta=beta, bias=k)
    return graph.op("Squeeze", found, [-1]) if x.rank == 3 else found
