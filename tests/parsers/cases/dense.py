"""Dense layers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, dense_or_convolution, noise
from tests.parsers.files import ERAS, Net


def cases() -> Iterator[Case]:
    """FullyConnected: with and without bias and flattening, and with a weight that the network computes."""
    made = dense_or_convolution
    yield made("dense", "FullyConnected", (3, 8), (5, 8), num_hidden="5")
    yield made("dense-no-bias", "FullyConnected", (3, 8), (5, 8), num_hidden="5", no_bias="True")
    for era in ERAS:
        yield made(f"dense-flatten-{era}", "FullyConnected", (3, 2, 4, 3), (5, 24), era, num_hidden="5")
    for bias in ("False", "True"):
        attributes = {"num_hidden": "5", "flatten": "False", "no_bias": bias}
        yield made(f"dense-keep-axes-no-bias-{bias}", "FullyConnected", (3, 6, 8), (5, 8), **attributes)
    yield made("dense-keep-axes-2d", "FullyConnected", (3, 8), (5, 8), num_hidden="5", flatten="False")
    yield _computed_weight()


def _computed_weight() -> Case:
    """A weight of length 1, as face recognition has it."""
    net = Net()
    net.params = {"arg:w": noise("w", 5, 8)}
    data, weight = net.input("data", noise("computed", 3, 8)), net.variable("w", __shape__="(5, 8)")
    unit = net.node("L2Normalization", "unit", [weight], mode="instance")
    net.node("FullyConnected", "node", [data, unit], num_hidden="5", no_bias="True")
    return case("dense-computed-weight", net)
