"""How an operator's inputs stand in a line of the network's code: variables, literals, ``tf.Variable``s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.operand import array, expression, is_trained, number
from converter.emitters.python import Code, literal
from converter.emitters.statement import State, Statement
from converter.ir import dims

_PLACE = re.compile(r"\{(\d+)\}")
_ELEMENTS = 16
"""Most elements of a constant that is spelled where it is used, rather than kept as a variable."""
_NAMES = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"}


def line(
    node: onnx_ir.Node,
    expression: str,
    *operands: onnx_ir.Value,
    outputs: Sequence[onnx_ir.Value] = (),
    scalars: bool = False,
    roles: Sequence[str] = (),
    library: Sequence[str] = (),
    tensors: dict[str, State] | None = None,
    **arguments: Any,
) -> Statement:
    """The statement that computes ``outputs``, the node's own if not given.

    Args:
        node: The node that it is for.
        expression: As a statement's, with ``{0}``, ``{1}``, ... for the ``operands``, constants and parameters too.
        *operands: Values of any kind.
        outputs: What it computes.
        scalars: Whether a number may stand in the place of a constant of one element; TensorFlow gives it the type
            of the tensor beside it.
        roles: Names for the operands, which those that become variables of the network get.
        library: The functions that it calls.
        tensors: Further variables of the network, by their names in the expression.
        **arguments: Literals.
    """
    inputs: list[onnx_ir.Value] = []
    states = dict(tensors or {})
    rank = max((_rank(value) for value in operands if not is_number(value)), default=0)
    texts = []
    for place, value in enumerate(operands):
        role = (roles[place] if place < len(roles) else "") or _role(place)
        if is_parameter(value) or (is_constant(value) and array(value).size > _ELEMENTS):
            states[role] = state(value)
            texts.append(f"{{{role}}}")
        elif is_constant(value):
            arguments[role] = _literal(value, scalars and _rank(value) <= rank)
            texts.append(f"{{{role}}}")
        else:
            if value not in inputs:
                inputs.append(value)
            texts.append(f"{{{inputs.index(value)}}}")
    spelled = _PLACE.sub(lambda match: texts[int(match[1])], expression)
    literals = {name: value for name, value in arguments.items() if f"{{{name}}}" in spelled}
    outputs = tuple(outputs or node.outputs)
    return Statement(str(node.name), tuple(inputs), outputs, spelled, literals, None, states, tuple(library))


def _role(place: int) -> str:
    return "table" if place == 0 else "other" if place == 1 else f"other{place}"


def _rank(value: onnx_ir.Value) -> int:
    return 0 if value.shape is None else len(value.shape)


def _literal(value: onnx_ir.Value, bare: bool) -> Any:
    if bare and is_number(value):
        return number(value)
    elements = array(value)
    if elements.size == 0:
        return Code(f"tf.zeros({list(elements.shape)}, {dtype(value)})")
    if elements.ndim == 0:
        return Code(f"tf.constant({literal(number(value))}, {dtype(value)})")
    wide = value.dtype == onnx_ir.DataType.DOUBLE
    items = [Code(repr(item)) if wide and np.isfinite(item) else item for item in elements.reshape(-1).tolist()]
    text = literal(_nested(items, elements.shape))
    return Code(f"tf.constant({text}, {dtype(value)})")


def _nested(items: Sequence[Any], shape: Sequence[int]) -> list[Any]:
    if len(shape) == 1:
        return list(items)
    step = len(items) // shape[0]
    return [_nested(items[place * step : (place + 1) * step], shape[1:]) for place in range(shape[0])]


def is_number(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a constant of one element, which may stand as a number beside a tensor."""
    return is_constant(value) and array(value).size == 1


def dtype(value: onnx_ir.Value) -> Code:
    """The element type of ``value`` as TensorFlow spells it."""
    return dtype_code(value.dtype)


def dtype_code(kind: onnx_ir.DataType | None) -> Code:
    """An element type as TensorFlow spells it.

    Raises:
        Refused: The IR does not say it, or TensorFlow does not compute with it.
    """
    if kind is None:
        raise Refused("an element type is unknown")
    name = kind.numpy().name
    if name not in _NAMES:
        raise Refused(f"TensorFlow's operators take no {name}")
    return Code(f"tf.{name}")


def state(value: onnx_ir.Value, shape: Sequence[int] | None = None, perm: Sequence[int] = ()) -> State:
    """The variable of the network that holds ``value``: a parameter of the model, or a constant.

    Args:
        value: Which one.
        shape: Its shape, where that is another with as many elements.
        perm: How its axes are moved, after that.

    Raises:
        Refused: The value is computed at run time.
    """
    read = expression(value)
    own = tuple(int(dim) for dim in dims(value))
    wanted = own if shape is None else tuple(shape)
    if np.prod(wanted, dtype=np.int64) != np.prod(own, dtype=np.int64):
        raise Refused(f"{value.name} has the shape {list(own)}, not {list(wanted)}")
    if wanted != own:
        read = plan.reshape(read, wanted)
    if perm and tuple(perm) != tuple(range(len(perm))):
        read, wanted = plan.transpose(read, perm), tuple(wanted[axis] for axis in perm)
    return State(wanted, read, str(dtype(value)).removeprefix("tf."), is_trained(value))
