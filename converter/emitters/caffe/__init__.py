"""Caffe: a ``deploy.prototxt`` as a Caffe user would write it, and the plan for its ``.caffemodel``.

With ``profile="bvlc"`` only layers of stock BVLC Caffe are used, and no fork's additions to them. The default,
``ssd``, also has those of Caffe-SSD and of the forks made of it: ``Permute``, ``Normalize``, ``PriorBox``,
``DetectionOutput``, ``ReLU6``, ``Pad``.

Layers and blobs are called what nodes and values are in the source; the layers that one node becomes are called
``<node>/<what for>``. The network is given for a batch of one and can be reshaped to any other. What OpenCV's reader
of Caffe's files has (4.x, the last with one) it computes the same; it lacks ``ArgMax``, ``BatchReindex``, ``Bias``,
``Embed``, ``Pad``, ``Parameter``, ``Reduction``, ``Threshold`` and ``Tile``, pads in one direction only as in both,
and takes no notice of the ``k`` of ``LRN`` nor of the ``img_size`` of ``PriorBox``, which is not the image's where
sizes have fractions: Caffe drops these, so all lengths are multiplied.

Everything is float32. Conditions are 0 and 1, and whole numbers are refused where they may be beyond 2^24. ``Div`` by
what is computed multiplies with the reciprocal, which is one rounding more. Of data that are NaN or infinite Caffe's
layers make other results than the source: ``ReLU`` of minus infinity is NaN, as is what is composed of it, a NaN that
``Where`` chooses is minus infinity, and ``Scale`` by a computed NaN (the root of a number below 0) is 0.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import prepare, translate
from converter.emitters.caffe.bgr import describe_as_bgr, image_inputs, reverse_channels
from converter.emitters.caffe.detection import count_per_class, multiplied
from converter.emitters.caffe.head import append_softmax
from converter.emitters.caffe.layer import Alias, Layer
from converter.emitters.caffe.lossy import drop_upper_bounds
from converter.emitters.caffe.merge import merge_batch_norms
from converter.emitters.caffe.net import Net, assemble, input_layers
from converter.emitters.caffe.prototxt import render
from converter.emitters.caffe.sizes import settle
from converter.emitters.detections import Taken, take
from converter.errors import BadInput

for _module in pkgutil.iter_modules(__path__):  # each registers its operators
    importlib.import_module(f"{__name__}.{_module.name}")

FILES = ("deploy.prototxt", "weights.plan.json")
PROFILES = {"ssd": "caffe ssd", "bvlc": "caffe"}
"""The translations that a profile has; those of ``ssd`` that differ are registered as of ``caffe ssd``."""
RELU6 = ("exact", "relu")
"""What a clip to [0, 6] becomes: something that computes it, or a plain ReLU."""
TOP_K = ("all", "per_class")
"""The boxes whose best ones take part in a detection: of all classes together, or of each."""
_ROWS = "1 x 1 x detections x 7, float32: image, class (0: the background), score, xmin, ymin, xmax, ymax (0 to 1)."
_DTYPES = (onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL)


def emit(
    model: onnx_ir.Model,
    *,
    profile: str = "ssd",
    merge_bn: bool = False,
    to_bgr: bool = False,
    softmax: bool = False,
    relu6: str = "exact",
    nms_top_k: str = "all",
) -> dict[str, bytes]:
    """Write ``model`` as Caffe layers.

    Args:
        model: A valid IR.
        profile: Which Caffe: ``ssd`` or ``bvlc``.
        merge_bn: Fold each batch normalization into the convolution, deconvolution or inner product that alone
            feeds it.
        to_bgr: Have the net take BGR images where the model takes RGB.
        softmax: Append a softmax to the model's only output, over its second dimension.
        relu6: ``exact``, or ``relu`` for tools that know no more: a plain ``ReLU`` in the place of each clip to
            [0, 6], which computes something else beyond 6. A comment names the layers.
        nms_top_k: ``all``, or ``per_class`` for a plain ``DetectionOutput`` as other tools write it: its ``top_k``
            counts the boxes of each class, so that more take part than in the source. A comment names the layers.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        BadInput: There is no such profile, no such form of ReLU6, or no such way to count.
        Unsupported: Caffe cannot express the model exactly, or the model is not one for ``to_bgr`` or ``softmax``.
    """
    _check_choice("profile", profile, PROFILES)
    _check_choice("form of ReLU6", relu6, RELU6)
    _check_choice("nms_top_k", nms_top_k, TOP_K)
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, PROFILES[profile])
    settle(model.graph)
    taken = take(model.graph)
    known -= {each.table for each in taken}
    images = image_inputs(model) if to_bgr else []
    plain = drop_upper_bounds(model.graph) if relu6 == "relu" else []
    counted = count_per_class(model.graph) if nms_top_k == "per_class" else []
    translations = translate(model.graph, PROFILES[profile], dtypes=_DTYPES)
    sizes = multiplied(model.graph)
    parts: list[Layer | Alias] = [*input_layers(model.graph), *(part for parts in translations for part in parts)]
    facts: dict[str, Any] = {"detections": [each.facts() for each in taken]} if taken else {}
    more: list[onnx_ir.Value] = []
    if merge_bn:
        parts = merge_batch_norms(parts, model.graph.outputs)
    if images:
        parts = reverse_channels(parts, images, model.graph.outputs)
        describe_as_bgr(model, images)
        facts["bgr"] = [str(value.name) for value in images]
    if softmax:
        parts, top = append_softmax(parts, model.graph)
        more.append(top)
    net = assemble(parts, model.graph, more=more)
    notes = _about_detections(model.graph, taken)
    notes += _about_sizes({str(net.trace[name]): sizes[name] for name in sizes if name in net.trace})
    notes += _about_relu6(str(net.trace[name]) for name in plain if name in net.trace)
    notes += [_about_top_k(str(net.trace[name]), count) for name, count in counted]
    if softmax:
        facts["softmax"] = net.more[0]
        notes += [f"Blob {json.dumps(net.more[0])}: the softmax of {json.dumps(name)}." for name in net.outputs]
    return {FILES[0]: render(net, model, notes), FILES[1]: _plan(net, model.graph, known, facts)}


def _check_choice(kind: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise BadInput(f"there is no {kind} {value!r}", fix=f"use one of: {', '.join(known)}")


def _about_relu6(layers: Iterable[str]) -> list[str]:
    named = ", ".join(json.dumps(name) for name in layers)
    return [f"Not exact beyond 6, where ReLU6 ends and these ReLU do not: {named}."] if named else []


def _about_sizes(factors: Mapping[str, int]) -> list[str]:
    named = ", ".join(f"{json.dumps(name)} by {factor}" for name, factor in factors.items())
    return [f"All lengths are multiplied, as Caffe drops the fractions of sizes: {named}."] if named else []


def _about_top_k(layer: str, count: int) -> str:
    where = json.dumps(layer)
    return f"Not exact where more than {count} boxes compete: {where} counts those of each class, the source of all."


def _about_detections(graph: onnx_ir.Graph, taken: Iterable[Taken]) -> list[str]:
    """What Caffe has of the tables, which are no outputs as others of ``graph`` any more."""
    tables = {each.table for each in taken}
    graph.outputs[:] = [value for value in graph.outputs if value.name not in tables]
    return [f"Output {json.dumps(name)}: {_ROWS}" for name in sorted(tables)]


def _plan(net: Net, graph: onnx_ir.Graph, known: Collection[str], facts: Mapping[str, Any]) -> bytes:
    parameters = [
        plan.Parameter((layer.name, index), blob.shape, blob.value)
        for layer in net.layers
        for index, blob in enumerate(layer.blobs)
    ]
    trace = {name: place for name, place in net.trace.items() if name in known}
    facts = {**_dtypes(graph, {*trace, *net.outputs}), **facts}
    return plan.render(parameters, inputs=net.inputs, outputs=net.outputs, trace=trace, **facts)


def _dtypes(graph: onnx_ir.Graph, names: Collection[str]) -> dict[str, dict[str, str]]:
    """The element types of the values that are not float32 in the IR; Caffe holds them as float32 too."""
    values = [value for node in graph for value in node.outputs if value.name in names]
    found = {
        str(value.name): str(value.dtype.numpy().name)
        for value in values
        if value.dtype not in (None, onnx_ir.DataType.FLOAT)
    }
    return {"dtypes": found} if found else {}
