"""Recurrent layers.

ncnn's run over a Mat of ``[time, input]``, which is what ONNX's ``[time, batch, input]`` is without its batch. The
orders of gates are those of ncnn's ``lstm.cpp`` and ``gru.cpp``, and of ONNX's operators.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_constant, is_parameter, parameter_shape
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.layer import Alias, Layer, Weight, inner, mat_params, memory
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.shape import viewed
from converter.ir import dims
from converter.passes.fold import expression_of
from converter.plan import Expression

Optional = onnx_ir.Value | None
Parts = list[Layer | Alias]

_DIRECTIONS = {"forward": 0, "reverse": 1, "bidirectional": 2}
_LSTM_GATES = (0, 2, 1, 3)
"""Input, forget, output, cell: ncnn's order, by their places in ONNX's input, output, forget, cell."""
_GRU_GATES = (1, 0, 2)
"""Reset, update, hidden: ncnn's order, by their places in ONNX's update, reset, hidden."""


@emits("ncnn", "LSTM")
def lstm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: Optional = None,
    lengths: Optional = None,
    hidden: Optional = None,
    cell: Optional = None,
    peepholes: Optional = None,
    *,
    hidden_size: int,  # noqa: ARG001 - the weights' shapes say the same
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    input_forget: int = 0,
    layout: int = 0,
) -> Parts:
    """``LSTM`` of one sequence, with the activations and gates that are usual.

    Raises:
        Refused: The sequences have lengths, there are peepholes, a limit, other activations, or the batch is axis 0.
    """
    _check(node, data, lengths, layout, clip, activations, ("Sigmoid", "Tanh", "Tanh"))
    if peepholes is not None or input_forget:
        raise Refused("there are peepholes, or input and forget gate are one")
    weights = _weights(weight, recurrence, _summed(bias, recurrence, 4, _LSTM_GATES), _LSTM_GATES)
    return _recurrent(node, "LSTM", data, weights, direction, (hidden, cell))


@emits("ncnn", "GRU")
def gru(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: Optional = None,
    lengths: Optional = None,
    hidden: Optional = None,
    *,
    hidden_size: int,  # noqa: ARG001 - the weights' shapes say the same
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> Parts:
    """``GRU`` of one sequence, which resets behind the matrix.

    Raises:
        Refused: The sequences have lengths, there are a limit, other activations, the batch is axis 0, or the reset
            comes before the matrix.
    """
    _check(node, data, lengths, layout, clip, activations, ("Sigmoid", "Tanh"))
    if not linear_before_reset:
        raise Refused("linear_before_reset is not set")
    return _recurrent(
        node, "GRU", data, _weights(weight, recurrence, _gru_bias(bias, recurrence), _GRU_GATES), direction, (hidden,)
    )


@emits("ncnn", "RNN")
def rnn(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: Optional = None,
    lengths: Optional = None,
    hidden: Optional = None,
    *,
    hidden_size: int,  # noqa: ARG001 - the weights' shapes say the same
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    layout: int = 0,
) -> Parts:
    """``RNN`` of one sequence, whose activation is the hyperbolic tangent.

    Raises:
        Refused: The sequences have lengths, there are a limit, other activations, or the batch is axis 0.
    """
    _check(node, data, lengths, layout, clip, activations, ("Tanh",))
    return _recurrent(
        node,
        "RNN",
        data,
        _weights(weight, recurrence, _summed(bias, recurrence, 1, (0,)), (0,)),
        direction,
        (hidden,),
    )


def _check(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: Optional,
    layout: int,
    clip: float | None,
    activations: Sequence[str] | None,
    usual: Sequence[str],
) -> None:
    """Refuse what no recurrent layer of ncnn has."""
    if lengths is not None or layout or clip is not None:
        raise Refused("there are lengths of sequences or a limit, or the batch is axis 0")
    if other := sorted({name for name in activations or () if name.capitalize() not in usual}):
        raise Refused(f"the activation is {', '.join(other)}, and ncnn has {' and '.join(dict.fromkeys(usual))} only")
    if activations and [name.capitalize() for name in activations] != [*usual] * (len(activations) // len(usual)):
        raise Refused(f"the activations {', '.join(activations)}")
    batches = zip(node.outputs, (2, 1, 1), strict=False)
    if batch_axis(data) is None and dims(data)[1] != 1:
        raise Refused(f"{data.name} is {dims(data)[1]} sequences in one Mat")
    for value, axis in ((data, 1), *(pair for pair in batches if _used(pair[0]))):
        if batch_axis(value) not in (None, axis) or (batch_axis(value) is None) != (batch_axis(data) is None):
            raise Refused(f"the batch of {value.name} is not its dimension {axis}")


def _recurrent(
    node: onnx_ir.Node,
    kind: str,
    data: onnx_ir.Value,
    weights: tuple[Weight, ...],
    direction: str,
    states: Sequence[Optional],
) -> Parts:
    """The layer, with views of what it reads and computes where the IR has more dimensions."""
    directions, _, inputs = weights[0].shape
    hidden = weights[2].shape[2]
    steps = int(dims(data)[0])
    layers, read = _viewed_before(node, data, (steps, inputs))
    bottoms = [read]
    if any(state is not None for state in states):
        for number, state in enumerate(states):
            before, read = _state(node, number, state, (directions, hidden))
            layers, bottoms = [*layers, *before], [*bottoms, read]
    tops, after = [], []
    shapes = [(steps, directions * hidden), *[(directions, hidden)] * len(states)]
    wanted = list(node.outputs)[: 1 + len(states)]
    wanted = wanted if any(_used(value) for value in wanted[1:]) else wanted[:1]
    for number, shape in enumerate(shapes[: 1 + len(states) if len(wanted) > 1 else 1]):
        value = wanted[number] if number < len(wanted) else None
        if value is not None and _used(value) and mat_shape(value) != shape:
            tops.append(inner(node, f"top{number}"))
            after.append(viewed(f"{node.name}/{value.name}", tops[-1], value, mat_shape(value)))
        else:
            tops.append(inner(node, f"top{number}") if value is None or not value.name else value)
    params = {0: hidden, 1: directions * weights[0].shape[1] * inputs, 2: _DIRECTIONS[direction]}
    return [*layers, Layer(str(node.name), kind, tuple(bottoms), tuple(tops), params, weights), *after]


def _viewed_before(node: onnx_ir.Node, value: onnx_ir.Value, shape: tuple[int, ...]) -> tuple[Parts, onnx_ir.Value]:
    if mat_shape(value) == shape:
        return [], value
    view = inner(node, str(value.name))
    return [viewed(f"{node.name}/{value.name}", value, view, shape)], view


def _state(node: onnx_ir.Node, number: int, state: Optional, shape: tuple[int, int]) -> tuple[Parts, onnx_ir.Value]:
    """A state at the beginning; zeros where it is not given and another one is."""
    if state is None:
        top, zeros = inner(node, f"state{number}"), Weight(shape, plan.full(0.0, shape))
        return [Layer(str(top.name), "MemoryData", (), (top,), mat_params(shape), (zeros,))], top
    if is_parameter(state) or is_constant(state):
        held = memory(state, shape, name=str(state.name))
        return [held], held.tops[0]
    if batch_axis(state) not in (None, 1):
        raise Refused(f"the batch of {state.name} is not its dimension 1")
    return _viewed_before(node, state, shape)


def _weights(
    weight: onnx_ir.Value, recurrence: onnx_ir.Value, bias: Weight, gates: Sequence[int]
) -> tuple[Weight, ...]:
    """Weights of the input, biases and weights of the state, in the order in which ncnn reads them."""
    return tuple(
        Weight(item.shape, item.value, tagged=True)
        for item in (_ordered(weight, gates), bias, _ordered(recurrence, gates))
    )


def _ordered(value: onnx_ir.Value, gates: Sequence[int]) -> Weight:
    """``[directions, gates * hidden, ...]`` with its gates in another order."""
    shape, read = parameter_shape(value), expression_of(value)
    return Weight(shape, _gates(read, shape[1] // len(gates), gates, 1))


def _gates(value: Expression, size: int, gates: Sequence[int], axis: int) -> Expression:
    """The ``gates`` of ``size`` each, one after the other."""
    if list(gates) == [0]:
        return value
    return plan.concat([plan.slice_(value, axis, gate * size, (gate + 1) * size) for gate in gates], axis)


def _summed(bias: Optional, recurrence: onnx_ir.Value, count: int, gates: Sequence[int]) -> Weight:
    """``[directions, gates, hidden]``: the sums of ONNX's two biases."""
    directions, _, hidden = parameter_shape(recurrence)
    shape = (directions, count, hidden)
    if bias is None:
        return Weight(shape, plan.full(0.0, shape))
    parameter_shape(bias)
    read, length = expression_of(bias), count * hidden
    both = plan.add(plan.slice_(read, 1, 0, length), plan.slice_(read, 1, length, 2 * length))
    return Weight(shape, plan.reshape(_gates(both, hidden, gates, 1), shape))


def _gru_bias(bias: Optional, recurrence: onnx_ir.Value) -> Weight:
    """``[directions, 4, hidden]``: the sums for reset and update, and both biases of the hidden gate."""
    directions, _, hidden = parameter_shape(recurrence)
    shape = (directions, 4, hidden)
    if bias is None:
        return Weight(shape, plan.full(0.0, shape))
    parameter_shape(bias)
    read = expression_of(bias)
    update, reset, new, again_update, again_reset, again_new = (
        plan.slice_(read, 1, gate * hidden, (gate + 1) * hidden) for gate in range(6)
    )
    parts = [plan.add(reset, again_reset), plan.add(update, again_update), new, again_new]
    return Weight(shape, plan.reshape(plan.concat(parts, 1), shape))


def _used(value: onnx_ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()
