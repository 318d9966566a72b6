"""Layers that become part of the layer before them, as ncnn's ``ncnnoptimize`` has it.

A layer goes into the one before it where nothing else reads what lies between them, and that is no output.

- ``BatchNorm`` into convolutions, deconvolutions and inner products, in the weight plan and with its own eps:
  ``slope * (W x + b - mean) / sqrt(var + eps) + bias`` is ``W' x + b'`` with ``r = slope / sqrt(var + eps)``,
  ``W' = r W`` and ``b' = r (b - mean) + bias``.
- ``ReLU``, ``Clip``, ``Sigmoid``, ``Mish`` and ``HardSwish`` into the same, as their ``activation_type``.
- ``Flatten`` into a pooling of the whole of each channel, which then is a global one: its result is flat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters.ncnn.layer import Layer, Scalar, Weight
from converter.emitters.ncnn.layout import mat_shape

_DEPTHS = ("", "DepthWise")
_LINEAR = frozenset(
    {"InnerProduct"}
    | {
        f"{kind}{depth}{rank}"
        for kind in ("Convolution", "Deconvolution")
        for depth in _DEPTHS
        for rank in ("", "1D", "3D")
    }
)
_POOLING = frozenset({"Pooling", "Pooling1D", "Pooling3D"})
_ACTIVATION, _ACTIVATION_PARAMS = 9, 10
_GLOBAL, _ADAPTIVE, _OUT = 4, 7, 8


def fuse(layers: Sequence[Layer], kept: Collection[onnx_ir.Value]) -> list[Layer]:
    """Return ``layers`` with each that can be part of the one before it gone into that.

    Args:
        layers: In the order in which they run.
        kept: Values that are to stay, whoever reads them.
    """
    readers = Counter(value for layer in layers for value in layer.bottoms)
    makers: dict[onnx_ir.Value, int] = {}
    result: list[Layer] = []
    for layer in layers:
        place = makers.get(layer.bottoms[0]) if len(layer.bottoms) == 1 else None
        alone = place is not None and readers[layer.bottoms[0]] == 1 and layer.bottoms[0] not in kept
        merged = _merged(result[place], layer) if alone and place is not None else None
        if merged is not None and place is not None:
            result[place] = merged
        else:
            place = len(result)
            result.append(layer)
        if len(layer.tops) == 1:
            makers[layer.tops[0]] = place
    return result


def _merged(before: Layer, layer: Layer) -> Layer | None:
    """Both as one layer, where that is possible."""
    if before.type in _LINEAR and _ACTIVATION not in before.params:
        if layer.type == "BatchNorm":
            return _normalized(before, layer)
        activation = _activation(layer)
        return replace(before, tops=layer.tops, params={**before.params, **activation}) if activation else None
    if before.type in _POOLING and _whole(before) and _flattens(layer):
        method = {key: value for key, value in before.params.items() if key == 0}
        return replace(before, tops=layer.tops, params={**method, _GLOBAL: 1})
    return None


def _normalized(before: Layer, norm: Layer) -> Layer | None:
    """``before`` with the normalization in its weights, whose first dimension are the outputs of all of these layers.

    An inner product of several rows has its outputs as the innermost dimension, which is not the one normalized.
    """
    if before.type == "InnerProduct" and len(mat_shape(norm.tops[0])) > 1:
        return None
    kernel, *biases = before.weights
    slope, mean, var, bias = (each.value for each in norm.weights)
    channels = kernel.shape[0]
    factor = plan.mul(slope, plan.rsqrt(var, _float(norm.params[1])))
    centred = plan.sub(biases[0].value if biases else plan.full(0.0, (channels,)), mean)
    column = (channels, *(1 for _ in kernel.shape[1:]))
    weights = (
        replace(kernel, value=plan.mul(kernel.value, plan.reshape(factor, column))),
        Weight((channels,), plan.add(plan.mul(centred, factor), bias)),
    )
    has_bias = {1: 1} if before.type == "InnerProduct" else {5: 1}
    return replace(before, tops=norm.tops, params={**before.params, **has_bias}, weights=weights)


def _float(value: Scalar | tuple[Scalar, ...]) -> float:
    """A single parameter as the float32 that ncnn keeps."""
    return float(np.float32(value if isinstance(value, int | float) else value[0]))


def _activation(layer: Layer) -> dict[int, Scalar | tuple[Scalar, ...]] | None:
    """The parameters of ``fused_activation.h`` for an activation layer."""
    values = [value for _, value in sorted(layer.params.items()) if not isinstance(value, tuple)]
    if layer.type == "ReLU":
        return {_ACTIVATION: 2, _ACTIVATION_PARAMS: tuple(values)} if any(values) else {_ACTIVATION: 1}
    number = {"Clip": 3, "Sigmoid": 4, "Mish": 5, "HardSwish": 6}.get(layer.type)
    if number is None:
        return None
    return {_ACTIVATION: number, **({_ACTIVATION_PARAMS: tuple(values)} if values else {})}


def _whole(pooling: Layer) -> bool:
    """Whether a pooling makes one element of each channel."""
    return pooling.params.get(_ADAPTIVE) == 1 and all(
        value == 1 for key, value in pooling.params.items() if key >= _OUT
    )


def _flattens(layer: Layer) -> bool:
    return layer.type == "Flatten" or (layer.type == "Reshape" and set(layer.params) == {0})
