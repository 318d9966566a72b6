"""Caffe: a ``deploy.prototxt`` as a Caffe user would write it, and the plan for its ``.caffemodel``.

Only layers of stock BVLC Caffe are used, and no fork's additions to them.
"""

from __future__ import annotations

import onnx_ir

from converter import plan
from converter.emitters import prepare, translate
from converter.emitters.caffe import (  # noqa: F401 - each registers its operators
    activation,
    convolution,
    elementwise,
    normalization,
    pooling,
    shape,
)
from converter.emitters.caffe.layer import Alias, Layer
from converter.emitters.caffe.merge import merge_batch_norms
from converter.emitters.caffe.net import Net, assemble
from converter.emitters.caffe.prototxt import render

FILES = ("deploy.prototxt", "weights.plan.json")


def emit(model: onnx_ir.Model, *, merge_bn: bool = False) -> dict[str, bytes]:
    """Write ``model`` as Caffe layers.

    Args:
        model: A valid IR.
        merge_bn: Fold each batch normalization into the convolution or inner product that alone feeds it.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        Unsupported: Caffe cannot express the model exactly.
    """
    model = prepare(model, "caffe")
    translations = translate(model.graph, "caffe", dtypes=(onnx_ir.DataType.FLOAT,))
    parts: list[Layer | Alias] = [part for parts in translations for part in parts]
    if merge_bn:
        parts = merge_batch_norms(parts, model.graph.outputs)
    net = assemble(parts, model.graph)
    return {FILES[0]: render(net, model), FILES[1]: _plan(net)}


def _plan(net: Net) -> bytes:
    parameters = [
        plan.Parameter((layer.name, index), blob.shape, blob.value)
        for layer in net.layers
        for index, blob in enumerate(layer.blobs)
    ]
    return plan.render(parameters, inputs=net.inputs, outputs=net.outputs, trace=net.trace)
