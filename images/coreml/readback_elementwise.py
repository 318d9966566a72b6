"""Operations that compute each element by itself: of one tensor, or of several with numpy's broadcasting."""

from __future__ import annotations

from onnx import TensorProto
from readback_graph import Graph, RefusedError, Tensor, reads

UNARY = {
    "abs": "Abs",
    "acos": "Acos",
    "asin": "Asin",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "identity": "Identity",
    "logical_not": "Not",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
BINARY = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "pow": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
}
CASTS = {
    "fp16": TensorProto.FLOAT,
    "fp32": TensorProto.FLOAT,
    "bool": TensorProto.BOOL,
    "int8": TensorProto.INT32,
    "uint8": TensorProto.INT32,
    "int16": TensorProto.INT32,
    "uint16": TensorProto.INT32,
    "int32": TensorProto.INT32,
}


@reads(*UNARY)
def unary(graph: Graph, operation: str, x: Tensor) -> str:
    """The operator of ONNX that means the same; ``round`` is to the nearest even."""
    return graph.op(UNARY[operation], x)


@reads(*BINARY)
def binary(graph: Graph, operation: str, x: Tensor, y: Tensor) -> str:
    """The operator of ONNX that means the same."""
    return graph.op(BINARY[operation], x, y)


@reads("not_equal")
def not_equal(graph: Graph, x: Tensor, y: Tensor) -> str:
    """``x != y``."""
    return graph.op("Not", graph.op("Equal", x, y))


@reads("real_div")
def real_div(graph: Graph, x: Tensor, y: Tensor) -> str:
    """``x / y``; of integers the documentation does not say how it is rounded."""
    if not x.is_float:
        raise RefusedError("a quotient of integers, whose rounding is not documented")
    return graph.op("Div", x, y)


@reads("floor_div")
def floor_div(graph: Graph, x: Tensor, y: Tensor) -> str:
    """``x / y`` rounded towards negative infinity; the remainder of integers has the divisor's sign."""
    if x.is_float:
        return graph.op("Floor", graph.op("Div", x, y))
    return graph.op("Div", graph.op("Sub", x, graph.op("Mod", x, y)), y)


@reads("mod")
def mod(graph: Graph, x: Tensor, y: Tensor) -> str:
    """``x % y`` as Python means it: the sign is the divisor's."""
    if not x.is_float:
        return graph.op("Mod", x, y)
    zero = graph.scalar(0, x)
    rest = graph.op("Mod", x, y, fmod=1)
    differs = graph.op("Xor", graph.op("Less", rest, zero), graph.op("Less", y, zero))
    moved = graph.op("And", differs, graph.op("Not", graph.op("Equal", rest, zero)))
    return graph.op("Where", moved, graph.op("Add", rest, y), rest)


@reads("clip")
def clip(graph: Graph, x: Tensor, alpha: float, beta: float) -> str:
    """Not below ``alpha`` and not above ``beta``."""
    return graph.op("Min", graph.op("Max", x, graph.scalar(alpha, x)), graph.scalar(beta, x))


@reads("threshold")
def threshold(graph: Graph, x: Tensor, alpha: float) -> str:
    """Not below ``alpha``."""
    return graph.op("Max", x, graph.scalar(alpha, x))


@reads("exp2")
def exp2(graph: Graph, x: Tensor) -> str:
    """Two to the power of ``x``."""
    return graph.op("Pow", graph.scalar(2, x), x)


@reads("square")
def square(graph: Graph, x: Tensor) -> str:
    """``x * x``."""
    return graph.op("Mul", x, x)


@reads("inverse")
def inverse(graph: Graph, x: Tensor, epsilon: float = 1e-4) -> str:
    """``1 / (x + epsilon)``."""
    return graph.op("Reciprocal", _plus(graph, x, epsilon))


@reads("log")
def log(graph: Graph, x: Tensor, epsilon: float = 1e-45) -> str:
    """``log(x + epsilon)``."""
    return graph.op("Log", _plus(graph, x, epsilon))


@reads("rsqrt")
def rsqrt(graph: Graph, x: Tensor, epsilon: float = 1e-12) -> str:
    """``1 / sqrt(x + epsilon)``."""
    return graph.op("Reciprocal", graph.op("Sqrt", _plus(graph, x, epsilon)))


def _plus(graph: Graph, x: Tensor, epsilon: float) -> str:
    return graph.op("Add", x, graph.scalar(epsilon, x))


@reads("cast")
def cast(graph: Graph, x: Tensor, dtype: str) -> str:
    """As another type: towards zero if that is of integers, whether it is not zero if that is ``bool``."""
    if dtype not in CASTS:
        raise RefusedError(f"the type {dtype!r}")
    return graph.op("Cast", x, to=CASTS[dtype])


@reads("select")
def select(graph: Graph, cond: Tensor, a: Tensor, b: Tensor) -> str:
    """``a`` where ``cond`` holds, elsewhere ``b``."""
    return graph.op("Where", cond, a, b)
