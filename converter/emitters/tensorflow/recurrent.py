"""Recurrent layers: functions that go through a sequence step by step."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.operand import expression, fresh, is_stored, static
from converter.emitters.statement import State, Statement
from converter.emitters.tensorflow.operand import line
from converter.ir import dims

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@emits("tensorflow", "LSTM")
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
    """A function ``lstm`` for each direction, of matrices of inputs x gates, without peepholes.

    All sequences are of the same, known, length.
    """
    if peephole is not None or input_forget:
        raise Refused("peepholes and coupled gates are not expressed")
    _check(node, data, lengths, activations, direction, layout)
    return _statements(node, (data, weight, recurrence, bias), [hidden, cell], hidden_size, direction, "")


@emits("tensorflow", "GRU")
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
    """A function ``gru`` for each direction, which resets before or after the linear map."""
    _check(node, data, lengths, activations, direction, layout)
    more = f", {bool(linear_before_reset)}"
    return _statements(node, (data, weight, recurrence, bias), [hidden], hidden_size, direction, more)


@emits("tensorflow", "RNN")
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
    """A function ``rnn`` for each direction, of tanh or relu."""
    kinds = set(activations) or {"Tanh"}
    if len(kinds) > 1 or not kinds <= {"Tanh", "Relu"}:
        raise Refused(f"activations {list(activations)}")
    _check(node, data, lengths, (), direction, layout)
    more = ", tf.tanh" if kinds == {"Tanh"} else ", tf.nn.relu"
    return _statements(node, (data, weight, recurrence, bias), [hidden], hidden_size, direction, more)


def _check(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value | None,
    activations: Sequence[str],
    direction: str,
    layout: int,
) -> None:
    if lengths is not None:
        raise Refused("it has sequences of different lengths")
    if layout:
        raise Refused("layout 1")
    if direction not in _DIRECTIONS:
        raise Refused(f"direction is {direction}")
    static(data, 0)
    usual = _USUAL[node.op_type]
    if activations and tuple(activations) not in {usual, usual * 2}:
        raise Refused(f"activations {list(activations)}")


def _statements(
    node: onnx_ir.Node,
    given: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    states: Sequence[onnx_ir.Value | None],
    hidden: int,
    direction: str,
    more: str,
) -> list[Statement]:
    """A call for each direction, and its results beside each other, as ONNX has them."""
    data, weight, recurrence, bias = given
    statements, found = [], []
    reverses = _DIRECTIONS[direction]
    for number, reverse in enumerate(reverses):
        suffix = "_reverse" if number else ""
        operands, texts = [data], list[str]()
        tensors: dict[str, State] = {}
        biases = [] if bias is None else [(bias, 0, "bias"), (bias, 1, "recurrent_bias")]
        for value, half, role in [(weight, None, "kernel"), (recurrence, None, "recurrent_kernel"), *biases]:
            text, held = _gates(node, value, number, half, hidden, len(operands))
            operands += [] if held is not None else [value]
            tensors |= {} if held is None else {f"{role}{suffix}": held}
            texts.append(text if held is None else f"{{{role}{suffix}}}")
        texts += [] if biases else ["0.0", "0.0"]
        for state in states:
            if state is None:
                texts.append(f"tf.zeros([tf.shape({{0}})[1], {hidden}])")
            else:
                operands.append(state)
                texts.append(f"{{{len(operands) - 1}}}[{number}]")
        results = [fresh(node, f"{role}{suffix}") for role in ("sequence", "hidden", "cell")[: len(states) + 1]]
        kind = node.op_type.lower()
        text = f"{kind}({{0}}, {', '.join(texts)}, {reverse}{more})"
        statements.append(line(node, text, *operands, outputs=results, tensors=tensors, library=[kind]))
        found.append(results)
    for place, output in enumerate(node.outputs):
        if output.uses() or output.is_graph_output():
            parts = [results[place] for results in found]
            statements.append(_beside(node, parts, 1 if place == 0 else 0, output))
    return statements


def _beside(node: onnx_ir.Node, parts: Sequence[onnx_ir.Value], axis: int, output: onnx_ir.Value) -> Statement:
    if len(parts) == 1:
        return line(node, f"tf.expand_dims({{0}}, {axis})", *parts, outputs=[output])
    return line(node, f"tf.stack([{{0}}, {{1}}], {axis})", *parts, outputs=[output])


def _gates(
    node: onnx_ir.Node, value: onnx_ir.Value, number: int, half: int | None, hidden: int, place: int
) -> tuple[str, State | None]:
    """The gates of direction ``number``, of inputs x gates, or of one half of the biases: text, or a variable."""
    count = _GATES[node.op_type] * hidden
    if not is_stored(value):
        text = f"{{{place}}}[{number}]"
        return (f"tf.transpose({text})" if half is None else f"{text}[{half * count}:{(half + 1) * count}]"), None
    packed = expression(value)
    shape = tuple(int(dim) for dim in dims(value))
    one = plan.reshape(plan.slice_(packed, 0, number, number + 1), shape[1:])
    if half is None:
        return "", State((shape[2], count), plan.transpose(one, (1, 0)))
    return "", State((count,), plan.slice_(one, 0, half * count, (half + 1) * count))
