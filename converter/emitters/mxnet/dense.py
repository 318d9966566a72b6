"""Products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter, only_output, operator_of
from converter.emitters.known import is_whole, sizes
from converter.emitters.mxnet.call import Call, Chain, parameter
from converter.emitters.mxnet.spread import codes, spread
from converter.ir import Dim, dims
from converter.passes.fold import expression_of


@emits("mxnet", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Call]:
    """``Flatten``; nothing where only ``FullyConnected`` follows, which flattens for itself."""
    top, given = only_output(node), dims(data)
    if axis % max(len(given), 1) == 1 and len(given) > 1:
        return [] if flattened(top) is not None else Chain(node).last("Flatten", data)
    return Chain(node).last("reshape", data, shape=codes(given, dims(top)))


def flattened(value: onnx_ir.Value) -> onnx_ir.Value | None:
    """What ``value`` is the flattened form of, if all that read it are layers that flatten for themselves."""
    node = value.producer()
    if node is None or operator_of(node) != "Flatten" or value.is_graph_output():
        return None
    data = node.inputs[0]
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
    if data is None or len(dims(data)) < 2 or axis not in (1, 1 - len(dims(data))):
        return None
    return data if all(use.idx == 0 and _is_layer(use.node) for use in value.uses()) else None


def _is_layer(node: onnx_ir.Node) -> bool:
    """Whether ``node`` is a fully connected layer as MXNet has it."""
    if operator_of(node) != "Gemm" or len(node.inputs) < 2:
        return False
    given = {name: attribute.value for name, attribute in node.attributes.items()}
    weight, bias = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None
    plain = given.get("alpha", 1.0) == 1 and (bias is None or given.get("beta", 1.0) == 1) and not given.get("transA")
    if weight is None or not plain or not (given.get("transB") or is_parameter(weight)):
        return False
    return bias is None or dims(bias) == (dims(node.outputs[0])[1],)


@emits("mxnet", "Gemm")
def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's own name
    transB: int = 0,  # noqa: N803
) -> list[Call]:
    """``FullyConnected``; ``dot`` where it is scaled, or its first factor transposed."""
    chain = Chain(node)
    if not _is_layer(node):
        return _general(chain, left, right, bias, alpha, beta, bool(transA), bool(transB))
    weight = right
    if not transB:
        rows, columns = (int(dim) for dim in dims(right))
        weight = parameter(str(right.name), (columns, rows), plan.transpose(expression_of(right), (1, 0)))
    whole = flattened(left)
    return chain.last(
        "FullyConnected",
        data=left if whole is None else whole,
        weight=weight,
        bias=bias,
        num_hidden=sizes(dims(weight)[:1], "a number of features")[0],
        no_bias=True if bias is None else None,
    )


def _general(
    chain: Chain,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    alpha: float,
    beta: float,
    turn_left: bool,
    turn_right: bool,
) -> list[Call]:
    turned: dict[str, Any] = {"transpose_a": turn_left or None, "transpose_b": turn_right or None}
    if is_whole(left):
        raise Refused("MXNet multiplies no matrices of whole numbers")
    if alpha == 1 and bias is None:
        return chain.last("dot", left, right, **turned)
    product = chain.step("product", "dot", left, right, **turned)
    if bias is None:
        return chain.last("_internal._mul_scalar", product, scalar=alpha)
    if alpha != 1:
        product = chain.step("scaled", "_internal._mul_scalar", product, scalar=alpha)
    if beta != 1:
        bias = chain.step("bias", "_internal._mul_scalar", bias, scalar=beta)
    return chain.last("broadcast_add", product, bias)


@emits("mxnet", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``dot`` where the second factor is one matrix, else ``batch_dot`` or ``linalg.gemm2``, repeated to one shape.

    Raises:
        Refused: The factors are whole numbers, which MXNet does not multiply.
    """
    first, second, made = dims(left), dims(right), dims(only_output(node))
    chain = Chain(node)
    if is_whole(left):
        raise Refused("MXNet multiplies no matrices of whole numbers")
    if len(second) <= 2 and (len(first) >= 1):
        return chain.last("dot", left, right)
    if len(first) == 1:
        first, made = (1, *first), (*made[:-1], 1, made[-1])  # where it is spread it has as many dimensions anyway
    if len(first) == len(second) == 3 and first[0] == second[0]:
        return _product(chain, "batch_dot", (left, right), made)
    parts = []
    for role, value, shape in (("left", left, first), ("right", right, second)):
        target = (*made[:-2], *shape[-2:])
        source = next((one for one in (left, right) if one.shape is not None and dims(one)[:1] == made[:1]), None)
        parts.append(value if shape == target else spread(chain, role, value, target, source))
    return _product(chain, "linalg.gemm2", parts, made)


def _product(chain: Chain, op: str, factors: Sequence[onnx_ir.Value], made: Sequence[Dim]) -> list[Call]:
    """The product of many matrices, ``made``, without the row that was added to it."""
    wanted = dims(only_output(chain.node))
    if tuple(made) == wanted:
        return chain.last(op, *factors)
    return chain.last("reshape", chain.step("product", op, *factors), shape=codes(made, wanted))
