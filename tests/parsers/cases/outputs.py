"""Losses, whose label disappears, and networks of several outputs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """The losses, whose label disappears, and networks of several outputs."""
    for op, kinds in {
        "SoftmaxOutput": ({}, {"multi_output": "True"}, {"preserve_shape": "True"}),
        "Softmax": ({},),
        "LinearRegressionOutput": ({},),
        "LogisticRegressionOutput": ({},),
        "MAERegressionOutput": ({},),
    }.items():
        for attributes in kinds:
            for shape in ((3, 5), (2, 3, 4), (2, 3, 4, 5)):
                if len(shape) == 4 and "oftmax" in op and not attributes:
                    continue
                net = Net("0.8" if op == "Softmax" else "1.x")
                data = net.input("data", noise(op, *shape))
                net.node(op, "node", [data, net.variable("any_name")], grad_scale="1.0", **attributes)
                yield case(f"{op}-{'-'.join(attributes) or 'default'}-{len(shape)}d", net)
    yield _several()
    yield _shared()


def _several() -> Case:
    net = Net()
    data = net.input("x", noise("several", 2, 3, 6, 6))
    left = net.node("Activation", "left", [data], act_type="relu")
    right = net.node("Pooling", "right", [data], kernel="(2, 2)", stride="(2, 2)")
    net.node("Flatten", "unused", [data])
    return case("several-outputs", net, right, left)


def _shared() -> Case:
    """One weight in two places, and a batch normalization's gamma both fixed and not."""
    net = Net()
    data, weight = net.input("x", noise("shared", 2, 3, 6, 6)), net.arg("w", noise("w", 3, 3, 1, 1))
    states = [net.arg("g", noise("g", 3, low=0.5)), net.arg("b", noise("b", 3))]
    states += [net.aux("m", noise("m", 3)), net.aux("v", noise("v", 3, low=0.5))]
    value = data
    for index, fixed in enumerate(("False", "True")):
        attributes = {"kernel": "(1, 1)", "num_filter": "3", "no_bias": "True"}
        value = net.node("Convolution", f"conv{index}", [value, weight], **attributes)
        value = net.node("BatchNorm", f"bn{index}", [value, *states], fix_gamma=fixed)
    return case("shared-parameters", net)
