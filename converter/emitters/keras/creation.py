"""Tensors that are made of nothing but shapes."""

from __future__ import annotations

import math
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.keras.operand import dtype, dtype_name, line
from converter.emitters.keras.shape import batch_source, spread
from converter.emitters.known import contents, is_whole
from converter.emitters.operand import integers, static
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims


@emits("keras", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node, sizes: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Statement]:
    """``ops.full``, of one row that a function repeats for an open batch."""
    wanted = dims(node.outputs[0])
    filler = 0.0 if value is None else value.numpy().reshape(-1)[0].item()
    kind = dtype(node.outputs[0])
    filler = Code(repr(filler)) if kind == "float64" and math.isfinite(filler) else filler
    shape = tuple(1 if dim == BATCH else int(dim) for dim in wanted)
    text = "ops.full({shape}, {value}, {dtype})"
    rows = [axis for axis, dim in enumerate(wanted) if dim == BATCH]
    if not rows:
        return [line(node, text, shape=shape, value=filler, dtype=kind)]
    source, place = batch_source(node, sizes)
    text = spread(text, rows, "{0}", place)
    return [line(node, text, source, library=["spread"], shape=shape, value=filler, dtype=kind)]


@emits("keras", "Range")
def range_(node: onnx_ir.Node, start: onnx_ir.Value, limit: onnx_ir.Value, delta: onnx_ir.Value) -> list[Statement]:
    """``ops.arange`` of integers that are constant or computed of shapes; a function that counts an open batch."""
    if not is_whole(start):
        raise Refused(f"a range of {dtype(start)}")
    found = [contents(value) for value in (start, limit, delta)]
    first, last, step = [None if each is None else each.reshape(-1)[0] for each in found]
    if first is None or last is None or step is None:
        raise Refused("its limits are computed of more than shapes")
    kind = dtype(node.outputs[0])
    if BATCH not in (first, last, step):
        settings: dict[str, Any] = {"start": int(first), "stop": int(last), "step": int(step), "dtype": kind}
        begin = "" if first == 0 and step == 1 else "{start}, "
        return [
            line(node, f"ops.arange({begin}{{stop}}{'' if step == 1 else ', {step}'}, dtype={{dtype}})", **settings)
        ]
    if (first, last, step) != (0, BATCH, 1):
        raise Refused("a range to the open batch that does not go from 0 by ones; give the batch a number")
    source, place = batch_source(node, limit)
    return [line(node, "counted({0}, {axis}, {dtype})", source, library=["counted"], axis=place, dtype=kind)]


@emits("keras", "EyeLike")
def eye_like(node: onnx_ir.Node, data: onnx_ir.Value, *, dtype: int | None = None, k: int = 0) -> list[Statement]:
    """``ops.eye``; a function that compares places along an open batch, and for a diagonal but the main one.

    ``ops.eye`` makes another shape of a diagonal beside the main one, if that shape is not square.
    """
    kind = dtype_name(data.dtype if dtype is None else onnx_ir.DataType(dtype))
    if BATCH in dims(data) or k:
        return [line(node, "eye_like({0}, {k}, {dtype})", data, library=["eye_like"], k=k, dtype=kind)]
    rows, columns = static(data)
    return [line(node, "ops.eye({rows}, {columns}, dtype={dtype})", rows=rows, columns=columns, dtype=kind)]


@emits("keras", "Trilu")
def trilu(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Statement]:
    """``ops.triu`` and ``ops.tril``."""
    (diagonal,) = (0,) if k is None else integers(k) or (0,)
    text = f"ops.{'triu' if upper else 'tril'}({{0}}{', {k}' if diagonal else ''})"
    return [line(node, text, data, k=diagonal)]
