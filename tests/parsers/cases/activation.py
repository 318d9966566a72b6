"""Activations and softmax."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Activation, LeakyReLU and every softmax."""
    for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign"):
        yield unary(f"activation-{kind}", "Activation", act_type=kind)
    yield unary("leaky", "LeakyReLU")
    yield unary("leaky-slope", "LeakyReLU", act_type="leaky", slope="0.1", lower_bound="0.125", upper_bound="0.334")
    yield unary("elu", "LeakyReLU", act_type="elu")
    yield unary("elu-slope", "LeakyReLU", act_type="elu", slope="1.0")
    yield unary("selu", "LeakyReLU", act_type="selu")
    yield unary("gelu", "LeakyReLU", act_type="gelu")
    for name, shape, count in (
        ("4d", (2, 3, 4, 5), 3),
        ("2d", (4, 6), 6),
        ("3d", (2, 3, 4), 3),
        ("shared", (2, 3, 4, 5), 1),
    ):
        for era in ("0.8", "1.x"):
            net = Net(era)
            inputs = [net.input("data", noise(name, *shape)), net.arg("s", noise("slope", count))]
            net.node("LeakyReLU", "node", inputs, act_type="prelu")
            yield case(f"prelu-{name}-{era}", net, records="V0" if era == "0.8" else "V2")
    for name, shape in (("2d", (3, 7)), ("4d", (2, 3, 4, 5))):
        yield unary(f"softmax-activation-{name}", "SoftmaxActivation", shape)
        yield unary(f"softmax-{name}", "softmax", shape)
    yield unary("softmax-activation-channel", "SoftmaxActivation", mode="channel")
    yield unary("softmax-activation-channel-0.8", "SoftmaxActivation", (2, 3, 4, 5), "0.8", mode="channel")
    yield unary("softmax-axis", "softmax", axis="1")
    yield unary("softmax-axis-negative", "softmax", axis="-2", temperature="None")
    yield unary("softmax-temperature", "softmax", axis="1", temperature="2.5")
