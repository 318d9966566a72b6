"""How an operator's inputs stand in a line of the network's code: variables, numbers, parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.batch import batch_axis, row_axis, row_shape
from converter.emitters.operand import array, expression, is_stored, is_trained, number
from converter.emitters.python import literal
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import Dim, dims

_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
ACROSS = ("ArgMax", "ArgMin", *(f"Reduce{name}" for name in _REDUCTIONS))
"""Operators that can reduce the batch, by :func:`unpacked`."""
_RUNS = 5
_PLACE = re.compile(r"\{(\d+)\}")


def line(
    node: onnx_ir.Node,
    expression: str,
    *operands: onnx_ir.Value,
    outputs: Sequence[onnx_ir.Value] = (),
    broadcast: bool = False,
    scalars: bool = True,
    roles: Sequence[str] = (),
    library: Sequence[str] = (),
    tensors: dict[str, State] | None = None,
    module: Submodule | None = None,
    **arguments: Any,
) -> Statement:
    """The statement that computes ``outputs``, the node's own if not given.

    Args:
        node: The node that it is for.
        expression: As a statement's, with ``{0}``, ``{1}``, ... for the ``operands``, constants and parameters too:
            a constant of one element is a number, other constants and parameters are CNTK's.
        *operands: Values of any kind.
        outputs: What it computes.
        broadcast: Whether operands without the batch meet those that have it as ONNX broadcasts them.
        scalars: Whether a constant of one element can be a number.
        roles: Names for the operands, which those that become parameters get.
        library: The functions that it calls.
        tensors: Further parameters, by their names in the expression.
        module: The layer that it calls, ``{module}``.
        **arguments: Literals.

    Raises:
        Refused: An output mixes the rows of the batch or has no elements, or an operand has a size of its own where
            the batch is.
    """
    outputs = tuple(outputs or node.outputs)
    for value in outputs:
        if 0 in row_shape(value):
            raise Refused(f"{value.name} has no elements")
    if broadcast:
        _check_runs(operands, outputs[0])
    inputs: list[onnx_ir.Value] = []
    states = dict(tensors or {})
    texts = []
    for place, value in enumerate(operands):
        role = (roles[place] if place < len(roles) else "") or _role(place)
        shape = aligned(value, outputs[0]) if broadcast else own_shape(value)
        if scalars and _is_number(value) and not (broadcast and _is_widest(value, operands)):
            arguments[role] = number(value)
            texts.append(f"{{{role}}}")
        elif is_stored(value):
            states[role] = state(value, shape)
            texts.append(f"{{{role}}}")
        else:
            if value not in inputs:
                inputs.append(value)
            variable = f"{{{inputs.index(value)}}}"
            texts.append(variable if shape == own_shape(value) else f"C.reshape({variable}, {literal(shape)})")
    spelled = _PLACE.sub(lambda match: texts[int(match[1])], expression)
    literals = {name: value for name, value in arguments.items() if f"{{{name}}}" in spelled}
    return Statement(str(node.name), tuple(inputs), outputs, spelled, literals, module, states, tuple(library))


def unpacked(data: onnx_ir.Value, axes: Sequence[int]) -> tuple[str, list[int]]:
    """The operand ``{0}`` with the batch as an ordinary axis if that is one of ``axes``, and which these are of it.

    Raises:
        Refused: The batch is another axis than the first.
    """
    positive = sorted({axis % len(dims(data)) for axis in axes})
    if batch_axis(data) == 0 and 0 in positive and not is_stored(data):
        return "C.unpack_batch({0})", positive
    return "{0}", [row_axis(data, axis) for axis in positive]


def _is_number(value: onnx_ir.Value) -> bool:
    return is_constant(value) and not is_parameter(value) and array(value).size == 1


def _is_widest(value: onnx_ir.Value, operands: Sequence[onnx_ir.Value]) -> bool:
    """Whether ``value`` has dimensions that none of the other ``operands`` has, and so gives them to the result."""
    return all(len(dims(other)) < len(dims(value)) for other in operands if other is not value) and len(operands) > 1


def _check_runs(operands: Sequence[onnx_ir.Value], result: onnx_ir.Value) -> None:
    """Check that CNTK can broadcast the ``operands``, which it does along few axes that are apart.

    Raises:
        Refused: There are too many.
    """
    rank, axis = len(dims(result)), batch_axis(result)
    order = sorted(range(rank), key=lambda place: place != axis)
    runs: list[tuple[bool, ...]] = []
    for place in order:
        shared = tuple(_size(value, place - rank) != 1 for value in operands)
        if any(shared) and runs[-1:] != [shared]:
            runs.append(shared)
    if len(runs) > _RUNS:
        raise Refused(f"CNTK broadcasts along {_RUNS} separate axes at most")


def _size(value: onnx_ir.Value, place: int) -> Dim:
    """The size of ``value`` at a ``place`` counted from behind; 1 where it has no such axis."""
    return dims(value)[place] if -place <= len(dims(value)) else 1


def state(value: onnx_ir.Value, shape: Sequence[int] | None = None) -> State:
    """The parameter that holds ``value``, a parameter or a constant of the IR, as ``shape`` where given."""
    own = tuple(int(dim) for dim in dims(value))
    wanted = own if shape is None else tuple(shape)
    found = expression(value)
    return State(wanted, found if wanted == own else plan.reshape(found, wanted), trained=is_trained(value))


def own_shape(value: onnx_ir.Value) -> tuple[int, ...]:
    """The shape that ``value`` has in CNTK: without the batch, if it is computed."""
    return tuple(int(dim) for dim in dims(value)) if is_stored(value) else row_shape(value)


def aligned(value: onnx_ir.Value, result: onnx_ir.Value) -> tuple[int, ...]:
    """The shape that ``value`` has to have to be broadcast to ``result``, whose batch is no axis of CNTK's.

    Raises:
        Refused: It has rows where ``result`` has the batch, or its batch is elsewhere.
    """
    axis, own = batch_axis(result), None if is_stored(value) else batch_axis(value)
    missing = len(dims(result)) - len(dims(value))
    if own is not None and own + missing != axis:
        raise Refused(f"the batch is another axis of {value.name} than of {result.name}")
    if own is not None or axis is None or axis < missing:
        return own_shape(value)
    shape: list[Dim] = list(dims(value))
    if shape.pop(axis - missing) != 1:
        raise Refused(f"{value.name} has rows of its own where {result.name} has the batch")
    return tuple(int(dim) for dim in shape)


def _role(place: int) -> str:
    return "table" if place == 0 else "other" if place == 1 else f"other{place}"
