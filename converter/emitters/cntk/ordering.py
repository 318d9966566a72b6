"""What depends on which element is the larger one."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import emits
from converter.emitters.batch import row_axis
from converter.emitters.cntk.bounds import WHOLE
from converter.emitters.cntk.operand import line, own_shape, unpacked
from converter.emitters.known import numbers
from converter.emitters.operand import static
from converter.emitters.statement import Statement


@emits("cntk", "ArgMax", "ArgMin", dtypes=WHOLE)
def arg(
    node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> list[Statement]:
    """``C.argmax`` and ``C.argmin``, which take the first of equal elements; the last one of them reversed."""
    operand, (along,) = unpacked(data, [axis])
    text = f"C.{node.op_type.lower()}({operand}, {{axis}})"
    settings: dict[str, Any] = {"axis": along, "shape": own_shape(node.outputs[0])}
    if select_last_index:
        (size,) = static(data, axis)
        text = f"{{last}} - {text.replace('{0}', 'C.slice({0}, {axis}, 0, 0, -1)')}"
        settings["last"] = size - 1
    if not keepdims:
        text = f"C.reshape({text}, {{shape}})"
    return [line(node, text, data, **settings)]


@emits("cntk", "TopK", dtypes=WHOLE)
def top_k(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002 - ONNX's name
) -> list[Statement]:
    """``C.top_k``; where its indices are used a function, as those of equal elements are in no order there.

    The function compares each element along the axis with each other.
    """
    del sorted  # always
    (k,) = numbers(count)
    along = row_axis(data, axis)
    values, places = node.outputs
    if not (places.uses() or places.is_graph_output()):
        text = "C.top_k({0}, {k}, {axis}).outputs[0]" if largest else "-C.top_k(-{0}, {k}, {axis}).outputs[0]"
        return [line(node, text, data, outputs=[values], k=k, axis=along)]
    text = "top_k({0}, {k}, {axis}, {largest})"
    return [line(node, text, data, library=["top_k"], k=k, axis=along, largest=bool(largest))]
