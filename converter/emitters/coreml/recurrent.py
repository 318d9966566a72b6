"""Recurrent layers, whose results Core ML lays out in another order than ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain, batch_size
from converter.emitters.coreml.operand import Operand, made, state
from converter.emitters.operand import is_stored, static
from converter.emitters.statement import State, Statement
from converter.ir import BATCH, dims

_GATES = {"LSTM": (0, 2, 1, 3), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which of ONNX's gates each of Core ML's is: of ``iofc`` those of ``ifoz``; of ``zrh`` those that are unrolled."""
_ACTIVATIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh"}
_STEPS = 128
"""Most steps that are written out."""


@dataclass(frozen=True)
class _Weights:
    """The packed parameters of a recurrent layer.

    Attributes:
        node: The layer.
        hidden: The size of its state.
        size: That of its input.
        weight: Of the input, directions x gates * hidden x size.
        recurrence: Of the state, directions x gates * hidden x hidden.
        bias: Of both, directions x 2 * gates * hidden.
    """

    node: onnx_ir.Node
    hidden: int
    size: int
    weight: onnx_ir.Value
    recurrence: onnx_ir.Value
    bias: onnx_ir.Value | None

    def of_input(self, direction: int) -> State:
        """The input's weight, its gates in Core ML's order."""
        return self._gates(self.weight, direction, 0, (self.size,))

    def of_state(self, direction: int) -> State:
        """The state's weight, its gates in Core ML's order."""
        return self._gates(self.recurrence, direction, 0, (self.hidden,))

    def biases(self, direction: int) -> tuple[State, State] | None:
        """The bias beside the input and that beside the state."""
        if self.bias is None:
            return None
        return self._gates(self.bias, direction, 0, ()), self._gates(self.bias, direction, 1, ())

    def both(self, direction: int) -> State | None:
        """The sum of both biases."""
        found = self.biases(direction)
        return None if found is None else made(plan.add(found[0].value, found[1].value), found[0].shape, trained=True)

    def _gates(self, packed: onnx_ir.Value, direction: int, half: int, behind: tuple[int, ...]) -> State:
        gates, hidden = _GATES[self.node.op_type], self.hidden
        halves = 1 if behind else 2  # the two biases lie one after the other
        whole = plan.slice_(state(packed).value, 0, direction, direction + 1)
        one = plan.reshape(whole, (halves * len(gates) * hidden, *behind))
        starts = [(half * len(gates) + gate) * hidden for gate in gates]
        parts = [plan.slice_(one, 0, start, start + hidden) for start in starts]
        value = plan.concat(parts, 0) if len(parts) > 1 else parts[0]
        return made(value, (len(gates) * hidden, *behind), trained=True)


@emits("coreml", "LSTM")
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
    """``mb.lstm``, forward, in reverse or both ways; its results are brought into ONNX's order.

    No peepholes, no coupled gates, and all sequences of the same length.
    """
    if peephole is not None or input_forget:
        raise Refused("peepholes or coupled gates")
    _check(lengths, layout)
    kinds = _kinds(activations, ("Sigmoid", "Tanh", "Tanh"), direction)
    packed = _weights(node, data, weight, recurrence, bias, hidden_size)
    chain = Chain(node)
    both = direction == "bidirectional"
    count = 2 if both else 1
    settings: dict[str, Operand] = {
        "initial_h": _rows(chain, data, hidden, count, hidden_size),
        "initial_c": _rows(chain, data, cell, count, hidden_size),
        "weight_ih": packed.of_input(0),
        "weight_hh": packed.of_state(0),
        "bias": packed.both(0),
    }
    if both:
        settings |= {"weight_ih_back": packed.of_input(1), "weight_hh_back": packed.of_state(1)}
        settings |= {"bias_back": packed.both(1)}
    settings |= {"direction": direction, "output_sequence": True}
    names = ("recurrent_activation", "cell_activation", "activation")
    defaults = ("sigmoid", "tanh", "tanh")
    settings |= {n: kind for n, kind, usual in zip(names, kinds, defaults, strict=True) if kind != usual}
    results = chain.steps(("sequence", "state", "cell"), "lstm", x=data, **settings)
    return _outputs(chain, data, results, count, hidden_size)


@emits("coreml", "RNN")
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
    """``mb.rnn``, one for each direction; their results are brought into ONNX's order."""
    _check(lengths, layout)
    count = 2 if direction == "bidirectional" else 1
    kinds = tuple(activations) or ("Tanh",) * count
    if not set(kinds) <= _ACTIVATIONS.keys() or len(kinds) != count:
        raise Refused(f"activations {list(activations)}")
    packed = _weights(node, data, weight, recurrence, bias, hidden_size)
    chain = Chain(node)
    starts = _states(chain, data, hidden, count, hidden_size)
    parts = []
    for number, (start, kind) in enumerate(zip(starts, kinds, strict=True)):
        way = "reverse" if number or direction == "reverse" else "forward"
        settings: dict[str, Operand] = {
            "initial_h": start,
            "weight_ih": packed.of_input(number),
            "weight_hh": packed.of_state(number),
            "bias": packed.both(number),
            "direction": way,
            "output_sequence": True,
            "activation": None if kind == "Tanh" else _ACTIVATIONS[kind],
        }
        parts.append(chain.steps((f"{way}_sequence", f"{way}_state"), "rnn", x=data, **settings))
    return _joined(chain, parts)


@emits("coreml", "GRU")
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
    """Written out, step by step: what Core ML documents of ``mb.gru`` has no place for all of ONNX's biases."""
    _check(lengths, layout)
    kinds = _kinds(activations, ("Sigmoid", "Tanh"), direction)
    (length,) = static(data, 0)
    if length > _STEPS:
        raise Refused(f"{length} steps to be written out, more than {_STEPS}")
    packed = _weights(node, data, weight, recurrence, bias, hidden_size)
    chain = Chain(node)
    count = 2 if direction == "bidirectional" else 1
    starts = _states(chain, data, hidden, count, hidden_size)
    parts = []
    for number, start in enumerate(starts):
        backwards = bool(number) or direction == "reverse"
        cell = _Cell(chain, packed, number, kinds, bool(linear_before_reset))
        parts.append(cell.run(data, start, length, backwards=backwards))
    return _joined(chain, parts)


@dataclass(frozen=True)
class _Cell:
    """One direction of a gated recurrent unit.

    Attributes:
        chain: To write to.
        packed: The weights.
        number: Which direction's.
        kinds: The activations of the gates and of the new state.
        late: Whether the reset is after the linear map.
    """

    chain: Chain
    packed: _Weights
    number: int
    kinds: tuple[str, ...]
    late: bool

    def run(self, data: onnx_ir.Value, start: onnx_ir.Value, length: int, *, backwards: bool) -> list[onnx_ir.Value]:
        """All states, and the last one."""
        chain, hidden = self.chain, self.packed.hidden
        biases = self.packed.biases(self.number)
        given = chain.step(
            "projected", "linear", x=data, weight=self.packed.of_input(self.number), bias=biases and biases[0]
        )
        slots: list[onnx_ir.Value] = []
        current = start
        for place in reversed(range(length)) if backwards else range(length):
            now = chain.step(
                "now",
                "slice_by_index",
                x=given,
                begin=(place, 0, 0),
                end=(place + 1, 0, 0),
                begin_mask=(False, True, True),
                end_mask=(False, True, True),
                squeeze_mask=(True, False, False),
            )
            current = self._next(now, current, hidden)
            slots.append(current)
        return [chain.step("sequence", "stack", values=slots[::-1] if backwards else slots, axis=0), current]

    def _next(self, now: onnx_ir.Value, current: onnx_ir.Value, hidden: int) -> onnx_ir.Value:
        chain = self.chain
        reset_now, update_now, new_now = chain.steps(
            ("now_r", "now_z", "now_h"), "split", x=now, num_splits=3, axis=1
        )
        reset_old, update_old, new_old = self._recurrent(current, hidden)
        reset = self._act(0, chain.step("sum", "add", x=reset_now, y=reset_old))
        update = self._act(0, chain.step("sum", "add", x=update_now, y=update_old))
        if new_old is None:
            weight, bias = self._new_weights(hidden)
            kept = chain.step("kept", "mul", x=reset, y=current)
            change = chain.step("change", "linear", x=kept, weight=weight, bias=bias)
        else:
            change = chain.step("change", "mul", x=reset, y=new_old)
        new = self._act(1, chain.step("sum", "add", x=new_now, y=change))
        # (1 - z) * new + z * old
        old = chain.step("old", "mul", x=update, y=current)
        rest = chain.step("rest", "sub", x=1.0, y=update)
        return chain.step("state", "add", x=chain.step("fresh", "mul", x=rest, y=new), y=old)

    def _recurrent(
        self, current: onnx_ir.Value, hidden: int
    ) -> tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value | None]:
        """What the state adds to the reset, to the update and, where that is reset late, to the new state."""
        chain, number = self.chain, self.number
        weight, biases = self.packed.of_state(number), self.packed.biases(number)
        bias = biases and biases[1]
        roles = ("old_r", "old_z", "old_h") if self.late else ("old_r", "old_z")
        if not self.late:
            weight = made(plan.slice_(weight.value, 0, 0, 2 * hidden), (2 * hidden, hidden), trained=True)
            bias = bias and made(plan.slice_(bias.value, 0, 0, 2 * hidden), (2 * hidden,), trained=True)
        product = chain.step("recurrent", "linear", x=current, weight=weight, bias=bias)
        reset, update, *new = chain.steps(roles, "split", x=product, num_splits=len(roles), axis=1)
        return reset, update, new[0] if new else None

    def _new_weights(self, hidden: int) -> tuple[State, State | None]:
        weight, biases = self.packed.of_state(self.number), self.packed.biases(self.number)
        part = made(plan.slice_(weight.value, 0, 2 * hidden, 3 * hidden), (hidden, hidden), trained=True)
        if biases is None:
            return part, None
        return part, made(plan.slice_(biases[1].value, 0, 2 * hidden, 3 * hidden), (hidden,), trained=True)

    def _act(self, which: int, value: onnx_ir.Value) -> onnx_ir.Value:
        kind = self.kinds[which]
        return self.chain.step(kind, kind, x=value)


def _check(lengths: onnx_ir.Value | None, layout: int) -> None:
    if lengths is not None:
        raise Refused("it has sequences of different lengths")
    if layout:
        raise Refused("layout 1")


def _kinds(activations: Sequence[str], usual: tuple[str, ...], direction: str) -> tuple[str, ...]:
    """One direction's activations as Core ML calls them, provided that both directions have the same."""
    given = tuple(activations) or usual
    one = given[: len(usual)]
    count = 2 if direction == "bidirectional" else 1
    if given not in {one, one * count} or not set(one) <= _ACTIVATIONS.keys():
        raise Refused(f"activations {list(activations)}")
    return tuple(_ACTIVATIONS[kind] for kind in one)


def _weights(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    recurrence: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    hidden: int,
) -> _Weights:
    if not all(is_stored(value) for value in (weight, recurrence, bias) if value is not None):
        raise Refused("its weights are computed by the network")
    (size,) = static(data, 2)
    return _Weights(node, hidden, size, weight, recurrence, bias)


def _zeros(chain: Chain, data: onnx_ir.Value, width: int) -> Operand:
    """Zeros, a row for each of the batch."""
    batch = dims(data)[1]
    if batch != BATCH:
        return chain.step("zeros", "fill", shape=(int(batch), width), value=0.0)
    shape = chain.step("rows", "concat", values=[batch_size(chain, data), [width]], axis=0)
    return chain.step("zeros", "fill", shape=shape, value=0.0)


def _rows(chain: Chain, data: onnx_ir.Value, start: onnx_ir.Value | None, count: int, hidden: int) -> Operand:
    """A first state, directions x batch x hidden, as batch x directions * hidden."""
    if start is None:
        return _zeros(chain, data, count * hidden)
    if count == 1:
        return chain.step("first", "squeeze", x=start, axes=(0,))
    turned = chain.step("turned", "transpose", x=start, perm=(1, 0, 2))
    batch = dims(data)[1]
    return chain.step("first", "reshape", x=turned, shape=(-1 if batch == BATCH else int(batch), count * hidden))


def _states(
    chain: Chain, data: onnx_ir.Value, start: onnx_ir.Value | None, count: int, hidden: int
) -> list[onnx_ir.Value]:
    """The first state of each direction, batch x hidden."""
    if start is None:
        zeros = _zeros(chain, data, hidden)
        return [zeros for _ in range(count) if isinstance(zeros, onnx_ir.Value)]
    if count == 1:
        return [chain.step("first", "squeeze", x=start, axes=(0,))]
    halves = chain.steps(("first_forward", "first_reverse"), "split", x=start, num_splits=2, axis=0)
    return [chain.step("first", "squeeze", x=half, axes=(0,)) for half in halves]


def _outputs(
    chain: Chain, data: onnx_ir.Value, results: Sequence[onnx_ir.Value], count: int, hidden: int
) -> list[Statement]:
    """The directions before the batch: of a sequence s x b x directions * h, and of states b x directions * h."""
    sequence, *ends = chain.node.outputs
    (length,) = static(data, 0)
    batch = dims(data)[1]
    rows = -1 if batch == BATCH else int(batch)
    if is_read(sequence):
        if count == 1:
            chain.ends([sequence], "expand_dims", x=results[0], axes=(1,))
        else:
            apart = chain.step("apart", "reshape", x=results[0], shape=(length, rows, count, hidden))
            chain.ends([sequence], "transpose", x=apart, perm=(0, 2, 1, 3))
    for end, result in zip(ends, results[1:], strict=False):
        if is_read(end) and count == 1:
            chain.ends([end], "expand_dims", x=result, axes=(0,))
        elif is_read(end):
            apart = chain.step("apart", "reshape", x=result, shape=(rows, count, hidden))
            chain.ends([end], "transpose", x=apart, perm=(1, 0, 2))
    return chain.lines


def _joined(chain: Chain, parts: Sequence[Sequence[onnx_ir.Value]]) -> list[Statement]:
    """The sequences, s x b x h, and the last states, b x h, of all directions, beside each other."""
    for output, results, axis in zip(chain.node.outputs, zip(*parts, strict=True), (1, 0), strict=False):
        if is_read(output):
            chain.ends([output], "stack", values=list(results), axis=axis)
    return chain.lines


def is_read(value: onnx_ir.Value) -> bool:
    """Whether anything uses ``value``."""
    return bool(value.uses()) or value.is_graph_output()
