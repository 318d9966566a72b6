"""Fold batch normalization into the layer before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters.caffe.layer import Alias, Blob, Layer
from converter.emitters.caffe.prototxt import decimal
from converter.ir import dims

_PARAMS = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "InnerProduct": "inner_product_param",
}


def merge_batch_norms(parts: Sequence[Layer | Alias], outputs: Collection[onnx_ir.Value]) -> list[Layer | Alias]:
    """Fold each BatchNorm and its Scale into the Convolution, Deconvolution or InnerProduct whose only reader it is.

    ``scale * (W x + b - mean) / sqrt(var + eps) + bias`` is ``W' x + b'`` with ``r = scale / sqrt(var + eps)``,
    ``W' = r W`` and ``b' = r (b - mean) + bias``. The eps is the BatchNorm's own. A layer whose value is an output
    of the model, or is read by anything else, even by an Identity, stays as it is.
    """
    readers = _only_readers(parts, outputs)
    result: list[Layer | Alias] = []
    gone: set[int] = set()
    for part in parts:
        found = _normalization(part, readers) if isinstance(part, Layer) else None
        if isinstance(part, Layer) and found is not None:
            gone |= {id(layer) for layer in found}
            result.append(_merged(part, *found))
        elif id(part) not in gone:
            result.append(part)
    return result


def _only_readers(
    parts: Sequence[Layer | Alias], outputs: Collection[onnx_ir.Value]
) -> Mapping[onnx_ir.Value, Layer]:
    """The one layer that reads a value, of those values that nothing else reads."""
    layers = [part for part in parts if isinstance(part, Layer)]
    counts = Counter(value for layer in layers for value in layer.bottoms)
    counts.update(part.source for part in parts if isinstance(part, Alias))
    counts.update(outputs)
    return {value: layer for layer in layers for value in layer.bottoms if counts[value] == 1}


def _normalization(layer: Layer, readers: Mapping[onnx_ir.Value, Layer]) -> tuple[Layer, Layer] | None:
    """The BatchNorm and the Scale that alone read what ``layer`` computes, with a number for each of its outputs."""
    if layer.type not in _PARAMS or not _along_channels(layer):
        return None
    norm = readers.get(layer.tops[0])
    if norm is None or norm.type != "BatchNorm" or len(norm.blobs) != 3:
        return None
    scale = readers.get(norm.tops[0])
    if scale is None or scale.type != "Scale" or scale.params != {"scale_param": {"bias_term": True}}:
        return None
    return (norm, scale) if len(scale.blobs) == 2 else None


def _along_channels(layer: Layer) -> bool:
    """Whether the outputs of ``layer`` are along the second dimension, as the numbers of a BatchNorm are."""
    axis = int(layer.params[_PARAMS[layer.type]].get("axis", 1))
    return axis == 1 or (axis < 0 and len(dims(layer.bottoms[0])) + axis == 1)


def _merged(layer: Layer, norm: Layer, scale: Layer) -> Layer:
    key = _PARAMS[layer.type]
    params = dict(layer.params[key])
    params.pop("bias_term", None)
    weight, *biases = layer.blobs
    mean, var, _ = norm.blobs
    gamma, beta = scale.blobs
    eps = float(decimal(norm.params["batch_norm_param"].get("eps", 1e-5)))
    factor = plan.mul(gamma.value, plan.rsqrt(var.value, eps))
    bias = biases[0].value if biases else plan.full(0.0, gamma.shape)
    blobs = (
        Blob(weight.shape, _scaled(layer, weight, factor)),
        Blob(gamma.shape, plan.add(plan.mul(plan.sub(bias, mean.value), factor), beta.value)),
    )
    return replace(layer, tops=scale.tops, params={**layer.params, key: params}, blobs=blobs)


def _scaled(layer: Layer, weight: Blob, factor: plan.Expression) -> plan.Expression:
    """``weight`` with each output's part of it multiplied by that output's ``factor``."""
    if layer.type == "Deconvolution":
        groups, inputs, outputs, kernel = _groups(layer), weight.shape[0], weight.shape[1], weight.shape[2:]
        grouped = plan.reshape(weight.value, [groups, inputs // groups, outputs, *kernel])
        column = plan.reshape(factor, [groups, 1, outputs, *(1 for _ in kernel)])
        return plan.reshape(plan.mul(grouped, column), weight.shape)
    return plan.mul(weight.value, plan.reshape(factor, [weight.shape[0], *(1 for _ in weight.shape[1:])]))


def _groups(layer: Layer) -> int:
    return int(layer.params["convolution_param"].get("group", 1))
