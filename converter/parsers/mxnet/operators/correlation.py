"""The correlation of two feature maps (src/operator/correlation.cc)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import at_least, check_table, rank, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, spell


@parses("Correlation")
def correlation(
    g: Scope,
    data1: Value,
    data2: Value,
    *,
    kernel_size: int = 1,
    max_displacement: int = 1,
    stride1: int = 1,
    stride2: int = 1,
    pad_size: int = 0,
    is_multiply: bool = True,
) -> Value:
    """The mean product (or absolute difference) of a patch of ``data1`` and those of ``data2`` around its place.

    The displacements are multiples of ``stride2`` up to ``max_displacement``, a channel each, rows first; ``stride1``
    is the step between patches.
    """
    rank(g, data1, 4)
    if ir.dims(data1) != ir.dims(data2):
        raise g.misfit(f"its inputs are {spell(ir.dims(data1))} and {spell(ir.dims(data2))}; they must be alike")
    if at_least(g, "kernel_size", kernel_size) % 2 == 0:
        raise g.misfit(f"kernel_size={kernel_size}; MXNet takes odd ones only")
    reach = at_least(g, "max_displacement", max_displacement, 0)
    step, pad = at_least(g, "stride1", stride1), at_least(g, "pad_size", pad_size, 0)
    border = 2 * reach + kernel_size - 1
    room = [size(g, data1, axis) + 2 * pad - border for axis in (2, 3)]
    if min(room) < 1:
        raise g.misfit(f"displacements and patches need {border} of padded {room[0] + border}x{room[1] + border}")
    pairs = _Pairs(
        kernel_size,
        reach,
        step,
        at_least(g, "stride2", stride2),
        pad,
        is_multiply,
        (room[0] - 1) // step,
        (room[1] - 1) // step,
    )
    check_table(g, "a table of displacements", pairs.displacements * max(pairs.displacements, pairs.columns))
    return g.call(
        "Correlation",
        data1,
        data2,
        body=pairs.correlation,
        kernel_size=kernel_size,
        max_displacement=max_displacement,
        stride1=stride1,
        stride2=stride2,
        pad_size=pad_size,
        is_multiply=int(is_multiply),
    )[0]


@dataclass(frozen=True)
class _Pairs:
    """What is compared with what.

    Attributes:
        kernel: Height and width of a patch.
        reach: The largest displacement.
        step: Between one patch and the next.
        displacement: Between one displacement and the next.
        pad: Zeros around both inputs.
        multiply: Whether elements are multiplied or subtracted.
        height: The number of steps down.
        width: The number of steps to the right.
    """

    kernel: int
    reach: int
    step: int
    displacement: int
    pad: int
    multiply: bool
    height: int
    width: int

    @property
    def displacements(self) -> int:
        """The number of displacements along each axis."""
        return 2 * (self.reach // self.displacement) + 1

    @property
    def columns(self) -> int:
        """The number of columns that patches lie in."""
        return self.width * self.step + self.kernel

    def correlation(self, g: Scope, data1: Value, data2: Value) -> Value:
        """The function's body: a row of displacements at a time, so that no value is larger than such a row."""
        rows, columns = self.height * self.step + self.kernel, self.columns
        first = self.reach % self.displacement
        moves = [first + i * self.displacement for i in range(self.displacements)]
        whole = self._padded(g, data1, "padded1")
        fixed = self._cut(g, whole, (2, 3), (self.reach, self.reach), (rows, columns), "fixed")
        fixed = g.emit("Unsqueeze", fixed, g.ints("axis", [3]), role="fixed5")
        padded = self._padded(g, data2, "padded2")
        places = g.array("places", np.add.outer(moves, np.arange(columns)))
        found = []
        for i, move in enumerate(moves):
            moved = self._cut(g, padded, (2,), (move,), (rows,), f"rows{i}")
            moved = g.emit("Gather", moved, places, role=f"moved{i}", axis=3)
            found.append(self._compared(g, fixed, moved, str(i)))
        return self._pooled(g, found, rows, columns)

    def _padded(self, g: Scope, data: Value, role: str) -> Value:
        ends = [0, 0, self.pad, self.pad]
        return g.emit("Pad", data, g.ints(f"{role}/pads", ends * 2), role=role, mode="constant") if self.pad else data

    @staticmethod
    def _cut(
        g: Scope, data: Value, axes: tuple[int, ...], starts: tuple[int, ...], sizes: tuple[int, ...], role: str
    ) -> Value:
        ends = [start + length for start, length in zip(starts, sizes, strict=True)]
        limits = (
            g.ints(f"{role}/{name}", given) for name, given in (("starts", starts), ("ends", ends), ("axes", axes))
        )
        return g.emit("Slice", data, *limits, role=role)

    def _compared(self, g: Scope, fixed: Value, moved: Value, role: str) -> Value:
        """The mean over the channels, ``[N, 1, rows, displacements, columns]``."""
        if self.multiply:
            pairs = g.emit("Mul", fixed, moved, role=f"product{role}")
        else:
            pairs = g.emit("Abs", g.emit("Sub", fixed, moved, role=f"difference{role}"), role=f"distance{role}")
        return g.emit("ReduceMean", pairs, g.ints(f"channels{role}", [1]), role=f"mean{role}", keepdims=1)

    def _pooled(self, g: Scope, found: list[Value], rows: int, columns: int) -> Value:
        """The mean over each patch of ``[N, displacements, rows, columns]``."""
        every = g.emit("Concat", *found, role="every", axis=1)
        planes = g.emit("Transpose", every, role="planes", perm=(0, 1, 3, 2, 4))
        shape = (ir.dims(found[0])[0], len(found) ** 2, rows, columns)
        flat = g.emit("Reshape", planes, g.ints("flat/shape", [0, *shape[1:]]), role="flat", shape=shape)
        size, step = (self.kernel, self.kernel), (self.step, self.step)
        return g.emit("AveragePool", flat, kernel_shape=size, strides=step)
