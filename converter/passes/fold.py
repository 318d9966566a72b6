"""Fold what is computed of parameters alone into parameters of its own.

An LSTM's weights, say, come cut out of one packed vector: ``Split``, ``Reshape`` and ``Gather`` of a parameter. A
target wants them as parameters. Their values are not known here, so each becomes a :class:`Derived`: its shape, and
the expression that a weight plan says it with, which is computed when the checkpoint is built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.errors import BadInput
from converter.ir import dims, is_external
from converter.plan import Expression

Folder = Callable[[onnx_ir.Node, Sequence[Expression]], Sequence[Expression]]

_ELEMENTS = 1 << 31
"""Most elements of a folded parameter; beyond that something is repeated, not stored."""
_MOVING = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"}
_ARITHMETIC = {"Add": plan.add, "Sub": plan.sub, "Mul": plan.mul, "Div": plan.div}


class Derived(onnx_ir.LazyTensor):
    """A parameter that is made of others.

    Attributes:
        expression: How, as a weight plan says it.
    """

    def __init__(self, name: str, dtype: onnx_ir.DataType, shape: tuple[int, ...], expression: Expression) -> None:
        super().__init__(self._refuse, dtype, onnx_ir.Shape(shape), name=name)
        self.expression = expression

    def _refuse(self) -> onnx_ir.TensorProtocol:
        raise BadInput(f"parameter {self.name!r} is made of others and has no values yet")


def expression_of(value: onnx_ir.Value) -> Expression:
    """How a weight plan says the parameter ``value``."""
    tensor = value.const_value
    return tensor.expression if isinstance(tensor, Derived) else plan.tensor(str(value.name))


def fold_parameters(model: onnx_ir.Model) -> onnx_ir.Model:
    """Return ``model`` with every node that only moves or combines parameters replaced by parameters.

    What is an output of the graph stays a node's. The order of what remains is kept.
    """
    copy = model.clone()
    for node in list(copy.graph):
        if _foldable(node):
            _replace(copy.graph, node)
    return copy


def is_parameter(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is one of the model's parameters, kept in the weights file (or to be trained yet)."""
    tensor = value.const_value
    return value.is_initializer() and (tensor is None or is_external(tensor))


def is_constant(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is structure: an integer, a scalar or a function's table that is part of the graph."""
    return not is_parameter(value) and onnx_ir.convenience.get_const_tensor(value) is not None


def _foldable(node: onnx_ir.Node) -> bool:
    if node.domain != "" or node.op_type not in _FOLDERS:
        return False
    inputs = [value for value in node.inputs if value is not None]
    operands = [value for value in inputs if _is_operand(node, value)]
    return (
        any(is_parameter(value) for value in operands)
        and all(is_parameter(value) or is_constant(value) for value in operands)
        and all(is_constant(value) for value in inputs if value not in operands)
        and all(_is_fixed(value) for value in node.outputs)
        and (node.op_type not in _ARITHMETIC or _is_float(node.outputs))
    )


def _is_fixed(value: onnx_ir.Value) -> bool:
    shape = dims(value)
    sizes = [dim for dim in shape if isinstance(dim, int)]
    fixed = 0 < len(shape) == len(sizes) and math.prod(sizes) <= _ELEMENTS
    return fixed and not value.is_graph_output() and value.dtype is not None


def _is_float(values: Iterable[onnx_ir.Value]) -> bool:
    return all(value.dtype == onnx_ir.DataType.FLOAT for value in values)


def _replace(graph: onnx_ir.Graph, node: onnx_ir.Node) -> None:
    read = [_read(value) for value in node.inputs if value is not None and _is_operand(node, value)]
    for value, expression in zip(node.outputs, _FOLDERS[node.op_type](node, read), strict=True):
        shape, dtype = _shape(value), value.dtype or onnx_ir.DataType.UNDEFINED
        tensor = Derived(str(value.name), dtype, shape, expression)
        made = onnx_ir.Value(
            name=value.name, shape=onnx_ir.Shape(shape), type=onnx_ir.TensorType(dtype), const_value=tensor
        )
        onnx_ir.convenience.replace_all_uses_with(value, made)
        value.name = f"{value.name}/folded"
        graph.register_initializer(made)
    graph.remove(node, safe=True)


def _is_operand(node: onnx_ir.Node, value: onnx_ir.Value) -> bool:
    """Whether ``value`` holds elements of the result, and is not a shape, an axis, an index."""
    if node.op_type in _ARITHMETIC or node.op_type == "Concat":
        return True
    return value is node.inputs[0]


def _read(value: onnx_ir.Value) -> Expression:
    if is_parameter(value):
        return expression_of(value)
    array = _structure(value)
    return plan.full(array.item(), ()) if array.ndim == 0 else plan.literal(array.tolist())


def _structure(value: onnx_ir.Value) -> npt.NDArray[Any]:
    tensor = onnx_ir.convenience.get_const_tensor(value)
    return np.empty(0) if tensor is None else tensor.numpy()


def _integers(value: onnx_ir.Value | None) -> list[int] | None:
    return None if value is None else [int(number) for number in _structure(value).reshape(-1)]


def _shape(value: onnx_ir.Value | None) -> tuple[int, ...]:
    return () if value is None else tuple(int(dim) for dim in dims(value))


def _attribute(node: onnx_ir.Node, name: str, default: Any) -> Any:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.value


def _move(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    return [plan.reshape(operands[0], _shape(node.outputs[0]))]


def _transpose(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    rank = len(dims(node.outputs[0]))
    return [plan.transpose(operands[0], _attribute(node, "perm", range(rank)[::-1]))]


def _split(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    axis = _attribute(node, "axis", 0) % len(dims(node.outputs[0]))
    parts, start = [], 0
    for value in node.outputs:
        end = start + int(dims(value)[axis])
        parts.append(plan.slice_(operands[0], axis, start, end))
        start = end
    return parts


def _slice(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    shape = _shape(node.inputs[0])
    starts, ends, axes, steps = (_integers(value) for value in (*node.inputs[1:], None, None)[:4])
    result = operands[0]
    for number, (start, end) in enumerate(zip(starts or (), ends or (), strict=True)):
        axis = (axes[number] if axes else number) % len(shape)
        step = steps[number] if steps else 1
        # ONNX moves a start before the first element to it, Python does so only going forwards
        kept = range(shape[axis])[max(start, -shape[axis]) : end : step]
        if kept.step == 1:
            result = plan.slice_(result, axis, kept.start, kept.stop)
        else:
            result = plan.take(result, axis, list(kept))
    return [result]


def _gather(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    shape = _shape(node.inputs[0])
    axis = _attribute(node, "axis", 0) % len(shape)
    indices = [index % shape[axis] for index in _integers(node.inputs[1]) or ()]
    taken = plan.take(operands[0], axis, indices)
    return [plan.reshape(taken, _shape(node.outputs[0]))]


def _concat(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    return [plan.concat(operands, _attribute(node, "axis", 0) % len(dims(node.outputs[0])))]


def _combine(node: onnx_ir.Node, operands: Sequence[Expression]) -> list[Expression]:
    return [_ARITHMETIC[node.op_type](*operands)]


_FOLDERS: dict[str, Folder] = {
    **dict.fromkeys(_MOVING, _move),
    **dict.fromkeys(_ARITHMETIC, _combine),
    "Transpose": _transpose,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Concat": _concat,
}
