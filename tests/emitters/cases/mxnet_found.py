"""Networks that MXNet once answered wrongly for, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.cases.ncnn_layers import conv
from tests.emitters.models import Builder


def halves() -> ir.Model:
    """Numbers to round, every second of them between two whole ones."""
    net = Builder()
    data = net.node("Mul", "scale", net.input("data", ("batch", 3, 4, 5)), net.constant("factor", 8.0))
    steps = net.node("Mul", "steps", net.node("Floor", "whole", data), net.constant("half", 0.5))
    return net.model(net.node("Round", "round", steps), net.node("Round", "away", data))


def flattened(axis: int) -> ir.Model:
    """Data whose batch is merged with what follows it."""
    net = Builder()
    return net.model(net.node("Flatten", "flat", net.input("data", ("batch", 3, 4, 5)), axis=axis))


def sliced(**limits: Sequence[int]) -> ir.Model:
    """A slice of the last axis but one."""
    net = Builder()
    values = [net.constant(name, number) for name, number in {**limits, "axes": [2]}.items() if name != "steps"]
    steps = net.constant("steps", limits["steps"])
    return net.model(net.node("Slice", "slice", net.input("data", ("batch", 3, 4, 5)), *values, steps))


def whole(op: str, **attributes: Any) -> ir.Model:
    """An activation of whole numbers."""
    net = Builder()
    data = net.node("Mul", "scale", net.input("data", ("batch", 3, 4)), net.constant("factor", 9.0))
    number = net.node("Cast", "whole", data, to=int(ir.DataType.INT32))
    made = net.node(op, "op", number, **attributes)
    number.dtype = made.dtype = ir.DataType.INT32
    return net.model(net.node("Cast", "back", made, to=int(ir.DataType.FLOAT)))


def row() -> ir.Model:
    """A vector times many matrices."""
    net = Builder()
    return net.model(net.node("MatMul", "product", net.parameter("row", (4,)), net.input("data", ("batch", 4, 5))))


def norm_of_cut(power: int) -> ir.Model:
    """Norms whose last window goes beyond the padding."""
    net = Builder()
    data = net.input("data", ("batch", 3, 6, 6))
    window = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [0, 1, 1, 0]}
    return net.model(net.node("LpPool", "pool", data, p=power, **window))


DILATED = {"strides": [2, 3], "dilations": [2, 3], "pads": [1, 0, 0, 1]}

CASES: tuple[Case, ...] = (
    Case("mxnet-found-deconv-dilated", partial(conv, (4, 5, 4), (3, 2), group=2, transposed=True, **DILATED)),
    Case(
        "mxnet-found-deconv-dilated-rows",
        partial(conv, (4, 5, 4), (3, 2), transposed=True, strides=[3, 1], dilations=[2, 2]),
    ),
    Case("mxnet-found-round-halves", halves),
    Case("mxnet-found-flatten-2", partial(flattened, 2)),
    Case("mxnet-found-flatten-0", partial(flattened, 0)),
    Case("mxnet-found-slice-before", partial(sliced, starts=[-(1 << 63)], ends=[-(1 << 63)], steps=[-1])),
    Case("mxnet-found-relu-whole", partial(whole, "Relu")),
    Case("mxnet-found-row-of-matrices", row),
    Case("mxnet-found-norm-1", partial(norm_of_cut, 1)),
)
