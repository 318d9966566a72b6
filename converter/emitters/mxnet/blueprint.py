"""The plan of the checkpoint: parameters, what is called how, and what the symbol must turn out to be."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters.mxnet.network import Network
from converter.emitters.names import file_stem
from converter.ir import dims


def blueprint(network: Network, model: onnx_ir.Model, known: Container[str]) -> bytes:
    """Return the plan of ``network``; ``name`` is how its files' names begin.

    Of what it traces, only values that are ``known``, and not those of inlined functions.
    """
    return plan.render(
        network.parameters,
        inputs=network.names,
        outputs={name: output for name, (_, output) in network.outputs.items()},
        trace={name: place for name, place in network.trace.items() if name in known},
        name=file_stem(model.graph.name),
        shapes={str(value.name): list(dims(value)) for value in network.inputs},
        dtypes={str(value.name): _dtype(value) for value in network.inputs},
    )


def _dtype(value: onnx_ir.Value) -> str:
    return "float32" if value.dtype is None else str(np.dtype(value.dtype.numpy()).name)
