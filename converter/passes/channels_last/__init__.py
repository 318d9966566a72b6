"""Store images channels last: NHWC instead of NCHW.

What a target computes in that order best is a node of the domain ``transship.channels_last``: it is the operator of
the same name between two transposes, of its first input from NHWC to NCHW and of its first output back (NWC and NDHWC
likewise). All else is the same as in ONNX: attributes, the weights, what else it is given.

Between these nodes everything is moved along: what goes element by element keeps the order, what goes along an axis
goes along that axis wherever it is stored, parameters are stored as they are needed. A transpose of the IR becomes
none; only what cannot be computed otherwise is transposed back. An image that is flattened for a dense layer stays as
it is, and the rows of the layer's weights are moved instead.

    Given:   data (NCHW) -> Conv -> Relu -> Flatten -> Gemm(weight)
    Result:  data (NHWC) -> channels_last.Conv -> Relu -> Reshape -> Gemm(weight with its columns moved)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import onnx_ir

from converter.ir import dims
from converter.passes.channels_last.ahead import wants_channels_last
from converter.passes.channels_last.axes import (
    along,
    arg_reduce,
    by_axis,
    concat,
    cum_sum,
    gather,
    pad,
    reduce,
    shape,
    size,
    slice_,
)
from converter.passes.channels_last.dense import dense
from converter.passes.channels_last.elementwise import broadcast, unary
from converter.passes.channels_last.families import BROADCAST, DOMAIN, STRONG, UNARY, WEAK
from converter.passes.channels_last.layout import RANKS, Perm, identity
from converter.passes.channels_last.layout import channels_last as last
from converter.passes.channels_last.moving import reshape, transpose
from converter.passes.channels_last.plain import plain
from converter.passes.channels_last.rewriter import Rewriter
from converter.passes.channels_last.spatial import spatial

__all__ = ["DOMAIN", "Laid", "channels_last"]

_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
_RULES: Mapping[str, Callable[[Rewriter, onnx_ir.Node], None]] = {
    **dict.fromkeys(STRONG | WEAK, spatial),
    **dict.fromkeys(UNARY, unary),
    **dict.fromkeys(BROADCAST, broadcast),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "TopK"), along(-1)),
    "Split": along(0),
    "Concat": concat,
    **dict.fromkeys((f"Reduce{name}" for name in _REDUCTIONS), reduce),
    **dict.fromkeys(("ArgMax", "ArgMin"), arg_reduce),
    "CumSum": cum_sum,
    "Slice": slice_,
    "Pad": pad,
    **dict.fromkeys(("Tile", "Expand"), by_axis),
    "Gather": gather,
    "Shape": shape,
    "Size": size,
    "Transpose": transpose,
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), reshape),
    **dict.fromkeys(("Gemm", "MatMul"), dense),
}


@dataclass(frozen=True)
class Laid:
    """A model in which images are stored channels last.

    Attributes:
        model: The model. Values that are the IR's, in whatever order, have the IR's names.
        perms: Those in another order, by name: what is stored is ``numpy.transpose(array, perm)``. Among them are
            inputs and outputs, of 3 to 5 axes, which then are channels last.
    """

    model: onnx_ir.Model
    perms: Mapping[str, Perm]


def channels_last(model: onnx_ir.Model, operators: Collection[str]) -> Laid:
    """Return ``model`` with images stored channels last; ``model`` itself is not changed.

    Args:
        model: An IR, prepared for its target.
        operators: The operators that the target has; those of the domain ``transship.channels_last`` become nodes of
            that domain, all others are computed in the IR's order.
    """
    copy = model.clone()
    graph = copy.graph
    graph.opset_imports[DOMAIN] = 1
    rewriter = Rewriter(graph, operators)
    for value in graph.inputs:
        rank = len(rewriter.shape(value))
        if rank in RANKS and wants_channels_last(value, operators):
            rewriter.put(value, last(rank))
    for node in list(graph):
        rewriter.node = node
        rule = _RULES.get(node.op_type, plain) if node.domain in ("", "transship") else plain
        rule(rewriter, node)
    rewriter.node = None
    _settle(rewriter)
    _remove_unused(graph)
    known = {str(value.name) for node in model.graph for value in node.outputs}
    known.update(str(value.name) for value in model.graph.inputs)
    return Laid(copy, {name: perm for name, perm in rewriter.perms.items() if name in known})


def _settle(rewriter: Rewriter) -> None:
    """Outputs channels last or as in the IR, under their own names."""
    graph = rewriter.graph
    for index, value in enumerate(graph.outputs):
        place = rewriter.place(value)
        rank = len(place.perm)
        kept = place.mixed is None and rank in RANKS and place.perm == last(rank)
        perm = place.perm if kept else identity(rank)
        if place.value is value and (kept or place.plain):
            continue
        name = str(value.name)
        moved = rewriter.stored(value, perm)
        rewriter.perms.pop(name, None)
        if kept:
            rewriter.perms[name] = perm
        graph.outputs[index] = _named(rewriter, value, moved, name)


def _named(rewriter: Rewriter, value: onnx_ir.Value, moved: onnx_ir.Value, name: str) -> onnx_ir.Value:
    """``moved`` under the name of the output ``value``, which it is to take the place of."""
    if moved.name == name:
        return moved
    if value.name == name:
        value.name = rewriter.name(f"{name}/stored")
    if moved.producer() is None or moved.is_graph_output() or "/" not in str(moved.name):
        moved = rewriter.insert("Identity", [moved], dims(moved), f"{name}/kept")
    moved.name = name
    return moved


def _remove_unused(graph: onnx_ir.Graph) -> None:
    for node in reversed(list(graph)):
        if not any(value.uses() or value.is_graph_output() for value in node.outputs):
            graph.remove(node, safe=True)
