"""Recurrent layers, unrolled: one step of time after the other, with one matrix for all of them.

Caffe's own ``LSTM`` and ``RNN`` want a blob that says where sequences begin, and ``RNN`` bends its output once more;
there is no GRU. ``InnerProduct`` layers whose ``param`` has the same name share their blobs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.caffe import cut
from converter.emitters.caffe.layer import Blob, Fields, Layer
from converter.emitters.caffe.steps import Steps
from converter.emitters.known import sizes
from converter.emitters.operand import expression, is_stored
from converter.ir import dims

Optional = onnx_ir.Value | None
State = tuple[onnx_ir.Value | None, ...]
"""Hidden state, and the cell's if there is one; none at the beginning, where they are zero."""
Cell = Callable[[Steps, "Direction", onnx_ir.Value, State, str], tuple[onnx_ir.Value, ...]]
"""From steps, a direction, what the input contributes, the state and a role to the next state."""

_LAYERS = {"sigmoid": "Sigmoid", "tanh": "TanH", "relu": "ReLU"}
_MOST = 512
"""Most steps that are unrolled."""


class Direction:
    """The parameters of one direction.

    Args:
        node: The recurrent operator.
        index: Which of its directions.
        gates: How many gates its matrices hold.
        activations: All that the node names, or the usual ones.
    """

    def __init__(self, node: onnx_ir.Node, index: int, gates: int, activations: Sequence[str]) -> None:
        _, self._weight, self._recurrence, self._bias = (*node.inputs, None)[:4]
        self._shared = f"{next(value.name for value in node.outputs if value.name)}/{index}/"
        self.index, self.gates, self.activations = index, gates, activations
        self.hidden = int(dims(_there(self._recurrence))[2])

    def input_product(self, steps: Steps, data: onnx_ir.Value, apart: int, role: str) -> onnx_ir.Value:
        """The products of all inputs with their matrix, plus biases, but for the state's last ``apart`` ones."""
        size, before = self.gates * self.hidden, (self.gates - apart) * self.hidden
        bias = None
        if self._bias is not None:
            both = self._biases(0, size), self._biases(size, size + before)
            rest = [] if before == size else [plan.full(0.0, (size - before,))]
            bias = plan.add(both[0], plan.concat([both[1], *rest], 0) if rest else both[1])
        return self._product(steps, data, self._weight, slice(0, self.gates), bias, role, "")

    def state_product(
        self, steps: Steps, state: onnx_ir.Value, gates: slice, role: str, *, biased: bool = False
    ) -> onnx_ir.Value:
        """The products of a state with the matrix of some ``gates``; the last one of them may have its bias here."""
        bias = None
        if biased and self._bias is not None:
            size = self.gates * self.hidden
            first = [plan.full(0.0, ((gates.stop - gates.start - 1) * self.hidden,))]
            bias = plan.concat([*first, self._biases(2 * size - self.hidden, 2 * size)], 0)
        return self._product(steps, state, self._recurrence, gates, bias, role, f"{self._shared}{gates.start}")

    def bend(self, steps: Steps, data: onnx_ir.Value, which: int, role: str) -> onnx_ir.Value:
        """The activation numbered ``which``."""
        return steps.add(_LAYERS[self.activations[which]], data, role=role, in_place=True)

    def _biases(self, start: int, end: int) -> plan.Expression:
        whole = expression(_there(self._bias))
        row = plan.slice_(whole, 0, self.index, self.index + 1)
        return plan.reshape(plan.slice_(row, 1, start, end), (end - start,))

    def _product(
        self,
        steps: Steps,
        data: onnx_ir.Value,
        matrix: Optional,
        gates: slice,
        bias: plan.Expression | None,
        role: str,
        shared: str,
    ) -> onnx_ir.Value:
        held = _there(matrix)
        rows, columns = (gates.stop - gates.start) * self.hidden, int(dims(held)[2])
        read = plan.slice_(expression(held), 0, self.index, self.index + 1)
        read = plan.slice_(read, 1, gates.start * self.hidden, gates.stop * self.hidden)
        blobs = [Blob((rows, columns), plan.reshape(read, (rows, columns)))]
        blobs += [] if bias is None else [Blob((rows,), bias)]
        names = [{"name": f"{shared}/{number}"} for number in range(len(blobs))] if shared else []
        params: dict[str, Fields] = {"param": names} if names else {}  # type: ignore[dict-item]
        params["inner_product_param"] = {
            "num_output": rows,
            **({} if bias is not None else {"bias_term": False}),
            "axis": 2,
        }
        shape = (*dims(data)[:2], rows)
        return steps.add("InnerProduct", data, role=role, params=params, blobs=blobs, shape=shape)


@emits("caffe", "RNN")
def rnn(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,  # noqa: ARG001 - all inputs are the node's
    recurrence: onnx_ir.Value,
    bias: Optional = None,  # noqa: ARG001
    lengths: Optional = None,
    hidden: Optional = None,
    *,
    hidden_size: int,  # noqa: ARG001 - the weights' shapes say the same
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    layout: int = 0,
) -> list[Layer]:
    """Unrolled in time: ``InnerProduct`` that share a matrix, ``Eltwise`` and activations.

    Raises:
        Refused: The number of steps is open or above 512, sequences have lengths, there is a limit or an unusual
            activation, or the batch is axis 0.
    """
    _check(data, lengths, clip, layout)
    bends = _activations(activations, ("tanh",), recurrence)
    return _unrolled(
        node, data, (hidden,), direction, [Direction(node, i, 1, bend) for i, bend in enumerate(bends)], _rnn
    )


@emits("caffe", "LSTM")
def lstm(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,  # noqa: ARG001 - all inputs are the node's
    recurrence: onnx_ir.Value,
    bias: Optional = None,  # noqa: ARG001
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
) -> list[Layer]:
    """Unrolled in time: ``InnerProduct`` that share a matrix, ``Slice``, ``Eltwise`` and activations.

    Raises:
        Refused: As for ``RNN``; or there are peepholes, or input and forget gate are one.
    """
    _check(data, lengths, clip, layout)
    if peepholes is not None or input_forget:
        raise Refused("there are peepholes, or input and forget gate are one")
    bends = _activations(activations, ("sigmoid", "tanh", "tanh"), recurrence)
    parts = [Direction(node, index, 4, bend) for index, bend in enumerate(bends)]
    return _unrolled(node, data, (hidden, cell), direction, parts, _lstm)


@emits("caffe", "GRU")
def gru(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,  # noqa: ARG001 - all inputs are the node's
    recurrence: onnx_ir.Value,
    bias: Optional = None,  # noqa: ARG001
    lengths: Optional = None,
    hidden: Optional = None,
    *,
    hidden_size: int,  # noqa: ARG001 - the weights' shapes say the same
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    clip: float | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> list[Layer]:
    """Unrolled in time: ``InnerProduct`` that share their matrices, ``Slice``, ``Eltwise`` and activations.

    Raises:
        Refused: As for ``RNN``.
    """
    _check(data, lengths, clip, layout)
    bends = _activations(activations, ("sigmoid", "tanh"), recurrence)
    parts = [Direction(node, index, 3, bend) for index, bend in enumerate(bends)]
    cell = _gru_reset_after if linear_before_reset else _gru
    return _unrolled(node, data, (hidden,), direction, parts, cell, apart=int(bool(linear_before_reset)))


def _rnn(steps: Steps, own: Direction, read: onnx_ir.Value, state: State, role: str) -> tuple[onnx_ir.Value, ...]:
    (hidden,) = state
    return (own.bend(steps, _both(steps, own, read, hidden, slice(0, 1), role), 0, f"{role}/hidden"),)


def _lstm(steps: Steps, own: Direction, read: onnx_ir.Value, state: State, role: str) -> tuple[onnx_ir.Value, ...]:
    hidden, cell = state
    gates = _both(steps, own, read, hidden, slice(0, 4), role)
    parts = cut.parts(steps, gates, [own.hidden] * 4, axis=2, role=f"{role}/gate")
    enter, leave, keep = (
        own.bend(steps, part, 0, f"{role}/{name}")
        for part, name in zip(parts, ("input", "output", "forget"), strict=False)
    )
    entered = steps.eltwise("PROD", enter, own.bend(steps, parts[3], 1, f"{role}/new"), role=f"{role}/entered")
    if cell is not None:
        kept = steps.eltwise("PROD", keep, cell, role=f"{role}/kept")
        entered = steps.eltwise("SUM", kept, entered, role=f"{role}/cell")
    return steps.eltwise("PROD", leave, own.bend(steps, entered, 2, f"{role}/bent"), role=f"{role}/hidden"), entered


def _gru(steps: Steps, own: Direction, read: onnx_ir.Value, state: State, role: str) -> tuple[onnx_ir.Value, ...]:
    (hidden,) = state
    first, last = cut.parts(steps, read, [2 * own.hidden, own.hidden], axis=2, role=f"{role}/read")
    update, reset = _update_and_reset(steps, own, _both(steps, own, first, hidden, slice(0, 2), role), role)
    kept = None if hidden is None else steps.eltwise("PROD", reset, hidden, role=f"{role}/reset_hidden")
    new = own.bend(steps, _both(steps, own, last, kept, slice(2, 3), f"{role}/candidate"), 1, f"{role}/new")
    return (_between(steps, update, new, hidden, role),)


def _gru_reset_after(
    steps: Steps, own: Direction, read: onnx_ir.Value, state: State, role: str
) -> tuple[onnx_ir.Value, ...]:
    (hidden,) = state
    if hidden is None:
        first = cut.kept(steps, read, 0, own.hidden, axis=2, role=f"{role}/first")
        hidden = steps.power(first, role=f"{role}/zeros", scale=0.0)
    both = own.state_product(steps, hidden, slice(0, 3), f"{role}/product", biased=True)
    widths = [2 * own.hidden, own.hidden]
    first, last = cut.parts(steps, read, widths, axis=2, role=f"{role}/read")
    again, held = cut.parts(steps, both, widths, axis=2, role=f"{role}/held")
    gates = steps.eltwise("SUM", first, again, role=f"{role}/gates")
    update, reset = _update_and_reset(steps, own, gates, role)
    kept = steps.eltwise("PROD", reset, held, role=f"{role}/reset_held")
    new = own.bend(steps, steps.eltwise("SUM", last, kept, role=f"{role}/candidate"), 1, f"{role}/new")
    return (_between(steps, update, new, hidden, role),)


def _update_and_reset(
    steps: Steps, own: Direction, gates: onnx_ir.Value, role: str
) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    update, reset = cut.parts(
        steps, own.bend(steps, gates, 0, f"{role}/open"), [own.hidden] * 2, axis=2, role=f"{role}/gate"
    )
    return update, reset


def _between(
    steps: Steps, update: onnx_ir.Value, new: onnx_ir.Value, hidden: onnx_ir.Value | None, role: str
) -> onnx_ir.Value:
    """``(1 - update) * new + update * hidden``."""
    if hidden is None:
        rest = steps.power(update, role=f"{role}/rest", scale=-1.0, shift=1.0)
        return steps.eltwise("PROD", rest, new, role=f"{role}/hidden")
    change = steps.eltwise("SUM", hidden, new, role=f"{role}/difference", coeff=(1, -1))
    return steps.eltwise(
        "SUM", new, steps.eltwise("PROD", update, change, role=f"{role}/change"), role=f"{role}/hidden"
    )


def _both(
    steps: Steps, own: Direction, read: onnx_ir.Value, hidden: onnx_ir.Value | None, gates: slice, role: str
) -> onnx_ir.Value:
    if hidden is None:
        return read
    product = own.state_product(steps, hidden, gates, f"{role}/product")
    return steps.eltwise("SUM", read, product, role=f"{role}/sum")


def _unrolled(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    states: State,
    direction: str,
    parts: Sequence[Direction],
    cell: Cell,
    *,
    apart: int = 0,
) -> list[Layer]:
    """All steps of all directions, and the node's outputs made of them."""
    steps = cut.Several(node)
    length = int(dims(data)[0])
    begins = [_states(steps, state, len(parts), number) for number, state in enumerate(states)]
    rows, ends = [], []
    for own in parts:
        name = f"direction_{own.index}" if len(parts) > 1 else "time"
        read = own.input_product(steps, data, apart, f"{name}/input")
        moments = cut.parts(steps, read, [1] * length, axis=0, role=f"{name}/at")
        backwards = direction == "reverse" or own.index == 1
        state: State = tuple(begin[own.index] for begin in begins)
        found: list[onnx_ir.Value] = []
        for moment in range(length)[:: -1 if backwards else 1]:
            state = cell(steps, own, moments[moment], state, f"{name}/{moment}")
            found.append(_there(state[0]))
        rows.append(found[:: -1 if backwards else 1])
        ends.append([_there(value) for value in state])
    _finish(steps, node, rows, ends)
    return steps.layers


def _finish(
    steps: cut.Several,
    node: onnx_ir.Node,
    rows: Sequence[Sequence[onnx_ir.Value]],
    ends: Sequence[Sequence[onnx_ir.Value]],
) -> None:
    """The outputs that are used: all hidden states ``[time, directions, batch, hidden]``, and the last ones."""
    outputs = [value if value.uses() or value.is_graph_output() else None for value in node.outputs]
    if outputs[0] is not None:
        _, _, batch, hidden = dims(outputs[0])
        shape = (len(rows[0]), 1, batch, hidden)
        tracks = [
            steps.reshape(_joined(steps, track, 0, f"track_{index}"), shape, role=f"track_{index}/shape")
            for index, track in enumerate(rows)
        ]
        _last(steps, outputs[0], tracks, 1)
    for number, value in enumerate(outputs[1:]):
        if value is not None:
            _last(steps, value, [end[number] for end in ends], 0)


def _joined(steps: Steps, values: Sequence[onnx_ir.Value], axis: int, role: str) -> onnx_ir.Value:
    if len(values) == 1:
        return values[0]
    shape = list(dims(values[0]))
    shape[axis] = len(values)
    params: Fields = {} if axis == 1 else {"axis": axis}
    return steps.add("Concat", *values, role=role, params={"concat_param": params}, shape=shape)


def _last(steps: cut.Several, output: onnx_ir.Value, values: Sequence[onnx_ir.Value], axis: int) -> None:
    """``output``, which holds ``values`` along ``axis``."""
    params: dict[str, Fields] = {} if axis == 1 else {"concat_param": {"axis": axis}}
    steps.last("Concat", output, *values, params=params, shares=len(values) == 1)


def _states(steps: Steps, state: Optional, directions: int, number: int) -> Sequence[Optional]:
    """A state at the beginning, one for each direction."""
    if state is None:
        return [None] * directions
    role = f"begin_{number}"
    held = steps.stored(state, role=role) if is_stored(state) else state
    return cut.parts(steps, held, [1] * directions, axis=0, role=f"{role}/of")


def _check(data: onnx_ir.Value, lengths: Optional, clip: float | None, layout: int) -> None:
    if lengths is not None or layout or clip is not None:
        raise Refused("there are lengths of sequences or a limit, or the batch is axis 0")
    (length,) = sizes(dims(data)[:1], "the time")
    if length > _MOST:
        raise Refused(f"{length} steps are too many to be unrolled")


def _activations(found: Sequence[str] | None, usual: Sequence[str], recurrence: onnx_ir.Value) -> list[Sequence[str]]:
    """The activations of each direction, in small letters."""
    directions = int(dims(recurrence)[0])
    names = [name.lower() for name in found or [*usual] * directions]
    if other := sorted(set(names) - set(_LAYERS)):
        raise Refused(f"the activation is {', '.join(other)}")
    return [names[start : start + len(usual)] for start in range(0, len(names), len(usual))]


def _there(value: Optional) -> onnx_ir.Value:
    if value is None:
        raise AssertionError("it is there")
    return value
