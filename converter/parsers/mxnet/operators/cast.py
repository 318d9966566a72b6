"""Element types.

Sources: src/operator/tensor/elemwise_unary_op_basic.cc (Cast), amp_cast.cc.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from onnx_ir import DataType, Value

from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, dtype_of

Floating: TypeAlias = Literal["float16", "bfloat16", "float32", "float64"]


@parses("Cast", "cast")
def cast(
    g: Scope,
    data: Value,
    *,
    dtype: Literal["float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool"],
) -> Value:
    """``data`` as another type; float64 is float32, and float16 is float32 rounded to float16. Refused: bfloat16.

    Whole numbers are made by rounding towards zero, and modulo the range of uint8 and int8.
    """
    if dtype == "float16":
        half = g.emit("Cast", data, role="half", to=DataType.FLOAT16)
        return g.emit("Cast", half, to=DataType.FLOAT)
    if dtype in ("float32", "float64"):
        return _to(g, data, DataType.FLOAT)
    if dtype in ("uint8", "int8") and dtype_of(data).is_floating_point():
        # What lies outside of the type's range is defined between whole numbers only.
        data = g.emit("Cast", data, role="whole", to=DataType.INT32)
    return _to(g, data, DataType[dtype.upper()])


def _to(g: Scope, data: Value, dtype: DataType) -> Value:
    return g.emit("Identity", data) if dtype_of(data) == dtype else g.emit("Cast", data, to=dtype)


@parses("amp_cast")
def amp_cast(g: Scope, data: Value, *, dtype: Floating) -> Value:  # noqa: ARG001
    """``data``: mixed precision speeds up the full-precision network that was trained, which is what the IR holds."""
    return g.emit("Identity", data)


@parses("amp_multicast", ignores=("num_outputs", "cast_narrow"))
def amp_multicast(g: Scope, *data: Value) -> list[Value]:
    """The inputs, each as it is; see amp_cast."""
    names = [f"output{i}" for i in range(len(data))] if len(data) > 1 else ["output"]
    return [g.emit("Identity", value, output=name) for value, name in zip(data, names, strict=True)]
