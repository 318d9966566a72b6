"""A small network as a case of one operator's variant, and how such are written down."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.parsers.files import Array, Edge, Net

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
        runs_as: The operators that MXNet's CPU build runs in place of those it lacks.
    """

    id: str
    symbol: dict[str, Any]
    params: dict[str, Array]
    inputs: dict[str, Array]
    tolerance: float = 1e-5
    reason: str = ROUNDING
    records: str = "V2"
    fixed: bool = False
    runs_as: Mapping[str, str] = field(default_factory=dict)


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


def digest(case: Case) -> str:
    """What a recorded answer belongs to: everything of ``case`` that MXNet sees."""
    parts = [json.dumps([case.symbol, case.records, dict(case.runs_as)], sort_keys=True).encode()]
    for kind in (case.params, case.inputs):
        for name, array in kind.items():
            parts += [f"{name}{array.dtype}{array.shape}".encode(), np.ascontiguousarray(array).tobytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
