"""Where a network ends as a single shot detector does.

Two endings are known: that of GluonCV (``gluoncv/model_zoo/ssd/ssd.py``), which scores every class of every anchor in
a table of rows and hands it to box_nms, and that of MXNet's own example (``example/ssd/symbol/symbol_builder.py``),
with the operator MultiBoxDetection. The graph alone tells: names mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir

from converter import ir
from converter.parsers.mxnet.ssd.known import Known

_SEEN_THROUGH = ("Reshape", "Flatten", "Identity", "Squeeze", "Unsqueeze")
"""What leaves all elements in their order."""


@dataclass(frozen=True)
class Ending:
    """The end of a detector.

    Attributes:
        node: The node that suppresses.
        table: The value that holds the detections, and has as many rows as are kept.
        loc: The predicted boxes, in any shape of the order ``batch, N, 4``.
        conf: The scores, ``batch x N x classes``, or ``batch x classes x N`` if ``turned``.
        anchors: What the boxes differ from, in any shape of the order ``N, 4``.
        center: Whether ``anchors`` are centers and sizes in pixels; else corners as parts of the image.
        threshold: What a score has to exceed (if ``single_label``, to reach).
        variance: Of the boxes' four numbers.
        overlap: The intersection over union that suppresses.
        top_k: How many boxes take part; -1 for all.
        turned: See ``conf``.
        single_label: As of :class:`~converter.parsers.mxnet.ssd.functions.Output`, as the next two.
        clip: As there.
        force_suppress: As there.
    """

    node: onnx_ir.Node
    table: onnx_ir.Value
    loc: onnx_ir.Value
    conf: onnx_ir.Value
    anchors: onnx_ir.Value
    center: bool
    threshold: float
    variance: tuple[float, ...]
    overlap: float
    top_k: int
    turned: bool = False
    single_label: bool = False
    clip: bool = False
    force_suppress: bool = False


def find(nodes: Sequence[onnx_ir.Node], known: Known) -> list[Ending]:
    """The endings of all detectors among ``nodes``."""
    found = []
    for node in nodes:
        if node.domain == ir.DOMAIN and node.op_type in _MATCHERS:
            ending = _MATCHERS[node.op_type](node, known)
            found += [] if ending is None else [ending]
    return found


def _gluon(nms: onnx_ir.Node, known: Known) -> Ending | None:
    """GluonCV's: a table for each class, of class number, score and box, one below the other."""
    given = _attributes(nms)
    plain = {"coord_start": 2, "score_index": 1, "id_index": 0, "background_id": -1, "force_suppress": 0}
    corners = given["in_format"] == given["out_format"] == "corner"
    if not corners or any(given[name] != value for name, value in plain.items()) or given["valid_thresh"] < 0:
        return None
    parts = [_columns(part) for part in _joined(nms.inputs[0], 1)]
    if not parts or any(part is None for part in parts):
        return None
    ids, scores, boxes = zip(*(part for part in parts if part is not None), strict=True)
    scored, decoded = _scored(ids, scores, known), _maker(boxes[0], "BoxDecode")
    if scored is None or decoded is None or len(set(boxes)) > 1:
        return None
    coding = _attributes(decoded)
    loc, anchors = decoded.inputs
    if loc is None or anchors is None or coding["format"] != "center" or coding["clip"] > 0:
        return None
    conf, threshold = scored
    return Ending(
        node=nms,
        table=_kept(nms.outputs[0], known),
        loc=loc,
        conf=conf,
        anchors=anchors,
        center=True,
        threshold=max(threshold, given["valid_thresh"]),
        variance=tuple(coding[f"std{number}"] for number in range(4)),
        overlap=given["overlap_thresh"],
        top_k=given["topk"],
    )


def _multibox(node: onnx_ir.Node, known: Known) -> Ending | None:  # noqa: ARG001
    """MXNet's own, where it suppresses at all."""
    given = _attributes(node)
    conf, loc, anchors = node.inputs
    if conf is None or loc is None or anchors is None or not 0 < given["nms_threshold"] <= 1:
        return None
    return Ending(
        node=node,
        table=node.outputs[0],
        loc=loc,
        conf=conf,
        anchors=anchors,
        center=False,
        threshold=given["threshold"],
        variance=tuple(given["variances"]),
        overlap=given["nms_threshold"],
        top_k=given["nms_topk"],
        turned=True,
        single_label=True,
        clip=bool(given["clip"]),
        force_suppress=bool(given["force_suppress"]),
    )


_MATCHERS = {"BoxNms": _gluon, "MultiBoxDetection": _multibox}


def leaves(value: onnx_ir.Value) -> list[onnx_ir.Value]:
    """The values that are put one after the other to make each row of ``value``, whatever their shapes on the way.

    The first axis stays as it is. What else comes before an axis along which values are joined has to be one.
    """
    node, shape = value.producer(), ir.dims(value)
    if node is None or node.domain or node.inputs[0] is None or ir.dims(node.inputs[0])[:1] != shape[:1]:
        return [value]
    if node.op_type in _SEEN_THROUGH:
        return leaves(node.inputs[0])
    axis = node.attributes["axis"].as_int() % len(shape) if node.op_type == "Concat" else 0
    if axis > 0 and all(dim == 1 for dim in shape[1:axis]):
        return [leaf for part in node.inputs if part is not None for leaf in leaves(part)]
    return [value]


def _attributes(node: onnx_ir.Node) -> dict[str, Any]:
    return {name: attribute.value for name, attribute in node.attributes.items()}


def _maker(value: onnx_ir.Value | None, *operators: str) -> onnx_ir.Node | None:
    """The node that makes ``value``, if it is one of ``operators``; what passes a value on is seen through."""
    node = None if value is None else value.producer()
    if node is not None and node.op_type == "Identity":
        return _maker(node.inputs[0], *operators)
    return node if node is not None and node.op_type in operators else None


def _joined(value: onnx_ir.Value | None, axis: int) -> list[onnx_ir.Value]:
    """The parts of ``value`` along ``axis``; itself, if it has none."""
    node = _maker(value, "Concat")
    if value is None or node is None or node.attributes["axis"].as_int() % len(ir.dims(value)) != axis:
        return [] if value is None else [value]
    return [part for part in node.inputs if part is not None]


def _columns(table: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value] | None:
    """Class, score and box of a table of rows."""
    parts = _joined(table, 2)
    if [ir.dims(part)[-1] for part in parts] != [1, 1, 4]:
        return None
    return parts[0], parts[1], parts[2]


def _scored(
    ids: Sequence[onnx_ir.Value], scores: Sequence[onnx_ir.Value], known: Known
) -> tuple[onnx_ir.Value, float] | None:
    """The classes' scores, and what they have to exceed, of columns that are cut from two choices."""
    chosen = _cut(ids, known), _cut(scores, known)
    kinds, found = (_maker(value, "Where") for value in chosen)
    if kinds is None or found is None:
        return None
    tests = [_test(node.inputs[0], known) for node in (kinds, found)]
    objects = found.inputs[1]
    if None in tests or tests[0] != tests[1] or tests[0] is None or objects is None or tests[0][0] is not objects:
        return None
    number, nothing, zero = (known(value) if value else None for value in (*kinds.inputs[1:], found.inputs[2]))
    if number is None or nothing is None or zero is None:
        return None
    if (number != np.arange(len(ids))).any() or (nothing != -1).any() or zero.any():
        return None
    conf = _foreground(objects, len(ids), known)
    return None if conf is None else (conf, tests[0][1])


def _cut(columns: Sequence[onnx_ir.Value], known: Known) -> onnx_ir.Value | None:
    """The table whose columns, all of them in order, are ``columns``."""
    if len(columns) == 1 and _maker(columns[0], "Slice") is None:
        return columns[0]
    tables = set()
    for place, column in enumerate(columns):
        found = _slice(column, known)
        if found is None or found[1:] != (2, place, place + 1) or ir.dims(found[0])[-1] != len(columns):
            return None
        tables.add(found[0])
    return tables.pop() if len(tables) == 1 else None


def _slice(value: onnx_ir.Value, known: Known) -> tuple[onnx_ir.Value, int, int, int] | None:
    """What ``value`` is cut from, along which axis, from where and up to where, if it is without gaps."""
    node = _maker(value, "Slice")
    if node is None or node.inputs[0] is None:
        return None
    limits = [known(each) for each in node.inputs[1:] if each is not None]
    if len(limits) < 3 or any(limit is None or limit.size != 1 for limit in limits):
        return None
    start, end, axis, *step = (int(limit.item()) for limit in limits if limit is not None)
    shape = ir.dims(node.inputs[0])
    size = shape[axis]
    if step not in ([], [1]) or not isinstance(size, int):
        return None
    cut = range(size)[start:end]
    return node.inputs[0], axis % len(shape), cut.start, cut.stop


def _test(value: onnx_ir.Value | None, known: Known) -> tuple[onnx_ir.Value, float] | None:
    """What is asked to exceed which number."""
    node = _maker(value, "Cast", "Greater")
    while node is not None and node.op_type == "Cast":
        node = _maker(node.inputs[0], "Cast", "Greater")
    if node is None or node.inputs[0] is None or node.inputs[1] is None:
        return None
    limit = known(node.inputs[1])
    return None if limit is None or limit.size != 1 else (node.inputs[0], float(limit.item()))


def _foreground(objects: onnx_ir.Value, classes: int, known: Known) -> onnx_ir.Value | None:
    """The scores of all classes, of which ``objects`` are all but the first."""
    found = _slice(objects, known)
    return found[0] if found is not None and found[1:] == (2, 1, classes + 1) and _all(found) else None


def _all(cut: tuple[onnx_ir.Value, int, int, int]) -> bool:
    value, axis, _, end = cut
    return ir.dims(value)[axis] == end


def _kept(table: onnx_ir.Value, known: Known) -> onnx_ir.Value:
    """The first rows of ``table``, if nothing but they are used."""
    users = [use.node for use in table.uses()]
    if len(users) != 1 or table.is_graph_output():
        return table
    value = users[0].outputs[0]
    cut = _slice(value, known)
    return value if cut is not None and cut[0] is table and cut[1:3] == (1, 0) else table
