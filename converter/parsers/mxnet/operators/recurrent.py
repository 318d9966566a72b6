"""Recurrent layers (src/operator/rnn-inl.h, rnn_impl.h, nn/concat.cc)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, positive_axis, rank, size
from converter.parsers.mxnet.operators.shapes import reshaped
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope, spell

# Where ONNX's gates are among MXNet's: i o f c of i f c o, z r h of r z h.
_GATES: dict[str, Ints] = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn_relu": (0,), "rnn_tanh": (0,)}

MAX_LAYERS = 256
"""No real network comes near it; each layer is a dozen nodes, whatever the length of the file."""

_STATES = ("state_output", "statecell_output")


@dataclass(frozen=True)
class _Cells:
    """What all layers have in common.

    Attributes:
        mode: Their kind, by MXNet's name.
        hidden: How many elements a state has.
        directions: 2 if there is one from the end to the beginning as well.
    """

    mode: str
    hidden: int
    directions: int

    @property
    def gates(self) -> Ints:
        """MXNet's gates in ONNX's order."""
        return _GATES[self.mode]

    @property
    def attributes(self) -> dict[str, Any]:
        """ONNX's attributes."""
        common = {"hidden_size": self.hidden, "direction": "bidirectional" if self.directions == 2 else "forward"}
        if self.mode == "gru":
            return {**common, "linear_before_reset": 1}
        if self.mode == "lstm":
            return common
        return {**common, "activations": [self.mode.removeprefix("rnn_").capitalize()] * self.directions}


@parses("_rnn_param_concat", ignores=("num_args",))
def rnn_param_concat(g: Scope, *data: Value, dim: int = 1) -> Value:
    """The inputs one after the other along ``dim``: the parameters of RNN as Gluon keeps them."""
    return g.emit("Concat", *data, axis=positive_axis(g, data[0], dim))


@parses("RNN", ignores=("p", "lstm_state_clip_nan"))
def rnn(
    g: Scope,
    data: Value,
    parameters: Parameter,
    state: Value,
    state_cell: Value | None = None,
    *,
    state_size: int,
    num_layers: int,
    mode: Literal["rnn_relu", "rnn_tanh", "lstm", "gru"],
    bidirectional: bool = False,
    state_outputs: bool = False,
    projection_size: Literal["None"] = "None",  # noqa: ARG001 - their types refuse the others
    lstm_state_clip_min: Literal["None"] = "None",  # noqa: ARG001
    lstm_state_clip_max: Literal["None"] = "None",  # noqa: ARG001
    use_sequence_length: Literal[False] = False,  # noqa: ARG001
) -> Value | list[Value]:
    """Layers of recurrent cells on data ``[T, N, C]``, with all parameters in one vector.

    Refused: projection_size, lstm_state_clip_min and _max, and use_sequence_length, which MXNet computes with cuDNN
    only.
    """
    rank(g, data, 3)
    cells = _Cells(mode, at_least(g, "state_size", state_size), 1 + bidirectional)
    depth = at_least(g, "num_layers", num_layers)
    if depth > MAX_LAYERS:
        raise g.refuse(f"num_layers={depth}; {MAX_LAYERS} at most")
    weights = list(_weights(g, parameters, cells, depth, size(g, data, 2)))
    begin = [_begin(g, data, state, cells, depth, "state")]
    if mode == "lstm":
        begin.append(_begin(g, data, state_cell, cells, depth, "state_cell"))
    ends = []
    for layer in range(depth):
        steps, *last = _layer(g, data, weights[layer], [states[layer] for states in begin], cells, layer, depth)
        ends.append(last)
        data = _merged(g, steps, cells, role=f"layer{layer}-merged" if layer < depth - 1 else "")
    if not state_outputs:
        return data
    return [data, *(_stacked(g, [last[index] for last in ends], _STATES[index]) for index in range(len(begin)))]


def _stacked(g: Scope, states: Sequence[Value], name: str) -> Value:
    """The last states of all layers, under MXNet's name."""
    return states[0] if len(states) == 1 else g.emit("Concat", *states, output=name, axis=0)


def _layer(
    g: Scope,
    data: Value,
    weights: Sequence[Value],
    begin: Sequence[Value | None],
    cells: _Cells,
    layer: int,
    depth: int,
) -> list[Value]:
    """One layer in all directions: its steps ``[T, directions, N, hidden]``, then its last states."""
    outputs = ["steps", *_STATES[: len(begin)]]
    op = {"lstm": "LSTM", "gru": "GRU"}.get(cells.mode, "RNN")
    role = f"layer{layer}" if depth > 1 else ""
    return g.emit_many(op, data, *weights, None, *begin, outputs=outputs, role=role, **cells.attributes)


def _merged(g: Scope, steps: Value, cells: _Cells, role: str) -> Value:
    """The directions of each step beside each other: ``[T, N, directions * hidden]``."""
    if cells.directions == 1:
        return g.emit("Squeeze", steps, g.ints("axes", [1]), role=role)
    moved = g.emit("Transpose", steps, role=f"{role}-moved".strip("-"), perm=(0, 2, 1, 3))
    time, batch, *_ = ir.dims(moved)
    return reshaped(g, moved, (time, batch, cells.directions * cells.hidden), role=role)


def _begin(
    g: Scope, data: Value, states: Value | None, cells: _Cells, depth: int, name: str
) -> Sequence[Value | None]:
    """The states before the first step, for each layer ``[directions, N, hidden]``; None for zeros of unknown N.

    What makes such zeros takes N to be the first dimension of the network's inputs, which are often ``[T, N, C]``.
    """
    needed = (depth * cells.directions, ir.dims(data)[1], cells.hidden)
    if states is None:
        raise g.misfit(f"its {name} is absent; it must be {spell(needed)}")
    found = ir.dims(states)
    if found != needed:
        if _is_zeros(states) and len(found) == 3 and found[::2] == needed[::2]:
            return [None] * depth
        raise g.misfit(f"its {name} is {spell(found)}; it must be {spell(needed)}")
    if depth == 1:
        return [states]
    outputs = [f"layer{layer}" for layer in range(depth)]
    return g.emit_many("Split", states, outputs=outputs, role=f"{name}-split", axis=0, num_outputs=depth)


def _is_zeros(value: Value) -> bool:
    """Whether ``value`` was made of nothing but zeros."""
    maker = value.producer()
    if maker is None or maker.op_type != "ConstantOfShape":
        return False
    return not np.any(maker.attributes["value"].as_tensor().numpy())


def _weights(g: Scope, parameters: Parameter, cells: _Cells, depth: int, features: int) -> Iterator[list[Value]]:
    """For each layer ONNX's W, R and B.

    The vector holds, layer after layer and direction after direction, the weights of the input and of the state, then
    as many biases of both; each of them gate after gate (rnn-inl.h, GetRnnParamSize).
    """
    rows = len(cells.gates) * cells.hidden
    widths = [features if layer == 0 else cells.directions * cells.hidden for layer in range(depth)]
    parts = {
        f"layer{layer}-{kind}{direction}": rows * columns
        for layer, width in enumerate(widths)
        for direction in range(cells.directions)
        for kind, columns in (("W", width), ("R", cells.hidden))
    }
    parts |= {f"layer{layer}-B": cells.directions * 2 * rows for layer in range(depth)}
    vector = g.parameter(parameters, (sum(parts.values()),))
    sizes = g.ints("sizes", list(parts.values()))
    found = dict(
        zip(parts, g.emit_many("Split", vector, sizes, outputs=list(parts), role="split", axis=0), strict=True)
    )
    for layer, width in enumerate(widths):
        matrices = [
            _matrix(
                g, [found[f"layer{layer}-{kind}{d}"] for d in range(cells.directions)], columns, cells, kind, layer
            )
            for kind, columns in (("W", width), ("R", cells.hidden))
        ]
        yield [*matrices, _biases(g, found[f"layer{layer}-B"], cells, layer)]


def _matrix(g: Scope, parts: Sequence[Value], columns: int, cells: _Cells, kind: str, layer: int) -> Value:
    """The weights of one layer, ``[directions, gates * hidden, columns]``."""
    role = f"layer{layer}-{kind}"
    flat = g.emit("Concat", *parts, role=f"{role}-directions", axis=0) if len(parts) > 1 else parts[0]
    return _in_order(g, flat, (cells.directions,), (cells.hidden, columns), (-1, columns), cells, role)


def _biases(g: Scope, flat: Value, cells: _Cells, layer: int) -> Value:
    """Both biases of one layer, ``[directions, 2 * gates * hidden]``."""
    return _in_order(g, flat, (cells.directions, 2), (cells.hidden,), (-1,), cells, f"layer{layer}-B")


def _in_order(g: Scope, flat: Value, before: Ints, after: Ints, tail: Ints, cells: _Cells, role: str) -> Value:
    """``flat`` as ``[*before, gates, *after]``, the gates in ONNX's order, then as ``[directions, *tail]``."""
    gates = len(cells.gates)
    if gates > 1:
        apart = g.emit("Reshape", flat, g.ints(f"{role}-gates", [*before, gates, *after]), role=f"{role}-apart")
        order = g.ints(f"{role}-order", cells.gates)
        flat = g.emit("Gather", apart, order, role=f"{role}-in-order", axis=len(before))
    return g.emit("Reshape", flat, g.ints(f"{role}-shape", [cells.directions, *tail]), role=role)
