"""How an operator's inputs stand in a line of the program: variables, literals, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_parameter
from converter.emitters.operand import array, expression, is_stored, is_trained, number
from converter.emitters.statement import State, Statement
from converter.ir import dims

Operand: TypeAlias = onnx_ir.Value | State | npt.NDArray[Any] | Sequence[Any] | float | str | None
"""A value of any kind, a tensor made for the purpose, a literal, a list of these; None is left out."""

RANKS = 5
"""As many dimensions as Core ML's tensors can have."""
_LITERAL = 16
"""Arrays of more elements are weights."""
_INT32 = np.iinfo(np.int32)
_KINDS = {
    onnx_ir.DataType.FLOAT: "fp32",
    onnx_ir.DataType.INT64: "int32",
    onnx_ir.DataType.INT32: "int32",
    onnx_ir.DataType.INT8: "int32",
    onnx_ir.DataType.UINT8: "int32",
    onnx_ir.DataType.BOOL: "bool",
}
"""The element types of the IR that Core ML computes with, and as what."""

DTYPES = tuple(_KINDS)
_DTYPES = {"fp32": "float32", "int32": "int32", "bool": "bool"}


@dataclass
class _Line:
    """What the parts of a line refer to."""

    inputs: list[onnx_ir.Value] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, State] = field(default_factory=dict)

    def text(self, role: str, operand: Operand) -> str:
        """``operand`` as text of the expression."""
        if isinstance(operand, onnx_ir.Value):
            return self._value(role, operand)
        if isinstance(operand, np.ndarray):
            return self._array(role, operand)
        if isinstance(operand, State):
            self.tensors[role] = operand
            return f"{{{role}}}"
        if isinstance(operand, list | tuple) and any(isinstance(part, onnx_ir.Value | State) for part in operand):
            parts = (self.text(f"{role}{place}", part) for place, part in enumerate(operand))
            return f"[{', '.join(parts)}]"
        self.arguments[role] = list(operand) if isinstance(operand, tuple) else operand
        return f"{{{role}}}"

    def _value(self, role: str, value: onnx_ir.Value) -> str:
        if is_parameter(value):
            self.tensors[role] = state(value)
            return f"{{{role}}}"
        if is_stored(value):
            return self._array(role, array(value), value)
        check(value)
        if value not in self.inputs:
            self.inputs.append(value)
        return f"{{{self.inputs.index(value)}}}"

    def _array(self, role: str, elements: npt.NDArray[Any], value: onnx_ir.Value | None = None) -> str:
        if elements.dtype.kind in "iu" and not _fits(elements):
            raise Refused("Core ML's integers have 32 bits, and a constant needs more")
        if elements.ndim == 0:
            self.arguments[role] = elements.item() if value is None else number(value)
        elif elements.ndim == 1 and elements.dtype.kind in "iub" and 0 < elements.size <= _LITERAL:
            self.arguments[role] = elements.tolist()
        else:
            self.tensors[role] = stored(elements)
        return f"{{{role}}}"


def line(
    node: onnx_ir.Node, operation: str, *, outputs: Sequence[onnx_ir.Value] = (), **operands: Operand
) -> Statement:
    """The statement ``outputs = mb.<operation>(<name>=<operand>, ..., name=<the layer's name>)``.

    Args:
        node: The node that it is for.
        operation: One of Core ML's, as ``mb`` has it.
        outputs: What it computes; the node's own if not given.
        **operands: By the operation's own names, in the order in which they are to be read. A value of the graph
            stands as a variable, a literal or a weight, whatever it is; a number, a text, a list or a tuple of them
            as a literal; a numpy array as a literal or a weight, a :class:`State` as a weight; a list of values as
            such a list. What is None is left out.

    Raises:
        Refused: Core ML has no such tensor: it has too many dimensions, no elements, or integers beyond 32 bits.
    """
    found = _Line()
    parts = [f"{role}={found.text(role, part)}" for role, part in operands.items() if part is not None]
    text = f"mb.{operation}({', '.join([*parts, 'name={name}'])})"
    results = tuple(outputs or node.outputs)
    for value in results:
        check(value)
    return Statement(str(node.name), tuple(found.inputs), results, text, found.arguments, tensors=found.tensors)


def check(value: onnx_ir.Value) -> None:
    """Refuse ``value`` if Core ML has no tensor like it."""
    shape = () if value.shape is None else dims(value)
    if len(shape) > RANKS:
        raise Refused(f"{value.name} has {len(shape)} dimensions, and Core ML's tensors have {RANKS} at most")
    if 0 in shape:
        raise Refused(f"{value.name} has no elements")


def kind(value: onnx_ir.Value) -> str:
    """The element type that Core ML gives ``value``, as ``mb.cast`` spells it: fp32, int32 or bool.

    Raises:
        Refused: It has none.
    """
    return kind_of(value.dtype)


def kind_of(dtype: onnx_ir.DataType | None) -> str:
    """As :func:`kind`, of a type of the IR."""
    if dtype not in _KINDS:
        raise Refused(f"Core ML computes with no {'unknown' if dtype is None else dtype.name.lower()}")
    return _KINDS[dtype]


def state(value: onnx_ir.Value, shape: Sequence[int] | None = None, perm: Sequence[int] | None = None) -> State:
    """The weight that holds ``value``, a parameter or a constant, of any size.

    Args:
        value: Which one.
        shape: Its shape, where that is another with as many elements.
        perm: The order of its axes, before it gets that shape, if another.

    Raises:
        Refused: The value is computed at run time, or Core ML has no such tensor.
    """
    own, read = tuple(int(dim) for dim in dims(value)), expression(value)
    if perm is not None:
        own, read = tuple(own[axis] for axis in perm), plan.transpose(read, perm)
    wanted = own if shape is None else tuple(shape)
    if wanted != own:
        read = plan.reshape(read, wanted)
    return made(read, wanted, _DTYPES[kind(value)], trained=is_trained(value))


def stored(elements: npt.NDArray[Any]) -> State:
    """The weight that holds ``elements``, which belong to the structure."""
    dtype = {"f": "float32", "b": "bool"}.get(elements.dtype.kind, "int32")
    content = plan.literal(elements.tolist()) if elements.ndim else plan.full(elements.item(), ())
    return made(content, elements.shape, dtype, trained=False)


def made(value: plan.Expression, shape: Sequence[int], dtype: str = "float32", *, trained: bool = False) -> State:
    """The weight of ``shape`` that is set to ``value``.

    Raises:
        Refused: Core ML has no such tensor.
    """
    if len(shape) > RANKS or 0 in shape:
        raise Refused(f"a weight of the shape {list(shape)}")
    return State(tuple(shape), value, dtype, trained)


def _fits(elements: npt.NDArray[Any]) -> bool:
    return bool((elements >= _INT32.min).all() and (elements <= _INT32.max).all())
