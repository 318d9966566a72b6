"""Element by element: arithmetic, comparisons, logic, functions of one number, element types."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits, is_constant, operator_of
from converter.emitters.operand import check_broadcast, number
from converter.emitters.pytorch.operand import dtype_code, is_number, is_sizes, line
from converter.emitters.statement import Statement, Submodule
from converter.ir import dims

_FLOATS = {onnx_ir.DataType.FLOAT, onnx_ir.DataType.DOUBLE, onnx_ir.DataType.FLOAT16}
_FUNCTIONS = {
    "Abs": "abs",
    "Acos": "acos",
    "Acosh": "acosh",
    "Asin": "asin",
    "Asinh": "asinh",
    "Atan": "atan",
    "Atanh": "atanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "IsNaN": "isnan",
    "Log": "log",
    "Reciprocal": "reciprocal",
    "Round": "round",
    "Sin": "sin",
    "Sinh": "sinh",
    "Sqrt": "sqrt",
    "Tan": "tan",
    "transship::ErfInv": "erfinv",
    "transship::Expm1": "expm1",
    "transship::Log1p": "log1p",
    "transship::LogGamma": "lgamma",
}
_OPERATORS = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Equal": "==",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "Less": "<",
    "LessOrEqual": "<=",
    "And": "&",
    "Or": "|",
    "Xor": "^",
}


@emits("pytorch", *_FUNCTIONS)
def function(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The function of ``torch`` that bears its name."""
    return [line(node, f"torch.{_FUNCTIONS[operator_of(node)]}({{0}})", data)]


@emits("pytorch", "IsInf")
def is_infinite(
    node: onnx_ir.Node, data: onnx_ir.Value, *, detect_negative: int = 1, detect_positive: int = 1
) -> list[Statement]:
    """``torch.isinf``, ``torch.isposinf``, ``torch.isneginf``."""
    if not detect_negative and not detect_positive:
        return [line(node, "torch.zeros_like({0}, dtype=torch.bool)", data)]
    sign = "" if detect_negative and detect_positive else "pos" if detect_positive else "neg"
    return [line(node, f"torch.is{sign}inf({{0}})", data)]


@emits("pytorch", "transship::Gamma")
def gamma(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """A function of ``torch.lgamma``."""
    return [line(node, "gamma({0})", data, library=["gamma"])]


@emits("pytorch", "Sign")
def sign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``torch.sign``, of floats behind a function that keeps what is no number, of which torch makes 0."""
    if data.dtype not in _FLOATS:
        return [line(node, "torch.sign({0})", data)]
    return [line(node, "sign({0})", data, library=["sign"])]


@emits("pytorch", "Neg")
def neg(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``-``."""
    return [line(node, "-{0}", data)]


@emits("pytorch", "Not")
def logical_not(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """The operator ``~``, on booleans."""
    return [line(node, "~{0}", data)]


@emits("pytorch", *_OPERATORS)
def operator(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """Python's own operator; a constant of one element is a number in it, any other a buffer.

    Of what is computed of shapes alone it is arithmetic of ints.
    """
    if is_sizes(node.outputs[0]):
        return [sizes_arithmetic(node, left, right)]
    check_broadcast(left, right)
    return [line(node, f"{{0}} {_OPERATORS[node.op_type]} {{1}}", left, right, scalars=_one_varies(left, right))]


@emits("pytorch", "Div")
def div(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """The operator ``/``; of integers ``torch.div`` that rounds towards zero."""
    if is_sizes(node.outputs[0]):
        return [sizes_arithmetic(node, left, right)]
    check_broadcast(left, right)
    if left.dtype not in _FLOATS:
        return [line(node, 'torch.div({0}, {1}, rounding_mode="trunc")', left, right, scalars=is_number(right))]
    # a number divided by a tensor is rounded twice by torch: it multiplies by the reciprocal
    return [line(node, "{0} / {1}", left, right, scalars=is_number(right) and not is_number(left))]


def sizes_arithmetic(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Statement:
    """Arithmetic of ints, which are shapes' and so not negative."""
    symbol = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "//"}[node.op_type]
    return line(node, f"{{0}} {symbol} {{1}}", left, right, scalars=True)


@emits("pytorch", "Pow")
def power(node: onnx_ir.Node, base: onnx_ir.Value, exponent: onnx_ir.Value) -> list[Statement]:
    """``torch.pow``, of two operands of the same element type."""
    if base.dtype != exponent.dtype:
        raise Refused(f"a power of {base.dtype} and {exponent.dtype}")
    check_broadcast(base, exponent)
    scalars = _one_varies(base, exponent) and base.dtype in _FLOATS
    return [line(node, "torch.pow({0}, {1})", base, exponent, scalars=scalars)]


@emits("pytorch", "Mod")
def mod(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, fmod: int = 0) -> list[Statement]:
    """``torch.fmod``, whose sign is the dividend's, or ``torch.remainder``, whose sign is the divisor's."""
    check_broadcast(left, right)
    name = "fmod" if fmod else "remainder"
    return [line(node, f"torch.{name}({{0}}, {{1}})", left, right, scalars=not is_number(left))]


@emits("pytorch", "Max", "Min")
def extremum(node: onnx_ir.Node, first: onnx_ir.Value, *others: onnx_ir.Value) -> list[Statement]:
    """``torch.maximum`` and ``torch.minimum``, one after the other if there are several; ``clamp`` to a number."""
    name, limit = ("maximum", "min") if node.op_type == "Max" else ("minimum", "max")
    check_broadcast(first, *others)
    if not others:
        return [line(node, "{0}", first)]
    statements, current = [], first
    for place, other in enumerate(others):
        last = place == len(others) - 1
        outputs = node.outputs if last else [_like(node, current, place)]
        varying, fixed = (other, current) if is_constant(current) else (current, other)
        if is_constant(fixed) and is_number(fixed) and not is_constant(varying):
            text = f"{{0}}.clamp({limit}={{1}})"
            statements.append(line(node, text, varying, fixed, outputs=outputs, scalars=True, roles=("", limit)))
        else:
            statements.append(line(node, f"torch.{name}({{0}}, {{1}})", current, other, outputs=outputs))
        current = outputs[0]
    return statements


@emits("pytorch", "Sum")
def total(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """The operator ``+``."""
    check_broadcast(*terms)
    return [line(node, " + ".join(f"{{{number}}}" for number in range(len(terms))), *terms)]


@emits("pytorch", "Mean")
def mean(node: onnx_ir.Node, *terms: onnx_ir.Value) -> list[Statement]:
    """The operators ``+`` and ``/``."""
    check_broadcast(*terms)
    text = " + ".join(f"{{{place}}}" for place in range(len(terms)))
    return [line(node, f"({text}) / {{count}}", *terms, count=len(terms))]


@emits("pytorch", "Clip")
def clip(
    node: onnx_ir.Node, data: onnx_ir.Value, low: onnx_ir.Value | None = None, high: onnx_ir.Value | None = None
) -> list[Statement]:
    """``clamp``; from 0 to 6 ``nn.ReLU6``."""
    if data.dtype == onnx_ir.DataType.FLOAT and [_constant(value) for value in (low, high)] == [0, 6]:
        return [line(node, "{module}({0})", data, module=Submodule("nn.ReLU6"))]
    given = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    limits = ", ".join(f"{name}={{{number}}}" for number, name in enumerate(given, 1))
    if not given:
        return [line(node, "{0}", data)]
    scalars = all(is_number(value) for value in given.values())
    return [line(node, f"{{0}}.clamp({limits})", data, *given.values(), scalars=scalars, roles=("", *given))]


@emits("pytorch", "Where")
def where(
    node: onnx_ir.Node, condition: onnx_ir.Value, chosen: onnx_ir.Value, other: onnx_ir.Value
) -> list[Statement]:
    """``torch.where``."""
    check_broadcast(condition, chosen, other)
    scalars = not is_number(condition) and _one_varies(chosen, other)
    return [line(node, "torch.where({0}, {1}, {2})", condition, chosen, other, scalars=scalars)]


@emits("pytorch", "Cast")
def cast(node: onnx_ir.Node, data: onnx_ir.Value, *, to: int, saturate: int = 1) -> list[Statement]:
    """``to`` another element type."""
    kind = onnx_ir.DataType(to)
    del saturate  # of 8-bit floats only, which torch's numpy-like types do not have
    if is_sizes(data):
        text = "torch.tensor({0}, dtype={dtype}, device={device})"
        return [line(node, text, data, scalars=True, dtype=dtype_code(kind))]
    return [line(node, "{0}.to({dtype})", data, dtype=dtype_code(kind))]


@emits("pytorch", "Identity")
def identity(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """Nothing: the value itself."""
    return [line(node, "{0}", data)]


def _constant(value: onnx_ir.Value | None) -> float | None:
    """The number that ``value`` always is, if it is one."""
    return number(value) if value is not None and is_constant(value) and is_number(value) else None


def _one_varies(*operands: onnx_ir.Value) -> bool:
    """Whether a number may stand for a constant: some operand is a tensor, which torch takes the type from."""
    return any(not is_number(value) for value in operands)


def _like(node: onnx_ir.Node, value: onnx_ir.Value, place: int) -> onnx_ir.Value:
    kind = None if value.dtype is None else onnx_ir.TensorType(value.dtype)
    return onnx_ir.Value(name=f"{node.name}/{place}", shape=onnx_ir.Shape(dims(value)), type=kind)
