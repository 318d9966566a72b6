"""Single shot detectors, recognised by their graph.

A detector comes as hundreds of small operators and a table of anchors. Where its end is one of those that
:mod:`~converter.parsers.mxnet.ssd.match` knows, it is put into the words of Caffe-SSD: ``PriorBox`` for the anchors
of each feature map, and ``DetectionOutput``. What it computes stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir

from converter import ir
from converter.parsers.mxnet.builder import Builder
from converter.parsers.mxnet.operators.suppression import rows, turned
from converter.parsers.mxnet.scope import Scope
from converter.parsers.mxnet.ssd.anchors import Misfit, Run, Table, fit
from converter.parsers.mxnet.ssd.functions import Output, detection_output, prior_box
from converter.parsers.mxnet.ssd.known import Known
from converter.parsers.mxnet.ssd.match import Ending, find, leaves
from converter.parsers.mxnet.symbol import SymbolNode

__all__ = ["recognise"]

ANCHORS = "transship.anchors"
"""Metadata of a DetectionOutput: why its anchors are of no PriorBox."""
_ENDINGS = ("BoxNms", "MultiBoxDetection")


def recognise(builder: Builder) -> dict[onnx_ir.Value, onnx_ir.Value]:
    """Replace the endings of all detectors in the graph that ``builder`` holds; the old nodes are left unused.

    Returns:
        What takes the place of which value, for those who hold one.
    """
    if not any(node.domain == ir.DOMAIN and node.op_type in _ENDINGS for node in builder.nodes):
        return {}
    known = Known()
    replaced = {ending.table: _replace(builder, ending, known) for ending in find(builder.nodes, known)}
    return {old: new for old, new in replaced.items() if new is not None}


def _replace(builder: Builder, ending: Ending, known: Known) -> onnx_ir.Value | None:
    """Append the new nodes where the old ones end, and have them read instead, under the old names."""
    images = [value for value in builder.inputs if len(ir.dims(value)) == 4]
    if len(images) != 1:
        return None
    position = builder.nodes.index(_producer(ending.table)) + 1
    later = builder.nodes[position:]
    del builder.nodes[position:]
    made = _detections(builder, ending, images[0], known)
    builder.nodes.extend(later)
    if made is not None:
        onnx_ir.convenience.replace_all_uses_with(ending.table, made)
        _take_name(made, ending.table)
        _take_name(_producer(made), ending.node)
    return made


def _take_name(new: onnx_ir.Value | onnx_ir.Node, old: onnx_ir.Value | onnx_ir.Node) -> None:
    name = str(old.name)
    old.name, new.name = f"{name}/before", name


def _detections(builder: Builder, ending: Ending, image: onnx_ir.Value, known: Known) -> onnx_ir.Value | None:
    """Append all that makes the detections; nothing, where the anchors are not known."""
    pixels = int(ir.dims(image)[3]), int(ir.dims(image)[2])
    tables = _tables(ending, pixels, known)
    if tables is None:
        return None
    g = Scope(builder, SymbolNode("DetectionOutput", str(ending.node.name), (), {}))
    found = _fitted(tables, pixels)
    if isinstance(found, Misfit):
        priors = _given(g, ending, pixels)
    else:
        priors = _boxes(builder, g, ending, image, list(zip(tables, found, strict=True)))
    loc = ending.loc if len(ir.dims(ending.loc)) == 2 else _flat(g, ending.loc)
    conf = turned(g, ending.conf, role="scores") if ending.turned else ending.conf
    made = detection_output(g, loc, conf, priors, _output(ending, conf, pixels), ending.variance)
    if isinstance(found, Misfit):
        _producer(made).metadata_props[ANCHORS] = found.reason
    return made


def _output(ending: Ending, conf: onnx_ir.Value, pixels: tuple[int, int]) -> Output:
    return Output(
        num_classes=int(ir.dims(conf)[2]),
        nms_threshold=ending.overlap,
        nms_top_k=ending.top_k if ending.top_k > 0 else -1,
        keep_top_k=int(ir.dims(ending.table)[1]),
        confidence_threshold=ending.threshold,
        scale_w=float(pixels[0]) if ending.center else 1.0,
        scale_h=float(pixels[1]) if ending.center else 1.0,
        single_label=ending.single_label,
        clip=ending.clip,
        force_suppress=ending.force_suppress,
    )


@dataclass(frozen=True)
class _Map:
    """The anchors of one feature map.

    Attributes:
        value: That holds them, in some shape.
        feature: The map that their boxes are predicted from.
        table: What they are.
        clip: Whether they are kept within the image.
    """

    value: onnx_ir.Value
    feature: onnx_ir.Value
    table: Table
    clip: bool


def _tables(ending: Ending, pixels: tuple[int, int], known: Known) -> list[_Map] | None:
    """The anchors, map by map; all of them as one map, where no maps can be told; None where they are not known."""
    parts, predicted = leaves(ending.anchors), [_map_of(leaf) for leaf in leaves(ending.loc)]
    if len(parts) == len(predicted):
        maps = [_anchors(*pair, ending, pixels, known) for pair in zip(parts, predicted, strict=True) if pair[1]]
        if len(maps) == len(parts) and all(maps):
            return [each for each in maps if each]
    array = known(ending.anchors)
    return None if array is None else [_Map(ending.anchors, ending.loc, np.zeros((0, 0, 0, 4)), clip=False)]


def _map_of(leaf: onnx_ir.Value) -> tuple[onnx_ir.Value, int, int] | None:
    """The feature map that boxes are predicted from, by a convolution whose channels are put last; height, width."""
    node = leaf.producer()
    if node is None or node.op_type != "Transpose" or list(node.attributes["perm"].as_ints()) != [0, 2, 3, 1]:
        return None
    predictor = node.inputs[0].producer() if node.inputs[0] is not None else None
    feature = predictor.inputs[0] if predictor is not None and predictor.op_type == "Conv" else node.inputs[0]
    height, width = ir.dims(leaf)[1:3]
    same = feature is not None and ir.dims(feature)[2:] == (height, width)
    return (feature, int(height), int(width)) if same and feature is not None else None


def _anchors(
    value: onnx_ir.Value,
    predicted: tuple[onnx_ir.Value, int, int] | None,
    ending: Ending,
    pixels: tuple[int, int],
    known: Known,
) -> _Map | None:
    if predicted is None:
        return None
    feature, height, width = predicted
    node = value.producer()
    if node is not None and node.op_type == "MultiBoxPrior" and not ending.center:
        if ir.dims(node.inputs[0])[2:] != (height, width):  # type: ignore[arg-type]
            return None
        return _Map(value, feature, _multibox(node, height, width, pixels), bool(node.attributes["clip"].as_int()))
    array = known(value)
    if array is None or array.size % (4 * height * width):
        return None
    table = array.astype(np.float64).reshape(height, width, -1, 4)
    return _Map(value, feature, table if ending.center else _centered(table, pixels), clip=False)


def _multibox(node: onnx_ir.Node, height: int, width: int, pixels: tuple[int, int]) -> Table:
    """The anchors of MXNet's MultiBoxPrior (src/operator/contrib/multibox_prior.cc), not clipped."""
    given = {name: attribute.value for name, attribute in node.attributes.items()}
    sizes, ratios = list(given["sizes"]), list(given["ratios"])
    scales = np.array([*sizes, *sizes[:1] * (len(ratios) - 1)])
    roots = np.sqrt(np.array([*ratios[:1] * len(sizes), *ratios[1:]]))
    steps = list(given["steps"]) if min(given["steps"]) > 0 else [1 / height, 1 / width]
    table = np.empty((height, width, len(scales), 4))
    table[..., 0] = ((np.arange(width) + given["offsets"][1]) * steps[1])[None, :, None]
    table[..., 1] = ((np.arange(height) + given["offsets"][0]) * steps[0])[:, None, None]
    table[..., 2], table[..., 3] = scales * height / width * roots, scales / roots
    table *= np.array([*pixels, *pixels])
    return table


def _centered(corners: Table, pixels: tuple[int, int]) -> Table:
    """Anchors of corners, parts of the image, as centers and sizes in pixels."""
    least, most = corners[..., :2], corners[..., 2:]
    table: Table = np.concatenate([(least + most) / 2, most - least], axis=-1)
    table *= np.array([*pixels, *pixels])
    return table


def _fitted(maps: Sequence[_Map], pixels: tuple[int, int]) -> list[list[Run]] | Misfit:
    """The layers that make the anchors of all maps; why there are none, where one map has none."""
    found = []
    for each in maps:
        if not each.table.size:
            return Misfit(f"{each.value.name}: they cannot be told apart by feature maps")
        layer = fit(each.table, pixels)
        if isinstance(layer, Misfit):
            return Misfit(f"{each.value.name}: {layer.reason}")
        found.append(layer)
    return found


def _boxes(
    builder: Builder, g: Scope, ending: Ending, image: onnx_ir.Value, maps: Sequence[tuple[_Map, list[Run]]]
) -> onnx_ir.Value:
    """The anchors of all ``maps``, as those of one layer."""
    made = [_of_map(builder, ending, image, each, runs) for each, runs in maps]
    return made[0] if len(made) == 1 else g.emit("Concat", *made, role="priors", axis=2)


def _of_map(builder: Builder, ending: Ending, image: onnx_ir.Value, part: _Map, runs: Sequence[Run]) -> onnx_ir.Value:
    """The anchors of a map, of one layer or, pixel by pixel, of several."""
    name = str(_producer(part.value).name)
    height, width = ir.dims(part.feature)[2:]
    made = []
    for number, run in enumerate(runs):
        role = f"priors-{number}" if len(runs) > 1 else "priors"
        g = Scope(builder, SymbolNode("PriorBox", name, (), {}), f"{name}/{role}")
        boxes = prior_box(g, part.feature, image, run.layer, clip=part.clip, variance=ending.variance)
        if len(runs) == 1 and not run.skip:
            return boxes
        boxes = g.emit("Reshape", boxes, g.ints("by-pixel", [1, 2, int(height) * int(width), -1]), role="pixels")
        made.append(rows(g, boxes, 4 * run.skip, int(ir.dims(boxes)[3]), role="run", axis=-1) if run.skip else boxes)
    g = Scope(builder, SymbolNode("PriorBox", name, (), {}), f"{name}/priors")
    whole = made[0] if len(made) == 1 else g.emit("Concat", *made, role="runs", axis=3)
    return g.emit("Reshape", whole, g.ints("whole", [1, 2, -1]))


def _given(g: Scope, ending: Ending, pixels: tuple[int, int]) -> onnx_ir.Value:
    """The anchors as they are in the source, in the form of PriorBox's."""
    count = int(np.prod([int(dim) for dim in ir.dims(ending.anchors)])) // 4
    anchors = g.emit("Reshape", ending.anchors, g.ints("anchor-shape", [1, count, 4]), role="anchors")
    if ending.center:
        middle, extent = g.emit_many(
            "Split", anchors, outputs=["middle", "extent"], role="split", axis=-1, num_outputs=2
        )
        half = g.emit("Mul", extent, g.scalar("half", 0.5), role="half-sizes")
        ends = g.emit("Sub", middle, half, role="least"), g.emit("Add", middle, half, role="most")
        sides = g.array("image-size", np.array(pixels * 2, np.float32))
        anchors = g.emit("Div", g.emit("Concat", *ends, role="corners", axis=-1), sides, role="parts")
    variance = g.array("variance", np.array(ending.variance, np.float32))
    repeated = g.emit("Expand", variance, g.ints("all", [1, count, 4]), role="variances")
    flat = g.ints("flat", [1, 1, -1])
    parts = [g.emit("Reshape", each, flat, role=role) for each, role in ((anchors, "boxes"), (repeated, "rest"))]
    return g.emit("Concat", *parts, role="priors", axis=1)


def _flat(g: Scope, loc: onnx_ir.Value) -> onnx_ir.Value:
    """``loc`` as ``batch x 4N``, as it was before it was given another shape."""
    node = loc.producer()
    before = node.inputs[0] if node is not None and node.op_type == "Reshape" else None
    if before is not None and len(ir.dims(before)) == 2 and ir.dims(before)[0] == ir.dims(loc)[0]:
        return before
    return g.emit("Flatten", loc, role="codes", axis=1)


def _producer(value: onnx_ir.Value) -> onnx_ir.Node:
    node = value.producer()
    if node is None:
        raise AssertionError(f"{value.name} is of no node")
    return node
