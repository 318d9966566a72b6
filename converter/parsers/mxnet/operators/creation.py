"""Values made of nothing but numbers.

Source: src/operator/tensor/init_op.h.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import onnx
from onnx_ir import DataType, Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import at_least, positive_axis, size
from converter.parsers.mxnet.operators.shapes import length, reshaped, vector
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import MAX_ELEMENTS, Scope, Shape, dtype_of

Whole: TypeAlias = Literal["int8", "int32", "int64", "uint8"]
Single: TypeAlias = Literal["float32", "float64"]
Half: TypeAlias = Literal["float16", "bfloat16"]

MAX_WHOLE = 1 << 53


@parses("zeros_like", ignores=("dtype",))
def zeros_like(g: Scope, data: Value) -> Value:
    """0 in the shape and of the type of ``data``."""
    return _filled(g, g.emit("Shape", data, role="shape"), ir.dims(data), 0, dtype_of(data))


@parses("ones_like", ignores=("dtype",))
def ones_like(g: Scope, data: Value) -> Value:
    """1 in the shape and of the type of ``data``."""
    return _filled(g, g.emit("Shape", data, role="shape"), ir.dims(data), 1, dtype_of(data))


@parses("_zeros", ignores=("ctx",))
def zeros(g: Scope, *, shape: Ints = (), dtype: Literal[Single, Half, Whole, "bool"] = "float32") -> Value:
    """0 in ``shape``, where 0 is the batch of the inputs; floating point of any width is float32."""
    return _new(g, shape, 0, dtype)


@parses("_ones", ignores=("ctx",))
def ones(g: Scope, *, shape: Ints = (), dtype: Literal[Single, Half, Whole, "bool"] = "float32") -> Value:
    """1 in ``shape``, where 0 is the batch of the inputs; floating point of any width is float32."""
    return _new(g, shape, 1, dtype)


@parses("_full", ignores=("ctx",))
def full(g: Scope, *, shape: Ints = (), value: float, dtype: Literal[Single, Whole, "bool"] = "float32") -> Value:
    """``value``, converted as by Cast, in ``shape``, where 0 is the batch of the inputs."""
    whole = dtype not in ("float32", "float64", "bool")
    return _new(g, shape, _whole(g, value) if whole else value, dtype)


def _new(g: Scope, shape: Ints, value: float, dtype: str) -> Value:
    """``value`` in ``shape``, of which MXNet infers one dimension, if it is 0, from what reads the output.

    That is how recurrent networks write their first states, and it is the batch there: the first dimension of all the
    graph's inputs. Where it is another, whatever reads the output finds that it does not fit.
    """
    batches = {ir.dims(given)[0] for given in g.inputs}
    if not shape or min(shape) < 0 or shape.count(0) > (len(batches) == 1):
        raise g.refuse(f"shape={shape}, the rest of which MXNet infers from what reads the output")
    made = tuple(dim or next(iter(batches)) for dim in shape)
    return _filled(g, vector(g, made, next(iter(g.inputs), None)), made, value, _type(dtype))


def _filled(g: Scope, sizes: Value, shape: Shape, value: float, dtype: DataType) -> Value:
    """``value``, which may exceed the range of whole numbers, in the shape ``sizes``."""
    number = np.array(value)[None].astype(dtype.numpy())
    return g.emit("ConstantOfShape", sizes, value=onnx.numpy_helper.from_array(number), shape=shape)


def _whole(g: Scope, value: float) -> int:
    """``value`` rounded towards zero; refused where it is none of the whole numbers that a double tells apart."""
    if abs(value) > MAX_WHOLE:
        raise g.refuse(f"{value} as a whole number")
    return math.trunc(value)


def _type(dtype: str) -> DataType:
    """The IR's type for MXNet's name; floating point of any width is float32."""
    return DataType.FLOAT if "float" in dtype else DataType[dtype.upper()]


@parses("_eye", ignores=("ctx",))
def eye(
    g: Scope,
    *,
    N: int,  # noqa: N803 - MXNet's names
    M: int = 0,  # noqa: N803
    k: int = 0,
    dtype: Literal[Single, "float16", Whole] = "float32",
) -> Value:
    """The ``N`` by ``M`` matrix (0: ``N``) with 1 on the diagonal ``k``, and 0 elsewhere."""
    shape = (at_least(g, "N", N), at_least(g, "M", M, 0) or N)
    ground = g.emit("ConstantOfShape", g.ints("shape", shape), role="ground", shape=shape)
    kind = _type(dtype)
    if kind in (DataType.INT8, DataType.UINT8):
        return g.emit("Cast", g.emit("EyeLike", ground, role="eye", k=k, dtype=DataType.INT32), to=kind)
    return g.emit("EyeLike", ground, k=k, dtype=kind)


@parses("_arange", ignores=("ctx",))
def arange(
    g: Scope,
    *,
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: Literal[False] = False,  # noqa: ARG001
    dtype: Literal[Single, Whole] = "float32",
) -> Value:
    """From ``start``, or 0 to ``start``, exclusive, by ``step``, each ``repeat`` times. Refused: infer_range."""
    first, end = (0.0, start) if stop is None else (start, stop)
    steps = (end - first) / step if step else 0
    count = math.ceil(steps) * at_least(g, "repeat", repeat)
    if not 0 < count <= MAX_ELEMENTS:
        raise BadInput(f"{g.node.op} {g.node.name!r} has no numbers from {first} to {end} by {step}, or far too many")
    return _sequence(g, g.array("count", np.array(count)), (count,), first, step, repeat, _type(dtype))


@parses("_contrib_arange_like", ignores=("ctx",))
def arange_like(
    g: Scope, data: Value, *, start: float = 0.0, step: float = 1.0, repeat: int = 1, axis: int | None = None
) -> Value:
    """As many numbers as ``axis`` is long, or as ``data`` has elements (refused where the batch is open).

    They begin at ``start``, go on by ``step``, each ``repeat`` times, and are of the type of ``data``.
    """
    given, kind = ir.dims(data), dtype_of(data)
    at_least(g, "repeat", repeat)
    if axis is not None:
        place = positive_axis(g, data, axis)
        count = g.emit("Squeeze", length(g, data, place), role="count")
        return _sequence(g, count, (given[place],), start, step, repeat, kind)
    total = math.prod(size(g, data, place) for place in range(len(given)))
    numbers = _sequence(g, g.array("count", np.array(total)), (total,), start, step, repeat, kind, role="numbers")
    return reshaped(g, numbers, given)


@parses("_linspace", ignores=("ctx",))
def linspace(
    g: Scope,
    *,
    start: float,
    stop: float,
    num: int,
    endpoint: bool = True,
    dtype: Literal[Single, "int32", "int64"] = "float32",
) -> Value:
    """``num`` numbers, equally far apart, from ``start`` to ``stop`` or, without ``endpoint``, to before it."""
    intervals = max(at_least(g, "num", num) - endpoint, 1)
    places = _places(g, g.array("count", np.array(num)), (num,), 1)
    exact = g.emit("Cast", places, role="places-float64", to=DataType.DOUBLE)
    distance = g.array("step", np.array((stop - start) / intervals))
    scaled = g.emit("Mul", exact, distance, role="scaled")
    return g.emit("Cast", g.emit("Add", scaled, g.array("start", np.array(start)), role="numbers"), to=_type(dtype))


def _sequence(
    g: Scope,
    count: Value,
    shape: Shape,
    start: float,
    step: float,
    repeat: int,
    kind: DataType,
    role: str = "",
) -> Value:
    """``count`` numbers of the type ``kind`` from ``start`` by ``step``, rounded as MXNet does.

    Both are converted to ``kind`` first (init_op.h, range_fwd); whole numbers wrap around at the end of its range.
    """
    places = _places(g, count, shape, repeat)
    if kind.is_floating_point():
        numbers = g.emit("Cast", places, role="places-float32", to=kind)
        scaled = g.emit("Mul", numbers, g.scalar("step", step, like=numbers), role="scaled")
        return g.emit("Add", scaled, g.scalar("start", start, like=numbers), role=role)
    scaled = g.emit("Mul", places, g.array("step", np.array(_whole(g, step))), role="scaled")
    numbers = g.emit("Add", scaled, g.array("start", np.array(_whole(g, start))), role="whole")
    return g.emit("Cast", numbers, role=role, to=kind)


def _places(g: Scope, count: Value, shape: Shape, repeat: int) -> Value:
    """0, 1, 2, ..., ``count`` of them, each ``repeat`` times, int64."""
    zero, one = g.array("zero", np.array(0)), g.array("one", np.array(1))
    places = g.emit("Range", zero, count, one, role="places", shape=shape)
    return g.emit("Div", places, g.array("repeat", np.array(repeat)), role="repeated") if repeat > 1 else places
