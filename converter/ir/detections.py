"""What a detector's outputs are: which of their columns hold class, score and box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.ir.check import dims
from converter.ir.spec import DOMAIN

DETECTION_OUTPUT = "DetectionOutput"
"""The function whose rows, ``batch x K x 6``, are class, score, and the least and the greatest x and y."""
_KIND, _SCORE, _BOX, _END = 0, 1, 2, 6


@dataclass(frozen=True)
class Detections:
    """A table of detections, and what of it the model returns.

    Attributes:
        node: That computes it.
        outputs: By the name of an output of the model, the columns of the table that it holds: first and end.
    """

    node: onnx_ir.Node
    outputs: Mapping[str, tuple[int, int]]

    def places(self) -> dict[str, list[Any]] | None:
        """Where ``class``, ``score`` and ``box`` are: output and (first) column; None, unless all are returned."""
        found: dict[str, list[Any]] = {}
        for role, first, end in (("class", _KIND, _SCORE), ("score", _SCORE, _BOX), ("box", _BOX, _END)):
            for name, (start, stop) in self.outputs.items():
                if start <= first and end <= stop:
                    found.setdefault(role, [name, first - start])
        return found if len(found) == 3 else None


def detections(graph: onnx_ir.Graph) -> list[Detections]:
    """The tables of ``graph`` that detections come from, in its order."""
    columns: dict[onnx_ir.Node, dict[str, tuple[int, int]]] = {}
    for output in graph.outputs:
        found = _columns(output)
        if found is not None:
            columns.setdefault(found[0], {})[str(output.name)] = found[1:]
    nodes = [node for node in graph if _is_table(node)]
    return [Detections(node, columns.get(node, {})) for node in nodes]


def _is_table(node: onnx_ir.Node | None) -> bool:
    return node is not None and node.domain == DOMAIN and node.op_type == DETECTION_OUTPUT


def _columns(value: onnx_ir.Value) -> tuple[onnx_ir.Node, int, int] | None:
    """The table that ``value`` is cut from, and the columns that it has of it."""
    node = value.producer()
    if node is None or _is_table(node):
        return None if node is None else (node, 0, _END)
    if node.op_type not in ("Identity", "Slice") or node.domain or node.inputs[0] is None:
        return None
    whole = _columns(node.inputs[0])
    if whole is None or node.op_type == "Identity":
        return whole
    limits = [_number(each) for each in node.inputs[1:] if each is not None]
    if len(limits) < 3 or None in limits or (limits[3:] or [1]) != [1]:
        return None
    start, end, axis = (number or 0 for number in limits[:3])
    table, first, stop = whole
    cut = range(first, stop)[start:end]
    return (table, cut.start, cut.stop) if axis % len(dims(value)) == 2 else None


def _number(value: onnx_ir.Value) -> int | None:
    tensor = onnx_ir.convenience.get_const_tensor(value)
    return int(tensor.numpy().item()) if tensor is not None and tensor.size == 1 else None
