"""How an operator's inputs stand in a line of ``network()``: tensors, literals, parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.operand import array, expression, is_trained, number
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import dims

CHANNELS_LAST = "transship.channels_last"
"""The domain of operators whose images have their channels last."""
INLINE = 64
"""The most elements of a constant that is written into the code."""

_PLACE = re.compile(r"\{(\d+)\}")
_DTYPES = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"}


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
    roles: Sequence[str] = (),
    module: Submodule | None = None,
    library: Sequence[str] = (),
    **arguments: Any,
) -> Statement:
    """The statement that computes ``outputs``, the node's own if not given.

    Args:
        node: The node that it is for.
        expression: As a statement's, with ``{0}``, ``{1}``, ... for the ``operands``, constants and parameters too.
        *operands: Values of any kind.
        outputs: What it computes.
        scalars: Whether a number may stand in the place of a constant of one element.
        roles: Names for the operands, which those that become parameters get.
        module: The layer that it calls.
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
        found = _text(value, role, scalars and _rank(value) <= rank)
        texts.append(found.text.replace("{0}", f"{{{_position(inputs, found)}}}"))
        literals.update(found.arguments)
        tensors.update(found.tensors)
    spelled = _PLACE.sub(lambda match: texts[int(match[1])], expression)
    literals = {name: value for name, value in literals.items() if f"{{{name}}}" in spelled}
    outputs = tuple(outputs or node.outputs)
    return Statement(str(node.name), tuple(inputs), outputs, spelled, literals, module, tensors, tuple(library))


def layer(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    kind: str,
    *positional: Any,
    outputs: Sequence[onnx_ir.Value] = (),
    state: Mapping[str, State] | None = None,
    library: Sequence[str] = (),
    **keywords: Any,
) -> Statement:
    """The call of a layer on ``data``: ``layers.Conv2D(32, 3)(data)``, of the type of ``data``."""
    if data.dtype not in {None, onnx_ir.DataType.FLOAT}:
        keywords["dtype"] = dtype(data)
    module = Submodule(kind, positional, keywords, state or {})
    return line(node, "{module}({0})", data, outputs=outputs, module=module, library=library)


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


def _text(value: onnx_ir.Value, role: str, scalar: bool) -> Text:
    if is_parameter(value):
        return Text(f"{{{role}}}", tensors={role: state(value)})
    if not is_constant(value):
        return Text("{0}", (value,))
    elements = array(value)
    if scalar and elements.size == 1:
        return Text(f"{{{role}}}", arguments={role: number(value)})
    if elements.size > INLINE or elements.size == 0:
        return Text(f"{{{role}}}", tensors={role: state(value)})
    content = _nested(value)
    text = f"ops.convert_to_tensor({{{role}}}, {{{role}_dtype}})"
    return Text(text, arguments={role: content, f"{role}_dtype": dtype(value)})


def _nested(value: onnx_ir.Value) -> Any:
    """The elements of a constant as nested lists of literals."""
    found = array(value)
    if value.dtype != onnx_ir.DataType.DOUBLE:
        return found.tolist()
    return number(value) if found.ndim == 0 else _double(found.tolist())


def _double(numbers: Any) -> Any:
    if isinstance(numbers, list):
        return [_double(item) for item in numbers]
    single = onnx_ir.Value(name="", const_value=onnx_ir.tensor(np.array(numbers, np.float64), name=""))
    single.dtype = onnx_ir.DataType.DOUBLE
    return number(single)


def is_number(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a constant of one element, which may stand as a number beside a tensor."""
    return is_constant(value) and array(value).size == 1


def dtype(value: onnx_ir.Value) -> str:
    """The element type of ``value`` as Keras calls it.

    Raises:
        Refused: Keras has no such type.
    """
    return dtype_name(value.dtype)


def dtype_name(kind: onnx_ir.DataType | None) -> str:
    """An element type as Keras calls it.

    Raises:
        Refused: Keras has no such type.
    """
    if kind is None:
        raise Refused("an element type is unknown")
    name = str(kind.numpy().name)
    if name not in _DTYPES:
        raise Refused(f"Keras computes with no {name}")
    return name


def state(value: onnx_ir.Value, shape: Sequence[int] | None = None, *, perm: Sequence[int] = ()) -> State:
    """The variable that holds ``value``: a parameter of the model, or a constant.

    Args:
        value: Which one.
        shape: Its shape, where that is another with as many elements.
        perm: The order of its axes (before ``shape``).

    Raises:
        Refused: The value is computed at run time.
    """
    read = expression(value)
    own = tuple(int(dim) for dim in dims(value))
    if perm and tuple(perm) != tuple(range(len(own))):
        read, own = plan.transpose(read, perm), tuple(own[axis] for axis in perm)
    wanted = own if shape is None else tuple(shape)
    if np.prod(wanted, dtype=np.int64) != np.prod(own, dtype=np.int64):
        raise Refused(f"{value.name} has the shape {list(own)}, not {list(wanted)}")
    return State(wanted, read if wanted == own else plan.reshape(read, wanted), dtype(value), is_trained(value))


def variable(value: State) -> State:
    """The variable of a layer, which is trained as the layer will have it, whatever it is in the IR."""
    return State(value.shape, value.value, value.dtype)


def data_format(node: onnx_ir.Node) -> dict[str, Any]:
    """The setting that tells a layer where channels are, if it is not its default."""
    return {} if node.domain == CHANNELS_LAST else {"data_format": "channels_first"}


def spatial(node: onnx_ir.Node, value: onnx_ir.Value) -> tuple[int, ...]:
    """The axes of ``value``, an input or output of ``node``, that are spatial."""
    rank = len(dims(value))
    return tuple(range(1, rank - 1) if node.domain == CHANNELS_LAST else range(2, rank))


def channel_axis(node: onnx_ir.Node, value: onnx_ir.Value) -> int:
    """The axis of the channels of ``value``, an input or output of ``node``."""
    return len(dims(value)) - 1 if node.domain == CHANNELS_LAST else 1
