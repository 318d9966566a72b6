"""Regions of interest, deformable convolution, greedy suppression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.operand import array, number, static
from converter.emitters.pytorch.convolution import padding
from converter.emitters.pytorch.operand import line
from converter.emitters.statement import Statement
from converter.ir import dims


@emits("pytorch", "RoiAlign")
def roi_align(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    images: onnx_ir.Value,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """A function: bilinear samples as a product with their weights by row and by column."""
    if mode != "avg":
        raise Refused(f"mode {mode}")
    text = "roi_align({0}, {1}, {2}, {size}, {scale}, {samples}, {aligned})"
    settings: dict[str, Any] = {
        "size": (output_height, output_width),
        "scale": spatial_scale,
        "samples": sampling_ratio,
        "aligned": coordinate_transformation_mode == "half_pixel",
    }
    return [line(node, text, data, rois, images, roles=("", "rois", "images"), library=["roi_align"], **settings)]


@emits("pytorch", "MaxRoiPool")
def max_roi_pool(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    pooled_shape: Sequence[int],
    spatial_scale: float = 1.0,
) -> list[Statement]:
    """A function: the largest of what lies in a window's rows and columns."""
    text = "max_roi_pool({0}, {1}, {size}, {scale})"
    settings: dict[str, Any] = {"size": tuple(pooled_shape), "scale": spatial_scale}
    return [line(node, text, data, rois, roles=("", "rois"), library=["max_roi_pool"], **settings)]


@emits("pytorch", "DeformConv")
def deform_conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    offset: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    mask: onnx_ir.Value | None = None,
    *,
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    offset_group: int = 1,
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """A function: bilinear samples, gathered into columns, times the weight."""
    rank = len(dims(data)) - 2
    if rank != 2:
        raise Refused(f"{rank} spatial axes, not 2")
    kernel = tuple(kernel_shape) or static(weight, 2, 3)
    strides, dilations = tuple(strides) or (1, 1), tuple(dilations) or (1, 1)
    if dims(offset)[2:] != dims(node.outputs[0])[2:]:
        raise Refused(f"offsets for {list(dims(offset)[2:])} places, not {list(dims(node.outputs[0])[2:])}")
    begin, _ = padding(node, data, "NOTSET", kernel, strides, dilations, pads)
    given = {"weight": weight, "offset": offset, "bias": bias, "mask": mask}
    operands = {name: value for name, value in given.items() if value is not None}
    places = {name: f"{{{number}}}" for number, name in enumerate(operands, 1)}
    settings: dict[str, Any] = {
        "stride": strides,
        "padding": begin,
        "dilation": dilations,
        "groups": group,
        "offset_groups": offset_group,
    }
    parts = [*(places.get(name, "None") for name in given), *(f"{{{name}}}" for name in settings)]
    text = f"deform_conv2d({{0}}, {', '.join(parts)})"
    roles = ("", *operands)
    return [line(node, text, data, *operands.values(), roles=roles, library=["deform_conv2d"], **settings)]


_OTHER = "its body is not greedy suppression"
_NODES = 64
"""More than the body of greedy suppression has."""


@dataclass(frozen=True)
class _Greedy:
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


@emits("pytorch", "Loop")
def loop(
    node: onnx_ir.Node,
    rounds: onnx_ir.Value,
    condition: onnx_ir.Value | None,
    *carried: onnx_ir.Value,
    body: onnx_ir.Graph,
) -> list[Statement]:
    """Greedy non-maximum suppression, the only loop of the IR: a function that has a loop of its own."""
    if condition is not None and not (is_constant(condition) and bool(array(condition))):
        raise Refused("it ends by a condition")
    found = _greedy(body)
    waiting, kept = carried
    if _is_read(node.outputs[0]):
        raise Refused("what is left at the end is used")
    operands = [waiting, kept, rounds, found.least, found.most, found.area]
    operands += [] if found.kind is None else [found.kind]
    kind = "None" if found.kind is None else "{6}"
    text = f"suppress({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {kind}, {{threshold}}, {{inclusive}}, {{margin}})"
    settings: dict[str, Any] = {"threshold": found.threshold, "inclusive": found.inclusive, "margin": found.margin}
    library = ["suppress", "while_loop"]
    return [line(node, text, *operands, scalars=False, outputs=node.outputs[1:], library=library, **settings)]


def _is_read(value: onnx_ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


def _greedy(body: onnx_ir.Graph) -> _Greedy:
    """What a loop's body is about, if it is greedy suppression as the IR's functions write it.

    Raises:
        Refused: It is something else.
    """
    nodes: dict[str, list[onnx_ir.Node]] = {}
    for node in body:
        nodes.setdefault(node.op_type, []).append(node)
    table, places = _operand(nodes, "GatherElements", 0, 0), _operand(nodes, "Equal", 0, 0)
    found = _read_greedy(nodes)
    names = dict(zip(body.inputs[1:], ("condition", "waiting", "kept"), strict=False))
    names |= {table: "table", places: "places", found.least: "least", found.most: "most", found.area: "area"}
    names |= {} if found.kind is None else {found.kind: "kind"}
    tables = [value for value in (found.least, found.most, found.area, found.kind) if value is not None]
    spelled = [_spell(value, body, names) for value in body.outputs] if len(body) < _NODES else []
    if spelled != _expected(found) or not _is_table(table, tables) or not _is_numbers(places):
        raise Refused(_OTHER)
    return found


def _read_greedy(nodes: Mapping[str, Sequence[onnx_ir.Node]]) -> _Greedy:
    """The parts of a body with such ``nodes``; that they are connected as they should be is another matter."""
    inclusive = "GreaterOrEqual" in nodes
    threshold = _operand(nodes, "GreaterOrEqual" if inclusive else "Greater", 0, 1)
    margin = _operand(nodes, "Add", 0, 1) if len(nodes.get("Add", ())) > 1 else None
    return _Greedy(
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


def _expected(found: _Greedy) -> list[str]:
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
