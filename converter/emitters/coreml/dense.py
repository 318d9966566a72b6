"""Products of matrices."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters import emits
from converter.emitters.coreml.chain import Chain, beside
from converter.emitters.coreml.operand import Operand, kind, state
from converter.emitters.operand import is_stored
from converter.emitters.statement import Statement
from converter.ir import dims

_LINEAR = 3
"""As many dimensions as the input of ``mb.linear`` can have."""


@emits("coreml", "Gemm")
def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    addend: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's name
    transB: int = 0,  # noqa: N803
) -> list[Statement]:
    """``mb.linear`` where the right factor is a parameter and the addend a vector of them; else ``mb.matmul``."""
    chain = Chain(node)
    out = dims(right)[0 if transB else 1]
    plain = not transA and alpha == 1 and not is_stored(left) and kind(left) == "fp32"
    fits = addend is None or (beta == 1 and is_stored(addend) and dims(addend) in ((out,), (1, out)))
    if plain and fits and is_stored(right):
        weight = state(right) if transB else state(right, perm=(1, 0))
        bias = None if addend is None else state(addend, (int(out),))
        return chain.last("linear", x=left, weight=weight, bias=bias)
    factors: dict[str, Operand] = {"x": left, "y": right}
    factors |= {"transpose_x": True} if transA else {}
    factors |= {"transpose_y": True} if transB else {}
    steps: list[tuple[str, dict[str, Operand]]] = [("matmul", factors)]
    if alpha != 1:
        steps.append(("mul", {"y": float(alpha)}))
    if addend is not None:
        term = beside(addend, node.outputs[0])
        if beta != 1:
            term = chain.step("addend", "mul", x=addend, y=float(beta))
        steps.append(("add", {"y": term}))
    return _run(chain, steps)


def _run(chain: Chain, steps: Sequence[tuple[str, dict[str, Operand]]]) -> list[Statement]:
    """The ``steps``, each of the one before it, the last one the node's result."""
    value: dict[str, Operand] = {}
    for operation, operands in steps[:-1]:
        value = {"x": chain.step("product", operation, **{**value, **operands})}
    operation, operands = steps[-1]
    return chain.last(operation, **{**value, **operands})


@emits("coreml", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``mb.linear`` where the right factor is a parameter of two dimensions; else ``mb.matmul``."""
    chain = Chain(node)
    ranks = len(dims(left)), len(dims(right))
    if is_stored(right) and not is_stored(left) and ranks[1] == 2 and 2 <= ranks[0] <= _LINEAR:
        return chain.last("linear", x=left, weight=state(right, perm=(1, 0)))
    if min(ranks) > 1:
        return chain.last("matmul", x=left, y=right)
    row = chain.step("row", "expand_dims", x=left, axes=(0,)) if ranks[0] == 1 else left
    column = chain.step("column", "expand_dims", x=right, axes=(-1,)) if ranks[1] == 1 else right
    product = chain.step("product", "matmul", x=row, y=column)
    axes = (*([-2] if ranks[0] == 1 else []), *([-1] if ranks[1] == 1 else []))
    return chain.last("squeeze", x=product, axes=axes)
