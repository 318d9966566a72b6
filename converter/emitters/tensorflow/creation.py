"""Tensors made of nothing but numbers and sizes."""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.operand import integers, number
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import dtype as dtype_of
from converter.emitters.tensorflow.operand import dtype_code, line
from converter.ir import dims


@emits("tensorflow", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node, sizes: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Statement]:
    """``tf.zeros``, ``tf.ones`` or ``tf.fill``."""
    kind = dtype_of(node.outputs[0])
    filler = 0.0 if value is None else value.numpy().reshape(-1)[0].item()
    plain = "tf.zeros" if filler == 0 else "tf.ones" if filler == 1 else ""
    text = f"{plain}({{shape}}, {{dtype}})" if plain else "tf.fill({shape}, tf.constant({value}, {dtype}))"
    if is_constant(sizes):
        return [line(node, text, shape=list(integers(sizes) or ()), value=filler, dtype=kind)]
    return [line(node, text.replace("{shape}", "{0}"), sizes, value=filler, dtype=kind)]


@emits("tensorflow", "Range")
def range_(node: onnx_ir.Node, start: onnx_ir.Value, limit: onnx_ir.Value, delta: onnx_ir.Value) -> list[Statement]:
    """``tf.range``, of integers."""
    if start.dtype not in {onnx_ir.DataType.INT64, onnx_ir.DataType.INT32}:
        raise Refused(f"a range of {start.dtype}")
    step = "" if is_constant(delta) and number(delta) == 1 else ", {2}"
    begin = "" if is_constant(start) and number(start) == 0 and not step else "{0}, "
    roles = ("start", "limit", "delta")
    text = f"tf.range({begin}{{1}}{step}, dtype={{dtype}})"
    return [line(node, text, start, limit, delta, scalars=True, roles=roles, dtype=dtype_of(node.outputs[0]))]


@emits("tensorflow", "EyeLike")
def eye_like(node: onnx_ir.Node, data: onnx_ir.Value, *, dtype: int | None = None, k: int = 0) -> list[Statement]:
    """``tf.eye``; of another diagonal than the main one, where rows' and columns' numbers agree."""
    kind = dtype_code(data.dtype if dtype is None else onnx_ir.DataType(dtype))
    rows, columns = (
        size if isinstance(size, int) else Code(f"tf.shape({{0}})[{axis}]") for axis, size in enumerate(dims(data))
    )
    if k == 0:
        more = "" if rows == columns else f", {columns}"
        return [line(node, f"tf.eye({rows}{more}, dtype={{dtype}})", data, dtype=kind)]
    mask = _difference(str(rows), str(columns), k, "==")
    return [line(node, f"tf.cast({mask}, {{dtype}})", data, dtype=kind)]


@emits("tensorflow", "Trilu")
def trilu(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Statement]:
    """``tf.linalg.band_part`` if the main diagonal is among what stays; else ``tf.where``."""
    (diagonal,) = (0,) if k is None else integers(k) or (0,)
    if upper and diagonal <= 0:
        return [line(node, "tf.linalg.band_part({0}, {below}, -1)", data, below=-diagonal)]
    if not upper and diagonal >= 0:
        return [line(node, "tf.linalg.band_part({0}, -1, {above})", data, above=diagonal)]
    rows, columns = (
        str(size) if isinstance(size, int) else f"tf.shape({{0}})[{axis}]"
        for axis, size in enumerate(dims(data)[-2:], len(dims(data)) - 2)
    )
    mask = _difference(rows, columns, diagonal, "<=" if upper else ">=")
    zero = "False" if data.dtype == onnx_ir.DataType.BOOL else "0"
    return [line(node, f"tf.where({mask}, {{0}}, {zero})", data)]


def _difference(rows: str, columns: str, k: int, relation: str) -> str:
    """Where the number of the row and ``k`` are so related to the number of the column."""
    return f"tf.expand_dims(tf.range({rows}), 1) {'+' if k >= 0 else '-'} {abs(k)} {relation} tf.range({columns})"
