"""Normalizations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import ERAS, Edge, Net


def batch_norm(
    identity: str, shape: tuple[int, ...], era: str = "1.x", op: str = "BatchNorm", **attributes: str
) -> Case:
    """A batch normalization whose stored gamma is far from 1 and one of whose variances is 0."""
    net = Net(era)
    data = net.input("data", noise(identity, *shape))
    states = _states(net, shape[int(attributes.get("axis", "1"))])
    net.node(op, "node", [data, *states], **attributes)
    return case(identity, net, records="V0" if era == "0.8" else "V2")


def _affine(net: Net, count: int) -> list[Edge]:
    return [net.arg("g", noise("gamma", count, low=0.4, high=0.6)), net.arg("b", noise("beta", count))]


def _states(net: Net, count: int) -> list[Edge]:
    inputs = _affine(net, count)
    variance = noise("var", count, low=0.1, high=2)
    variance[0] = 0
    names = ("node_moving_mean", "node_moving_var") if net.era == "0.8" else ("m", "v")
    states = [net.aux(names[0], noise("mean", count)), net.aux(names[1], variance)]
    return inputs + (states if net.era != "0.8" else [])


def cases() -> Iterator[Case]:
    """Every normalization: defaults, axes, ranks, names."""
    yield from _batch_norms()
    for axes in (3, 4, 5):
        shape = (2, 4, 5, 3, 2)[:axes]
        yield affine(f"instance-norm-{axes}d", "InstanceNorm", shape, 4, eps="0.01")
        yield affine(f"group-norm-{axes}d", "GroupNorm", shape, 2, num_groups="2", eps="0.01")
    yield affine("instance-norm", "InstanceNorm", (2, 3, 4, 5), 3)
    yield affine("group-norm", "GroupNorm", (2, 3, 4, 5), 1)
    yield affine("group-norm-each", "GroupNorm", (2, 3, 4, 5), 3, num_groups="3", output_mean_var="False")
    yield affine("layer-norm", "LayerNorm", (2, 5, 7), 7)
    yield affine("layer-norm-2d", "LayerNorm", (3, 7), 7, eps="0.1", axis="-1", output_mean_var="False")
    for axis, count in (("1", 3), ("-2", 4)):
        yield affine(f"layer-norm-axis{axis}", "LayerNorm", (2, 3, 4, 5), count, axis=axis)
    yield from _outputs_that_nobody_reads()
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 3)):
        yield unary(f"l2-{len(shape)}d", "L2Normalization", shape)
        for mode in ("instance", "channel", "spatial") if len(shape) > 2 else ():
            yield unary(f"l2-{mode}-{len(shape)}d", "L2Normalization", shape, mode=mode, eps="0.5")
    yield unary("lrn", "LRN", (2, 6, 3, 4), nsize="5")
    yield unary("lrn-1", "LRN", (2, 6, 3, 4), "0.8", nsize="1", alpha="0.5")
    yield unary("lrn-all", "LRN", (2, 7, 3, 4), nsize="3", alpha="2", beta="0.5", knorm="1")


def affine(identity: str, op: str, shape: tuple[int, ...], count: int, **attributes: str) -> Case:
    """A normalization with a gamma and a beta."""
    net = Net()
    data = net.input("data", noise(identity, *shape))
    net.node(op, "node", [data, *_affine(net, count)], **attributes)
    return case(identity, net)


def _outputs_that_nobody_reads() -> Iterator[Case]:
    """The mean and the variance as outputs change nothing."""
    for op, count in (("BatchNorm", 3), ("LayerNorm", 5), ("GroupNorm", 1)):
        net = Net()
        data = net.input("data", noise(op, 2, 3, 4, 5))
        trained = _states(net, count) if op == "BatchNorm" else _affine(net, count)
        net.node(op, "norm", [data, *trained], output_mean_var="True")
        net.node("Activation", "node", [(len(net.nodes) - 1, 0)], act_type="relu")
        yield case(f"{op}-unread", net)


def _batch_norms() -> Iterator[Case]:
    for era in ERAS:
        yield batch_norm(f"batch-norm-{era}", (2, 3, 4, 5), era)
    yield batch_norm("batch-norm-gamma", (2, 3, 4, 5), fix_gamma="False")
    yield batch_norm("batch-norm-eps", (2, 3, 4, 5), eps="2e-05", momentum="0.99", fix_gamma="False")
    yield batch_norm("batch-norm-2d", (4, 6), fix_gamma="False")
    yield batch_norm("batch-norm-2d-fixed", (4, 6))
    yield batch_norm("batch-norm-3d", (4, 6, 3), fix_gamma="False")
    yield batch_norm("batch-norm-5d", (2, 3, 2, 3, 2), fix_gamma="False")
    yield batch_norm("batch-norm-axis-last", (2, 4, 5, 3), axis="-1", fix_gamma="False")
    yield batch_norm("batch-norm-axis-2", (2, 4, 5, 3), axis="2")
    yield batch_norm("batch-norm-global", (2, 3, 4, 5), use_global_stats="True", cudnn_off="True")
    yield replace(
        batch_norm("batch-norm-cudnn", (2, 3, 4, 5), op="CuDNNBatchNorm"), runs_as={"CuDNNBatchNorm": "BatchNorm"}
    )
    yield batch_norm("batch-norm-v1", (2, 3, 4, 5), op="BatchNorm_v1", fix_gamma="False")
    yield batch_norm(
        "batch-norm-sync", (2, 3, 4, 5), op="_contrib_SyncBatchNorm", fix_gamma="False", key="bn", ndev="1"
    )
    for attributes in ({}, {"fix_gamma": "False", "axis": "3", "eps": "0.01", "momentum": "0.5"}):
        yield _with_relu((2, 4, 5, 3), **attributes)


def _with_relu(shape: tuple[int, ...], **attributes: str) -> Case:
    """MXNet's CPU build computes it by oneDNN only: it runs the two in turn."""
    net, other = Net(), Net()
    count = shape[int(attributes.get("axis", "1"))]
    identity = f"batch-norm-with-relu-{'-'.join(attributes)}"
    for one, op, name in ((net, "_contrib_BatchNormWithReLU", "node"), (other, "BatchNorm", "norm")):
        one.node(op, name, [one.input("data", noise(identity, *shape)), *_states(one, count)], **attributes)
    other.node("Activation", "node", [(len(other.nodes) - 1, 0)], act_type="relu")
    return replace(case(identity, net), equivalent=other.symbol())
