"""Element types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, noise, variants
from tests.parsers.files import Array, Net

KINDS = ("float32", "uint8", "int8", "int32", "int64")
NUMBERS = np.array(
    [[-129.3, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 254.9, 256.7, 300.2, 1e6, -1e6, 2147483520]], np.float32
)
HALVES = np.array([[0.1, 2049, 2051, 65504, 65519.9, 65520, 1e-8, 6e-8, 3e-8, -2.5, 1 / 3]], np.float32)


def cases() -> Iterator[Case]:
    """Cast between all types, and mixed precision."""
    rows = {kind: {"dtype": kind} for kind in KINDS}
    yield variants("cast", "Cast", [NUMBERS], rows)
    for kind in ("uint8", "int8", "int32", "int64"):
        values = np.array([[-129, -1, 0, 1, 127, 128, 255, 256, 300, 2**24 + 1, 2**31 - 1]]).astype(kind)
        yield variants(f"cast-{kind}", "cast", [values], rows)
        yield _there_and_back("Cast", "bool", values)
    yield _there_and_back("Cast", "bool", NUMBERS)
    rows = {kind: {"dtype": kind} for kind in KINDS}
    yield variants("cast-bool", "Cast", [np.array([[True, False]])], rows)
    for kind in ("float16", "float64"):
        yield _there_and_back("Cast", kind, HALVES)
        yield _there_and_back("amp_cast", kind, np.array([[1.5, -0.25]], np.float32))
    yield _there_and_back("Cast", "float16", np.array([[-129, 0, 300, 2049, 2051, 70000]], np.int32))
    yield variants("amp-cast", "amp_cast", [HALVES], {"node": {"dtype": "float32"}})
    yield variants("amp-cast-int", "amp_cast", [np.array([3], np.int32)], {"node": {"dtype": "float16"}})
    yield _multicast()


def _there_and_back(op: str, kind: str, values: Array) -> Case:
    """``values`` as another type, and back to float32."""
    net = Net()
    there = net.node(op, "there", [net.input("data", values)], dtype=kind)
    net.node("Cast", "node", [there], dtype="float32")
    found = case(f"{op}-{values.dtype}-{kind}", net)
    return replace(found, tolerance=0, reason="the same rounding")


def _multicast() -> Case:
    net = Net()
    parts = [net.input(f"in{i}", noise("multicast", 2, i + 1)) for i in range(2)]
    index, _ = net.node("amp_multicast", "node", parts, num_outputs="2", cast_narrow="False")
    one = net.node("amp_multicast", "one", parts[:1], num_outputs="1")
    return replace(case("amp-multicast", net, (index, 0), (index, 1), one), tolerance=0, reason="only copies")
