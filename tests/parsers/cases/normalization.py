"""Normalizations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.parsers.case import Case, case, noise
from tests.parsers.files import ERAS, Net


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


def cases() -> Iterator[Case]:
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
    yield replace(
        batch_norm("batch-norm-cudnn", (2, 3, 4, 5), op="CuDNNBatchNorm"), runs_as={"CuDNNBatchNorm": "BatchNorm"}
    )
    yield batch_norm("batch-norm-v1", (2, 3, 4, 5), op="BatchNorm_v1", fix_gamma="False")
    yield batch_norm(
        "batch-norm-sync", (2, 3, 4, 5), op="_contrib_SyncBatchNorm", fix_gamma="False", key="bn", ndev="1"
    )
