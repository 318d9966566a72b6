"""What only moves or names elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Concat, SliceChannel, Flatten, Reshape, Dropout, identities."""
    for dim in ("1", "2", "-1"):
        net = Net()
        parts = [net.input(f"in{i}", noise(f"concat{i}", 2, 3, 4)) for i in range(3)]
        net.node("Concat", "node", parts, num_args="3", dim=dim)
        yield case(f"concat-{dim}", net)
    net = Net("0.8")
    net.node("Concat", "node", [net.input(f"in{i}", noise(f"concat{i}", 2, i + 1)) for i in range(3)], num_args="3")
    yield case("concat-default", net)
    yield from _slices()
    yield unary("flatten-alias", "flatten")
    yield unary("reshape-alias", "reshape", shape="(0, -1)")
    yield unary("identity-alias", "identity")
    yield unary("block-grad-alias", "stop_gradient")
    net = Net()
    net.node("concat", "node", [net.input("data", noise("alias", 2, 3))], num_args="1")
    yield case("concat-alias", net)
    yield unary("slice-alias", "split", num_outputs="1")
    yield unary("flatten", "Flatten")
    yield unary("flatten-2d", "Flatten", (3, 4))
    yield unary("dropout", "Dropout", p="0.3")
    yield unary("dropout-default", "Dropout", axes="(1,)")
    yield unary("identity", "_copy")
    yield unary("block-grad", "BlockGrad")
    for name, codes in {
        "keep": "(0, -1)",
        "keep-three": "(0, 0, -1)",
        "infer-first": "(-1, 60)",
        "rest": "(0, -2)",
        "merge": "(0, -3, 0)",
        "merge-rest": "(0, 0, -3)",
        "split": "(0, 0, -4, 1, 5, 0)",
        "split-infer": "(0, 0, 0, -4, 2, -1)",
        "split-infer-first": "(0, 0, 0, -4, -1, 2)",
        "insert": "(0, 1, -1)",
    }.items():
        yield unary(f"reshape-{name}", "Reshape", shape=codes)
    for name, shape in (("plain", "(2, 60)"), ("merge-batch", "(-3, -2)"), ("reverse", "(-1, 0)")):
        attributes = {"shape": shape, "reverse": str(name == "reverse")}
        yield replace(unary(f"reshape-{name}", "Reshape", **attributes), fixed=True)
    yield unary("reshape-reverse-keep", "Reshape", (8, 3, 3, 4), shape="(0, 0, -1, 0)", reverse="True")


def _slices() -> Iterator[Case]:
    for name, attributes in {
        "channels": {"num_outputs": "2"},
        "axis": {"num_outputs": "5", "axis": "2"},
        "squeeze": {"num_outputs": "4", "squeeze_axis": "True"},
        "squeeze-last": {"num_outputs": "3", "axis": "-1", "squeeze_axis": "1"},
        "one": {"num_outputs": "1"},
    }.items():
        net = Net()
        index, _ = net.node("SliceChannel", "node", [net.input("data", noise(name, 2, 4, 5, 3))], **attributes)
        yield case(f"slice-{name}", net, *((index, i) for i in range(int(attributes["num_outputs"]))))
    net = Net()
    index, _ = net.node("SliceChannel", "cut", [net.input("data", noise("order", 2, 4, 3))], num_outputs="2")
    net.node("elemwise_sub", "node", [(index, 1), (index, 0)])
    yield case("slice-order", net)
