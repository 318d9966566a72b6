"""Recurrent layers: functions that go through a sequence of known length step by step."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, parameter_shape
from converter.emitters.batch import row_axis
from converter.emitters.cntk.operand import line
from converter.emitters.operand import expression, is_trained, static
from converter.emitters.statement import State, Statement

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@emits("cntk", "LSTM")
def lstm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    hidden: onnx_ir.Value | None = None,
    cell: onnx_ir.Value | None = None,
    peephole: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    activations: Sequence[str] = (),
    direction: str = "forward",
    input_forget: int = 0,
    layout: int = 0,
) -> list[Statement]:
    """A function of ``C.times`` and gates, with parameters, without peepholes."""
    if peephole is not None or input_forget:
        raise Refused("peepholes and coupled gates are not expressed")
    _check(node, data, lengths, activations, layout)
    return _statement(node, "lstm", (data, weight, recurrence, bias), (hidden, cell), hidden_size, direction)


@emits("cntk", "GRU")
def gru(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    hidden: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    activations: Sequence[str] = (),
    direction: str = "forward",
    layout: int = 0,
    linear_before_reset: int = 0,
) -> list[Statement]:
    """A function of ``C.times`` and gates, which resets behind the matrix."""
    if not linear_before_reset:
        raise Refused("it resets before the matrix")
    _check(node, data, lengths, activations, layout)
    return _statement(node, "gru", (data, weight, recurrence, bias), (hidden,), hidden_size, direction)


@emits("cntk", "RNN")
def rnn(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    hidden: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    activations: Sequence[str] = (),
    direction: str = "forward",
    layout: int = 0,
) -> list[Statement]:
    """A function of ``C.times`` and ``C.tanh`` or ``C.relu``."""
    kinds = set(activations) or {"Tanh"}
    if len(kinds) > 1 or not kinds <= {"Tanh", "Relu"}:
        raise Refused(f"activations {list(activations)}")
    _check(node, data, lengths, (), layout)
    name = "rnn_tanh" if kinds == {"Tanh"} else "rnn_relu"
    return _statement(node, name, (data, weight, recurrence, bias), (hidden,), hidden_size, direction)


def _check(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value | None,
    activations: Sequence[str],
    layout: int,
) -> None:
    if lengths is not None:
        raise Refused("it has sequences of different lengths")
    if layout:
        raise Refused("layout 1")
    static(data, 0)
    if row_axis(data, 0) or row_axis(data, 2) < 1:
        raise Refused(f"the batch of {data.name} is its time or its features")
    usual = _USUAL[node.op_type]
    if activations and tuple(activations) not in {usual, usual * 2}:
        raise Refused(f"activations {list(activations)}")


def _statement(
    node: onnx_ir.Node,
    function: str,
    given: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    states: Sequence[onnx_ir.Value | None],
    hidden: int,
    direction: str,
) -> list[Statement]:
    """One call for all directions, which returns the sequence and the last states as ONNX has them."""
    if direction not in _DIRECTIONS:
        raise Refused(f"direction is {direction}")
    data, weight, recurrence, bias = given
    width = _GATES[node.op_type] * hidden
    tensors: dict[str, State] = {}
    directions = []
    for number, reverse in enumerate(_DIRECTIONS[direction]):
        suffix = "_reverse" if number else ""
        own = {
            "kernel": _matrix(weight, number, width),
            "recurrent": _matrix(recurrence, number, width),
            **_biases(node.op_type, bias, number, width),
        }
        tensors |= {f"{role}{suffix}": held for role, held in own.items()}
        names = [*(f"{{{role}{suffix}}}" for role in own), *([] if bias is not None else ["0"])]
        names += ["0"] if bias is None and node.op_type == "GRU" else []
        directions.append(f"({reverse}, {', '.join(names)})")
    operands = [data, *(state for state in states if state is not None)]
    places = [None if state is None else operands.index(state, 1) for state in states]
    first = ", ".join("None" if place is None else f"{{{place}}}" for place in places)
    text = f"recurrent({{0}}, {function}, [{first}], [{', '.join(directions)}])"
    return [_call(node, text, operands, tensors, function)]


def _call(
    node: onnx_ir.Node, text: str, operands: Sequence[onnx_ir.Value], tensors: dict[str, State], function: str
) -> Statement:
    """The statement for those of the results that are used."""
    used = [place for place, value in enumerate(node.outputs) if value.uses() or value.is_graph_output()]
    count = 3 if node.op_type == "LSTM" else 2
    if len(used) == 1:
        text += f"[{used[0]}]"
    elif used != list(range(count)):
        text += f"[{used[0]}:{used[-1] + 1}{':2' if used == [0, 2] else ''}]"
    outputs = [node.outputs[place] for place in used]
    return line(node, text, *operands, outputs=outputs, tensors=tensors, library=["recurrent", function])


def _matrix(value: onnx_ir.Value, number: int, width: int) -> State:
    """The matrix of one direction, of inputs x gates."""
    _, _, inputs = parameter_shape(value)
    one = plan.reshape(plan.slice_(expression(value), 0, number, number + 1), (width, inputs))
    return State((inputs, width), plan.transpose(one, (1, 0)), trained=is_trained(value))


def _biases(kind: str, value: onnx_ir.Value | None, number: int, width: int) -> dict[str, State]:
    """What is added to the products with both matrices: one sum, but in a GRU, which has a use for both."""
    if value is None:
        return {}
    parameter_shape(value)
    one = plan.reshape(plan.slice_(expression(value), 0, number, number + 1), (2 * width,))
    halves = [plan.slice_(one, 0, start, start + width) for start in (0, width)]
    if kind != "GRU":
        return {"bias": State((width,), plan.add(*halves), trained=is_trained(value))}
    return {
        role: State((width,), half, trained=is_trained(value))
        for role, half in zip(("bias", "recurrent_bias"), halves, strict=True)
    }
