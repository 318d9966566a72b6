"""What TensorFlow Lite's converter (2.21) makes something else of, without a word."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import is_constant, live_nodes
from converter.emitters.operand import array, is_stored
from converter.emitters.tensorflow.layout import DOMAIN
from converter.ir import Dim, dims
from converter.passes.channels_last.families import BROADCAST, STRONG, UNARY, WEAK


def exchanged(left: onnx_ir.Value, right: onnx_ir.Value) -> bool:
    """Whether ``left - right`` or ``left / right`` becomes ``right - left`` or ``right / left``.

    So it does where the first is constant and the second a transposed tensor, or computed of one element by element:
    the converter lets the transpose go behind the operator, and the operands change places.
    """
    return is_stored(left) and is_transposed(right)


def is_transposed(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is a transposed tensor, or computed of one element by element."""
    waiting, seen = [value.producer()], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.op_type == "Transpose" or (node.domain != DOMAIN and node.op_type in STRONG):
            return True
        if node.op_type in UNARY | BROADCAST | WEAK:
            waiting += [each.producer() for each in node.inputs if each is not None]
    return False


def deviations(graph: onnx_ir.Graph) -> list[str]:
    """What TensorFlow Lite would compute otherwise, whatever it is given: a node a line, and why."""
    scatters = (node for node in live_nodes(graph) if node.op_type in {"ScatterElements", "ScatterND"})
    return [
        f"{node.op_type} ({node.name}): it adds up what is written at one place"
        for node in scatters
        if _may_meet(node)
    ]


def _may_meet(node: onnx_ir.Node) -> bool:
    """Whether a scatter may write twice at one place, the last of which is to stay."""
    data, indices = node.inputs[0], node.inputs[1]
    reduction = node.attributes.get_string("reduction", "none")
    if data is None or indices is None or reduction != "none":
        return False
    if not is_constant(indices):
        return not _are_of_top(indices)
    places = array(indices)
    if node.op_type == "ScatterElements":
        axis = node.attributes.get_int("axis", 0)
        return not _are_distinct(np.moveaxis(places, axis, 0), dims(data)[axis])
    sizes = dims(data)[: places.shape[-1]]
    if not all(isinstance(size, int) for size in sizes):
        return True
    tuples = places.reshape(-1, places.shape[-1]) % np.array(sizes, np.int64)
    return len(np.unique(tuples, axis=0)) < len(tuples)


def _are_of_top(indices: onnx_ir.Value) -> bool:
    """Whether ``indices`` are the places of the largest or smallest elements, no two of which are the same."""
    node = indices.producer()
    while node is not None and node.op_type in {"Cast", "Identity", "Slice", "Transpose"}:
        node = None if node.inputs[0] is None else node.inputs[0].producer()
    return node is not None and node.op_type == "TopK"


def _are_distinct(places: np.ndarray, size: Dim) -> bool:
    """Whether no column of ``places``, which count from the end where they are negative, has one of them twice."""
    if not isinstance(size, int):
        return len(places) < 2
    ordered = np.sort(places % size, axis=0)
    return bool(np.diff(ordered, axis=0).all())
