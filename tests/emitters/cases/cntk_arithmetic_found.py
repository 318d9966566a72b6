"""Arithmetic that CNTK lacks, or has with limits of its own."""

from __future__ import annotations

import onnx_ir as ir

from tests.emitters.cases.common import Case, unary
from tests.emitters.models import Builder


def apart() -> ir.Model:
    """A mean along three axes, no two of which are neighbours."""
    net = Builder()
    data = net.input("data", ("batch", 3, 2, 4, 2, 3))
    return net.model(net.node("ReduceMean", "op", data, net.constant("axes", [1, 3, 5])))


CASES = (
    Case("cntk-reduce-apart", apart),
    Case("cntk-lrn-wider-than-channels", lambda: unary("LRN", size=7, alpha=0.5)),
)
