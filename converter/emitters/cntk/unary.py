"""Functions of one number, and element types."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits, operator_of
from converter.emitters.cntk.bounds import NARROW, WHOLE, check_narrow, check_whole, is_regular, least
from converter.emitters.cntk.operand import line
from converter.emitters.statement import Statement

_FUNCTIONS = {
    "Acos": "C.acos({0})",
    "Acosh": "acosh({0})",
    "Asin": "C.asin({0})",
    "Asinh": "C.asinh({0})",
    "Atan": "C.atan({0})",
    "Atanh": "C.atanh({0})",
    "Cos": "C.cos({0})",
    "Cosh": "C.cosh({0})",
    "Erf": "erf({0})",
    "Exp": "C.exp({0})",
    "IsNaN": "C.not_equal({0}, {0})",
    "Sin": "C.sin({0})",
    "Sinh": "C.sinh({0})",
    "Tan": "C.tan({0})",
}
_WHOLE_TOO = {
    "Abs": "C.abs({0})",
    "Ceil": "C.ceil({0})",
    "Floor": "C.floor({0})",
    "Identity": "{0}",
    "Neg": "-{0}",
    "Round": "round_half_even({0})",
    "Sign": "sign({0})",
}
_FLOAT, _BOOL = onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL


def _function(node: onnx_ir.Node, text: str, data: onnx_ir.Value) -> list[Statement]:
    name = text.partition("(")[0]
    return [line(node, text, data, library=[name] if name.isidentifier() else [])]


@emits("cntk", *_FUNCTIONS)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``cntk`` that bears its name, or one of the code: ``erf``, ``acosh``."""
    return _function(node, _FUNCTIONS[operator_of(node)], data)


@emits("cntk", *_WHOLE_TOO, dtypes=WHOLE)
def function_of_whole(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``cntk`` that bears its name, or one of the code: ``sign``, and rounding halves to even."""
    if node.op_type in {"Abs", "Neg"}:
        check_narrow(node)
    return _function(node, _WHOLE_TOO[node.op_type], data)


@emits("cntk", "Sqrt", "Log", "Reciprocal")
def guarded(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``C.sqrt``, ``C.log``, ``C.reciprocal`` of what is seen to be above 0; else functions right for 0 and below."""
    if (least(data) >= 0) if node.op_type == "Sqrt" else is_regular(data):
        return [line(node, f"C.{node.op_type.lower()}({{0}})", data)]
    if node.op_type == "Reciprocal":
        return [line(node, "divide(1, {0})", data, library=["divide"])]
    return _function(node, f"{node.op_type.lower()}({{0}})", data)


@emits("cntk", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Statement]:
    """``C.equal``."""
    if not detect_negative and not detect_positive:
        return [line(node, "C.less(C.abs({0}), 0)", data)]
    if detect_negative and detect_positive:
        return [line(node, "C.equal(C.abs({0}), {inf})", data, inf=float("inf"))]
    return [line(node, "C.equal({0}, {inf})", data, inf=float("inf" if detect_positive else "-inf"))]


@emits("cntk", "Cast", dtypes=WHOLE)
def cast(node: onnx_ir.Node, data: onnx_ir.Value, *, to: int, saturate: int = 1) -> list[Statement]:
    """Nothing where the numbers stay; ``C.not_equal`` for truth, a function for whole numbers of float32."""
    del saturate  # of 8-bit floats only
    if to == _BOOL and data.dtype != _BOOL:
        return [line(node, "C.not_equal({0}, 0)", data)]
    if to not in (_FLOAT, _BOOL, *WHOLE):
        raise Refused(f"there are no {onnx_ir.DataType(to).name.lower()} values")
    if to in NARROW:
        check_whole(node)
    if data.dtype == _FLOAT and to in WHOLE:
        return _function(node, "truncate({0})", data)
    return [line(node, "{0}", data)]
