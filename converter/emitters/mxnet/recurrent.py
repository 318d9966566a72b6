"""Recurrent layers: MXNet's fused operator, one layer each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_parameter
from converter.emitters.mxnet.call import Call, Chain, parameter
from converter.emitters.mxnet.spread import codes, filled
from converter.ir import dims
from converter.passes.fold import expression_of

_GATES = {"lstm": (0, 2, 3, 1), "gru": (1, 0, 2), "rnn_relu": (0,), "rnn_tanh": (0,)}
"""ONNX's gates in MXNet's order: ONNX has i o f c and z r h, MXNet i f c o and r z h."""
_SUFFIXES = ("output", "state_output", "statecell_output")


@emits("mxnet", "LSTM")
def lstm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    state: onnx_ir.Value | None = None,
    cell: onnx_ir.Value | None = None,
    peepholes: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    direction: str = "forward",
    activations: Sequence[str] = (),
    input_forget: int = 0,
    layout: int = 0,
) -> list[Call]:
    """``RNN`` of the mode ``lstm``; its parameters are packed into one vector.

    Raises:
        Refused: It has peepholes, lengths, other activations, or the batch first.
    """
    if peepholes is not None or input_forget:
        raise Refused("it has peepholes, or its input and forget gates are one")
    if activations and set(zip(activations[::3], activations[1::3], activations[2::3], strict=True)) != {
        ("Sigmoid", "Tanh", "Tanh")
    }:
        raise Refused(f"activations {list(activations)}")
    weights = (weight, recurrence, bias)
    return _recurrent(node, "lstm", data, weights, lengths, (state, cell), hidden_size, direction, layout)


@emits("mxnet", "GRU")
def gru(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    state: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    direction: str = "forward",
    activations: Sequence[str] = (),
    linear_before_reset: int = 0,
    layout: int = 0,
) -> list[Call]:
    """``RNN`` of the mode ``gru``; its parameters are packed into one vector.

    Raises:
        Refused: ``linear_before_reset`` is not set, or it has lengths, other activations, or the batch first.
    """
    if not linear_before_reset:
        raise Refused("linear_before_reset is not set")
    if activations and set(zip(activations[::2], activations[1::2], strict=True)) != {("Sigmoid", "Tanh")}:
        raise Refused(f"activations {list(activations)}")
    weights = (weight, recurrence, bias)
    return _recurrent(node, "gru", data, weights, lengths, (state,), hidden_size, direction, layout)


@emits("mxnet", "RNN")
def rnn(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    lengths: onnx_ir.Value | None = None,
    state: onnx_ir.Value | None = None,
    *,
    hidden_size: int,
    direction: str = "forward",
    activations: Sequence[str] = ("Tanh",),
    layout: int = 0,
) -> list[Call]:
    """``RNN`` of the mode ``rnn_relu`` or ``rnn_tanh``; its parameters are packed into one vector.

    Raises:
        Refused: It has lengths, other activations, or the batch first.
    """
    modes: dict[tuple[str, ...], str] = {("Relu",): "rnn_relu", ("Tanh",): "rnn_tanh"}
    mode = modes.get(tuple(sorted(set(activations))))
    if mode is None:
        raise Refused(f"activations {list(activations)}")
    weights = (weight, recurrence, bias)
    return _recurrent(node, mode, data, weights, lengths, (state,), hidden_size, direction, layout)


def _recurrent(
    node: onnx_ir.Node,
    mode: str,
    data: onnx_ir.Value,
    weights: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None],
    lengths: onnx_ir.Value | None,
    states: Sequence[onnx_ir.Value | None],
    hidden: int,
    direction: str,
    layout: int,
) -> list[Call]:
    if lengths is not None:
        raise Refused("its sequences have lengths of their own")
    if layout:
        raise Refused("the batch comes first")
    directions = 2 if direction == "bidirectional" else 1
    chain = Chain(node)
    if direction == "reverse":
        data = chain.step("turned", "reverse", data, axis=0)
    begin = [
        _state(chain, role, value, (directions, dims(node.inputs[0] or data)[1], hidden), node.inputs[0])
        for role, value in zip(("state", "state_cell"), states, strict=False)
    ]
    ends = tuple([*node.outputs[1:], None, None][: len(states)])
    used = any(value is not None and (value.uses() or value.is_graph_output()) for value in ends)
    steps = chain.step(
        "rnn",
        "RNN",
        data=data,
        parameters=_packed(node, mode, weights, hidden),
        **dict(zip(("state", "state_cell"), begin, strict=False)),
        suffixes=_SUFFIXES[: 1 + len(states)] if used else ("output",),
        state_size=hidden,
        num_layers=1,
        mode=mode,
        bidirectional=True if directions == 2 else None,
        state_outputs=True if used else None,
    )
    if used:
        _rename_ends(chain, ends)
    return _steps(chain, steps, directions, hidden, direction == "reverse")


def _state(
    chain: Chain, role: str, value: onnx_ir.Value | None, shape: Sequence[int | str], source: onnx_ir.Value | None
) -> onnx_ir.Value:
    """The states before the first step: zeros if there are none."""
    return filled(chain, role, 0.0, "float32", shape, source) if value is None else value


def _rename_ends(chain: Chain, ends: Sequence[onnx_ir.Value | None]) -> None:
    """Let the last call compute the last states as well."""
    made = chain.calls.pop()
    chain.calls.append(replace(made, outputs=(made.outputs[0], *ends)))


def _steps(chain: Chain, steps: onnx_ir.Value, directions: int, hidden: int, turned: bool) -> list[Call]:
    """The outputs of all steps as ONNX has them, ``[T, directions, N, hidden]``."""
    made = chain.node.outputs[0]
    if turned:
        steps = chain.step("forward", "reverse", steps, axis=0)
    if directions == 1:
        return chain.last("expand_dims", steps, outputs=(made,), axis=1)
    time, _, batch, _ = dims(made)
    shape = codes((time, batch, directions * hidden), (time, batch, directions, hidden))
    apart = chain.step("apart", "reshape", steps, shape=shape)
    return chain.last("transpose", apart, outputs=(made,), axes=(0, 2, 1, 3))


def _packed(
    node: onnx_ir.Node, mode: str, weights: tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None], hidden: int
) -> onnx_ir.Value:
    """The vector of all parameters: of each direction both matrices, then of each both biases (rnn-inl.h)."""
    for value in weights:
        if value is not None and not is_parameter(value):
            raise Refused(f"{value.name} is computed")
    weight, recurrence, bias = weights
    directions, rows, _ = (int(dim) for dim in dims(weight))
    parts = [
        _in_order(
            plan.slice_(expression_of(matrix), 0, direction, direction + 1), mode, (hidden, int(dims(matrix)[2]))
        )
        for direction in range(directions)
        for matrix in (weight, recurrence)
    ]
    both = plan.full(0.0, (directions, 2 * rows)) if bias is None else expression_of(bias)
    parts += [
        _in_order(
            plan.slice_(plan.slice_(both, 0, direction, direction + 1), 1, start, start + rows), mode, (hidden,)
        )
        for direction in range(directions)
        for start in (0, rows)
    ]
    sizes = sum(rows * (int(dims(matrix)[2]) + 1) for matrix in (weight, recurrence))
    return parameter(f"{node.name}_parameters", (directions * sizes,), plan.concat(parts, 0))


def _in_order(value: plan.Expression, mode: str, gate: tuple[int, ...]) -> plan.Expression:
    """Gates, each of the shape ``gate``, in MXNet's order, as a vector."""
    order = _GATES[mode]
    if len(order) > 1:
        value = plan.take(plan.reshape(value, (len(order), *gate)), 0, order)
    return plan.reshape(value, (-1,))
