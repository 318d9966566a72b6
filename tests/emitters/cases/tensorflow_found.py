"""Normalization between convolutions, where images may be stored channels last."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.models import Builder


def between(op: str, *parameters: str, **attributes: Any) -> ir.Model:
    """A convolution, one node with a vector for each of ``parameters``, and a convolution."""
    net = Builder()
    value = net.input("data", ("batch", 3, 6, 7))
    weight = net.parameter("conv1_weight", (6, 3, 3, 3))
    value = net.node("Conv", "conv1", value, weight, kernel_shape=(3, 3))
    vectors = [net.parameter(f"op_{name}", (6,)) for name in parameters]
    value = net.node(op, "op", value, *vectors, **attributes)
    weight = net.parameter("conv2_weight", (4, 6, 1, 1))
    return net.model(net.node("Conv", "conv2", value, weight, kernel_shape=(1, 1)))


CASES = (
    Case("tensorflow-instance-norm-between", lambda: between("InstanceNormalization", "gamma", "beta")),
    Case("tensorflow-lrn-between", lambda: between("LRN", size=3, alpha=0.1)),
)
