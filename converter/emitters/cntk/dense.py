"""Products of matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis
from converter.emitters.cntk.bounds import check_whole
from converter.emitters.cntk.operand import aligned, line, own_shape, state
from converter.emitters.operand import expression, is_stored, is_trained, omit
from converter.emitters.python import literal
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import dims

_MATRIX = 2


@emits("cntk", "Gemm")
def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    addend: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's own name
    transB: int = 0,  # noqa: N803
) -> list[Statement]:
    """``layers.Dense`` of rows, with parameters; else ``C.times``, factors and a sum."""
    check_whole(node)
    summed = (0 if transA else 1, 1 if transB else 0)
    for value, axis in zip((left, right), summed, strict=True):
        _check_kept(value, axis)
    width = dims(node.outputs[0])[1]
    rows = batch_axis(left) == 0 and not transA and is_stored(right) and not is_stored(left)
    if rows and alpha == 1 and (addend is None or (beta == 1 and _is_vector(addend, width))):
        return [_dense(node, left, right, addend, turned=bool(transB))]
    if None not in (batch_axis(left), batch_axis(right)):
        raise Refused("both factors have the batch")
    terms = _Operands()
    factors = [terms.factor("left", left, turned=bool(transA)), terms.factor("weight", right, turned=bool(transB))]
    text = f"C.times({', '.join(factors)})"
    if len(own_shape(right)) < _MATRIX:
        text = f"C.reduce_sum({' * '.join(factors)}, axis=1, keepdims=False)"
    text = text if alpha == 1 else f"{{alpha}} * {text}"
    if addend is not None:
        text += f" + {'' if beta == 1 else '{beta} * '}{terms.addend(addend, node.outputs[0])}"
    settings: dict[str, Any] = {"alpha": float(alpha), "beta": float(beta)}
    return [line(node, text, *terms.operands, tensors=terms.tensors, **settings)]


@dataclass
class _Operands:
    """What stands in an expression, gathered while it is written: values by place, parameters by role."""

    operands: list[onnx_ir.Value] = field(default_factory=list)
    tensors: dict[str, State] = field(default_factory=dict)

    def factor(self, role: str, value: onnx_ir.Value, *, turned: bool) -> str:
        """A matrix, transposed if ``turned``; one without its batch is a vector, which is not."""
        if is_stored(value):
            self.tensors[role] = _matrix(value, turned=turned)
            return f"{{{role}}}"
        place = self._place(value)
        return f"C.transpose({place}, (1, 0))" if turned and len(own_shape(value)) == _MATRIX else place

    def addend(self, value: onnx_ir.Value, result: onnx_ir.Value) -> str:
        """What is broadcast to ``result``."""
        shape = aligned(value, result)
        if is_stored(value):
            self.tensors["bias"] = state(value, shape)
            return "{bias}"
        place = self._place(value)
        return place if shape == own_shape(value) else f"C.reshape({place}, {literal(shape)})"

    def _place(self, value: onnx_ir.Value) -> str:
        self.operands.append(value)
        return f"{{{len(self.operands) - 1}}}"


def _check_kept(value: onnx_ir.Value, axis: int) -> None:
    if not is_stored(value) and batch_axis(value) == axis:
        raise Refused(f"the batch of {value.name} is summed up")


def _is_vector(value: onnx_ir.Value, width: object) -> bool:
    return is_stored(value) and dims(value) in ((width,), (1, width))


def _matrix(value: onnx_ir.Value, *, turned: bool) -> State:
    shape = own_shape(value)
    if not turned:
        return state(value)
    return State(shape[::-1], plan.transpose(expression(value), (1, 0)), trained=is_trained(value))


def _dense(
    node: onnx_ir.Node, data: onnx_ir.Value, weight: onnx_ir.Value, bias: onnx_ir.Value | None, *, turned: bool
) -> Statement:
    states = {"W": _matrix(weight, turned=turned)}
    width = states["W"].shape[1]
    if bias is not None:
        states["b"] = state(bias, (width,))
    layer = Submodule("C.layers.Dense", (width,), omit({"bias": True}, bias=bias is not None), states)
    return line(node, "{module}({0})", data, module=layer)


@emits("cntk", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``C.times`` by a matrix; of stacks of matrices a function, which multiplies one after the other."""
    check_whole(node)
    _check_batch(left, right)
    shapes = own_shape(left), own_shape(right)
    if len(shapes[1]) == _MATRIX and shapes[0]:
        text, library = "C.times({0}, {1})", []
    else:
        text, library = "matmul({0}, {1})", ["matmul"]
    return [line(node, text, left, right, roles=("left", "weight"), library=library)]


def _check_batch(left: onnx_ir.Value, right: onnx_ir.Value) -> None:
    """Refuse what is another product without the dimension of the batch.

    Raises:
        Refused: The batch is summed up, or there is a stack of matrices for each of its rows.
    """
    ranks = len(dims(left)), len(dims(right))
    places = _batch_from_behind(left), _batch_from_behind(right)
    if places[0] == -1 or places[1] == -min(ranks[1], _MATRIX):
        raise Refused("the batch is summed up")
    if None not in places:
        if places[0] != places[1] or places[0] == -_MATRIX:
            raise Refused("the batch is another dimension of the one factor than of the other")
        return
    if places[1] == -1 and ranks[1] > _MATRIX:
        raise Refused("the batch is the columns of a stack of matrices")
    place, other = (places[0], ranks[1]) if places[1] is None else (places[1], ranks[0])
    if place is not None and other > _MATRIX and -place <= max(other, _MATRIX):
        raise Refused("one factor has the batch, and the other one is a stack of matrices")


def _batch_from_behind(value: onnx_ir.Value) -> int | None:
    """The axis of ``value`` that is the batch, counted from behind."""
    axis = None if is_stored(value) else batch_axis(value)
    return None if axis is None else axis - len(dims(value))
