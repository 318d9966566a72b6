"""Products of matrices."""

from __future__ import annotations

from readback_graph import Graph, Tensor, reads


@reads("linear")
def linear(graph: Graph, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    """``x @ weight.T + bias`` over the last axis."""
    product = graph.op("MatMul", x, graph.op("Transpose", weight, perm=[1, 0]))
    return graph.op("Add", product, bias) if bias else product


@reads("matmul")
def matmul(graph: Graph, x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> str:
    """The product as numpy's, of either side its last two axes swapped if so asked."""
    return graph.op("MatMul", _swapped(graph, x, transpose_x), _swapped(graph, y, transpose_y))


def _swapped(graph: Graph, x: Tensor, swap: bool) -> str:
    if not swap or x.rank < 2:
        return x.name
    axes = list(range(x.rank))
    return graph.op("Transpose", x, perm=[*axes[:-2], axes[-1], axes[-2]])


@reads("einsum")
def einsum(graph: Graph, values: list[Tensor], equation: str) -> str:
    """The sum of products that the ``equation`` says."""
    return graph.op("Einsum", *values, equation=equation)
