"""Arithmetic of two values, or of a value and a number."""

from __future__ import annotations

import math

import onnx_ir

from converter.emitters import Refused, emits, only_output
from converter.emitters.known import is_whole, kind_of
from converter.emitters.mxnet.call import Call, Chain, call
from converter.emitters.mxnet.limits import broadcast
from converter.emitters.mxnet.number import number_of
from converter.ir import dims


@emits("mxnet", "Add")
def add(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``elemwise_add``, ``broadcast_add`` of different shapes, ``_plus_scalar`` of a number."""
    return _binary(node, left, right, "add", "plus", "plus")


@emits("mxnet", "Sub")
def subtract(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``elemwise_sub``, ``broadcast_sub`` of different shapes; of a number ``_minus_scalar``, ``_rminus_scalar``."""
    return _binary(node, left, right, "sub", "minus", "rminus")


@emits("mxnet", "Mul")
def multiply(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``elemwise_mul``, ``broadcast_mul`` of different shapes, ``_mul_scalar`` of a number."""
    return _binary(node, left, right, "mul", "mul", "mul")


@emits("mxnet", "Div")
def divide(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``elemwise_div``, ``broadcast_div`` of different shapes, ``_div_scalar`` or ``_rdiv_scalar`` of a number."""
    return _binary(node, left, right, "div", "div", "rdiv")


@emits("mxnet", "Pow")
def power(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """``broadcast_power``, ``_power_scalar`` or ``_rpower_scalar`` of a number; of whole numbers in float64.

    Raises:
        Refused: The two are of different types.
    """
    if kind_of(left) != kind_of(right):
        raise Refused(f"a power of {kind_of(left).name} and {kind_of(right).name}")
    if not is_whole(left):
        return _binary(node, left, right, "power", "power", "rpower")
    chain = Chain(node)
    base, exponent = (
        chain.step(role, "cast", value, dtype="float64") for role, value in (("base", left), ("exponent", right))
    )
    exact = chain.step("power", "broadcast_power", base, exponent)
    return chain.last("cast", exact, dtype=kind_of(left).numpy().name)


@emits("mxnet", "Max")
def maximum(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Call]:
    """``broadcast_maximum``, ``_maximum_scalar`` of a number; of several inputs one after the other."""
    return _folded(node, values, "maximum")


@emits("mxnet", "Min")
def minimum(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Call]:
    """``broadcast_minimum``, ``_minimum_scalar`` of a number; of several inputs one after the other."""
    return _folded(node, values, "minimum")


@emits("mxnet", "Sum")
def add_n(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Call]:
    """``add_n``, ``broadcast_add`` of different shapes."""
    if len({dims(value) for value in values}) == 1:
        return call(node, "add_n", *values)
    return _folded(node, values, "add")


@emits("mxnet", "Mean")
def mean(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Call]:
    """The sum, one after the other with ``broadcast_add``, divided by ``_div_scalar``."""
    chain, total = Chain(node), values[0]
    for index, value in enumerate(values[1:], 2):
        total = chain.step(f"of{index}", "broadcast_add", total, value)
    return chain.last("_internal._div_scalar", total, scalar=float(len(values)))


@emits("mxnet", "Mod")
def remainder(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Call]:
    """``broadcast_mod`` of absolute values, with the dividend's sign; of whole numbers what division leaves.

    MXNet's own remainder has the divisor's sign, is 0 of a divisor 0, and takes whole numbers as float64.

    Raises:
        Refused: Fractions, without ``fmod``, which ONNX does not define.
    """
    if is_whole(left):
        return _whole_remainder(Chain(node), left, right, bool(fmod))
    if not fmod:
        raise Refused("fmod is not set for numbers with a fraction")
    chain = Chain(node)
    sizes = [chain.step(role, "abs", value) for role, value in (("dividend", left), ("divisor", right))]
    rest = chain.step("rest", "broadcast_mod", *sizes)
    signed = chain.step("signed", "broadcast_mul", chain.step("sign", "sign", left), rest)
    some = chain.step("some", "_internal._not_equal_scalar", right, scalar=0.0)
    return chain.last("broadcast_add", signed, chain.step("absent", "_internal._rdiv_scalar", some, scalar=0.0))


def _whole_remainder(chain: Chain, left: onnx_ir.Value, right: onnx_ir.Value, truncated: bool) -> list[Call]:
    """What is left of a division towards 0; plus the divisor where the signs of both differ, unless ``truncated``."""
    quotient = chain.step("quotient", "broadcast_div", left, right)
    product = chain.step("product", "broadcast_mul", quotient, right)
    if truncated:
        return chain.last("broadcast_sub", left, product)
    rest = chain.step("rest", "broadcast_sub", left, product)
    below = chain.step("below", "_internal._lesser_scalar", rest, scalar=0)
    negative = chain.step("negative", "_internal._lesser_scalar", right, scalar=0)
    opposite = chain.step("opposite", "broadcast_not_equal", below, negative)
    some = chain.step("some", "_internal._not_equal_scalar", rest, scalar=0)
    wrong = chain.step("wrong", "broadcast_mul", opposite, some)
    return chain.last("broadcast_add", rest, chain.step("more", "broadcast_mul", wrong, right))


def _folded(node: onnx_ir.Node, values: tuple[onnx_ir.Value, ...], word: str) -> list[Call]:
    chain = Chain(node)
    if len(values) == 1:
        return chain.last("identity", values[0])
    if len(values) == 2:
        return _binary(node, values[0], values[1], word, word, word)
    total = values[0]
    for index, value in enumerate(values[1:-1], 2):
        total = chain.step(f"of{index}", f"broadcast_{word}", total, value)
    return chain.last(f"broadcast_{word}", total, values[-1])


def _binary(
    node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, word: str, scalar: str, reverse: str
) -> list[Call]:
    """One of three operators: of a value and a number, of two of one shape, of two that are broadcast."""
    made = dims(only_output(node))
    for number, value, name in ((number_of(right), left, scalar), (number_of(left), right, reverse)):
        if number is not None and dims(value) == made and not math.isnan(number):
            return call(node, f"_internal._{name}_scalar", value, scalar=number)
    if dims(left) == dims(right) and word in ("add", "sub", "mul", "div"):
        return call(node, f"elemwise_{word}", left, right)
    return broadcast(Chain(node), f"broadcast_{word}", left, right)
