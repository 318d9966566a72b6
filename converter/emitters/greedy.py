"""Greedy suppression, as the IR spells it: the only loop that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.emitters import Refused, is_constant
from converter.emitters.operand import array, number
from converter.ir import dims

_OTHER = "its body is not greedy suppression"
_NODES = 64
"""More than the body of greedy suppression has."""


@dataclass(frozen=True)
class Greedy:
    """A loop that keeps the best box and drops those that overlap it, as the IR spells it.

    Attributes:
        least: Least corners of the boxes.
        most: Greatest corners.
        area: Areas.
        kind: Classes, if only boxes of one class suppress each other.
        threshold: The intersection over union beyond which one is dropped.
        inclusive: Whether it is at that number already.
        margin: What an intersection's sides have beyond the difference of their ends.
    """

    least: onnx_ir.Value
    most: onnx_ir.Value
    area: onnx_ir.Value
    kind: onnx_ir.Value | None
    threshold: float
    inclusive: bool
    margin: float


def greedy(body: onnx_ir.Graph) -> Greedy:
    """What a loop's body is about, if it is greedy suppression as the IR's functions write it.

    Raises:
        Refused: It is something else.
    """
    nodes: dict[str, list[onnx_ir.Node]] = {}
    for node in body:
        nodes.setdefault(node.op_type, []).append(node)
    table, places = _operand(nodes, "GatherElements", 0, 0), _operand(nodes, "Equal", 0, 0)
    found = _read(nodes)
    names = dict(zip(body.inputs[1:], ("condition", "waiting", "kept"), strict=False))
    names |= {table: "table", places: "places", found.least: "least", found.most: "most", found.area: "area"}
    names |= {} if found.kind is None else {found.kind: "kind"}
    tables = [value for value in (found.least, found.most, found.area, found.kind) if value is not None]
    spelled = [_spell(value, body, names) for value in body.outputs] if len(body) < _NODES else []
    if spelled != _expected(found) or not _is_table(table, tables) or not _is_numbers(places):
        raise Refused(_OTHER)
    return found


def _read(nodes: Mapping[str, Sequence[onnx_ir.Node]]) -> Greedy:
    """The parts of a body with such ``nodes``; that they are connected as they should be is another matter."""
    inclusive = "GreaterOrEqual" in nodes
    threshold = _operand(nodes, "GreaterOrEqual" if inclusive else "Greater", 0, 1)
    margin = _operand(nodes, "Add", 0, 1) if len(nodes.get("Add", ())) > 1 else None
    return Greedy(
        least=_operand(nodes, "Max", 0, 0),
        most=_operand(nodes, "Min", 0, 0),
        area=_operand(nodes, "Add", -1, 1),
        kind=_operand(nodes, "Equal", 1, 0) if "And" in nodes else None,
        threshold=number(threshold),
        inclusive=inclusive,
        margin=0.0 if margin is None else number(margin),
    )


def _operand(nodes: Mapping[str, Sequence[onnx_ir.Node]], operator: str, which: int, place: int) -> onnx_ir.Value:
    """The input ``place`` of the node ``which`` of those of ``operator``.

    Raises:
        Refused: There is none.
    """
    try:
        value = nodes[operator][which].inputs[place]
    except (KeyError, IndexError):
        value = None
    if value is None:
        raise Refused(_OTHER)
    return value


def _expected(found: Greedy) -> list[str]:
    """How the next condition and the carried values are computed in greedy suppression."""
    first = "ArgMax(waiting; axis=-1)"
    chosen = f"Equal(places, {first})"
    heights = [2, 2, 1] if found.kind is None else [2, 2, 1, 1]
    best = f"GatherElements(table, Expand({first}, [{sum(heights)}, 1]); axis=-1)"
    part = [f"Split({best}, {heights}; axis=-2)[{place}]" for place in range(4)]
    sides = f"Sub(Min(most, {part[1]}), Max(least, {part[0]}))"
    sides = f"Add({sides}, {found.margin})" if found.margin else sides
    halves = [f"Split(Max({sides}, 0.0); axis=-2, num_outputs=2)[{place}]" for place in range(2)]
    common = f"Mul({halves[0]}, {halves[1]})"
    ratio = f"Div({common}, Sub(Add({part[2]}, area), {common}))"
    dropped = f"{'GreaterOrEqual' if found.inclusive else 'Greater'}({ratio}, {found.threshold})"
    dropped = dropped if found.kind is None else f"And({dropped}, Equal(kind, {part[3]}))"
    return ["Identity(condition)", f"Where(Or({chosen}, {dropped}), 0.0, waiting)", f"Or(kept, {chosen})"]


def _spell(value: onnx_ir.Value | None, body: onnx_ir.Graph, names: Mapping[onnx_ir.Value, str]) -> str:
    """``value`` as a formula of ``names``."""
    if value is None or value in names:
        return "" if value is None else names[value]
    if is_constant(value):
        return str(_shortened(array(value).tolist()))
    node = value.producer()
    if node is None or node.graph is not body:
        return f"other {value.name!r}"
    attributes = [f"{name}={attribute.value}" for name, attribute in sorted(node.attributes.items())]
    operands = ", ".join(_spell(operand, body, names) for operand in node.inputs)
    spelled = f"{node.op_type}({'; '.join([operands, ', '.join(attributes)] if attributes else [operands])})"
    return spelled if len(node.outputs) == 1 else f"{spelled}[{node.outputs.index(value)}]"


def _shortened(elements: Any) -> Any:
    """A shape without the dimensions of images, of however many there are."""
    leading = isinstance(elements, list) and len(elements) > 2 and all(size == 1 for size in elements[:-2])
    return elements[-2:] if leading else elements


def _is_table(table: onnx_ir.Value, parts: Sequence[onnx_ir.Value]) -> bool:
    """Whether ``table`` holds ``parts``, one below the other."""
    node = table.producer()
    if node is None or node.op_type != "Concat":
        return False
    rank = len(dims(table))
    return list(node.inputs) == list(parts) and node.attributes["axis"].value % rank == rank - 2


def _is_numbers(places: onnx_ir.Value) -> bool:
    """Whether ``places`` is 0, 1, 2, ..."""
    return is_constant(places) and array(places).tolist() == list(range(array(places).size))
