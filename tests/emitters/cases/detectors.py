"""Single shot detectors, which MXNet's networks become and no model built by hand is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx_ir as ir

import converter
from tests.emitters.cases.common import Case
from tests.parsers.files import write
from tests.support.ssd import Detector, gluon


def detector() -> ir.Model:
    """A small one as GluonCV exports it, which is not so sure that scores are 1, and in no order."""
    net, heads = gluon(Detector())
    params = {
        name: None if value is None else value * np.float32(0.25) if "class" in name else value
        for name, value in net.params.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = write(Path(folder), net.symbol(*heads), params)
        _, *shape = net.inputs["data"].shape
        model = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", *shape)})
        for value in model.graph.initializers.values():
            assert value.const_value is not None
            value.const_value = ir.tensor(value.const_value.numpy(), name=value.name)
    return model


CASES = (Case("detector", detector),)
