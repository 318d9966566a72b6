"""What PyTorch once got wrong."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.models import Builder


def batch_slice() -> ir.Model:
    """All rows but the first."""
    net = Builder()
    limits = [net.constant(name, [number]) for name, number in (("start", 1), ("end", 1 << 31), ("axis", 0))]
    rows = net.node("Slice", "slice", net.input("data", ("batch", 3, 4)), *limits)
    return net.model(net.node("Relu", "relu", rows))


def with_constant(op: str, number: Any, **attributes: Any) -> ir.Model:
    """One node of an input and a constant."""
    net = Builder()
    return net.model(
        net.node(op, "op", net.input("data", ("batch", 3, 4)), net.constant("number", number), **attributes)
    )


CASES = (
    Case("pytorch-batch-slice", batch_slice),
    Case("pytorch-batch-sum", lambda: with_constant("CumSum", 0, exclusive=1)),
    Case("pytorch-axis-twice", lambda: with_constant("ReduceProd", [2, 2])),
)
