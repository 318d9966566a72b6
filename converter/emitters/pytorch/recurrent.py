"""Recurrent layers: modules, whose output torch lays out in another order than ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.operand import fresh, is_stored, static
from converter.emitters.pytorch.operand import line, state
from converter.emitters.statement import State, Statement, Submodule

_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which of ONNX's gates each of torch's is: of ``iofc`` those of ``ifco``, of ``zrh`` those of ``rzh``."""
_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}


@emits("pytorch", "LSTM")
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
    """``nn.LSTM`` of one layer, forward or both ways; its result is brought into ONNX's order.

    No peepholes, no other activations than torch's, and all sequences of the same length.
    """
    if peephole is not None or input_forget:
        raise Refused("PyTorch has no peepholes and no coupled gates")
    if (hidden is None) != (cell is None):
        raise Refused("only one of its two states is given")
    _check(node, lengths, activations, direction, layout)
    module = _module(node, data, (weight, recurrence, bias), hidden_size, direction)
    states = [value for value in (hidden, cell) if value is not None]
    return _statements(node, data, states, module)


@emits("pytorch", "GRU")
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
    """``nn.GRU`` of one layer, forward or both ways, which resets after the linear map; in ONNX's order."""
    if not linear_before_reset:
        raise Refused("PyTorch's resets after the linear map")
    _check(node, lengths, activations, direction, layout)
    module = _module(node, data, (weight, recurrence, bias), hidden_size, direction)
    return _statements(node, data, [] if hidden is None else [hidden], module)


@emits("pytorch", "RNN")
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
    """``nn.RNN`` of one layer, forward or both ways, of tanh or relu; its result is brought into ONNX's order."""
    kinds = set(activations) or {"Tanh"}
    if len(kinds) > 1 or not kinds <= {"Tanh", "Relu"}:
        raise Refused(f"activations {list(activations)}")
    _check(node, lengths, (), direction, layout)
    settings = {} if kinds == {"Tanh"} else {"nonlinearity": "relu"}
    module = _module(node, data, (weight, recurrence, bias), hidden_size, direction, **settings)
    return _statements(node, data, [] if hidden is None else [hidden], module)


def _check(
    node: onnx_ir.Node, lengths: onnx_ir.Value | None, activations: Sequence[str], direction: str, layout: int
) -> None:
    if lengths is not None:
        raise Refused("it has sequences of different lengths")
    if layout:
        raise Refused("layout 1")
    if direction not in {"forward", "bidirectional"}:
        raise Refused(f"direction is {direction}")
    usual = _ACTIVATIONS.get(node.op_type, ())
    if activations and tuple(activations) not in {usual, usual * 2}:
        raise Refused(f"activations {list(activations)}")


def _module(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    parameters: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    hidden: int,
    direction: str,
    **settings: str,
) -> Submodule:
    weight, recurrence, bias = parameters
    if not all(is_stored(value) for value in parameters if value is not None):
        raise Refused("its weights are computed by the network")
    (size,) = static(data, 2)
    options = {**settings, **({} if bias is not None else {"bias": False})}
    options |= {"bidirectional": True} if direction == "bidirectional" else {}
    found: dict[str, State] = {}
    for number in range(2 if direction == "bidirectional" else 1):
        suffix = "_l0_reverse" if number else "_l0"
        found[f"weight_ih{suffix}"] = _gates(node, state(weight).value, number, 0, (hidden, size))
        found[f"weight_hh{suffix}"] = _gates(node, state(recurrence).value, number, 0, (hidden, hidden))
        if bias is not None:
            found[f"bias_ih{suffix}"] = _gates(node, state(bias).value, number, 0, (hidden,))
            found[f"bias_hh{suffix}"] = _gates(node, state(bias).value, number, 1, (hidden,))
    return Submodule(f"nn.{node.op_type}", (size, hidden), options, found)


def _gates(node: onnx_ir.Node, packed: plan.Expression, number: int, half: int, shape: tuple[int, ...]) -> State:
    """The gates of direction ``number`` in torch's order, each of ``shape``, from half ``half`` of ``packed``."""
    gates = _GATES[node.op_type]
    hidden = shape[0]
    halves = 1 if len(shape) > 1 else 2  # the two biases lie one after the other
    one = plan.reshape(plan.slice_(packed, 0, number, number + 1), (halves * len(gates) * hidden, *shape[1:]))
    parts = [
        plan.slice_(one, 0, start, start + hidden)
        for start in ((half * len(gates) + gate) * hidden for gate in gates)
    ]
    return State((len(gates) * hidden, *shape[1:]), plan.concat(parts, 0) if len(parts) > 1 else parts[0])


def _statements(
    node: onnx_ir.Node, data: onnx_ir.Value, states: Sequence[onnx_ir.Value], module: Submodule
) -> list[Statement]:
    """Call the module, and give its results ONNX's order: the directions before the batch."""
    whole, last = fresh(node, "sequence"), fresh(node, "state")
    given = {0: "{0}", 1: "{0}, {1}", 2: "{0}, ({1}, {2})"}[len(states)]
    statements = [
        line(
            node,
            f"{{module}}({given})",
            data,
            *states,
            roles=("", "h_0", "c_0"),
            module=module,
            outputs=[whole, last],
        )
    ]
    sequence, *ends = node.outputs
    directions = 2 if module.keywords.get("bidirectional") else 1
    if _is_read(sequence):
        text = "{0}.unflatten(2, ({directions}, -1)).transpose(1, 2)"
        statements.append(line(node, text, whole, outputs=[sequence], directions=directions))
    for number, end in enumerate(ends):
        if _is_read(end):
            text = f"{{0}}[{number}]" if node.op_type == "LSTM" else "{0}"
            statements.append(line(node, text, last, outputs=[end]))
    return statements


def _is_read(value: onnx_ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()
