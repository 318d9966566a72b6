"""Fold batch normalization into the layer before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters.caffe.layer import Alias, Blob, Layer
from converter.emitters.caffe.prototxt import decimal

_PARAMS = {"Convolution": "convolution_param", "InnerProduct": "inner_product_param"}


def merge_batch_norms(parts: Sequence[Layer | Alias], outputs: Collection[onnx_ir.Value]) -> list[Layer | Alias]:
    """Fold each BatchNorm and its Scale into the Convolution or InnerProduct whose only reader it is.

    ``scale * (W x + b - mean) / sqrt(var + eps) + bias`` is ``W' x + b'`` with ``r = scale / sqrt(var + eps)``,
    ``W' = r W`` and ``b' = r (b - mean) + bias``. The eps is the BatchNorm's own. A layer whose value is an output
    of the model, or is read by anything else, even by an Identity, stays as it is.
    """
    layers = [part for part in parts if isinstance(part, Layer)]
    readers = Counter(value for layer in layers for value in layer.bottoms)
    readers.update(part.source for part in parts if isinstance(part, Alias))
    scales = {layer.bottoms[0]: layer for layer in layers if layer.type == "Scale"}
    normalized = {
        layer.bottoms[0]: layer
        for layer in layers
        if layer.type == "BatchNorm" and readers[layer.bottoms[0]] == 1 and layer.bottoms[0] not in outputs
    }
    result: list[Layer | Alias] = []
    gone: set[int] = set()
    for part in parts:
        if id(part) in gone:
            continue
        norm = normalized.get(part.tops[0]) if isinstance(part, Layer) and part.type in _PARAMS else None
        if isinstance(part, Layer) and norm is not None:
            scale = scales[norm.tops[0]]
            gone |= {id(norm), id(scale)}
            part = _merged(part, norm, scale)  # noqa: PLW2901
        result.append(part)
    return result


def _merged(layer: Layer, norm: Layer, scale: Layer) -> Layer:
    key = _PARAMS[layer.type]
    params = dict(layer.params[key])
    params.pop("bias_term", None)
    weight, *biases = layer.blobs
    mean, var, _ = norm.blobs
    gamma, beta = scale.blobs
    eps = float(decimal(norm.params["batch_norm_param"].get("eps", 1e-5)))
    factor = plan.mul(gamma.value, plan.rsqrt(var.value, eps))
    channels = gamma.shape[0]
    column = [1] * len(weight.shape)
    column[1 if params.get("transpose") else 0] = channels
    centre = plan.sub(biases[0].value, mean.value) if biases else plan.sub(plan.full(0.0, (channels,)), mean.value)
    blobs = (
        Blob(weight.shape, plan.mul(weight.value, plan.reshape(factor, column))),
        Blob((channels,), plan.add(plan.mul(centre, factor), beta.value)),
    )
    return replace(layer, tops=scale.tops, params={**layer.params, key: params}, blobs=blobs)
