"""MXNet: the network in its symbol API, and the plan for the ``.params`` beside the symbol.

The code needs MXNet 1.9 and nothing else. Nodes and parameters have the IR's names, so that MXNet's own defaults
(``conv1_weight``) are what they were in a model that came from MXNet.

MXNet has neither truth values nor numbers without dimensions: the former are 0 and 1 in float32, the latter vectors
of one element. As outputs of the network truth values are cast; numbers without dimensions are refused.
"""

from __future__ import annotations

import onnx_ir

from converter.emitters import prepare, translate
from converter.emitters.mxnet import (  # noqa: F401 - each registers its operators
    activation,
    arithmetic,
    convolution,
    creation,
    dense,
    detection,
    function,
    image,
    indexing,
    logic,
    normalization,
    ordering,
    pooling,
    recurrent,
    reduction,
    scattering,
    shape,
    slicing,
)
from converter.emitters.mxnet.blueprint import blueprint
from converter.emitters.mxnet.call import Call
from converter.emitters.mxnet.network import assemble
from converter.emitters.mxnet.source import render

FILES = ("model.py", "weights.plan.json")


def emit(model: onnx_ir.Model) -> dict[str, bytes]:
    """Write ``model`` as calls of MXNet's symbol API.

    Args:
        model: A valid IR.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        Unsupported: MXNet cannot express the model exactly.
    """
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, "mxnet")
    calls: list[Call] = [call for calls in translate(model.graph, "mxnet") for call in calls]
    network = assemble(calls, model.graph)
    return {FILES[0]: render(network, model), FILES[1]: blueprint(network, model, known)}
