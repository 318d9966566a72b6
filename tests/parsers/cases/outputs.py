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
    yield _support_vectors()
    yield from _without_label()
    yield _several()
    yield _shared()


def _support_vectors() -> Case:
    """A support vector machine's label is one number an example: MXNet infers it of two dimensions only."""
    net = Net()
    data = net.input("data", noise("svm", 3, 5))
    attributes = {"margin": "0.5", "regularization_coefficient": "0.1", "use_linear": "True"}
    net.node("SVMOutput", "node", [data, net.variable("svm_label")], **attributes)
    return case("svm", net)


def _without_label() -> Iterator[Case]:
    """Losses of their own data."""
    attributes = {"grad_scale": "2.0", "valid_thresh": "0.1", "normalization": "valid"}
    for op, given in (("MakeLoss", attributes), ("make_loss", {})):
        net = Net()
        squares = net.node("Activation", "inner", [net.input("data", noise(op, 2, 3))], act_type="sigmoid")
        net.node(op, "node", [squares], **given)
        yield case(op, net)
    for era in ("0.8", "1.x"):
        net = Net(era)
        inputs = [net.input("data", noise("sparse", 2, 4)), net.arg("w", noise("sparse", 3, 4))]
        dense = net.node("FullyConnected", "dense", inputs, num_hidden="3", no_bias="True")
        active = net.node("Activation", "active", [dense], act_type="sigmoid")
        state = net.aux("node_moving_avg", noise("average", 3, low=0))
        inputs = [active, state] if era != "0.8" else [active]
        net.node("IdentityAttachKLSparseReg", "node", inputs, sparseness_target="0.1", penalty="0.01", momentum="0.9")
        yield case(f"sparse-{era}", net, records="V0" if era == "0.8" else "V2")


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
