"""What a model's inputs and outputs are to Core ML: images, tensors of a flexible shape, classes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.errors import BadInput
from converter.inputs import Preprocess, read_preprocess
from converter.ir import BATCH, LABELS, PREPROCESS, Dim, dims


@dataclass(frozen=True)
class Image:
    """An image input: Core ML computes ``scale * pixel + bias``; what it does not, the program does.

    Attributes:
        channels: ``RGB``, ``BGR`` or ``GRAY``: what they are, in order.
        scale: Of the pixels, one for all channels.
        bias: One number a channel.
        factors: What the program multiplies the channels with, where each has its own scale; else empty.
    """

    channels: str
    scale: float
    bias: tuple[float, ...]
    factors: tuple[float, ...] = ()

    @property
    def layout(self) -> str:
        """The channels as coremltools calls them."""
        return "GRAYSCALE" if self.channels == "GRAY" else self.channels

    def plan(self) -> dict[str, Any]:
        """For who feeds the model with what the IR is fed with: a value is ``scale * pixel + bias``."""
        factors = self.factors or (1.0,) * len(self.bias)
        return {
            "channels": self.channels,
            "scale": [self.scale * factor for factor in factors],
            "bias": [bias * factor for bias, factor in zip(self.bias, factors, strict=True)],
        }


@dataclass(frozen=True)
class Labels:
    """The classes that the rows of an output are about.

    Attributes:
        output: The IR's name of it.
        names: Of the classes, in order.
    """

    output: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Features:
    """What the inputs and outputs are.

    Attributes:
        images: By the IR's name of the input.
        labels: Those of the one output that has some.
        batch: The one batch that there is; None if it is open.
        max_batch: The largest, if it is open.
        half: Whether the model computes with 16 bits.
    """

    images: Mapping[str, Image]
    labels: Labels | None
    batch: int | None
    max_batch: int
    half: bool

    def shape(self, value: onnx_ir.Value) -> tuple[Dim, ...]:
        """The shape of an input; BATCH where it is open. A single number is a vector of it."""
        shape = tuple(self.batch if dim == BATCH and self.batch is not None else dim for dim in dims(value))
        return shape or (1,)


def features(model: onnx_ir.Model, *, image_input: bool, max_batch: int, half: bool) -> Features:
    """What the inputs and outputs of ``model`` are; see :func:`converter.emitters.coreml.emit`."""
    settings = _table(model.metadata_props.get(PREPROCESS)) if image_input else {}
    images = {
        str(value.name): image
        for value in model.graph.inputs
        if (image := _image(value, settings.get(str(value.name)))) is not None
    }
    is_open = any(BATCH in dims(value) for value in model.graph.inputs)
    batch = None if is_open and not images else 1
    return Features(images, _labels(model, batch), batch, max_batch, half)


def _table(text: str | None) -> Mapping[str, Any]:
    found = json.loads(text or "null")
    return found if isinstance(found, dict) else {}


def _image(value: onnx_ir.Value, settings: object) -> Image | None:
    """``value`` as an image, if a photograph is all that it takes."""
    try:
        preprocess = read_preprocess(settings, str(value.name))
    except BadInput:
        return None
    shape = dims(value)
    # one crop says which part of a photograph becomes the image; several are no image
    if len(preprocess.crops) != 1:
        return None
    if len(shape) != 4 or shape[0] not in (1, BATCH) or shape[1] != preprocess.depth:
        return None
    if value.dtype != onnx_ir.DataType.FLOAT:
        return None
    return _image_of(preprocess)


def _image_of(preprocess: Preprocess) -> Image:
    channels, means, scales = preprocess.channels, preprocess.mean, preprocess.scale
    if len(set(scales)) == 1:
        return Image(channels, scales[0], tuple(_bias(mean, scales[0]) for mean in means))
    return Image(channels, 1.0, tuple(_bias(mean, 1.0) for mean in means), scales)


def _bias(mean: float, scale: float) -> float:
    return 0.0 if mean == 0 else -mean * scale


def _labels(model: onnx_ir.Model, batch: int | None) -> Labels | None:
    """The labels, if one output has some, and they tell its elements apart."""
    found = [
        Labels(str(value.name), tuple(names))
        for value in model.graph.outputs
        if (names := _table(model.metadata_props.get(LABELS)).get(str(value.name))) and _fit(value, names, batch)
    ]
    return found[0] if len(found) == 1 else None


def _fit(value: onnx_ir.Value, names: Sequence[object], batch: int | None) -> bool:
    shape = tuple(batch if dim == BATCH else dim for dim in dims(value))
    distinct = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return distinct and shape == (1, len(names)) and value.dtype == onnx_ir.DataType.FLOAT
