"""What is known of the numbers that a value can hold: CNTK guards divisions, roots and logarithms near zero.

CNTK's are 0 or -85.1 there instead of infinite or not a number. What cannot get there is written as a person would
write it; everything else is a function of the code that asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, is_constant
from converter.emitters.known import contents, is_whole
from converter.emitters.memo import visiting_once
from converter.emitters.operand import array
from converter.ir import BATCH, dims

WHOLE = (onnx_ir.DataType.INT64, onnx_ir.DataType.INT32, onnx_ir.DataType.INT8, onnx_ir.DataType.UINT8)
"""The integers that can be float32 in CNTK."""
NARROW = (onnx_ir.DataType.INT8, onnx_ir.DataType.UINT8)
"""Those of which sums are cut."""
TINY = 1e-30
"""What is not smaller has a reciprocal and a logarithm in CNTK."""
_LARGEST = {
    onnx_ir.DataType.BOOL: 1.0,
    onnx_ir.DataType.INT8: 128.0,
    onnx_ir.DataType.UINT8: 255.0,
}
"""The largest magnitude of a type; of int8 only the negative one is that large."""
_EXACT = 2.0**24
_DEPTH = 24

_MOVED = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Slice", "Split", "Identity", "Tile")
_CHOSEN = (*_MOVED, "Gather", "Dropout", "ReduceMax", "ReduceMin", "ReduceMean", "DepthToSpace", "SpaceToDepth")


@visiting_once
def least(value: onnx_ir.Value, depth: int = _DEPTH) -> float:
    """A limit that no number of ``value`` is below, as far as the last ``depth`` nodes before it tell."""
    if is_constant(value):
        elements = array(value)
        return float(elements.min()) if elements.size else 0.0
    known = value.dtype in (onnx_ir.DataType.BOOL, onnx_ir.DataType.UINT8)
    return max(0.0 if known else -math.inf, _computed_least(value, depth))


@visiting_once
def _computed_least(value: onnx_ir.Value, depth: int = _DEPTH) -> float:
    """What no number is below as the node before ``value`` has it, which may be beyond its type."""
    node = value.producer()
    rule = None if node is None or node.domain or depth == 0 else _LEAST.get(node.op_type)
    return -math.inf if rule is None or node is None else rule(node, depth - 1)


def is_regular(value: onnx_ir.Value) -> bool:
    """Whether all numbers of ``value`` have a reciprocal and a logarithm: none is near zero or below it."""
    return least(value) >= TINY


@visiting_once
def bound(value: onnx_ir.Value, depth: int = _DEPTH) -> float:
    """The largest magnitude that a number of ``value`` can have; infinite where it is not known."""
    known = contents(value)
    if is_constant(value) or (known is not None and BATCH not in known.reshape(-1).tolist()):
        elements = np.abs(np.asarray(array(value) if is_constant(value) else known, np.float64))
        return float(elements.max()) if elements.size else 0.0
    largest = math.inf if value.dtype is None else _LARGEST.get(value.dtype, math.inf)
    return min(largest, _computed(value, depth))


@visiting_once
def _computed(value: onnx_ir.Value, depth: int) -> float:
    """The largest magnitude as the node before ``value`` has it, which may be beyond its type."""
    node = value.producer()
    rule = None if node is None or node.domain or depth == 0 else _BOUND.get(node.op_type)
    return math.inf if rule is None or node is None else rule(node, depth - 1)


def check_whole(node: onnx_ir.Node) -> None:
    """Check that the whole numbers that ``node`` computes are float32's too, and none is cut to its type.

    What is only an index is not beyond the size of an axis.

    Raises:
        Refused: They may be too large.
    """
    value = node.outputs[0]
    if not is_whole(value):
        return
    found = _computed(value, _DEPTH)
    if value.dtype in _LARGEST:
        signed = value.dtype == onnx_ir.DataType.INT8
        if found > _LARGEST[value.dtype] - signed or not (signed or _computed_least(value) >= 0):
            raise Refused(f"its whole numbers may be beyond those of {value.dtype.name.lower()}")
    elif found > _EXACT and not _is_index(value):
        raise Refused("its whole numbers may be beyond 2^24, where float32 has not all of them")


def check_narrow(node: onnx_ir.Node) -> None:
    """Check what stays as exact as it was: only a number of 8 bits can be cut.

    Raises:
        Refused: It may be.
    """
    if node.outputs[0].dtype in NARROW:
        check_whole(node)


@visiting_once
def _is_index(value: onnx_ir.Value) -> bool:
    """Whether ``value`` only says which elements are gathered."""
    uses = [(use.node, use.idx) for use in value.uses()]
    if value.is_graph_output() or not uses:
        return False
    return all(
        (node.op_type in _GATHERING and place == 1)
        or (node.op_type in _MOVED and place == 0 and all(_is_index(each) for each in node.outputs))
        for node, place in uses
    )


_GATHERING = ("Gather", "GatherElements", "GatherND")


def _attribute(node: onnx_ir.Node, name: str, default: Any) -> Any:
    return node.attributes[name].value if name in node.attributes else default


def _inputs(node: onnx_ir.Node) -> list[onnx_ir.Value]:
    return [value for value in node.inputs if value is not None]


def _first(of: Callable[[onnx_ir.Value, int], float]) -> Callable[[onnx_ir.Node, int], float]:
    return lambda node, depth: of(_inputs(node)[0], depth)


def _least_product(node: onnx_ir.Node, depth: int) -> float:
    left, right = _inputs(node)
    if left is right:
        return 0.0
    limits = least(left, depth), least(right, depth)
    return limits[0] * limits[1] if min(limits) >= 0 else -math.inf


def _least_cast(node: onnx_ir.Node, depth: int) -> float:
    found = least(_inputs(node)[0], depth)
    return float(np.trunc(found)) if is_whole(node.outputs[0]) else found


def _least_sum(node: onnx_ir.Node, depth: int) -> float:
    """Of a sum along axes, in which each number is there once at least."""
    found = least(_inputs(node)[0], depth)
    return found if found >= 0 else -math.inf


def _least_power(node: onnx_ir.Node, depth: int) -> float:
    base, exponent = _inputs(node)
    even = is_constant(exponent) and bool((array(exponent) % 2 == 0).all())
    return 0.0 if even or least(base, depth) >= 0 else -math.inf


def _least_quotient(node: onnx_ir.Node, depth: int) -> float:
    return 0.0 if all(least(value, depth) >= 0 for value in _inputs(node)) else -math.inf


def _least_remainder(node: onnx_ir.Node, depth: int) -> float:
    """The sign of a remainder is that of the divisor, with ``fmod`` that of the dividend."""
    data, divisor = _inputs(node)
    return 0.0 if least(data if _attribute(node, "fmod", 0) else divisor, depth) >= 0 else -math.inf


def _least_clipped(node: onnx_ir.Node, depth: int) -> float:
    data, low, high = [*node.inputs, None, None][:3]
    found = -math.inf if data is None else least(data, depth)
    found = found if low is None else max(found, least(low, depth))
    return found if high is None else min(found, least(high, depth))


_LEAST: Mapping[str, Callable[[onnx_ir.Node, int], float]] = {
    **dict.fromkeys((*_CHOSEN, "MaxPool", "GlobalAveragePool"), _first(least)),
    "AveragePool": lambda node, depth: min(least(_inputs(node)[0], depth), 0.0),
    **dict.fromkeys(("Exp", "Sigmoid", "Softplus", "Softmax", "Abs", "Relu"), lambda _, __: 0.0),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare", "LpPool", "GlobalLpPool"), lambda _, __: 0.0),
    **dict.fromkeys(("ArgMax", "ArgMin", "HardSigmoid"), lambda _, __: 0.0),
    **dict.fromkeys(("Add", "Sum"), lambda node, depth: math.fsum(least(value, depth) for value in _inputs(node))),
    **dict.fromkeys(("Min", "Concat"), lambda node, depth: min(least(value, depth) for value in _inputs(node))),
    "Cast": _least_cast,
    "Clip": _least_clipped,
    "Div": _least_quotient,
    "Max": lambda node, depth: max(least(value, depth) for value in _inputs(node)),
    "Mod": _least_remainder,
    "Mul": _least_product,
    "Pow": _least_power,
    "ReduceSum": _least_sum,
    "Sqrt": lambda node, depth: math.sqrt(max(least(_inputs(node)[0], depth), 0.0)),
    "Where": lambda node, depth: min(least(value, depth) for value in _inputs(node)[1:]),
}


def _size(value: onnx_ir.Value, axis: int) -> float:
    size = dims(value)[axis] if dims(value) else 1
    return float(size) if isinstance(size, int) else math.inf


def _place(node: onnx_ir.Node, _: int) -> float:
    return _size(_inputs(node)[0], _attribute(node, "axis", -1 if node.op_type == "TopK" else 0))


def _elements(value: onnx_ir.Value) -> float:
    return math.prod(float(size) if isinstance(size, int) else math.inf for size in dims(value))


def _bound_sum(node: onnx_ir.Node, depth: int) -> float:
    each = bound(_inputs(node)[0], depth)
    return 0.0 if each == 0 else each * _elements(_inputs(node)[0])


def _bound_clipped(node: onnx_ir.Node, depth: int) -> float:
    data, low, high = [*node.inputs, None, None][:3]
    if low is not None and high is not None:
        return max(bound(low, depth), bound(high, depth))
    return math.inf if data is None else max(bound(each, depth) for each in (data, low, high) if each is not None)


def _bound_top(node: onnx_ir.Node, depth: int) -> float:
    return max(_place(node, depth), bound(_inputs(node)[0], depth))


_BOUND: Mapping[str, Callable[[onnx_ir.Node, int], float]] = {
    **dict.fromkeys((*_CHOSEN, "Neg", "Abs", "Relu", "GatherElements", "GatherND", "Cast"), _first(bound)),
    **dict.fromkeys(("ArgMax", "ArgMin"), _place),
    **dict.fromkeys(("Sigmoid", "Tanh", "Sign", "Softmax"), lambda _, __: 1.0),
    **dict.fromkeys(
        ("Add", "Sub", "Sum"), lambda node, depth: math.fsum(bound(value, depth) for value in _inputs(node))
    ),
    **dict.fromkeys(
        ("Max", "Min", "Concat"), lambda node, depth: max(bound(value, depth) for value in _inputs(node))
    ),
    **dict.fromkeys(("Floor", "Ceil", "Round"), lambda node, depth: bound(_inputs(node)[0], depth) + 1),
    **dict.fromkeys(("ReduceSum", "CumSum", "ReduceL1"), _bound_sum),
    "Clip": _bound_clipped,
    "Div": lambda node, depth: bound(_inputs(node)[0], depth) if is_whole(node.outputs[0]) else math.inf,
    "Mod": lambda node, depth: bound(_inputs(node)[1], depth),
    "Mul": lambda node, depth: math.prod(bound(value, depth) for value in _inputs(node)),
    "TopK": _bound_top,
    "Where": lambda node, depth: max(bound(value, depth) for value in _inputs(node)[1:]),
}
