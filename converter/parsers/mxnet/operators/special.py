"""Functions of each element that ONNX lacks and other frameworks have.

Sources: src/operator/tensor/elemwise_unary_op_basic.cc, elemwise_unary_op_logexp.cc, contrib/erfinv-inl.h.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir
from onnx_ir import Value

from converter.parsers.mxnet.operators.arithmetic import floating
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("expm1")
def expm1(g: Scope, data: Value) -> Value:
    """``exp(data) - 1``, exact near 0 as well."""
    return g.call("Expm1", floating(g, data), body=_expm1)[0]


@parses("log1p")
def log1p(g: Scope, data: Value) -> Value:
    """``log(1 + data)``, exact near 0 as well."""
    return g.call("Log1p", floating(g, data), body=_log1p)[0]


@parses("erfinv")
def erfinv(g: Scope, data: Value) -> Value:
    """The inverse of the error function."""
    return g.call("ErfInv", floating(g, data), body=_inverse_error)[0]


@parses("gamma")
def gamma(g: Scope, data: Value) -> Value:
    """The gamma function."""
    return g.call("Gamma", floating(g, data), body=_gamma)[0]


@parses("gammaln")
def gammaln(g: Scope, data: Value) -> Value:
    """The logarithm of the gamma function's absolute value."""
    return g.call("LogGamma", floating(g, data), body=_log_gamma)[0]


def _small(g: Scope, data: Value) -> Value:
    return g.emit("Less", g.emit("Abs", data, role="size"), g.scalar("half", 0.5, data), role="small")


def _expm1(g: Scope, data: Value) -> Value:
    """With t = tanh(x / 2), exp(x) - 1 is 2 t / (1 - t), which near 0 does not cancel."""
    one, two = g.scalar("one", 1, data), g.scalar("two", 2, data)
    tangent = g.emit("Tanh", g.emit("Div", data, two, role="half"), role="tangent")
    twice = g.emit("Mul", two, tangent, role="twice")
    near = g.emit("Div", twice, g.emit("Sub", one, tangent, role="rest"), role="near")
    far = g.emit("Sub", g.emit("Exp", data, role="exp"), one, role="far")
    return g.emit("Where", _small(g, data), near, far)


def _log1p(g: Scope, data: Value) -> Value:
    """log(1 + x) is 2 artanh(x / (x + 2)), which near 0 does not lose what 1 + x rounds away."""
    one, two = g.scalar("one", 1, data), g.scalar("two", 2, data)
    ratio = g.emit("Div", data, g.emit("Add", data, two, role="above"), role="ratio")
    near = g.emit("Mul", two, g.emit("Atanh", ratio, role="area"), role="near")
    far = g.emit("Log", g.emit("Add", data, one, role="sum"), role="far")
    return g.emit("Where", _small(g, data), near, far)


# The highest power first, of w - 2.5 and of sqrt(w) - 3, with w = -log(1 - x²): M. Giles, Approximating the erfinv
# function, GPU Computing Gems, 2011.
_ERFINV_MIDDLE = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_ERFINV_TAILS = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)


def _inverse_error(g: Scope, data: Value) -> Value:
    """``x`` times one of two polynomials; infinite at -1 and 1."""
    one = g.scalar("one", 1, data)
    room = g.emit("Sub", one, g.emit("Abs", data, role="size"), role="room")
    product = g.emit(
        "Mul", g.emit("Sub", one, data, role="below"), g.emit("Add", one, data, role="above"), role="rest"
    )
    width = g.emit("Neg", g.emit("Log", product, role="log"), role="width")
    middle = g.emit("Sub", width, g.scalar("centre", 2.5, data), role="middle")
    tails = g.emit("Sub", g.emit("Sqrt", width, role="root"), g.scalar("start", 3, data), role="tails")
    inside = g.emit("Less", width, g.scalar("border", 5, data), role="inside")
    slope = g.emit(
        "Where", inside, _polynomial(g, middle, _ERFINV_MIDDLE), _polynomial(g, tails, _ERFINV_TAILS), role="slope"
    )
    ends = g.emit("Equal", room, g.scalar("zero", 0, data), role="ends")
    return g.emit(
        "Where", ends, g.emit("Div", data, room, role="infinite"), g.emit("Mul", data, slope, role="finite")
    )


def _polynomial(g: Scope, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule; the highest power first."""
    value = g.scalar("coefficient", coefficients[0], x)
    for coefficient in coefficients[1:]:
        term = g.emit("Mul", value, x, role="term")
        value = g.emit("Add", term, g.scalar("coefficient", coefficient, x), role="sum")
    return value


# C. Lanczos, A precision approximation of the gamma function, 1964, with g = 7 and nine terms; in float64 it has 15
# correct digits.
_LANCZOS_FIRST = 0.99999999999980993
_LANCZOS = (
    *(676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059),
    *(12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7),
)


def _gamma(g: Scope, data: Value) -> Value:
    """By Euler's reflection below 1/2; not a number at -1, -2, ..."""
    x = g.emit("Cast", data, role="exact", to=int(onnx_ir.DataType.DOUBLE))
    low, mirrored = _mirrored(g, x)
    value = g.emit("Exp", _lanczos(g, mirrored), role="mirrored")
    nearest, sine = _sine(g, x)
    odd = g.emit("Abs", g.emit("Mod", nearest, g.scalar("two", 2, x), role="remainder", fmod=1), role="odd")
    parity = g.emit("Sub", g.scalar("one", 1, x), g.emit("Add", odd, odd, role="twice"), role="parity")
    divisor = g.emit("Mul", g.emit("Mul", parity, sine, role="signed"), value, role="divisor")
    reflected = g.emit("Div", g.scalar("pi", math.pi, x), divisor, role="reflected")
    zero = g.scalar("zero", 0, x)
    below = g.emit("Less", x, zero, role="below")
    pole = g.emit("And", below, g.emit("Equal", sine, zero, role="integer"), role="pole")
    known = g.emit("Where", pole, g.scalar("undefined", math.nan, x), reflected, role="known")
    return g.emit("Cast", g.emit("Where", low, known, value, role="exact-output"), to=int(dtype_of(data)))


def _log_gamma(g: Scope, data: Value) -> Value:
    """By Euler's reflection below 1/2; infinite at 0, -1, -2, ..."""
    x = g.emit("Cast", data, role="exact", to=int(onnx_ir.DataType.DOUBLE))
    low, mirrored = _mirrored(g, x)
    value = _lanczos(g, mirrored)
    _, sine = _sine(g, x)
    ratio = g.emit("Div", g.scalar("pi", math.pi, x), g.emit("Abs", sine, role="size"), role="ratio")
    reflected = g.emit("Sub", g.emit("Log", ratio, role="log-ratio"), value, role="reflected")
    return g.emit("Cast", g.emit("Where", low, reflected, value, role="exact-output"), to=int(dtype_of(data)))


def _mirrored(g: Scope, x: Value) -> tuple[Value, Value]:
    """Where ``x`` is below 1/2, and ``x`` with those values replaced by ``1 - x``."""
    low = g.emit("Less", x, g.scalar("half", 0.5, x), role="low")
    return low, g.emit("Where", low, g.emit("Sub", g.scalar("one", 1, x), x, role="opposite"), x, role="high")


def _sine(g: Scope, x: Value) -> tuple[Value, Value]:
    """The nearest whole number, and the sine of pi times the distance to it, which is exactly 0 at all of them."""
    nearest = g.emit("Round", x, role="nearest")
    distance = g.emit("Sub", x, nearest, role="distance")
    return nearest, g.emit("Sin", g.emit("Mul", distance, g.scalar("pi", math.pi, x), role="angle"), role="sine")


def _lanczos(g: Scope, x: Value) -> Value:
    """The logarithm of the gamma function of float64 numbers from 1/2 on."""
    offsets = g.array("offsets", np.arange(len(_LANCZOS), dtype=np.float64))
    column = g.emit("Unsqueeze", x, g.ints("last", [-1]), role="column")
    terms = g.emit(
        "Div",
        g.array("coefficients", np.array(_LANCZOS)),
        g.emit("Add", column, offsets, role="offset"),
        role="terms",
    )
    series = g.emit("ReduceSum", terms, g.ints("last", [-1]), role="series", keepdims=0)
    total = g.emit("Add", series, g.scalar("first", _LANCZOS_FIRST, x), role="total")
    base = g.emit("Add", x, g.scalar("shift", 6.5, x), role="base")
    exponent = g.emit("Sub", x, g.scalar("half", 0.5, x), role="exponent")
    growth = g.emit("Mul", exponent, g.emit("Log", base, role="log-base"), role="growth")
    main = g.emit("Sub", growth, base, role="main")
    rest = g.emit("Log", total, role="log-total")
    constant = g.scalar("constant", math.log(2 * math.pi) / 2, x)
    return g.emit("Add", g.emit("Add", main, rest, role="sum"), constant, role="log-gamma")
