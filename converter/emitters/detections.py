"""Detections for targets that have a layer of their own for them, with rows of its own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.errors import Unsupported
from converter.ir import dims
from converter.ir.detections import detections


@dataclass(frozen=True)
class Taken:
    """A table of detections that is an output of the graph itself, and the outputs that a model's user knows.

    Attributes:
        node: That computes the table.
        table: The table's name.
        outputs: By the name of the model's output, the columns of the table that it holds: first and end.
        keep: The table's rows.
        scale: What the x and the y of its boxes are, if they are parts of the image otherwise.
    """

    node: onnx_ir.Node
    table: str
    outputs: Mapping[str, tuple[int, int]]
    keep: int
    scale: tuple[float, float]

    def facts(self) -> dict[str, Any]:
        """As a weight plan says it, for the step that runs the checkpoint."""
        columns = {name: list(ends) for name, ends in self.outputs.items()}
        return {"table": self.table, "outputs": columns, "keep": self.keep, "scale": list(self.scale)}


def take(graph: onnx_ir.Graph) -> list[Taken]:
    """Make the tables of detections outputs of ``graph``, instead of what is cut from them.

    Raises:
        Unsupported: The network goes on computing with detections.
    """
    found = [_taken(graph, each.node, each.outputs) for each in detections(graph)]
    cut = {name for each in found for name in each.outputs}
    if found:
        tables = [each.node.outputs[0] for each in found]
        kept = [value for value in graph.outputs if value.name not in cut]
        graph.outputs[:] = [*tables, *kept]
    return found


def _taken(graph: onnx_ir.Graph, node: onnx_ir.Node, outputs: Mapping[str, tuple[int, int]]) -> Taken:
    table = node.outputs[0]
    ends = {str(value.name) for value in graph.outputs}
    pending = [table]
    while pending:
        value = pending.pop()
        for user, _ in value.uses():
            name = str(user.outputs[0].name)
            if user.op_type not in ("Slice", "Identity") or (name in ends and name not in outputs):
                raise Unsupported("the network goes on computing with detections", where=str(user.name))
            pending.append(user.outputs[0])
    scale = tuple(node.attributes[name].as_float() for name in ("scale_w", "scale_h"))
    return Taken(node, str(table.name), outputs, int(dims(table)[1]), (scale[0], scale[1]))
