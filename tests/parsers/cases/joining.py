"""Several values as one, and one as several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tests.parsers.case import Case, case, noise, variants
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Concat, stack, SliceChannel, _split_v2."""
    parts = [noise(f"concat{i}", 2, 3, 4) for i in range(3)]
    rows = {f"dim{dim.replace('-', '_')}": {"num_args": "3", "dim": dim} for dim in ("1", "2", "-1", "-2")}
    yield variants("concat", "Concat", parts, rows)
    yield variants("concat-batch", "Concat", parts, {"node": {"num_args": "3", "dim": "0"}}, fixed=True)
    net = Net("0.8")
    net.node("Concat", "node", [net.input(f"in{i}", noise(f"concat{i}", 2, i + 1)) for i in range(3)], num_args="3")
    yield case("concat-default", net)
    yield variants("concat-alias", "concat", [noise("alias", 2, 3)], {"node": {"num_args": "1"}})
    whole = [np.arange(4, dtype=np.int32).reshape(2, 2) * i for i in (1, 2)]
    yield variants("concat-int", "Concat", whole, {"node": {"num_args": "2"}})
    rows = {f"axis{i}": {"num_args": "3", "axis": axis} for i, axis in enumerate(("0", "1", "3", "-1", "-4"))}
    yield variants("stack", "stack", parts, {"default": {"num_args": "3"}, **rows})
    yield variants("stack-one", "stack", parts[:1], {"node": {"num_args": "1"}})
    yield from _channels()
    yield from _split()


def _channels() -> Iterator[Case]:
    yield _all(
        "slice-channel",
        "SliceChannel",
        {
            "default": (2, {"num_outputs": "2"}),
            "axis": (5, {"num_outputs": "5", "axis": "2"}),
            "squeeze": (4, {"num_outputs": "4", "squeeze_axis": "True"}),
            "squeeze_last": (3, {"num_outputs": "3", "axis": "-2", "squeeze_axis": "1"}),
            "one": (1, {"num_outputs": "1"}),
        },
    )
    yield _all("slice-channel-alias", "split", {"node": (1, {"num_outputs": "1"})})
    net = Net()
    index, _ = net.node("SliceChannel", "cut", [net.input("data", noise("order", 2, 4, 3))], num_outputs="2")
    net.node("elemwise_sub", "node", [(index, 1), (index, 0)])
    yield case("slice-channel-order", net)


def _split() -> Iterator[Case]:
    yield _all(
        "split",
        "_split_v2",
        {
            "default": (2, {"indices": "(0, 1)"}),
            "axis": (3, {"indices": "[0, 2, 3]", "axis": "2"}),
            "one": (1, {"indices": "(0,)", "axis": "2"}),
            "squeeze": (3, {"indices": "(0, 1, 2)", "axis": "-2", "squeeze_axis": "True"}),
            "sections": (2, {"indices": "()", "sections": "2", "axis": "2"}),
            "equal_sections": (2, {"indices": "[]", "sections": "2", "axis": "1"}),
            "squeeze_sections": (4, {"indices": "[]", "sections": "4", "squeeze_axis": "True"}),
            "squeeze_one": (1, {"indices": "(0,)", "axis": "4", "squeeze_axis": "True"}),
        },
    )


def _all(identity: str, op: str, rows: Mapping[str, tuple[int, Mapping[str, str]]]) -> Case:
    """A node for each of ``rows``, a number of outputs and the attributes, and all their outputs."""
    net = Net()
    data = net.input("data", noise(identity, 2, 4, 5, 3, 1))
    heads = []
    for name, (count, attributes) in rows.items():
        index, _ = net.node(op, name, [data], **attributes)
        heads += [(index, output) for output in range(count)]
    return case(identity, net, *heads)
