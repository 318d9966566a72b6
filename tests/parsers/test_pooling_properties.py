"""Pooling's geometry over windows that hypothesis makes up, against the loops of MXNet's pool.h written down anew."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st

import converter
from tests.parsers.files import Array, Net, write

KINDS = {
    "max": {"pool_type": "max"},
    "sum": {"pool_type": "sum"},
    "avg": {"pool_type": "avg"},
    "uncounted": {"pool_type": "avg", "count_include_pad": "False"},
}


@dataclass(frozen=True)
class Axis:
    """One dimension: its length, and the window that moves along it."""

    length: int
    kernel: int
    stride: int
    pad: int

    def starts(self, convention: str) -> list[int]:
        """Where each window begins, counted from the first element of the data."""
        room = self.length + 2 * self.pad - self.kernel
        count = 1 + (room // self.stride if convention == "valid" else (room + self.stride - 1) // self.stride)
        return [number * self.stride - self.pad for number in range(count)]

    @property
    def is_read(self) -> bool:
        """Whether the window fits, and whether the first one with an element does not leap over others."""
        leaps = self.pad >= self.kernel and self.stride > self.kernel
        return self.kernel <= self.length + 2 * self.pad and not leaps


AXES = st.builds(Axis, st.integers(1, 9), st.integers(1, 5), st.integers(1, 6), st.integers(0, 6))
GRIDS = st.lists(AXES.filter(lambda axis: axis.is_read), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(grid=GRIDS, convention=st.sampled_from(["valid", "full"]))
def test_pooling(grid: list[Axis], convention: str) -> None:
    data = np.random.default_rng(0).uniform(-2, -1, [axis.length for axis in grid]).astype(np.float32)
    for (kind, found), wanted in zip(
        ours(data, grid, convention).items(), mxnets(data, grid, convention), strict=True
    ):
        assert found.shape == wanted.shape, kind
        np.testing.assert_allclose(found, wanted, rtol=1e-5, err_msg=kind)


def mxnets(data: Array, grid: Sequence[Axis], convention: str) -> list[Array]:
    """The maximum, the sum, and the mean with and without the padding counted, of each window."""
    starts = [axis.starts(convention) for axis in grid]
    results = np.zeros((4, *map(len, starts)))
    for place in np.ndindex(results.shape[1:]):
        begin = [row[index] for row, index in zip(starts, place, strict=True)]
        part = data[tuple(slice(max(b, 0), max(b + axis.kernel, 0)) for b, axis in zip(begin, grid, strict=True))]
        counted = [min(b + axis.kernel, axis.length + axis.pad) - b for b, axis in zip(begin, grid, strict=True)]
        empty = not part.size
        results[(0, *place)] = part.max(initial=np.finfo(np.float32).min)
        results[(1, *place)] = part.sum()
        results[(2, *place)] = 0 if empty else part.sum() / np.prod(counted)
        results[(3, *place)] = 0 if empty else part.mean()
    return list(results)


def ours(data: Array, grid: Sequence[Axis], convention: str) -> dict[str, Array]:
    """The same from the frontend's IR in onnxruntime, by kind."""
    net = Net()
    window = {key: str(tuple(getattr(axis, key) for axis in grid)) for key in ("kernel", "stride", "pad")}
    value = net.variable("data")
    heads = [
        net.node("Pooling", kind, [value], **window, **given, pooling_convention=convention)
        for kind, given in KINDS.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = write(Path(folder), net.symbol(*heads), {})
        model = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": (1, 1, *data.shape)})
        converter.save(model, Path(folder) / "ir")
        session = onnxruntime.InferenceSession(Path(folder) / "ir" / "model.onnx", providers=["CPUExecutionProvider"])
        outputs = session.run(None, {"data": data[None, None]})
    return {kind: output[0, 0] for kind, output in zip(KINDS, outputs, strict=True)}
