"""Functions of each element."""

from __future__ import annotations

import onnx
import onnx_ir

from converter.emitters import Refused, constant, emits
from converter.emitters.known import is_whole, kind_of
from converter.emitters.mxnet.call import Call, Chain, call, renamed
from converter.emitters.mxnet.number import number_of, stored_kind
from converter.ir import dims

_SAME = {
    "Abs": "abs",
    "Acos": "arccos",
    "Acosh": "arccosh",
    "Asin": "arcsin",
    "Asinh": "arcsinh",
    "Atan": "arctan",
    "Atanh": "arctanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Identity": "identity",
    "Log": "log",
    "Neg": "negative",
    "Reciprocal": "reciprocal",
    "Sin": "sin",
    "Sinh": "sinh",
    "Sqrt": "sqrt",
    "Tan": "tan",
    "transship::ErfInv": "erfinv",
    "transship::Expm1": "expm1",
    "transship::Gamma": "gamma",
    "transship::Log1p": "log1p",
    "transship::LogGamma": "gammaln",
}
_EXACT = 1 << 24
"""Beyond it float32 loses whole numbers."""


@emits("mxnet", *_SAME)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """MXNet's function of the same meaning: ``abs``, ``sqrt``, ``negative`` for ``Neg``."""
    operator = node.op_type if node.domain == "" else f"{node.domain}::{node.op_type}"
    return call(node, _SAME[operator], data)


@emits("mxnet", "Round")
def nearest(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``rint``, which rounds halves down: ``where`` there is one, twice the ``rint`` of half the number."""
    chain = Chain(node)
    low = chain.step("low", "rint", data)
    tie = chain.step("half", "_internal._equal_scalar", chain.step("rest", "elemwise_sub", data, low), scalar=0.5)
    middle = chain.step("middle", "rint", chain.step("scaled", "_internal._div_scalar", data, scalar=2.0))
    even = chain.step("even", "_internal._mul_scalar", middle, scalar=2.0)
    return chain.last("where", tie, even, low)


@emits("mxnet", "Sign")
def sign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Call]:
    """``sign``; MXNet says 0 of what is not a number: that is divided by whether it is equal to itself."""
    if is_whole(data):
        return call(node, "sign", data)
    chain = Chain(node)
    same = chain.step("number", "broadcast_equal", data, data)
    return chain.last("elemwise_div", chain.step("sign", "sign", data), same)


@emits("mxnet", "Cast")
def cast(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    to: int,
    saturate: int = 1,  # noqa: ARG001 - of float8
) -> list[Call]:
    """``cast``; to truth values, which are 0 and 1 in float32, a comparison with 0.

    Raises:
        Refused: MXNet lacks the type.
    """
    wanted = onnx_ir.DataType(to)
    chain = Chain(node)
    if wanted == onnx_ir.DataType.BOOL:
        if kind_of(data) == onnx_ir.DataType.BOOL:
            return chain.last("identity", data)
        different = chain.step("nonzero", "_internal._not_equal_scalar", data, scalar=0)
        return chain.last("cast", different, dtype="float32")
    name = wanted.numpy().name
    if name not in ("float16", "float32", "float64", "uint8", "int8", "int32", "int64"):
        raise Refused(f"MXNet has no {onnx.TensorProto.DataType.Name(to)}")
    return chain.last("identity", data) if stored_kind(data) == name else chain.last("cast", data, dtype=name)


@emits("mxnet", "Clip")
def clip(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    low: onnx_ir.Value | None = None,
    high: onnx_ir.Value | None = None,
) -> list[Call]:
    """``clip``; ``_maximum_scalar`` or ``_minimum_scalar`` where there is one bound."""
    chain = Chain(node)
    least, most = (None if bound is None else number_of(bound) for bound in (low, high))
    narrow = all(abs(bound) <= _EXACT for bound in (least, most) if bound is not None) or not is_whole(data)
    if least is not None and most is not None and narrow and least <= most:
        return chain.last("clip", data, a_min=least, a_max=most)
    bounds = [(low, least, "maximum"), (high, most, "minimum")]
    for value, number, word in bounds:
        if value is not None and number is not None:
            data = chain.step(word, f"_internal._{word}_scalar", data, scalar=number)
        elif value is not None:
            data = chain.step(word, f"broadcast_{word}", data, value)
    return renamed(chain, data)


@emits("mxnet", "CumSum")
def cumsum(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: onnx_ir.Value, *, exclusive: int = 0, reverse: int = 0
) -> list[Call]:
    """``cumsum``, between two of ``reverse`` where it sums from the end.

    Raises:
        Refused: Each element is left out of its own sum.
    """
    if exclusive:
        raise Refused("exclusive is set")
    chain = Chain(node)
    place = int(constant(axis).numpy().reshape(())) % len(dims(data))
    if not reverse:
        return chain.last("cumsum", data, axis=place)
    turned = chain.step("turned", "reverse", data, axis=place)
    return chain.last("reverse", chain.step("sum", "cumsum", turned, axis=place), axis=place)
