"""A small network as a case of one operator's variant, and how such are written down."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        equivalent: The symbol that MXNet runs in place of one whose operators its CPU build lacks.
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
    equivalent: dict[str, Any] | None = None


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


def variants(
    identity: str, op: str, inputs: Sequence[Array], rows: Mapping[str, Mapping[str, str]], *, fixed: bool = False
) -> Case:
    """A network with a node of ``op`` for each of ``rows``, its attributes; all read the same inputs, exactly."""
    net = Net()
    edges = [net.input(f"in{index}", value) for index, value in enumerate(inputs)]
    heads = [net.node(op, name, edges, **attributes) for name, attributes in rows.items()]
    return replace(case(identity, net, *heads, fixed=fixed), tolerance=0, reason="only moves elements")


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


def several(
    identity: str,
    inputs: Mapping[str, Array],
    rows: Mapping[str, tuple[str, Mapping[str, str]]],
    *,
    fixed: bool = False,
    constants: Mapping[str, Array] | None = None,
    outputs: Mapping[str, int] | None = None,
) -> Case:
    """A network of several operators that take the same inputs, ``constants`` first.

    Args:
        identity: The case's name.
        inputs: What they take.
        rows: The operator and its attributes by the node's name.
        fixed: Whether they depend on the size of the batch.
        constants: Trained arrays that they take before the inputs.
        outputs: How many outputs a node has, if not one.
    """
    net = Net()
    edges = [constant(net, name, value) for name, value in (constants or {}).items()]
    edges += [net.input(name, value) for name, value in inputs.items()]
    heads = []
    for name, (op, attributes) in rows.items():
        index, _ = net.node(op, name, edges, **attributes)
        heads += [(index, output) for output in range((outputs or {}).get(name, 1))]
    return case(identity, net, *heads, fixed=fixed)


def constant(net: Net, name: str, value: Array) -> Edge:
    """A trained array whose shape the symbol records, for MXNet cannot infer it from this use."""
    index, _ = edge = net.arg(name, value)
    net.nodes[index].setdefault("attrs", {})["__shape__"] = str(value.shape)
    return edge


def numbers(*values: object, dtype: str = "float32") -> Array:
    """An array of one number after the other."""
    return np.array(values, dtype)


def shapes(identity: str, *given: tuple[int, ...]) -> dict[str, Array]:
    """An input of each shape."""
    return {f"in{index}": noise(f"{identity}{index}", *shape) for index, shape in enumerate(given)}


def digest(case: Case) -> str:
    """What a recorded answer belongs to: everything of ``case`` that MXNet sees."""
    symbols = [case.symbol] if case.equivalent is None else [case.symbol, case.equivalent]
    parts = [json.dumps([*symbols, case.records, dict(case.runs_as)], sort_keys=True).encode()]
    for kind in (case.params, case.inputs):
        for name, array in kind.items():
            parts += [f"{name}{array.dtype}{array.shape}".encode(), np.ascontiguousarray(array).tobytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
