"""Comparisons, logic, and what depends on them."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.coreml.chain import Chain, beside, one, scalar
from converter.emitters.coreml.operand import Operand, kind, line
from converter.emitters.operand import array, check_broadcast
from converter.emitters.statement import Statement
from converter.ir import Dim, dims

_COMPARISONS = {
    "Equal": "equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
}
_LOGIC = {"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"}


@emits("coreml", *_COMPARISONS)
def comparison(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """The operation that bears its name; booleans are equal if ``logical_xor`` says that they do not differ."""
    check_broadcast(left, right)
    if kind(left) == "bool":
        chain = Chain(node)
        differ = chain.step("differ", "logical_xor", x=beside(left, right), y=beside(right, left))
        return chain.last("logical_not", x=differ)
    return [line(node, _COMPARISONS[node.op_type], x=beside(left, right), y=beside(right, left))]


@emits("coreml", *_LOGIC)
def logic(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``logical_and``, ``logical_or`` and ``logical_xor``."""
    check_broadcast(left, right)
    return [line(node, _LOGIC[node.op_type], x=beside(left, right), y=beside(right, left))]


@emits("coreml", "Not")
def logical_not(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``logical_not``."""
    return [line(node, "logical_not", x=data)]


@emits("coreml", "IsNaN")
def is_nan(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``not_equal`` to itself."""
    return [line(node, "not_equal", x=data, y=data)]


@emits("coreml", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Statement]:
    """``equal`` to infinity, of the magnitude if both signs count."""
    infinity = float("inf")
    if detect_negative and detect_positive:
        chain = Chain(node)
        return chain.last("equal", x=chain.step("size", "abs", x=data), y=infinity)
    if not detect_negative and not detect_positive:
        return [line(node, "fill_like", ref_tensor=data, value=False)]
    return [line(node, "equal", x=data, y=infinity if detect_positive else -infinity)]


@emits("coreml", "Where")
def where(
    node: onnx_ir.Node, condition: onnx_ir.Value, chosen: onnx_ir.Value, other: onnx_ir.Value
) -> list[Statement]:
    """``select``, one of whose operands is spread before if the condition has more elements than both."""
    check_broadcast(condition, chosen, other)
    chain, wanted = Chain(node), dims(node.outputs[0])
    a, b = beside(chosen, node.outputs[0]), beside(other, node.outputs[0])
    if _joined(dims(chosen), dims(other)) != wanted:
        a = _spread(chain, chosen, condition)
    return chain.last("select", cond=beside(condition, node.outputs[0]), a=a, b=b)


def _spread(chain: Chain, value: onnx_ir.Value, like: onnx_ir.Value) -> Operand:
    """``value`` broadcast with ``like``."""
    if is_constant(value) and array(value).size == 1 and len(dims(value)) <= len(dims(like)):
        return chain.step("filled", "fill_like", ref_tensor=like, value=scalar(value))
    if kind(value) == "bool":
        empty = chain.step("empty", "fill_like", ref_tensor=like, value=False)
        return chain.step("spread", "logical_or", x=empty, y=value)
    ones = chain.step("ones", "fill_like", ref_tensor=like, value=one(value.dtype))
    return chain.step("spread", "mul", x=ones, y=value)


def _joined(left: tuple[Dim, ...], right: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The shape of two operands that are broadcast.

    Raises:
        Refused: They do not go together.
    """
    rank = max(len(left), len(right))
    padded: list[tuple[Dim, ...]] = [(1,) * (rank - len(shape)) + shape for shape in (left, right)]
    found: list[Dim] = []
    for sizes in zip(*padded, strict=True):
        several = set(sizes) - {1}
        if len(several) > 1:
            raise Refused(f"{list(left)} beside {list(right)}")
        found.append(several.pop() if several else 1)
    return tuple(found)
