"""One small network for each operator and each of its variants, as data.

They are parsed and compared with NumPy formulas of MXNet's semantics (test_operators.py), and, where containers run,
with MXNet itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from tests.parsers.files import ERAS, Array, Edge, Net

ROUNDING = "float32 sums in another order"


@dataclass(frozen=True)
class Case:
    """A network and what to feed it.

    Attributes:
        id: What it shows.
        symbol: The symbol, as JSON values.
        params: Trained arrays by their names in a params file.
        inputs: Values of the inputs.
        tolerance: Largest allowed error relative to the largest reference value.
        reason: Why it is not zero.
        records: The era of the params file's records.
        fixed: Whether it depends on the size of the batch.
        cpu: Whether MXNet runs it without a GPU.
    """

    id: str
    symbol: dict[str, Any]
    params: dict[str, Array]
    inputs: dict[str, Array]
    tolerance: float = 1e-5
    reason: str = ROUNDING
    records: str = "V2"
    fixed: bool = False
    cpu: bool = True


def noise(name: str, *shape: int, low: float = -1.0, high: float = 1.0) -> Array:
    """The same uniform float32 numbers for the same name and shape."""
    seed = zlib.crc32(f"{name}{shape}".encode())
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def case(identity: str, net: Net, *heads: Edge, records: str = "V2", fixed: bool = False) -> Case:
    """Finish ``net`` as a case."""
    return Case(identity, net.symbol(*heads), net.params, net.inputs, records=records, fixed=fixed)


def unary(
    identity: str, op: str, shape: tuple[int, ...] = (2, 3, 5, 4), era: str = "1.x", /, **attributes: str
) -> Case:
    """A network of one operator with one input."""
    net = Net(era)
    net.node(op, "node", [net.input("data", noise(identity, *shape))], **attributes)
    return case(identity, net)


def dense_or_convolution(
    identity: str, op: str, shape: tuple[int, ...], weight: tuple[int, ...], era: str = "1.x", **attributes: str
) -> Case:
    """A network of one operator with a weight and, unless told otherwise, a bias."""
    net = Net(era)
    inputs = [net.input("data", noise(identity, *shape)), net.arg("anything_w", noise(identity + "w", *weight))]
    if attributes.get("no_bias") not in ("True", "1"):
        inputs.append(net.arg("anything_b", noise(identity + "b", weight[0])))
    net.node(op, "node", inputs, **attributes)
    return case(identity, net, records="V0" if era == "0.8" else "V1" if era == "0.9" else "V2")


def convolutions() -> Iterator[Case]:
    """Convolution: every attribute, every era's files."""
    made = dense_or_convolution
    basic = {"kernel": "(3, 3)", "num_filter": "4"}
    for era in ERAS:
        yield made(f"convolution-{era}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), era, **basic)
    yield made("convolution-v1", "Convolution_v1", (2, 3, 7, 6), (4, 3, 3, 3), **basic)
    for name, attributes in {
        "no-bias": {"no_bias": "True"},
        "no-bias-1": {"no_bias": "1"},
        "pad": {"pad": "(1, 1)"},
        "pad-uneven": {"pad": "(2, 0)"},
        "stride": {"stride": "(2, 2)"},
        "stride-uneven": {"stride": "(1, 2)", "pad": "(1, 1)"},
        "dilate": {"dilate": "(2, 2)", "pad": "(2, 2)"},
        "dilate-uneven": {"dilate": "(2, 1)"},
        "layout": {"layout": "NCHW"},
        "lists": {"kernel": "[3,3]", "pad": "[1, 1]", "stride": "[2,1]"},
        "python2": {"kernel": "(3L, 3L)", "pad": "(1L, 1L)"},
        "ignored": {
            "workspace": "1024",
            "cudnn_tune": "off",
            "cudnn_off": "True",
            "__lr_mult__": "2",
        },
    }.items():
        yield made(f"convolution-{name}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), **(basic | attributes))
    multipliers = {"lr_mult": "2", "weight_wd_mult": "0", "ctx_group": "gpu"}
    yield made("convolution-hidden", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), "0.9", **basic, **multipliers)
    yield made(
        "convolution-kernel-uneven", "Convolution", (2, 3, 7, 6), (4, 3, 1, 5), kernel="(1, 5)", num_filter="4"
    )
    for groups, outputs in ((2, 4), (4, 4), (4, 8)):
        yield made(
            f"convolution-group-{groups}-{outputs}",
            "Convolution",
            (2, 4, 6, 7),
            (outputs, 4 // groups, 3, 3),
            kernel="(3, 3)",
            num_filter=str(outputs),
            num_group=str(groups),
            pad="(1, 1)",
        )


def dense() -> Iterator[Case]:
    """FullyConnected: with and without bias and flattening."""
    made = dense_or_convolution
    yield made("dense", "FullyConnected", (3, 8), (5, 8), num_hidden="5")
    yield made("dense-no-bias", "FullyConnected", (3, 8), (5, 8), num_hidden="5", no_bias="True")
    for era in ERAS:
        yield made(f"dense-flatten-{era}", "FullyConnected", (3, 2, 4, 3), (5, 24), era, num_hidden="5")
    for bias in ("False", "True"):
        attributes = {"num_hidden": "5", "flatten": "False", "no_bias": bias}
        yield made(f"dense-keep-axes-no-bias-{bias}", "FullyConnected", (3, 6, 8), (5, 8), **attributes)
    yield made("dense-keep-axes-2d", "FullyConnected", (3, 8), (5, 8), num_hidden="5", flatten="False")


def batch_norm(
    identity: str, shape: tuple[int, ...], era: str = "1.x", op: str = "BatchNorm", **attributes: str
) -> Case:
    """A batch normalization whose stored gamma is far from 1 and one of whose variances is 0."""
    net = Net(era)
    count = shape[int(attributes.get("axis", "1"))]
    inputs = [net.input("data", noise(identity, *shape))]
    inputs += [net.arg("g", noise("gamma", count, low=0.4, high=0.6)), net.arg("b", noise("beta", count))]
    variance = noise("var", count, low=0.1, high=2)
    variance[0] = 0
    names = ("node_moving_mean", "node_moving_var") if era == "0.8" else ("m", "v")
    states = [net.aux(names[0], noise("mean", count)), net.aux(names[1], variance)]
    net.node(op, "node", inputs + (states if era != "0.8" else []), **attributes)
    return case(identity, net, records="V0" if era == "0.8" else "V2")


def batch_norms() -> Iterator[Case]:
    """BatchNorm: defaults, fixed gamma, eps, axis, rank, names."""
    for era in ERAS:
        yield batch_norm(f"batch-norm-{era}", (2, 3, 4, 5), era)
    yield batch_norm("batch-norm-gamma", (2, 3, 4, 5), fix_gamma="False")
    yield batch_norm("batch-norm-eps", (2, 3, 4, 5), eps="2e-05", momentum="0.99", fix_gamma="False")
    yield batch_norm("batch-norm-2d", (4, 6), fix_gamma="False")
    yield batch_norm("batch-norm-2d-fixed", (4, 6))
    yield batch_norm("batch-norm-3d", (4, 6, 3), fix_gamma="False")
    yield batch_norm("batch-norm-axis-last", (2, 4, 5, 3), axis="-1", fix_gamma="False")
    yield batch_norm("batch-norm-axis-2", (2, 4, 5, 3), axis="2")
    yield batch_norm("batch-norm-global", (2, 3, 4, 5), use_global_stats="True", cudnn_off="True")
    yield replace(batch_norm("batch-norm-cudnn", (2, 3, 4, 5), op="CuDNNBatchNorm"), cpu=False)
    yield batch_norm("batch-norm-v1", (2, 3, 4, 5), op="BatchNorm_v1", fix_gamma="False")
    yield batch_norm(
        "batch-norm-sync", (2, 3, 4, 5), op="_contrib_SyncBatchNorm", fix_gamma="False", key="bn", ndev="1"
    )


def activations() -> Iterator[Case]:
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


def poolings() -> Iterator[Case]:
    """Pooling: kinds, conventions, padding, its counting, global with and without a kernel."""
    windows = {
        "plain": {"kernel": "(2, 2)"},
        "stride": {"kernel": "(3, 3)", "stride": "(2, 2)"},
        "pad": {"kernel": "(3, 3)", "stride": "(2, 2)", "pad": "(1, 1)"},
        "uneven": {"kernel": "(3, 2)", "stride": "(1, 3)", "pad": "(1, 0)"},
        "sparse": {"kernel": "(2, 2)", "stride": "(3, 3)"},
    }
    for kind in ("max", "avg"):
        for convention in ("valid", "full"):
            for name, attributes in windows.items():
                given = attributes | {"pool_type": kind, "pooling_convention": convention}
                for op, size in product(("Pooling", "Pooling_v1"), ((8, 9), (7, 6))):
                    identity = f"{op}-{kind}-{convention}-{name}-{size[0]}"
                    zeros = op == "Pooling_v1" and kind == "max" and "pad" in given
                    if not zeros and not _outside(given, size):
                        yield unary(identity, op, (2, 3, *size), **given)
    for convention in ("valid", "full"):
        for included in ("True", "False"):
            given = {"pool_type": "avg", "pooling_convention": convention, "count_include_pad": included}
            yield unary(f"pooling-count-{included}-{convention}", "Pooling", (2, 3, 8, 7), **windows["pad"], **given)
            yield unary(
                f"pooling-count-{included}-{convention}-stride", "Pooling", (2, 3, 8, 8), **windows["stride"], **given
            )
    for kind in ("max", "avg"):
        yield unary(f"pooling-global-{kind}", "Pooling", global_pool="True", pool_type=kind)
        given = {"kernel": "(2, 2)", "pad": "(1, 1)", "stride": "(2, 2)"}
        yield unary(f"pooling-v1-global-{kind}", "Pooling_v1", global_pool="True", pool_type=kind, **given)
        yield unary(f"pooling-global-kernel-{kind}", "Pooling", global_pool="True", pool_type=kind, **given)
    yield unary("pooling-default", "Pooling", kernel="(2, 2)", cudnn_off="False", layout="NCHW")
    yield unary(
        "pooling-0.8", "Pooling", (2, 3, 8, 9), "0.8", **windows["stride"], pooling_convention="full", pool_type="max"
    )


def _outside(attributes: dict[str, str], size: tuple[int, int]) -> bool:
    """Whether rounding up makes a window that lies outside the input, which is refused."""

    def numbers(key: str, default: str) -> list[int]:
        return [int(part) for part in attributes.get(key, default).strip("()").split(",")]

    kernel, stride, pad = numbers("kernel", ""), numbers("stride", "1,1"), numbers("pad", "0,0")
    full = attributes["pooling_convention"] == "full"
    for i in (0, 1):
        room = size[i] + 2 * pad[i] - kernel[i]
        if (-(-room // stride[i]) if full else room // stride[i]) * stride[i] >= size[i] + pad[i]:
            return True
    return False


def elementwise() -> Iterator[Case]:
    """Arithmetic between two activations and with a scalar, under old and new names."""
    for names in (
        ("elemwise_add", "_Plus", "_plus", "_add", "_grad_add"),
        ("elemwise_sub", "_Minus", "_minus", "_sub"),
        ("elemwise_mul", "_Mul", "_mul"),
        ("elemwise_div", "_Div", "_div"),
    ):
        for name in names:
            net = Net("0.8" if name[1].isupper() else "1.x")
            first = net.input("data", noise(name, 2, 3, 4))
            net.node(name, "node", [first, net.input("other", noise(name + "2", 2, 3, 4, low=0.5))])
            yield case(f"binary-{name}", net)
    for name in ("plus", "minus", "rminus", "mul", "div", "rdiv"):
        old = {"rminus": "RMinus", "rdiv": "RDiv"}.get(name, name.capitalize())
        for op, era, scalar in ((f"_{name}_scalar", "1.x", "127.5"), (f"_{old}Scalar", "0.8", "1e-02")):
            yield unary(f"scalar{op}", op, (2, 3, 5, 4), era, scalar=scalar)
    yield unary("scalar-is-int", "_mul_scalar", scalar="3", is_int="True")
    net = Net()
    weight = net.arg("constant", noise("constant", 2, 3))
    net.node("elemwise_add", "node", [net.input("data", noise("with-constant", 2, 3)), weight])
    yield case("binary-constant", net, fixed=True)


def shapes() -> Iterator[Case]:
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


def outputs() -> Iterator[Case]:
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


FAMILIES: dict[str, Callable[[], Iterator[Case]]] = {
    "convolution": convolutions,
    "dense": dense,
    "normalization": batch_norms,
    "activation": activations,
    "pooling": poolings,
    "elementwise": elementwise,
    "shape": shapes,
    "outputs": outputs,
}
CASES: tuple[Case, ...] = tuple(case for family in FAMILIES.values() for case in family())
