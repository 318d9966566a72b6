"""How an operator's inputs stand in a line of ``forward``: variables, literals, parameters, buffers, sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.operand import array, expression, is_positive, is_stored, is_trained, number
from converter.emitters.python import Code
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import dims

_PLACE = re.compile(r"\{(\d+)\}")
_SIZES = {"Shape", "Size", "Squeeze", "Unsqueeze", "Concat", "Add", "Sub", "Mul", "Div", "Gather", "Reshape"}


@dataclass(frozen=True)
class Text:
    """An operand as text of the expression, and what that text refers to."""

    text: str
    inputs: tuple[onnx_ir.Value, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, State] = field(default_factory=dict)


def line(
    node: onnx_ir.Node,
    expression: str,
    *operands: onnx_ir.Value,
    outputs: Sequence[onnx_ir.Value] = (),
    scalars: bool = False,
    as_sizes: bool = False,
    roles: Sequence[str] = (),
    module: Submodule | None = None,
    library: Sequence[str] = (),
    **arguments: Any,
) -> Statement:
    """The statement that computes ``outputs``, the node's own if not given.

    Args:
        node: The node that it is for.
        expression: As a statement's, with ``{0}``, ``{1}``, ... for the ``operands``, constants and parameters too,
            and ``{device}`` for the device that a tensor made of nothing but numbers has to be on.
        *operands: Values of any kind.
        outputs: What it computes.
        scalars: Whether a number may stand in the place of a constant of one element.
        as_sizes: Whether an int or a tuple of ints may stand for sizes; otherwise they are made a tensor.
        roles: Names for the operands, which those that become parameters or buffers get.
        module: The module that it calls.
        library: The functions that it calls.
        **arguments: Literals.
    """
    inputs: list[onnx_ir.Value] = []
    texts: list[str] = []
    literals = dict(arguments)
    tensors: dict[str, State] = {}
    rank = max((_rank(value) for value in operands if not is_number(value)), default=0)
    for place, value in enumerate(operands):
        role = (roles[place] if place < len(roles) else "") or _role(place)
        found = _text(value, role, scalars and _rank(value) <= rank, as_sizes)
        texts.append(found.text.replace("{0}", f"{{{_position(inputs, found)}}}"))
        literals.update(found.arguments)
        tensors.update(found.tensors)
    spelled = _PLACE.sub(lambda match: texts[int(match[1])], expression)
    if "{device}" in spelled:
        place = _position(inputs, Text("", (_nearest(node, operands),)))
        spelled = spelled.replace("{device}", f"{{{place}}}.device")
    outputs = tuple(outputs or node.outputs)
    literals = {name: value for name, value in literals.items() if f"{{{name}}}" in spelled}
    return Statement(str(node.name), tuple(inputs), outputs, spelled, literals, module, tensors, tuple(library))


def _role(number: int) -> str:
    return "table" if number == 0 else "other" if number == 1 else f"other{number}"


def _rank(value: onnx_ir.Value) -> int:
    return 0 if value.shape is None else len(value.shape)


def _position(inputs: list[onnx_ir.Value], found: Text) -> int:
    """Where among ``inputs`` the one is that ``found`` reads; appended if it is new."""
    for value in found.inputs:
        if value not in inputs:
            inputs.append(value)
        return inputs.index(value)
    return 0


def _nearest(node: onnx_ir.Node, operands: Sequence[onnx_ir.Value]) -> onnx_ir.Value:
    """A tensor that is where ``node`` computes: of its ``operands``, or whose shape they are, or the network's input.

    Raises:
        Refused: There is no tensor at all.
    """
    inputs = node.graph.inputs if isinstance(node.graph, onnx_ir.Graph) else []
    found = next((near for value in (*operands, *inputs) if (near := _tensor(value)) is not None), None)
    if found is None:
        raise Refused("the network has no input, on whose device it could be computed")
    return found


def _tensor(value: onnx_ir.Value) -> onnx_ir.Value | None:
    """``value`` if it is a tensor of the generated code, or a tensor whose sizes it is."""
    if is_stored(value):
        return None
    node = value.producer()
    if node is None or not is_sizes(value):
        return value
    parts = (_tensor(part) for part in node.inputs if part is not None)
    return next((part for part in parts if part is not None), None)


def _text(value: onnx_ir.Value, role: str, scalar: bool, sizes: bool) -> Text:
    if is_parameter(value) or (is_constant(value) and not scalar and dims(value) != ()):
        return Text(f"{{{role}}}", tensors={role: state(value)})
    if is_constant(value):
        if scalar and dims(value) != () and array(value).size != 1:
            return Text(f"{{{role}}}", tensors={role: state(value)})
        text = f"{{{role}}}" if scalar else f"torch.tensor({{{role}}}, dtype={{{role}_dtype}}, device={{device}})"
        kind = {} if scalar else {f"{role}_dtype": dtype(value)}
        return Text(text, arguments={role: number(value), **kind})
    if is_sizes(value):
        kept = sizes or (scalar and dims(value) == ())
        return Text("{0}" if kept else "torch.tensor({0}, device={device})", (value,))
    return Text("{0}", (value,))


def is_number(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a constant of one element, which may stand as a number beside a tensor."""
    return (is_constant(value) and array(value).size == 1) or (is_sizes(value) and dims(value) == ())


def dtype(value: onnx_ir.Value) -> Code:
    """The element type of ``value`` as torch spells it."""
    return dtype_code(value.dtype)


def dtype_code(kind: onnx_ir.DataType | None) -> Code:
    """An element type as torch spells it.

    Raises:
        Refused: PyTorch has no such type.
    """
    if kind is None:
        raise Refused("an element type is unknown")
    name = kind.numpy().name
    if name not in {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"}:
        raise Refused(f"PyTorch computes with no {name}")
    return Code(f"torch.{name}")


def state(value: onnx_ir.Value, shape: Sequence[int] | None = None, *, transposed: bool = False) -> State:
    """The parameter or buffer that holds ``value``: a parameter of the model, or a constant.

    Args:
        value: Which one.
        shape: Its shape, where that is another with as many elements.
        transposed: Whether its two axes are exchanged.

    Raises:
        Refused: The value is computed at run time.
    """
    read = expression(value)
    own = tuple(int(dim) for dim in dims(value))
    if transposed:
        read, own = plan.transpose(read, (1, 0)), own[::-1]
    wanted = own if shape is None else tuple(shape)
    if np.prod(wanted, dtype=np.int64) != np.prod(own, dtype=np.int64):
        raise Refused(f"{value.name} has the shape {list(own)}, not {list(wanted)}")
    kind = str(dtype(value)).removeprefix("torch.")
    return State(wanted, read if wanted == own else plan.reshape(read, wanted), kind, is_trained(value))


def is_sizes(value: onnx_ir.Value, depth: int = 16) -> bool:
    """Whether ``value`` is computed of shapes alone, and so an int or a tuple of ints in the generated code.

    What the model returns is a tensor all the same.

    Args:
        value: Which one.
        depth: How many nodes to look back at most.
    """
    node = value.producer()
    if node is None or depth == 0 or value.is_graph_output() or node.domain != "" or node.op_type not in _SIZES:
        return False
    if node.op_type in {"Shape", "Size"}:
        return True
    rank = len(dims(value))
    first, *others = (operand for operand in node.inputs if operand is not None)
    if node.op_type == "Concat":
        return all(is_sizes(operand, depth - 1) or is_constant(operand) for operand in (first, *others))
    if node.op_type in {"Add", "Sub", "Mul", "Div"}:
        return rank == 0 and all(
            is_sizes(part, depth - 1) or (is_constant(part) and is_positive(part)) for part in (first, *others)
        )
    if node.op_type == "Gather":
        return is_sizes(first, depth - 1) and all(is_constant(operand) for operand in others) and rank == 0
    return is_sizes(first, depth - 1) and rank <= 1 and dims(value) in ((), (1,))


def _is_positive(value: onnx_ir.Value) -> bool:
    return is_constant(value) and is_positive(value)
