"""Detections with ONNX's own operator for them, NonMaxSuppression.

The IR's body of ``DetectionOutput`` suppresses in a loop, of operators that every target has. For runtimes of ONNX
the operator is both shorter and faster. It answers with a list of what it keeps of all images; the scores of these
are put back into a table of every class and box, whose best are the rows of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir
from onnx_ir.tape import Tape

from converter.ir import DOMAIN, OPSET, dims
from converter.ir.detections import DETECTION_OUTPUT

_FLOAT = onnx_ir.DataType.FLOAT


def with_suppression(model: onnx_ir.Model) -> onnx_ir.Model:
    """Return ``model`` with a body of NonMaxSuppression in each ``DetectionOutput`` that can have one.

    Those of MXNet's MultiBoxDetection keep theirs: what is suppressed stays in their results.
    """
    nodes = [node for node in model.graph if _is_detection(node)]
    if not nodes:
        return model
    copy = model.clone()
    for node in copy.graph:
        if _is_detection(node):
            function = copy.functions[node.op_identifier()]
            copy.functions[node.op_identifier()] = _function(function, node)
    return copy


def _is_detection(node: onnx_ir.Node) -> bool:
    if node.domain != DOMAIN or node.op_type != DETECTION_OUTPUT:
        return False
    return "single_label" not in node.attributes and node.attributes["confidence_threshold"].as_float() >= 0


class _Body:
    """The nodes of a function as they are added: operators with constants beside values."""

    def __init__(self) -> None:
        self.tape = Tape()

    def __call__(self, operator: str, *inputs: Any, name: str, **attributes: Any) -> onnx_ir.Value:
        return self.many(operator, *inputs, names=[name], **attributes)[0]

    def many(self, operator: str, *inputs: Any, names: Sequence[str], **attributes: Any) -> Sequence[onnx_ir.Value]:
        values = [value if isinstance(value, onnx_ir.Value) else self._constant(value) for value in inputs]
        outputs = self.tape.op_multi_out(operator, values, attributes, num_outputs=len(names), name=names[0])
        for value, name in zip(outputs, names, strict=True):
            value.name = name
        return outputs

    def _constant(self, value: Any) -> onnx_ir.Value:
        whole = all(isinstance(each, int) for each in np.asarray(value, object).reshape(-1))
        tensor = onnx_ir.tensor(np.asarray(value, np.int64 if whole else np.float32))
        made = self.tape.op("Constant", [], {"value": tensor})
        made.name = f"constant{len(self.tape.nodes)}"
        made.type, made.shape = onnx_ir.TensorType(tensor.dtype), onnx_ir.Shape(tensor.shape.numpy())
        return made


def _function(old: onnx_ir.Function, node: onnx_ir.Node) -> onnx_ir.Function:
    """``old`` with another body, for the attributes of ``node``."""
    given = {name: attribute.value for name, attribute in node.attributes.items()}
    body = _Body()
    inputs = [_formal(formal, value) for formal, value in zip(old.inputs, node.inputs, strict=True)]
    loc, conf, priors = inputs
    count, classes = (int(dim) for dim in dims(conf)[1:])
    boxes = _boxes(body, loc, priors, count, (given["scale_w"], given["scale_h"]))
    objects = body("Slice", conf, [1], [classes], [2], name="objects")
    scores = body("Transpose", objects, name="scores", perm=[0, 2, 1])
    every = (classes - 1) * count
    most = given["nms_top_k"] if 0 < given["nms_top_k"] < every else every
    considered = _best(body, scores, most, given["confidence_threshold"]) if most < every else scores
    limits = [min(most, count)], [given["nms_threshold"]], [given["confidence_threshold"]]
    picked = body("NonMaxSuppression", boxes, considered, *limits, name="picked")
    table = _rows(body, boxes, scores, picked, count, min(given["keep_top_k"], every))
    if every < given["keep_top_k"]:
        table = body("Pad", table, [0, 0, 0, 0, given["keep_top_k"] - every, 0], -1.0, name="padded")
    table.type, table.shape = node.outputs[0].type, node.outputs[0].shape
    graph = onnx_ir.Graph(inputs, [table], nodes=body.tape.nodes, opset_imports={"": OPSET, DOMAIN: 1})
    return onnx_ir.Function(old.domain, old.name, old.overload, graph=graph, attributes=list(old.attributes.values()))


def _formal(formal: onnx_ir.Value, value: onnx_ir.Value | None) -> onnx_ir.Value:
    """A function's input, called ``formal`` and of the type of ``value``."""
    if value is None:
        raise AssertionError("all of its inputs are there")
    return onnx_ir.Value(name=formal.name, type=value.type, shape=value.shape)


def _boxes(
    body: _Body, loc: onnx_ir.Value, priors: onnx_ir.Value, count: int, scale: tuple[float, float]
) -> onnx_ir.Value:
    """The corners of the boxes, ``batch x N x 4``."""
    parts = [body("Slice", priors, [row], [row + 1], [1], name=name) for row, name in enumerate(("corners", "rest"))]
    anchors, variances = (
        body("Reshape", part, [1, count, 4], name=name)
        for part, name in zip(parts, ("anchors", "variances"), strict=True)
    )
    wide = body("Mul", anchors, [*scale, *scale], name="anchor_corners")
    least, most = body.many("Split", wide, names=["anchor_least", "anchor_most"], axis=-1, num_outputs=2)
    extent = body("Sub", most, least, name="anchor_size")
    middle = body("Mul", body("Add", least, most, name="anchor_sum"), 0.5, name="anchor_center")
    codes = body("Mul", body("Reshape", loc, [0, count, 4], name="codes"), variances, name="scaled")
    shift, growth = body.many("Split", codes, names=["shift", "growth"], axis=-1, num_outputs=2)
    center = body("Add", body("Mul", shift, extent, name="offset"), middle, name="center")
    whole = body("Mul", body("Exp", growth, name="factor"), extent, name="size")
    half = body("Mul", whole, 0.5, name="half_size")
    ends = body("Sub", center, half, name="least"), body("Add", center, half, name="most")
    return body("Concat", *ends, name="boxes", axis=-1)


def _best(body: _Body, scores: onnx_ir.Value, most: int, nothing: float) -> onnx_ir.Value:
    """The ``most`` best scores of an image; ``nothing`` for all others."""
    flat = body("Flatten", scores, name="all_scores", axis=1)
    best, _ = body.many("TopK", flat, [most], names=["best_scores", "best_places"])
    limit = body("Slice", best, [most - 1], [most], [1], name="limit")
    limit = body("Unsqueeze", limit, [2], name="limits")
    return body("Where", body("Less", scores, limit, name="worse"), nothing, scores, name="considered")


def _rows(
    body: _Body, boxes: onnx_ir.Value, scores: onnx_ir.Value, picked: onnx_ir.Value, count: int, kept: int
) -> onnx_ir.Value:
    """The ``kept`` best of the ``picked``, as rows of class, score and box; rows of -1 where they are fewer."""
    found = body("GatherND", scores, picked, name="picked_scores")
    none = body("Expand", -1.0, body("Shape", scores, name="shape"), name="none")
    table = body("Flatten", body("ScatterND", none, picked, found, name="kept_scores"), name="kept_table", axis=1)
    best, places = body.many("TopK", table, [kept], names=["score", "place"])
    kind = body("Cast", body("Div", places, count, name="kind"), name="class", to=_FLOAT)
    numbers = body("Unsqueeze", body("Mod", places, count, name="number"), [2], name="numbers")
    corners = body("Expand", numbers, [1, 1, 4], name="corner_numbers")
    box = body("GatherElements", boxes, corners, name="box", axis=1)
    columns = [body("Unsqueeze", column, [2], name=f"{column.name}_column") for column in (kind, best)]
    rows = body("Concat", *columns, box, name="rows", axis=2)
    there = body("Greater", columns[1], -1.0, name="there")
    return body("Where", there, rows, -1.0, name="detections")
