"""Recurrent layers, a layer a direction; Keras has the batch before the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.keras.operand import line, state
from converter.emitters.operand import fresh, is_stored, static
from converter.emitters.statement import State, Statement, Submodule

_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}
"""Which of ONNX's gates each of Keras's is: of ``iofc`` those of ``ifco``."""
_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
_LAYERS = {
    "LSTM": ("layers.LSTM", "lstm_cell"),
    "GRU": ("layers.GRU", "gru_cell"),
    "RNN": ("layers.SimpleRNN", "simple_rnn_cell"),
}


@emits("keras", "LSTM")
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
    """``layers.LSTM``, one a direction, with what brings its results into ONNX's order.

    No peepholes, no other activations than Keras's, and all sequences of the same length.
    """
    if peephole is not None or input_forget:
        raise Refused("Keras has no peepholes and no coupled gates")
    _check(node, lengths, activations, layout)
    states = [] if hidden is None and cell is None else [hidden, cell]
    return _layers(node, data, (weight, recurrence, bias), states, hidden_size, direction)


@emits("keras", "GRU")
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
    """``layers.GRU``, one a direction, resetting before or after the linear map; in ONNX's order."""
    _check(node, lengths, activations, layout)
    settings = {} if linear_before_reset else {"reset_after": False}
    states = [] if hidden is None else [hidden]
    return _layers(node, data, (weight, recurrence, bias), states, hidden_size, direction, **settings)


@emits("keras", "RNN")
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
    """``layers.SimpleRNN``, one a direction, of tanh or relu; in ONNX's order."""
    kinds = set(activations) or {"Tanh"}
    if len(kinds) > 1 or not kinds <= {"Tanh", "Relu"}:
        raise Refused(f"activations {list(activations)}")
    _check(node, lengths, (), layout)
    settings = {} if kinds == {"Tanh"} else {"activation": "relu"}
    states = [] if hidden is None else [hidden]
    return _layers(node, data, (weight, recurrence, bias), states, hidden_size, direction, **settings)


def _check(node: onnx_ir.Node, lengths: onnx_ir.Value | None, activations: Sequence[str], layout: int) -> None:
    if lengths is not None:
        raise Refused("it has sequences of different lengths")
    if layout:
        raise Refused("layout 1")
    usual = _ACTIVATIONS.get(node.op_type, ())
    if activations and tuple(activations) not in {usual, usual * 2}:
        raise Refused(f"activations {list(activations)}")


def _layers(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    parameters: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    states: Sequence[onnx_ir.Value | None],
    hidden: int,
    direction: str,
    **settings: Any,
) -> list[Statement]:
    """Each direction's layer, and its results side by side, as ONNX has them."""
    if not all(is_stored(value) for value in parameters if value is not None):
        raise Refused("its weights are computed by the network")
    source = fresh(node, "batches")
    statements = [line(node, "ops.transpose({0}, (1, 0, 2))", data, outputs=[source])]
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    made: list[list[onnx_ir.Value]] = []
    for number, reverse in enumerate(backwards):
        options = {**settings, **({"go_backwards": True} if reverse else {})}
        module = _module(node, data, parameters, number, hidden, options)
        role = "backward" if reverse else "forward"
        suffixes = ("", "_state", "_cell") if node.op_type == "LSTM" else ("", "_state")
        results = [fresh(node, f"{role}{suffix}") for suffix in suffixes]
        text = f"{{module}}({{0}}{_initial(states, number)})"
        given = [value for value in states if value is not None]
        roles = ("", *(role for role, value in zip(("state", "cell"), states, strict=False) if value is not None))
        statements.append(line(node, text, source, *given, roles=roles, module=module, outputs=results))
        made.append(results)
    return [*statements, *_results(node, made, backwards)]


def _initial(states: Sequence[onnx_ir.Value | None], number: int) -> str:
    """The argument for the first ``states`` of direction ``number``; one that is not given is zeros, as the other."""
    if not states:
        return ""
    if None in states:
        text = f"{{1}}[{number}]"
        parts = [f"ops.zeros_like({text})" if value is None else text for value in states]
    else:
        parts = [f"{{{place}}}[{number}]" for place in range(1, len(states) + 1)]
    return f", initial_state=[{', '.join(parts)}]"


def _results(
    node: onnx_ir.Node, made: Sequence[Sequence[onnx_ir.Value]], backwards: Sequence[bool]
) -> list[Statement]:
    """ONNX's results: T x D x B x H, and D x B x H each of the states."""
    statements = []
    for place, output in enumerate(node.outputs):
        if not (output.uses() or output.is_graph_output()):
            continue
        found = [results[place] for results in made]
        parts = [f"{{{number}}}" for number in range(len(found))]
        if place:
            text = f"ops.stack([{', '.join(parts)}])"
        else:
            parts = [
                f"ops.flip({part}, axis=1)" if turned else part for part, turned in zip(parts, backwards, strict=True)
            ]
            text = f"ops.transpose(ops.stack([{', '.join(parts)}]), (2, 0, 1, 3))"
        statements.append(line(node, text, *found, outputs=[output]))
    return statements


def _module(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    parameters: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    number: int,
    hidden: int,
    settings: dict[str, Any],
) -> Submodule:
    """The layer of direction ``number``."""
    weight, recurrence, bias = parameters
    (size,) = static(data, 2)
    kind, cell = _LAYERS[node.op_type]
    found = {
        f"{cell}/kernel": _kernel(node, weight, number, (hidden, size)),
        f"{cell}/recurrent_kernel": _kernel(node, recurrence, number, (hidden, hidden)),
    }
    if bias is not None:
        found[f"{cell}/bias"] = _bias(node, bias, number, hidden, settings)
    options = {**settings, **({} if bias is not None else {"use_bias": False})}
    options |= {"return_sequences": True, "return_state": True}
    return Submodule(kind, (hidden,), options, found)


def _kernel(node: onnx_ir.Node, value: onnx_ir.Value, number: int, shape: tuple[int, int]) -> State:
    """The gates of direction ``number`` in Keras's order, side by side."""
    gates, (hidden, size) = _GATES[node.op_type], shape
    one = plan.reshape(plan.slice_(state(value).value, 0, number, number + 1), (len(gates), hidden, size))
    ordered = plan.take(one, 0, gates)
    return State(
        (size, len(gates) * hidden), plan.reshape(plan.transpose(ordered, (2, 0, 1)), (size, len(gates) * hidden))
    )


def _bias(node: onnx_ir.Node, value: onnx_ir.Value, number: int, hidden: int, settings: dict[str, Any]) -> State:
    """Both of ONNX's biases: their sum, or one below the other where a GRU resets afterwards."""
    gates = _GATES[node.op_type]
    one = plan.reshape(plan.slice_(state(value).value, 0, number, number + 1), (2, len(gates), hidden))
    both = plan.reshape(plan.take(one, 1, gates), (2, len(gates) * hidden))
    if node.op_type == "GRU" and settings.get("reset_after", True):
        return State((2, len(gates) * hidden), both)
    halves = (plan.slice_(both, 0, half, half + 1) for half in range(2))
    return State((len(gates) * hidden,), plan.reshape(plan.add(*halves), (len(gates) * hidden,)))
