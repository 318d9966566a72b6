"""One element out of many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Edge, Net

OPERATORS = ("sum", "sum_axis", "mean", "max", "max_axis", "min", "min_axis", "prod", "nansum", "nanprod")
AXES = {
    "all": {},
    "none": {"axis": "None", "exclude": "True"},
    "empty": {"axis": "()", "keepdims": "True"},
    "one": {"axis": "1"},
    "last": {"axis": "-1", "keepdims": "True"},
    "batch": {"axis": "(0,)"},
    "several": {"axis": "(3, 1)"},
    "spatial": {"axis": "(2, 3)", "keepdims": "1"},
    "every": {"axis": "(0, 1, 2, 3)"},
    "exclude": {"axis": "(0, -3)", "exclude": "True"},
    "exclude-kept": {"axis": "1", "exclude": "1", "keepdims": "True"},
    "exclude-every": {"axis": "(0, 1, 2, 3)", "exclude": "True"},
}
NORMS = (
    {},
    {"ord": "1"},
    {"axis": "1"},
    {"ord": "1", "axis": "(2, 3)"},
    {"ord": "2", "axis": "-1", "keepdims": "True"},
)
NORMS += ({"keepdims": "True", "out_dtype": "float32"}, {"ord": "2", "axis": "(1, 2, 3)"})
PLACES = ({"axis": "1"}, {"axis": "-1", "keepdims": "True"}, {"axis": "0"})
PLACES_IN_ALL = ({}, {"axis": "None", "keepdims": "True"})


def cases() -> Iterator[Case]:
    """Every reduction over every choice of axes; norms; places; lines; whole numbers; what is no number."""
    for name, attributes in AXES.items():
        net = Net()
        data = net.input("data", noise(name, 2, 3, 4, 5, low=0.5, high=1.5))
        yield case(f"reduce-{name}", net, *_heads(net, OPERATORS, data, attributes))
    net = Net("0.8")
    data = net.input("data", noise("reduce-old", 2, 3, 4))
    yield case("reduce-old", net, *_heads(net, ("sum_axis", "max_axis", "min_axis"), data, {"axis": "(1, 2)"}))
    net = Net()
    data = net.input("data", noise("norm", 2, 3, 4, 5))
    yield case("norm", net, *(edge for given in NORMS for edge in _heads(net, ("norm",), data, given)))
    yield from _places()
    net = Net()
    heads = _heads(net, (*OPERATORS, "norm", "argmax", "argmin"), net.input("data", noise("line", 7)), {})
    yield case("reduce-line", net, *heads, *_heads(net, ("sum", "argmax"), (0, 0), {"axis": "0", "keepdims": "True"}))
    yield from _special()


def _heads(net: Net, ops: tuple[str, ...], data: Edge, attributes: dict[str, str]) -> list[Edge]:
    return [net.node(op, f"node{len(net.nodes)}", [data], **attributes) for op in ops]


def _places() -> Iterator[Case]:
    """Of noise, and of few different numbers, of which the first counts."""
    for name, values in (("noise", noise("places", 2, 3, 4)), ("ties", np.round(noise("ties", 3, 4, 6) * 2) / 2)):
        net = Net()
        data = net.input("data", values)
        heads = [edge for given in PLACES for edge in _heads(net, ("argmax", "argmin"), data, given)]
        heads += _heads(net, ("argmax_channel",), data, {})
        yield replace(case(f"place-{name}", net, *heads), tolerance=0, reason="whole numbers")
        net = Net()
        data = net.input("data", values)
        heads = [edge for given in PLACES_IN_ALL for edge in _heads(net, ("argmax", "argmin"), data, given)]
        yield replace(case(f"place-in-all-{name}", net, *heads, fixed=True), tolerance=0, reason="whole numbers")


def _special() -> Iterator[Case]:
    some = np.array([[-7, 3, -1], [5, 3, 90]])
    for kind in (np.int32, np.int64):
        net = Net()
        data = net.input("data", some.astype(kind))
        heads = _heads(net, OPERATORS, data, {}) + _heads(net, (*OPERATORS, "argmax", "argmin"), data, {"axis": "1"})
        yield replace(case(f"reduce-{kind.__name__}", net, *heads), tolerance=0, reason="whole numbers")
    net = Net()
    heads = _heads(net, ("max", "min", "argmax", "argmin"), net.input("data", some.astype(np.uint8)), {"axis": "1"})
    yield replace(case("reduce-uint8", net, *heads), tolerance=0, reason="whole numbers")
    net = Net()
    holes = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan]], np.float32)
    yield case("reduce-nan", net, *_heads(net, ("nansum", "nanprod"), net.input("data", holes), {"axis": "1"}))
