"""From the IR's opset to another one.

Each node whose operator is not the same in both opsets is converted, in functions and in bodies of loops as well.

To a newer opset ONNX's own version converter (``onnx.version_converter``) does that, on the nodes apart from the
graph, as it would lose the functions and look at weights.

To an older one it does it for few: it knows no way from ``Add`` of opset 14 to that of 13. Those that it is known to
do right are left to it (:data:`_TRUSTED`). Many operators only learned types or attributes which a node need not
have (:data:`_SAME`): such a node stays what it is, provided that ONNX's checker accepts it as one of the old opset.
For the rest :mod:`~converter.emitters.onnx.older` has a rule each, or ONNX itself defines the operator as a function
of older ones. Whatever is left is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnx_ir

from converter.emitters import Refused, live_nodes
from converter.emitters.onnx import newer, older
from converter.emitters.onnx.functions import functions_of
from converter.emitters.onnx.older import Maker
from converter.emitters.onnx.single import by_onnx, check_alone, expanded
from converter.errors import Unsupported
from converter.ir import OPSET

_TRUSTED = {
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
}
"""What ONNX's converter brings to an older opset as it should."""

_SAME = {
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "ConstantOfShape",
    "CumSum",
    "Div",
    "Equal",
    "Flatten",
    "GRU",
    "GreaterOrEqual",
    "Identity",
    "IsNaN",
    "LSTM",
    "LeakyRelu",
    "LessOrEqual",
    "LpPool",
    "Mul",
    "PRelu",
    "Pow",
    "RNN",
    "ReduceMax",
    "ReduceMin",
    "Relu",
    "Reshape",
    "ScatterElements",
    "ScatterND",
    "Size",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Where",
}
"""What was the same before, for fewer types and without some attributes."""

_AXES_ARE_INPUTS = 18
"""Where the axes of all reductions became inputs."""

_WITH_BODIES = {"If", "Loop", "Scan"}
"""What is the same in all opsets but for types of sequences and optional values."""


def at_opset(model: onnx_ir.Model, opset: int) -> onnx_ir.Model:
    """Return ``model`` with its nodes as of ``opset``; ``model`` itself is not changed.

    Raises:
        Unsupported: There are nodes that ``opset`` cannot express exactly. Names all of them.
    """
    copy = model.clone()
    work = _Work(opset)
    for graph in (copy.graph, *(function.graph for function in functions_of(copy))):
        work.convert(graph)
    problems = [*work.problems, *(by_onnx(work.left, opset) if work.left else ())]
    if problems:
        raise _unsupported(problems, opset)
    return copy


class _Work:
    """The conversion of a model's graphs to ``opset``.

    Attributes:
        left: Nodes that are left to ONNX's converter, all of them at once.
        problems: Those that cannot be converted, and why.
    """

    def __init__(self, opset: int) -> None:
        self._opset = opset
        self.left: list[onnx_ir.Node] = []
        self.problems: list[tuple[onnx_ir.Node, str]] = []

    def convert(self, graph: onnx_ir.Graph) -> None:
        """Convert the nodes of ``graph``, and of the bodies in it."""
        pending = live_nodes(graph)
        while pending:
            node = pending.pop(0)
            for attribute in node.attributes.values():
                if attribute.type == onnx_ir.AttributeType.GRAPH:
                    self.convert(attribute.as_graph())
            if node.domain in ("", "ai.onnx"):
                try:
                    pending[:0] = self._one(graph, node)
                except Refused as refusal:
                    self.problems.append((node, str(refusal)))

    def _one(self, graph: onnx_ir.Graph, node: onnx_ir.Node) -> Sequence[onnx_ir.Node]:
        """Convert ``node``; the nodes that it became, as far as they have to be converted in their turn."""
        opset, op = self._opset, node.op_type
        node.version = opset
        if op in _WITH_BODIES or _since(node, opset) == _since(node, OPSET):
            return ()
        rules = newer.RULES if opset > OPSET else older.RULES
        if (opset > OPSET and op not in rules) or (op in _TRUSTED and opset < _AXES_ARE_INPUTS):
            self.left.append(node)
            return ()
        if op in _SAME:
            _without_news(node, opset)
            check_alone(node, opset)
            return ()
        make = Maker(node, opset)
        values = rules[op](node, make) if op in rules else expanded(node, make, opset)
        replaced = node.outputs[: len(values)]
        onnx_ir.convenience.replace_nodes_and_values(graph, node, [node], make.everything, replaced, values)
        return () if op in rules else make.nodes


def _since(node: onnx_ir.Node, opset: int) -> int:
    """The opset in which the operator of ``node`` became what it is in ``opset``; 0 before there was one."""
    try:
        since: int = onnx.defs.get_schema(node.op_type, opset).since_version
    except onnx.defs.SchemaError:
        return 0
    return since


def _without_news(node: onnx_ir.Node, opset: int) -> None:
    """Drop attributes that ``opset`` does not know, provided that they say what was so before there were any."""
    old, new = (onnx.defs.get_schema(node.op_type, version).attributes for version in (opset, OPSET))
    for name in [name for name in node.attributes if name not in old]:
        value = node.attributes[name].value
        default = onnx.helper.get_attribute_value(new[name].default_value) if new[name].default_value.type else None
        same = value == (default.decode() if isinstance(default, bytes) else default)
        if not same and not (name == "dilations" and set(value) == {1}):
            raise Refused(f"opset {opset} has no {name}, which is {value}")
        node.attributes.pop(name)


def _unsupported(problems: Sequence[tuple[onnx_ir.Node, str]], opset: int) -> Unsupported:
    groups: dict[tuple[str, str], list[str]] = {}
    for node, reason in problems:
        groups.setdefault((node.op_type, reason), []).append(str(node.name))
    listed = (
        f"{len(names)} x {operator} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}): {reason}"
        for (operator, reason), names in sorted(groups.items())
    )
    return Unsupported(
        f"opset {opset} cannot express {len(problems)} of this model's nodes exactly",
        where="; ".join(listed),
        fix="take a newer opset",
    )
