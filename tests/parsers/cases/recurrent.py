"""Recurrent layers: fused, as Gluon exports them, and unrolled into cells."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tests.parsers.case import Case, case, constant, noise
from tests.parsers.files import Edge, Net

Cell = Callable[[Net, str, Sequence[Edge], Sequence[Edge]], list[Edge]]

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}
TIME, BATCH, FEATURES, HIDDEN = 4, 3, 5, 6


def pieces(mode: str, layers: int, directions: int) -> list[tuple[int, ...]]:
    """The shapes of the arrays that the vector of parameters is made of, in their order."""
    rows = GATES[mode] * HIDDEN
    widths = [FEATURES, *[HIDDEN * directions] * (layers - 1)]
    weights = [shape for width in widths for shape in [(rows, width), (rows, HIDDEN)] * directions]
    return [*weights, *[(rows,)] * (2 * layers * directions)]


def states(net: Net, mode: str, count: int) -> list[Edge]:
    """Begin states as inputs."""
    names = ("state", "cell") if mode == "lstm" else ("state",)
    return [net.input(name, noise(f"{mode}{name}", count, BATCH, HIDDEN)) for name in names]


def layers(identity: str, mode: str, depth: int = 1, *, both: bool = False, ends: bool = True, **more: str) -> Case:
    """A fused network whose parameters are one stored vector."""
    net = Net()
    directions = 1 + both
    shapes = pieces(mode, depth, directions)
    vector = noise(identity, sum(int(np.prod(shape)) for shape in shapes))
    inputs = [net.input("data", noise(mode, TIME, BATCH, FEATURES)), net.arg("packed", vector)]
    inputs += states(net, mode, depth * directions)
    sizes = {"state_size": str(HIDDEN), "num_layers": str(depth), "mode": mode}
    if both:
        more["bidirectional"] = "True"
    if ends:
        more["state_outputs"] = "True"
    index, _ = net.node("RNN", "node", inputs, **sizes, **more)
    count = 1 if not ends else 3 if mode == "lstm" else 2
    return case(identity, net, *((index, output) for output in range(count)), fixed=True)


def gluon(identity: str, mode: str, *, both: bool) -> Case:
    """What a HybridBlock of ``gluon.rnn`` with the batch first exports."""
    net = Net()
    directions = 1 + both
    data = net.node("SwapAxis", "swap", [net.input("data", noise(mode, BATCH, TIME, FEATURES))], dim1="0", dim2="1")
    flat = []
    for index, shape in enumerate(pieces(mode, 2, directions)):
        array = constant(net, f"array{index}", noise(f"{identity}{index}", *shape))
        flat.append(net.node("Reshape", f"flat{index}", [array], shape="-1"))
    packed = net.node("_rnn_param_concat", "packed", flat, dim="0", num_args=str(len(flat)))
    index, _ = net.node(
        "RNN",
        "node",
        [data, packed, *states(net, mode, 2 * directions)],
        bidirectional=str(both),
        lstm_state_clip_max="None",
        lstm_state_clip_min="None",
        lstm_state_clip_nan="False",
        mode=mode,
        num_layers="2",
        p="0.3",
        projection_size="None",
        state_outputs="True",
        state_size=str(HIDDEN),
        use_sequence_length="False",
    )
    merged = net.node("SwapAxis", "swap-back", [(index, 0)], dim1="0", dim2="1")
    return case(identity, net, merged, (index, 1), fixed=True)


def cases() -> Iterator[Case]:
    """Every mode, forward and in both directions, with one layer and with several; cells of each kind, unrolled."""
    for mode, both in itertools.product(GATES, (False, True)):
        direction = "both" if both else "forward"
        yield layers(f"rnn-{mode}-{direction}", mode, both=both)
        yield layers(f"rnn-{mode}-{direction}-deep", mode, 3 if mode == "gru" else 2, both=both)
        yield gluon(f"gluon-{mode}-{direction}", mode, both=both)
    yield layers("rnn-only-steps", "lstm", 2, ends=False)
    yield layers("rnn-only-steps-one", "gru", ends=False, p="0.0")
    yield from _zeros()
    net = Net()
    parts = [constant(net, f"part{index}", noise(f"part{index}", 2, 1 + index)) for index in range(2)]
    joined = net.node("_rnn_param_concat", "joined", parts, num_args="2")
    net.node("elemwise_add", "node", [joined, net.input("data", noise("joined", 2, 3))])
    yield case("rnn-param-concat-default", net, fixed=True)
    for era in ("0.8", "0.9", "1.x"):
        for kind, (cell, gates) in {"lstm": (lstm_cell, 4), "gru": (gru_cell, 3), "rnn": (rnn_cell, 1)}.items():
            yield unrolled(f"cell-{kind}-{era}", era, cell, gates)


def _zeros() -> Iterator[Case]:
    """First states of zeros for a batch of any size, as blocks that are called without states export them."""
    for mode, depth in (("lstm", 2), ("gru", 1)):
        for layout in ("TNC", "NTC"):
            net = Net()
            shape = (TIME, BATCH, FEATURES) if layout == "TNC" else (BATCH, TIME, FEATURES)
            data = net.input("data", noise(f"{mode}{layout}", *shape))
            data = data if layout == "TNC" else net.node("SwapAxis", "swap", [data], dim1="0", dim2="1")
            count = sum(int(np.prod(shape)) for shape in pieces(mode, depth, 2))
            begin = [
                net.node("_zeros", f"begin{index}", shape=f"({2 * depth}, 0, {HIDDEN})")
                for index in range(1 + (mode == "lstm"))
            ]
            packed = net.arg("packed", noise(f"{mode}{depth}", count))
            sizes = {"state_size": str(HIDDEN), "num_layers": str(depth), "mode": mode, "bidirectional": "1"}
            net.node("RNN", "node", [data, packed, *begin], **sizes)
            yield case(f"zeros-{mode}-{layout}", net, fixed=layout == "TNC")
    net = Net()
    data = net.input("data", noise("zeros-cell", BATCH, FEATURES))
    i2h = [data, *(net.arg(f"i{index}", noise(f"i{index}", *shape)) for index, shape in enumerate(((6, 5), (6,))))]
    h2h = [net.node("_zeros", "begin", shape=f"(0, {HIDDEN})")]
    h2h += [net.arg(f"h{index}", noise(f"h{index}", *shape)) for index, shape in enumerate(((6, 6), (6,)))]
    added = [net.node("FullyConnected", f"full{len(ins)}{ins[0][0]}", ins, num_hidden="6") for ins in (i2h, h2h)]
    rnn_cell(net, "step", added, [])
    yield case("zeros-cell", net)


def unrolled(identity: str, era: str, cell: Cell, count: int) -> Case:
    """Three steps of a cell as ``mx.rnn`` and older examples write them: the output of each, and the last states."""
    net = Net(era)
    shapes = {"i2h_weight": (count * HIDDEN, FEATURES), "i2h_bias": (count * HIDDEN,)}
    shapes |= {"h2h_weight": (count * HIDDEN, HIDDEN), "h2h_bias": (count * HIDDEN,)}
    data = net.input("data", noise(identity, BATCH, 3, FEATURES))
    steps, _ = net.node("SliceChannel", "steps", [data], num_outputs="3", axis="1", squeeze_axis="True")
    arrays = {name: net.arg(f"rnn_{name}", noise(f"{identity}{name}", *shape)) for name, shape in shapes.items()}
    names = ("h", "c") if count == 4 else ("h",)
    state = [net.input(f"init_{name}", noise(f"{identity}{name}", BATCH, HIDDEN)) for name in names]
    heads = []
    for step in range(3):
        i2h = [(steps, step), arrays["i2h_weight"], arrays["i2h_bias"]]
        h2h = [state[0], arrays["h2h_weight"], arrays["h2h_bias"]]
        width = str(count * HIDDEN)
        added = [
            net.node("FullyConnected", f"t{step}_i2h", i2h, num_hidden=width),
            net.node("FullyConnected", f"t{step}_h2h", h2h, num_hidden=width),
        ]
        state = cell(net, f"t{step}", added, state)
        heads.append(state[0])
    return case(identity, net, *heads, *state[1:])


def _act(net: Net, name: str, kind: str, value: Edge) -> Edge:
    return net.node("Activation", name, [value], act_type=kind)


def _add(net: Net, name: str, *values: Edge) -> Edge:
    return net.node("_plus" if net.era == "0.9" else "_Plus" if net.era == "0.8" else "elemwise_add", name, values)


def _mul(net: Net, name: str, *values: Edge) -> Edge:
    return net.node("_mul" if net.era == "0.9" else "_Mul" if net.era == "0.8" else "elemwise_mul", name, values)


def rnn_cell(net: Net, name: str, added: Sequence[Edge], state: Sequence[Edge]) -> list[Edge]:
    """``tanh(i2h + h2h)``."""
    return [_act(net, f"{name}_out", "tanh", _add(net, f"{name}_plus", *added))]


def lstm_cell(net: Net, name: str, added: Sequence[Edge], state: Sequence[Edge]) -> list[Edge]:
    """Gates i, f, c, o."""
    gates, _ = net.node("SliceChannel", f"{name}_slice", [_add(net, f"{name}_plus", *added)], num_outputs="4")
    i, f, c, o = (
        _act(net, f"{name}_{gate}", "tanh" if gate == "c" else "sigmoid", (gates, index))
        for index, gate in enumerate("ifco")
    )
    kept, new = _mul(net, f"{name}_keep", f, state[1]), _mul(net, f"{name}_new", i, c)
    cell = _add(net, f"{name}_state", kept, new)
    return [_mul(net, f"{name}_out", o, _act(net, f"{name}_tanh", "tanh", cell)), cell]


def gru_cell(net: Net, name: str, added: Sequence[Edge], state: Sequence[Edge]) -> list[Edge]:
    """Gates r, z, o; the reset gate is applied after the product."""
    i2h, h2h = (
        net.node("SliceChannel", f"{name}_slice{index}", [value], num_outputs="3")[0]
        for index, value in enumerate(added)
    )
    reset, update = (
        _act(net, f"{name}_{gate}_act", "sigmoid", _add(net, f"{name}_{gate}", (i2h, index), (h2h, index)))
        for index, gate in enumerate("rz")
    )
    other = _add(net, f"{name}_sum", (i2h, 2), _mul(net, f"{name}_reset", reset, (h2h, 2)))
    new = _act(net, f"{name}_h_act", "tanh", other)
    scalar = "_RMinusScalar" if net.era == "0.8" else "_rminus_scalar"
    rest = net.node(scalar, f"{name}_rest", [update], scalar="1.0")
    left, right = _mul(net, f"{name}_left", rest, new), _mul(net, f"{name}_right", update, state[0])
    return [_add(net, f"{name}_out", left, right)]
