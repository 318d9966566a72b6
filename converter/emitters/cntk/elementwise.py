"""Arithmetic, element by element."""

from __future__ import annotations

import math
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters import emits, is_constant
from converter.emitters.cntk.bounds import TINY, WHOLE, bound, check_whole, is_regular, least
from converter.emitters.cntk.operand import aligned, line, state
from converter.emitters.known import is_whole
from converter.emitters.operand import array, is_stored
from converter.emitters.statement import State, Statement

_OPERATORS = {"Add": "+", "Sub": "-", "Mul": "*"}
_STEPS = 64
"""Bits of the largest quotient whose remainder is computed."""


@emits("cntk", *_OPERATORS, dtypes=WHOLE)
def operator(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """Python's own operator, a constant of one element a number in it."""
    check_whole(node)
    return [line(node, f"{{0}} {_OPERATORS[node.op_type]} {{1}}", left, right, broadcast=True)]


@emits("cntk", "Div", dtypes=WHOLE)
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """The operator ``/`` with a divisor that is seen to be above 0, or a constant; else a function right for 0 too.

    A parameter's inverse is a parameter. Of whole numbers a function that cuts.
    """
    if is_whole(node.outputs[0]):
        check_whole(node)
        text, name = "quotient({0}, {1}, {steps})", "quotient"
        return [line(node, text, left, right, broadcast=True, library=[name], steps=_steps(left, right))]
    if _is_regular_divisor(right):
        return [line(node, "{0} / {1}", left, right, broadcast=True)]
    if is_stored(right) and not is_constant(right):
        inverse = _inverse(right, aligned(right, node.outputs[0]))
        return [line(node, "{0} * {inverse}", left, broadcast=True, tensors={"inverse": inverse})]
    return [line(node, "divide({0}, {1})", left, right, broadcast=True, library=["divide"])]


def _inverse(value: onnx_ir.Value, shape: tuple[int, ...]) -> State:
    """1 divided by a parameter: CNTK multiplies with that anyway, but has 0 for what is infinite."""
    held = state(value, shape)
    return replace(held, value=plan.div(plan.full(1.0, shape), held.value))


def _is_regular_divisor(value: onnx_ir.Value) -> bool:
    return bool((abs(array(value)) >= TINY).all()) if is_constant(value) else is_regular(value)


@emits("cntk", "Mod", dtypes=WHOLE)
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Statement]:
    """A function that subtracts the divisor times powers of 2, which is exact for quotients below 2^64."""
    check_whole(node)
    same = fmod or (least(left) >= 0 and least(right) >= 0)
    name = "remainder" if same else "modulo"
    text = f"{name}({{0}}, {{1}}, {{steps}})"
    return [line(node, text, left, right, broadcast=True, library=[name], steps=_steps(left, right))]


def _steps(dividend: onnx_ir.Value, divisor: onnx_ir.Value) -> int:
    """The bits that the quotient of both can have."""
    largest = bound(dividend)
    smallest = float(abs(array(divisor)).min()) if is_constant(divisor) else 1.0
    if largest == math.inf or not smallest or not is_whole(divisor):
        return _STEPS
    return int(largest // smallest).bit_length()


@emits("cntk", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """``C.pow`` or ``C.square``; where 0 may get a negative exponent, a function that is right then."""
    if is_constant(exponent) and bool((array(exponent) == 2).all()) and array(exponent).size == 1:
        return [line(node, "C.square({0})", base)]
    safe = least(exponent) >= 0 or is_regular(base)
    text = "C.pow({0}, {1})" if safe else "power({0}, {1})"
    library = [] if safe else ["power"]
    return [line(node, text, base, exponent, broadcast=True, roles=("", "exponent"), library=library)]


@emits("cntk", "Max", "Min", dtypes=WHOLE)
def extremum(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Statement]:
    """``C.element_max`` and ``C.element_min``. Of a number and NaN, it may be the number."""
    if len(values) == 1:
        return [line(node, "{0}", *values)]
    places = ", ".join(f"{{{place}}}" for place in range(len(values)))
    return [line(node, f"C.element_{node.op_type.lower()}({places})", *values, broadcast=True)]


@emits("cntk", "Sum", "Mean")
def total(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """The operators ``+`` and ``/``."""
    check_whole(node)
    text = " + ".join(f"{{{place}}}" for place in range(len(terms)))
    if node.op_type == "Mean" and len(terms) > 1:
        text = f"({text}) / {len(terms)}"
    return [line(node, text, *terms, broadcast=True)]


@emits("cntk", "Clip", dtypes=WHOLE)
def clip(
    node: onnx_ir.Node, data: onnx_ir.Value, low: onnx_ir.Value | None = None, high: onnx_ir.Value | None = None
) -> list[Statement]:
    """``C.clip``, with both limits; else ``C.element_max`` or ``C.element_min``."""
    limits = [value for value in (low, high) if value is not None]
    if len(limits) == 2:
        known = all(is_constant(value) for value in limits) and bool((array(limits[0]) <= array(limits[1])).all())
        text = "C.clip({0}, {1}, {2})" if known else "C.element_min(C.element_max({0}, {1}), {2})"
        return [line(node, text, data, *limits, broadcast=True, roles=("", "low", "high"))]
    function = "C.element_max" if low is not None else "C.element_min"
    return [line(node, f"{function}({{0}}, {{1}})" if limits else "{0}", data, *limits, broadcast=True)]
