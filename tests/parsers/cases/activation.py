"""Activations and softmax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Activation, LeakyReLU, the activations that are operators of their own, and every softmax."""
    for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign"):
        yield unary(f"activation-{kind}", "Activation", act_type=kind)
    for op in ("relu", "_npx_relu", "sigmoid", "_npx_sigmoid", "tanh", "softsign", "hard_sigmoid"):
        yield unary(op, op, (3, 7))
    yield unary("hard-sigmoid-attributes", "hard_sigmoid", (3, 7), alpha="0.7", beta="0.4")
    yield _extremes()
    yield from _later()
    yield from _rectifiers()
    yield from _softmaxes()


def _extremes() -> Case:
    """Numbers at which a careless formula overflows."""
    net = Net()
    data = net.input("data", np.float32([[-1e4, -90, -20.5, -1e-4, 0, 1e-4, 19, 20.5, 90, 1e4]]))
    heads = [
        net.node("Activation", kind, [data], act_type=kind)
        for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")
    ]
    heads += [net.node("LeakyReLU", kind, [data], act_type=kind) for kind in ("leaky", "elu", "selu", "gelu")]
    heads += [net.node(op, op, [data]) for op in ("softmax", "log_softmax", "softmin", "hard_sigmoid")]
    return case("activation-extremes", net, *heads)


def _later() -> Iterator[Case]:
    """What MXNet 1 has not: it computes the definitions step by step."""
    for kind in ("log_sigmoid", "mish"):
        for op, attributes in ((kind, {}), ("Activation", {"act_type": kind})):
            net, other = Net(), Net()
            net.node(op, "node", [net.input("data", noise(kind, 3, 7, low=-9, high=9))], **attributes)
            data = other.variable("data")
            if kind == "log_sigmoid":
                other.node("log", "node", [other.node("sigmoid", "sigmoid", [data])])
            else:
                plus = other.node("Activation", "plus", [data], act_type="softrelu")
                other.node("elemwise_mul", "node", [data, other.node("tanh", "tanh", [plus])])
            yield replace(case(f"{op}-{kind}", net), equivalent=other.symbol())


def _rectifiers() -> Iterator[Case]:
    yield unary("leaky", "LeakyReLU")
    yield unary("leaky-slope", "LeakyReLU", act_type="leaky", slope="0.1", lower_bound="0.125", upper_bound="0.334")
    yield unary("elu", "LeakyReLU", act_type="elu")
    yield unary("elu-slope", "LeakyReLU", act_type="elu", slope="1.0")
    yield unary("selu", "LeakyReLU", act_type="selu")
    yield unary("gelu", "LeakyReLU", act_type="gelu")
    yield unary("rrelu", "LeakyReLU", act_type="rrelu")
    yield unary("rrelu-bounds", "LeakyReLU", act_type="rrelu", lower_bound="0.1", upper_bound="0.7", slope="9")
    for name, shape in (("4d", (2, 3, 4, 5)), ("2d", (4, 6)), ("3d", (2, 3, 4))):
        for era in ("0.8", "1.x"):
            net = Net(era)
            inputs = [net.input("data", noise(name, *shape)), net.arg("s", noise("slope", shape[1]))]
            net.node("LeakyReLU", "node", inputs, act_type="prelu")
            yield case(f"prelu-{name}-{era}", net, records="V0" if era == "0.8" else "V2")
    net = Net()
    net.params = {"arg:s": noise("slope", 1)}
    inputs = [net.input("data", noise("shared", 2, 3, 4, 5)), net.variable("s", __shape__="(1,)")]
    net.node("LeakyReLU", "node", inputs, act_type="prelu")
    yield case("prelu-shared", net)


def _softmaxes() -> Iterator[Case]:
    for name, shape in (("2d", (3, 7)), ("4d", (2, 3, 4, 5))):
        yield unary(f"softmax-activation-{name}", "SoftmaxActivation", shape)
        yield unary(f"softmax-{name}", "softmax", shape)
    yield unary("softmax-activation-channel", "SoftmaxActivation", mode="channel")
    yield unary("softmax-activation-channel-0.8", "SoftmaxActivation", (2, 3, 4, 5), "0.8", mode="channel")
    yield unary("softmax-axis", "softmax", axis="1")
    yield unary("softmax-axis-negative", "softmax", axis="-2", temperature="None", dtype="None")
    yield unary("softmax-temperature", "softmax", axis="1", temperature="2.5")
    for op in ("log_softmax", "softmin", "softmax"):
        nodes = (
            {},
            {"axis": "1"},
            {"axis": "0"},
            {"temperature": "0.5"},
            {"axis": "-2", "temperature": "-2", "dtype": "float32"},
        )
        net = Net()
        data = net.input("data", noise(op, 2, 3, 5, low=-4, high=4))
        heads = [net.node(op, f"node{index}", [data], **attributes) for index, attributes in enumerate(nodes)]
        yield case(f"{op}-attributes", net, *heads)
    yield _with_length("softmax-length", (3, 5), np.int32([2, 0, 5]))
    yield _with_length("softmax-length-64", (2, 3, 4), np.int64([[1, 2, 3], [4, 0, 1]]), temperature="2")
    yield _with_length("softmax-length-axis", (2, 3, 2), np.int32([[1, 2], [3, 0]]), axis="1")


def _with_length(identity: str, shape: tuple[int, ...], length: np.ndarray, **attributes: str) -> Case:
    net = Net()
    inputs = [net.input("data", noise(identity, *shape)), net.input("length", length)]
    net.node("softmax", "node", inputs, use_length="True", **attributes)
    return case(identity, net)
