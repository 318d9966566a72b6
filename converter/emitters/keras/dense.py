"""Dense layers and products of matrices."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import emits, is_parameter, parameter_shape
from converter.emitters.keras.operand import layer, line, state, variable
from converter.emitters.operand import is_stored
from converter.emitters.statement import State, Statement
from converter.ir import dims


@emits("keras", "Gemm")
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
    """``layers.Dense`` where the right factor is a parameter and the addend a vector of them; else ``ops.matmul``."""
    plain = not transA and alpha == 1 and (addend is None or beta == 1)
    if plain and is_parameter(right) and not is_stored(left) and (addend is None or is_stored(addend)):
        kernel = state(right, perm=(1, 0)) if transB else state(right)
        if addend is None or dims(addend) == kernel.shape[1:]:
            return [_dense(node, left, kernel, addend)]
    turned = ["ops.transpose({0})" if transA else "{0}", "ops.transpose({1})" if transB else "{1}"]
    product = f"ops.matmul({', '.join(turned)})"
    product = product if alpha == 1 else f"{{alpha}} * {product}"
    if addend is None:
        return [line(node, product, left, right, roles=("left", "kernel"), alpha=alpha)]
    # the addend first: Keras takes what is added for a bias of an axis of its size
    text = f"{{2}} + {product}" if beta == 1 else f"{{beta}} * {{2}} + {product}"
    roles = ("left", "kernel", "bias")
    return [line(node, text, left, right, addend, roles=roles, alpha=alpha, beta=beta)]


@emits("keras", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``layers.Dense`` where the right factor is a parameter of two dimensions; else ``ops.matmul``."""
    if is_parameter(right) and len(parameter_shape(right)) == 2 and not is_stored(left) and len(dims(left)) > 1:
        return [_dense(node, left, state(right), None)]
    return [line(node, "ops.matmul({0}, {1})", left, right, roles=("left", "right"))]


def _dense(node: onnx_ir.Node, data: onnx_ir.Value, kernel: State, bias: onnx_ir.Value | None) -> Statement:
    settings: dict[str, Any] = {} if bias is not None else {"use_bias": False}
    own = {"kernel": variable(kernel), **({} if bias is None else {"bias": variable(state(bias))})}
    return layer(node, data, "layers.Dense", kernel.shape[1], state=own, **settings)
