"""Activation functions. Their parameters are numbers, or of a channel each (the second axis)."""

from __future__ import annotations

from math import pi, sqrt

from readback_graph import Graph, RefusedError, Tensor, reads

SAME = {"relu": "Relu", "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign"}


@reads(*SAME)
def plain(graph: Graph, operation: str, x: Tensor) -> str:
    """The operator of ONNX that means the same."""
    return graph.op(SAME[operation], x)


@reads("relu6")
def relu6(graph: Graph, x: Tensor) -> str:
    """``min(max(x, 0), 6)``."""
    return graph.op("Clip", x, graph.scalar(0, x), graph.scalar(6, x))


@reads("leaky_relu")
def leaky_relu(graph: Graph, x: Tensor, alpha: float) -> str:
    """``x``, below zero ``alpha * x``."""
    return graph.op("LeakyRelu", x, alpha=alpha)


@reads("clamped_relu")
def clamped_relu(graph: Graph, x: Tensor, alpha: float, beta: float) -> str:
    """``min(x, beta)``, below zero ``min(alpha * x, beta)``."""
    return graph.op("Min", graph.op("LeakyRelu", x, alpha=alpha), graph.scalar(beta, x))


@reads("thresholded_relu")
def thresholded_relu(graph: Graph, x: Tensor, alpha: float) -> str:
    """``x`` where it is at least ``alpha``, elsewhere 0."""
    kept = graph.op("GreaterOrEqual", x, graph.scalar(alpha, x))
    return graph.op("Where", kept, x, graph.scalar(0, x))


@reads("elu")
def elu(graph: Graph, x: Tensor, alpha: float) -> str:
    """``x``, below zero ``alpha * (exp(x) - 1)``."""
    return graph.op("Elu", x, alpha=alpha)


@reads("gelu")
def gelu(graph: Graph, x: Tensor, mode: str = "EXACT") -> str:
    """In its three forms, each composed as documented."""
    if mode == "SIGMOID_APPROXIMATION":
        return graph.op("Mul", x, graph.op("Sigmoid", graph.op("Mul", x, graph.floats(1.702))))
    if mode == "EXACT":
        inner = graph.op("Erf", graph.op("Mul", x, graph.floats(1 / sqrt(2))))
    elif mode == "TANH_APPROXIMATION":
        cube = graph.op("Mul", graph.op("Mul", graph.op("Mul", x, x), x), graph.floats(0.044715))
        inner = graph.op("Tanh", graph.op("Mul", graph.op("Add", x, cube), graph.floats(sqrt(2 / pi))))
    else:
        raise RefusedError(f"the mode {mode!r}")
    half = graph.op("Mul", x, graph.floats(0.5))
    return graph.op("Mul", half, graph.op("Add", inner, graph.floats(1)))


@reads("silu")
def silu(graph: Graph, x: Tensor) -> str:
    """``x * sigmoid(x)``."""
    return graph.op("Mul", x, graph.op("Sigmoid", x))


@reads("linear_activation")
def linear_activation(graph: Graph, x: Tensor, alpha: float, beta: float) -> str:
    """``alpha * x + beta``."""
    return graph.op("Add", graph.op("Mul", x, graph.scalar(alpha, x)), graph.scalar(beta, x))


@reads("sigmoid_hard")
def sigmoid_hard(graph: Graph, x: Tensor, alpha: float, beta: float) -> str:
    """``min(max(alpha * x + beta, 0), 1)``."""
    return graph.op("HardSigmoid", x, alpha=alpha, beta=beta)


@reads("scaled_tanh")
def scaled_tanh(graph: Graph, x: Tensor, alpha: float, beta: float) -> str:
    """``alpha * tanh(beta * x)``."""
    inner = graph.op("Tanh", graph.op("Mul", x, graph.scalar(beta, x)))
    return graph.op("Mul", inner, graph.scalar(alpha, x))


@reads("prelu")
def prelu(graph: Graph, x: Tensor, alpha: Tensor) -> str:
    """``x``, below zero ``alpha * x`` with a number for each channel."""
    return graph.op("PRelu", x, channels(graph, alpha, x))


@reads("softplus_parametric")
def softplus_parametric(graph: Graph, x: Tensor, alpha: Tensor, beta: Tensor) -> str:
    """``alpha * log(1 + exp(beta * x))`` with numbers for each channel."""
    inner = graph.op("Softplus", graph.op("Mul", x, channels(graph, beta, x)))
    return graph.op("Mul", inner, channels(graph, alpha, x))


def channels(graph: Graph, numbers: Tensor, x: Tensor) -> str:
    """A number a channel, in a shape that broadcasts along the second axis of ``x``."""
    if x.rank < 2 or numbers.shape != (x.size(1),):
        raise RefusedError("parameters that are not one for each channel")
    return graph.op("Reshape", numbers, [-1] + [1] * (x.rank - 2))


@reads("softmax")
def softmax(graph: Graph, x: Tensor, axis: int = -1) -> str:
    """Exponentials divided by their sum along ``axis``."""
    return graph.op("Softmax", x, axis=x.axis(axis))
