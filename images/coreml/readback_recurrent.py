"""Recurrent layers over ``[steps, batch, features]``; ONNX's have their gates in another order."""

from __future__ import annotations

from readback_graph import Graph, RefusedError, Tensor, reads

ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
"""Others have parameters whose values are not documented."""

LSTM_ORDER = (0, 2, 1, 3)
"""Of input, forget, output and cell gate those that ONNX has in their places: input, output, forget, cell."""

GRU_ORDER = (2, 0, 1)
"""Of reset, new and update gate those that ONNX has in their places: update, reset, hidden."""

PEEPHOLE_ORDER = (0, 2, 1)


def _ordered(graph: Graph, numbers: list[Tensor], order: tuple[int, ...]) -> str:
    """The gates of each direction in ONNX's order; directions are the first axis."""
    parts = []
    for one in numbers:
        size = one.size(0) // len(order)
        slices = [graph.op("Slice", one, [gate * size], [gate * size + size], [0]) for gate in order]
        parts.append(graph.op("Unsqueeze", graph.op("Concat", *slices, axis=0), [0]))
    return graph.op("Concat", *parts, axis=0)


def _biases(graph: Graph, numbers: list[Tensor | None], order: tuple[int, ...]) -> str | None:
    """ONNX has the biases of the inputs and those of the states one after the other: the second are zeros."""
    given = [one for one in numbers if one is not None]
    if not given:
        return None
    if len(given) != len(numbers):
        raise RefusedError("a bias in one direction only")
    ordered = _ordered(graph, given, order)
    return graph.op("Concat", ordered, graph.op("Mul", ordered, graph.floats(0)), axis=1)


def _activations(names: list[str], directions: int) -> list[str]:
    if unknown := [name for name in names if name not in ACTIVATIONS]:
        raise RefusedError(f"the activation {unknown[0]!r}")
    return [ACTIVATIONS[name] for name in names] * directions


def _state(graph: Graph, state: Tensor, directions: int, hidden: int) -> str:
    """``[batch, directions * hidden]`` with the directions first."""
    apart = graph.op("Reshape", state, [-1, directions, hidden])
    return graph.op("Transpose", apart, perm=[1, 0, 2])


def _together(graph: Graph, values: str, directions: int, hidden: int, sequence: bool) -> str:
    """``[..., directions, batch, hidden]`` as ``[..., batch, directions * hidden]``."""
    perm = [0, 2, 1, 3] if sequence else [1, 0, 2]
    moved = graph.op("Transpose", values, perm=perm)
    return graph.op("Reshape", moved, [0, 0, directions * hidden] if sequence else [0, directions * hidden])


def _results(
    graph: Graph, steps: str, states: list[str], directions: int, hidden: int, output_sequence: bool
) -> list[str]:
    """What the layer returns: all steps or the last alone, then the states after the last."""
    last = [_together(graph, state, directions, hidden, sequence=False) for state in states]
    if output_sequence:
        return [_together(graph, steps, directions, hidden, sequence=True), *last]
    return [graph.op("Unsqueeze", last[0], [0]), *last]


@reads("lstm")
def lstm(
    graph: Graph,
    x: Tensor,
    initial_h: Tensor,
    initial_c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    peephole: Tensor | None = None,
    weight_ih_back: Tensor | None = None,
    weight_hh_back: Tensor | None = None,
    bias_back: Tensor | None = None,
    peephole_back: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    activation: str = "tanh",
    clip: float | None = None,
) -> list[str]:
    """A long short-term memory; ``clip`` bounds something else than ONNX's does."""
    if clip is not None:
        raise RefusedError("a clipped cell")
    if direction not in {"forward", "reverse", "bidirectional"}:
        raise RefusedError(f"the direction {direction!r}")
    both = direction == "bidirectional"
    if both and (weight_ih_back is None or weight_hh_back is None):
        raise RefusedError("no weights for the way back")
    count, hidden = 1 + both, weight_hh.size(1)
    peepholes = [one for one in ([peephole, peephole_back] if both else [peephole]) if one is not None]
    if peepholes and len(peepholes) != count:
        raise RefusedError("peepholes in one direction only")
    steps, last, cell = graph.ops(
        "LSTM",
        3,
        x,
        _ordered(graph, [one for one in (weight_ih, weight_ih_back) if one][:count], LSTM_ORDER),
        _ordered(graph, [one for one in (weight_hh, weight_hh_back) if one][:count], LSTM_ORDER),
        _biases(graph, [bias, bias_back][:count], LSTM_ORDER),
        None,
        _state(graph, initial_h, count, hidden),
        _state(graph, initial_c, count, hidden),
        _ordered(graph, peepholes, PEEPHOLE_ORDER) if peepholes else None,
        hidden_size=hidden,
        direction=direction,
        activations=_activations([recurrent_activation, cell_activation, activation], count),
    )
    return _results(graph, steps, [last, cell], count, hidden, output_sequence)


@reads("gru")
def gru(
    graph: Graph,
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
) -> list[str]:
    """A gated recurrent unit that resets what the state's weights have made of the state, without its bias."""
    hidden = _check_direction(direction, weight_hh)
    steps, last = graph.ops(
        "GRU",
        2,
        x,
        _ordered(graph, [weight_ih], GRU_ORDER),
        _ordered(graph, [weight_hh], GRU_ORDER),
        _biases(graph, [bias], GRU_ORDER),
        None,
        _state(graph, initial_h, 1, hidden),
        hidden_size=hidden,
        direction=direction,
        activations=_activations([recurrent_activation, activation], 1),
        linear_before_reset=1,
    )
    return _results(graph, steps, [last], 1, hidden, output_sequence)


@reads("rnn")
def rnn(
    graph: Graph,
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    activation: str = "tanh",
) -> list[str]:
    """A plain recurrent layer."""
    hidden = _check_direction(direction, weight_hh)
    steps, last = graph.ops(
        "RNN",
        2,
        x,
        _ordered(graph, [weight_ih], (0,)),
        _ordered(graph, [weight_hh], (0,)),
        _biases(graph, [bias], (0,)),
        None,
        _state(graph, initial_h, 1, hidden),
        hidden_size=hidden,
        direction=direction,
        activations=_activations([activation], 1),
    )
    return _results(graph, steps, [last], 1, hidden, output_sequence)


def _check_direction(direction: str, weight_hh: Tensor) -> int:
    if direction not in {"forward", "reverse"}:
        raise RefusedError(f"the direction {direction!r}")
    return weight_hh.size(1)
