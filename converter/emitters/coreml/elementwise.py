"""Element by element: arithmetic, functions of one number, limits, element types."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits, is_constant, operator_of
from converter.emitters.coreml.chain import Chain, beside, scalar, whole, zero
from converter.emitters.coreml.operand import Operand, kind, kind_of, line
from converter.emitters.operand import array, check_broadcast, is_nonnegative, is_positive
from converter.emitters.statement import Statement
from converter.ir import dims

_FUNCTIONS = {
    "Abs": "abs",
    "Acos": "acos",
    "Asin": "asin",
    "Atan": "atan",
    "Atanh": "atanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Sin": "sin",
    "Sinh": "sinh",
    "Sqrt": "sqrt",
    "Tan": "tan",
}
_ARITHMETIC = {"Add": "add", "Sub": "sub", "Mul": "mul"}
_INT32 = np.iinfo(np.int32)


@emits("coreml", *_FUNCTIONS)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operation that bears its name."""
    return Chain(node).fitted(_FUNCTIONS[operator_of(node)], x=data)


@emits("coreml", "Log")
def log(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``log``, to which nothing is added."""
    return [line(node, "log", x=data, epsilon=0.0)]


@emits("coreml", "Reciprocal")
def reciprocal(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``real_div``; ``inverse`` adds something to its operand."""
    return [line(node, "real_div", x=1.0, y=data)]


@emits("coreml", "Neg")
def neg(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``mul`` by -1."""
    return Chain(node).fitted("mul", x=data, y=-1.0 if kind(data) == "fp32" else -1)


@emits("coreml", "Sign")
def sign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``sign``; of floats ``select`` keeps what is no number."""
    if kind(data) != "fp32":
        return [line(node, "sign", x=data)]
    chain = Chain(node)
    found = chain.step("sign", "sign", x=data)
    return chain.last("select", cond=chain.step("number", "equal", x=data, y=data), a=found, b=data)


@emits("coreml", "Round")
def round_(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """To the nearest whole number, of two the even one; made of ``floor``, since ``round`` does not say so."""
    chain = Chain(node)
    even, rest, near = _floored(chain, data)
    return chain.last("select", cond=chain.step("between", "equal", x=rest, y=0.5), a=even, b=near)


def rounded(chain: Chain, data: onnx_ir.Value) -> onnx_ir.Value:
    """As :func:`round_`, on the way to something else."""
    even, rest, near = _floored(chain, data)
    return chain.step("rounded", "select", cond=chain.step("between", "equal", x=rest, y=0.5), a=even, b=near)


def _floored(chain: Chain, data: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value, onnx_ir.Value]:
    """The even one of two neighbours, what ``data`` is above the lower one, and the nearest unless both are."""
    low = chain.step("low", "floor", x=data)
    rest = chain.step("rest", "sub", x=data, y=low)
    half = chain.step("half", "mul", x=chain.step("next", "add", x=low, y=1.0), y=0.5)
    even = chain.step("even", "mul", x=chain.step("pairs", "floor", x=half), y=2.0)
    up = chain.step("up", "cast", x=chain.step("above", "greater", x=rest, y=0.5), dtype="fp32")
    return even, rest, chain.step("near", "add", x=low, y=up)


@emits("coreml", "Asinh")
def asinh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """Of the magnitude ``log(1 + u)``, where ``u`` is exact for small and large ones, and then the sign."""
    chain = Chain(node)
    size = chain.step("size", "abs", x=data)
    inverse = chain.step("inverse", "real_div", x=1.0, y=size)
    square = chain.step("square", "square", x=inverse)
    root = chain.step("root", "sqrt", x=chain.step("hypotenuse", "add", x=square, y=1.0))
    part = chain.step("part", "real_div", x=size, y=chain.step("whole", "add", x=inverse, y=root))
    found = log1p(chain, chain.step("above", "add", x=size, y=part))
    return chain.last("mul", x=chain.step("sign", "sign", x=data), y=found)


@emits("coreml", "Acosh")
def acosh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``log(1 + u)`` of ``u = (x - 1) + sqrt(x - 1) * sqrt(x + 1)``, which is exact near 1 and does not overflow."""
    chain = Chain(node)
    above = chain.step("above", "sub", x=data, y=1.0)
    low = chain.step("low", "sqrt", x=above)
    high = chain.step("high", "sqrt", x=chain.step("sum", "add", x=data, y=1.0))
    rest = chain.step("rest", "mul", x=low, y=high)
    return renamed(chain, log1p(chain, chain.step("u", "add", x=above, y=rest)))


def log1p(chain: Chain, data: onnx_ir.Value) -> onnx_ir.Value:
    """``log(1 + data)`` of what is not negative: near 0 ``2 atanh(data / (data + 2))``, which loses nothing."""
    ratio = chain.step("ratio", "real_div", x=data, y=chain.step("more", "add", x=data, y=2.0))
    near = chain.step("near", "mul", x=chain.step("area", "atanh", x=ratio), y=2.0)
    far = chain.step("far", "log", x=chain.step("total", "add", x=data, y=1.0), epsilon=0.0)
    return chain.step("log", "select", cond=chain.step("small", "less", x=data, y=0.5), a=near, b=far)


def renamed(chain: Chain, value: onnx_ir.Value) -> list[Statement]:
    """The lines of ``chain``, whose last result is the node's own."""
    return chain.last("identity", x=value)


@emits("coreml", *_ARITHMETIC)
def arithmetic(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``add``, ``sub`` and ``mul``; a constant of one element is a number in it."""
    check_broadcast(left, right)
    return Chain(node).fitted(_ARITHMETIC[node.op_type], x=beside(left, right), y=beside(right, left))


@emits("coreml", "Div")
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``real_div``; of integers ``floor_div``, corrected where a negative quotient is to be rounded towards zero."""
    check_broadcast(left, right)
    if kind(left) == "fp32":
        return [line(node, "real_div", x=beside(left, right), y=beside(right, left))]
    chain = Chain(node)
    return truncated(chain, left, beside(left, right), right, beside(right, left))


def truncated(chain: Chain, left: onnx_ir.Value, x: Operand, right: onnx_ir.Value, y: Operand) -> list[Statement]:
    """``left`` by ``right``, integers, rounded towards zero; ``x`` and ``y`` are what they stand as."""
    if is_nonnegative(left) and is_positive(right):
        return chain.last("floor_div", x=x, y=y)
    low = chain.step("low", "floor_div", x=x, y=y)
    rest = chain.step("rest", "sub", x=x, y=chain.step("product", "mul", x=low, y=y))
    up = chain.step("up", "cast", x=_rounded_down(chain, low, rest), dtype="int32")
    return chain.fitted("add", x=low, y=up)


def _rounded_down(chain: Chain, low: onnx_ir.Value, rest: onnx_ir.Value) -> onnx_ir.Value:
    """Whether a quotient is negative and ``low``, which leaves a ``rest``, is below it."""
    inexact = chain.step("inexact", "not_equal", x=rest, y=0)
    return chain.step("below", "logical_and", x=inexact, y=chain.step("negative", "less", x=low, y=0))


@emits("coreml", "Mod")
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Statement]:
    """``mod`` of the magnitudes, with the sign of the dividend; of integers what ``floor_div`` leaves."""
    check_broadcast(left, right)
    x, y = beside(left, right), beside(right, left)
    chain = Chain(node)
    if kind(left) == "int32":
        low = chain.step("low", "floor_div", x=x, y=y)
        product = chain.step("product", "mul", x=low, y=y)
        if not fmod or (is_nonnegative(left) and is_positive(right)):
            return chain.last("sub", x=x, y=product)
        rest = chain.step("rest", "sub", x=x, y=product)
        other = chain.step("other", "sub", x=rest, y=y)
        return chain.last("select", cond=_rounded_down(chain, low, rest), a=other, b=rest)
    if not fmod:
        raise Refused("the rest of floats with the sign of the divisor")
    size = chain.step("size", "abs", x=x)
    divisor: Operand = abs(y) if isinstance(y, float) else chain.step("other", "abs", x=y)
    rest = chain.step("rest", "mod", x=size, y=divisor)
    negative = chain.step("negative", "mul", x=rest, y=-1.0)
    return chain.last("select", cond=chain.step("below", "less", x=x, y=0.0), a=negative, b=rest)


@emits("coreml", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """``pow`` or ``square``; of integers ``select`` besides, where the exponent may be negative."""
    check_broadcast(base, exponent)
    chain = Chain(node)
    if is_constant(exponent) and array(exponent).size == 1 and len(dims(exponent)) <= len(dims(base)):
        element = float(array(exponent).reshape(()))
        if element == 2:
            return chain.fitted("square", x=base)
        if kind(base) == "fp32":
            return [line(node, "pow", x=base, y=element)]
    if kind(base) == "int32" and kind(exponent) == "int32" and not is_nonnegative(exponent):
        return _whole_power(chain, base, exponent)
    if kind(base) != kind(exponent):
        if kind(base) != "fp32":
            raise Refused(f"a power of {base.dtype} and {exponent.dtype}")
        return chain.last("pow", x=base, y=chain.step("exponent", "cast", x=exponent, dtype="fp32"))
    return chain.fitted("pow", x=beside(base, exponent), y=beside(exponent, base))


def _whole_power(chain: Chain, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """A power of integers: with a negative exponent 0, but of 1 and -1."""
    x, y = beside(base, exponent), beside(exponent, base)
    found = chain.step("found", "pow", x=x, y=chain.step("times", "abs", x=y))
    large = chain.step("large", "not_equal", x=chain.step("size", "abs", x=x), y=1)
    none = chain.step("none", "logical_and", x=chain.step("below", "less", x=y, y=0), y=large)
    return chain.fitted("select", cond=none, a=0, b=found)


@emits("coreml", "Max", "Min")
def extremum(node: onnx_ir.Node, first: onnx_ir.Value, *others: onnx_ir.Value) -> list[Statement]:
    """``maximum`` and ``minimum``, one after the other if there are several."""
    terms = (first, *others)
    # what is no number is kept in the place of y of the one and x of the other
    ordered = sorted(terms, key=is_constant, reverse=node.op_type == "Max")
    return _joined(node, {"Max": "maximum", "Min": "minimum"}[node.op_type], tuple(ordered))


@emits("coreml", "Sum")
def total(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """``add``, one after the other."""
    return _joined(node, "add", terms)


@emits("coreml", "Mean")
def mean(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """``add``, one after the other, and ``real_div``."""
    check_broadcast(*terms)
    chain, current = Chain(node), terms[0]
    for term in terms[1:]:
        current = chain.step("sum", "add", x=current, y=term)
    return chain.last("real_div", x=current, y=float(len(terms)))


def _joined(node: onnx_ir.Node, operation: str, terms: tuple[onnx_ir.Value, ...]) -> list[Statement]:
    check_broadcast(*terms)
    if len(terms) == 1:
        return [line(node, "identity", x=terms[0])]
    chain = Chain(node)
    current: Operand = beside(terms[0], *terms)
    for place, term in enumerate(terms[1:-1], 1):
        current = chain.step(str(place), operation, x=current, y=beside(term, *terms))
    return chain.fitted(operation, x=current, y=beside(terms[-1], *terms))


@emits("coreml", "Clip")
def clip(
    node: onnx_ir.Node, data: onnx_ir.Value, low: onnx_ir.Value | None = None, high: onnx_ir.Value | None = None
) -> list[Statement]:
    """``clip``; with one limit, of integers and between values ``maximum`` and ``minimum``."""
    chain = Chain(node)
    limits = [None if value is None else _limit(value) for value in (low, high)]
    if kind(data) == "fp32" and all(isinstance(limit, float) for limit in limits):
        alpha, beta = (float(limit) for limit in limits if isinstance(limit, float))
        if alpha < beta:
            return [line(node, "clip", x=data, alpha=limits[0], beta=limits[1])]
    if limits[0] is None and limits[1] is None:
        return [line(node, "identity", x=data)]
    if limits[0] is None:
        return chain.last("minimum", x=data, y=limits[1])
    if limits[1] is None:
        return chain.last("maximum", x=limits[0], y=data)
    return chain.last("minimum", x=chain.step("above", "maximum", x=limits[0], y=data), y=limits[1])


def _limit(value: onnx_ir.Value) -> Operand:
    """A limit as an operand; an integer that no value reaches as one that none exceeds."""
    if not is_constant(value) or array(value).size != 1:
        return value
    if array(value).dtype.kind == "f":
        return scalar(value)
    return int(np.clip(array(value).reshape(()), _INT32.min, _INT32.max))


@emits("coreml", "Cast")
def cast(node: onnx_ir.Node, data: onnx_ir.Value, *, to: int, saturate: int = 1) -> list[Statement]:
    """``cast``; to integers behind what cuts the rest off, to booleans ``not_equal`` to 0."""
    del saturate  # of 8-bit floats only
    before, after = kind(data), kind_of(onnx_ir.DataType(to))
    chain = Chain(node)
    if before == after:
        return chain.last("identity", x=data) if _holds(node, data) else chain.fitted("identity", x=data)
    if after == "bool":
        return [line(node, "not_equal", x=data, y=zero(data))]
    if before == "fp32":
        return chain.fitted("cast", x=whole(chain, data), dtype=after)
    return chain.last("cast", x=data, dtype=after)


def _holds(node: onnx_ir.Node, data: onnx_ir.Value) -> bool:
    """Whether the node's element type has all the numbers that ``data`` may hold."""
    return data.dtype in {onnx_ir.DataType.BOOL, node.outputs[0].dtype}


@emits("coreml", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``identity``."""
    return [line(node, "identity", x=data)]
