"""Have a net take BGR images, as Caffe's users keep them, where the model takes RGB."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters.caffe.layer import Alias, Blob, Layer
from converter.errors import Unsupported
from converter.ir import PREPROCESS, dims

_RGB = 3
_REVERSED = (2, 1, 0)


def image_inputs(model: onnx_ir.Model) -> list[onnx_ir.Value]:
    """The inputs that hold images of three channels: those of four dimensions with 3 along the second.

    Raises:
        Unsupported: There is none, or one that does not take RGB.
    """
    inputs = model.graph.inputs
    images = [value for value in inputs if len(dims(value)) == 4 and dims(value)[1] == _RGB]
    if not images:
        named = "; ".join(f"{value.name}: {' x '.join(map(str, dims(value)))}" for value in inputs)
        fix = "leave out the option to_bgr"
        raise Unsupported("the model takes no images of three channels that could be BGR", where=named, fix=fix)
    for value in images:
        channels = _settings(model, str(value.name)).get("channels", "RGB")
        if channels != "RGB":
            said = f"the model takes images whose channels are {json.dumps(channels)}, not RGB"
            raise Unsupported(said, where=str(value.name), fix="leave out the option to_bgr")
    return images


def describe_as_bgr(model: onnx_ir.Model, images: Sequence[onnx_ir.Value]) -> None:
    """Have the preprocessing that ``model`` keeps say BGR of ``images``, and its numbers for each channel follow."""
    preprocess = _preprocess(model)
    for value in images:
        name = str(value.name)
        settings = {"channels": "BGR", **_settings(model, name)}
        preprocess[name] = {key: _turned(key, setting) for key, setting in settings.items()}
    model.metadata_props[PREPROCESS] = json.dumps(preprocess)


def reverse_channels(
    parts: Sequence[Layer | Alias], images: Sequence[onnx_ir.Value], outputs: Collection[onnx_ir.Value]
) -> list[Layer | Alias]:
    """Have the ``Input`` layers of ``images`` take BGR.

    Where convolutions and inner products alone compute with an image, their weights are turned round. Everything else
    (batch normalization, arithmetic, grouped convolution, an image that is an output too) reads the image after a
    ``Slice`` and a ``Concat`` that put its channels back in order.
    """
    result = list(parts)
    for image in images:
        result = _reversed(result, image, outputs)
    return result


def _reversed(
    parts: Sequence[Layer | Alias], image: onnx_ir.Value, outputs: Collection[onnx_ir.Value]
) -> list[Layer | Alias]:
    given = onnx_ir.Value(name=image.name, shape=image.shape, type=image.type)
    seen = _names_of(image, parts)
    readers = [part for part in parts if isinstance(part, Layer) and seen.intersection(part.bottoms)]
    turned = {id(layer): _turned_layer(layer, seen, given) for layer in readers}
    in_order: list[Layer] = []
    if seen.intersection(outputs) or not all(turned.values()):
        turned, in_order = {}, _in_order(given, image)
    result: list[Layer | Alias] = []
    for part in parts:
        if isinstance(part, Layer) and image in part.tops:
            result += [replace(part, tops=(given,)), *in_order]
        else:
            result.append(turned.get(id(part)) or part)
    return result


def _names_of(value: onnx_ir.Value, parts: Sequence[Layer | Alias]) -> set[onnx_ir.Value]:
    """``value`` and all that stands for it."""
    found = {value}
    for part in parts:
        if isinstance(part, Alias) and part.source in found:
            found.add(part.value)
    return found


def _turned_layer(layer: Layer, seen: Collection[onnx_ir.Value], given: onnx_ir.Value) -> Layer | None:
    """``layer`` with a weight for the channels of ``given``, in reverse, for ``seen``; None where it has none.

    ``PriorBox`` looks at no channel.
    """
    if layer.type == "PriorBox":
        return replace(layer, bottoms=tuple(given if value in seen else value for value in layer.bottoms))
    if layer.type == "Convolution" and layer.params["convolution_param"].get("group", 1) == 1:
        weight, *rest = layer.blobs
        value = plan.take(weight.value, 1, _REVERSED)
    elif layer.type == "InnerProduct" and layer.params["inner_product_param"].get("axis", 1) == 1:
        weight, *rest = layer.blobs
        split = (weight.shape[0], _RGB, weight.shape[1] // _RGB)
        value = plan.reshape(plan.take(plan.reshape(weight.value, split), 1, _REVERSED), weight.shape)
    else:
        return None
    return replace(layer, bottoms=(given,), blobs=(Blob(weight.shape, value), *rest))


def _in_order(given: onnx_ir.Value, image: onnx_ir.Value) -> list[Layer]:
    """What makes ``image`` of what is ``given``."""
    one = onnx_ir.Shape([dims(image)[0], 1, *dims(image)[2:]])
    planes = tuple(onnx_ir.Value(name=f"{image.name}/{color}", shape=one) for color in ("blue", "green", "red"))
    names = tuple(str(plane.name) for plane in planes)
    points = {"slice_param": {"slice_point": [1, 2]}}
    return [
        Layer(f"{image.name}/channels", "Slice", (given,), planes, points, top_names=names),
        Layer(f"{image.name}/rgb", "Concat", planes[::-1], (image,)),
    ]


def _preprocess(model: onnx_ir.Model) -> dict[str, Any]:
    return dict(json.loads(model.metadata_props.get(PREPROCESS, "null")) or {})


def _settings(model: onnx_ir.Model, name: str) -> Mapping[str, Any]:
    settings = _preprocess(model).get(name)
    return settings if isinstance(settings, Mapping) else {}


def _turned(key: str, setting: Any) -> Any:
    if key == "channels":
        return "BGR"
    return setting[::-1] if isinstance(setting, list) and key in {"mean", "scale", "std"} else setting
