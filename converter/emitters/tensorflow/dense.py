"""Products of matrices."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.operand import is_stored
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import line, state
from converter.ir import dims

_FLOAT = onnx_ir.DataType.FLOAT


@emits("tensorflow", "Gemm")
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
    """``tf.matmul``, with a weight of inputs x outputs, and ``tf.nn.bias_add`` or a sum."""
    tensors, operands = {}, [left]
    if is_stored(right):
        tensors["weight"] = state(right, perm=(1, 0) if transB else ())
        factors = "{0}, {weight}"
    else:
        operands.append(right)
        factors = "{0}, {1}, transpose_b=True" if transB else "{0}, {1}"
    product = f"tf.matmul({factors}, transpose_a=True)" if transA else f"tf.matmul({factors})"
    product = product if alpha == 1 else f"{{alpha}} * {product}"
    width = dims(node.outputs[0])[-1]
    if addend is not None and beta == 1 and dims(addend) == (width,) and node.outputs[0].dtype == _FLOAT:
        product = f"tf.nn.bias_add({product}, {{{len(operands)}}})"
        operands.append(addend)
    elif addend is not None:
        place = f"{{{len(operands)}}}"
        product += f" + {place}" if beta == 1 else f" + {{beta}} * {place}"
        operands.append(addend)
    roles = ("left", *(["right"] if len(operands) - (addend is not None) > 1 else []), "bias")
    return [line(node, product, *operands, roles=roles, tensors=tensors, alpha=alpha, beta=beta)]


@emits("tensorflow", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``tf.matmul``; ``tf.linalg.matvec`` or ``tf.tensordot`` with vectors."""
    ranks = len(dims(left)), len(dims(right))
    if ranks == (1, 1):
        text = "tf.tensordot({0}, {1}, 1)"
    elif ranks[1] == 1:
        text = "tf.linalg.matvec({0}, {1})"
    elif ranks[0] == 1:
        text = "tf.linalg.matvec({1}, {0}, transpose_a=True)"
    else:
        text = "tf.matmul({0}, {1})"
    return [line(node, text, left, right, roles=("left", "weight"))]
