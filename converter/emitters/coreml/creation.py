"""Values made of nothing but numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import Refused, emits, is_constant, only_output
from converter.emitters.coreml.chain import Chain, vector
from converter.emitters.coreml.operand import Operand, kind, line
from converter.emitters.known import contents
from converter.emitters.operand import array, integers, static
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

_DTYPES: dict[str, npt.DTypeLike] = {"fp32": np.float32, "int32": np.int32, "bool": np.bool_}


@emits("coreml", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node, sizes: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Statement]:
    """``fill``; with a batch that is read off another value."""
    wanted = dims(only_output(node))
    filler = 0.0 if value is None else value.numpy().reshape(-1)[0].item()
    kind(only_output(node))
    if not wanted:
        return [line(node, "identity", x=np.asarray(filler))]
    chain = Chain(node)
    return chain.last("fill", shape=vector(chain, "sizes", wanted, sizes), value=filler)


@emits("coreml", "Range")
def range_(node: onnx_ir.Node, start: onnx_ir.Value, limit: onnx_ir.Value, delta: onnx_ir.Value) -> list[Statement]:
    """A constant; with limits that are computed ``range_1d``, of integers."""
    made = only_output(node)
    known = contents(made)
    if known is not None and BATCH not in known.tolist():
        return [line(node, "identity", x=np.asarray(known, np.int64))]
    if all(is_constant(value) for value in (start, limit, delta)):
        first, last, pace = (array(value).reshape(()).item() for value in (start, limit, delta))
        return [line(node, "identity", x=np.arange(first, last, pace, dtype=array(start).dtype))]
    if kind(made) != "int32":
        raise Refused(f"a range of {made.dtype} whose limits are computed")
    return [line(node, "range_1d", start=_limit(start), end=_limit(limit), step=_limit(delta))]


def _limit(value: onnx_ir.Value) -> Operand:
    return array(value).reshape(()) if is_constant(value) else value


@emits("coreml", "EyeLike")
def eye_like(node: onnx_ir.Node, data: onnx_ir.Value, *, dtype: int | None = None, k: int = 0) -> list[Statement]:
    """A constant."""
    del dtype  # the output has it
    rows, columns = static(data)
    return [line(node, "identity", x=np.eye(rows, columns, k, dtype=_DTYPES[kind(only_output(node))]))]


@emits("coreml", "Trilu")
def trilu(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Statement]:
    """``select`` of the elements within the triangle; ``band_part`` multiplies the others by 0."""
    (diagonal,) = (0,) if k is None else integers(k) or (0,)
    rows, columns = static(data, -2, -1)
    kept = np.tri(rows, columns, diagonal - 1 if upper else diagonal, dtype=np.bool_)
    empty = {"fp32": 0.0, "int32": 0, "bool": False}[kind(data)]
    return [line(node, "select", cond=kept != bool(upper), a=data, b=empty)]
