"""Writing elements at indices."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain, numbers_of, size_of, wrapped
from converter.emitters.coreml.indexing import tuples
from converter.emitters.coreml.operand import Operand, kind
from converter.emitters.operand import static
from converter.emitters.statement import Statement
from converter.ir import dims

_MODES = {"none": "update", "add": "add", "mul": "mul", "max": "max", "min": "min"}


@emits("coreml", "ScatterElements")
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Statement]:
    """``scatter_along_axis``; ``scatter_nd`` where there are fewer rows of indices than of elements."""
    axis %= len(dims(data))
    chain = Chain(node)
    index = wrapped(chain, indices, size_of(chain, data, axis))
    rows = zip(dims(data), dims(indices), strict=True)
    if all(place == axis or size == count for place, (size, count) in enumerate(rows)):
        return _written(chain, "scatter_along_axis", data, index, updates, reduction, axis=axis)
    places = _coordinates(chain, indices, index, axis)
    return _written(chain, "scatter_nd", data, places, updates, reduction)


def _coordinates(chain: Chain, indices: onnx_ir.Value, index: Operand, axis: int) -> onnx_ir.Value:
    """Where each update goes, an index for each axis: its own place but for ``axis``."""
    sizes = static(indices)
    own = np.moveaxis(np.indices(sizes, dtype=np.int32), 0, -1)
    parts: list[Operand] = []
    if axis > 0:
        parts.append(np.ascontiguousarray(own[..., :axis]))
    parts.append(chain.step("along", "expand_dims", x=index, axes=[len(sizes)]))
    if axis < len(sizes) - 1:
        parts.append(np.ascontiguousarray(own[..., axis + 1 :]))
    if len(parts) == 1:
        raise Refused("there are fewer indices than elements of no other axis")
    return _concatenated(chain, parts, len(sizes))


def _concatenated(chain: Chain, parts: list[Operand], axis: int) -> onnx_ir.Value:
    values = [part if isinstance(part, onnx_ir.Value) else chain.step("own", "identity", x=part) for part in parts]
    return chain.step("places", "concat", values=values, axis=axis)


@emits("coreml", "ScatterND")
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Statement]:
    """``scatter_nd``, at indices of which the negative ones are counted from the end before."""
    chain = Chain(node)
    return _written(chain, "scatter_nd", data, tuples(chain, data, indices), updates, reduction)


def _written(
    chain: Chain,
    operation: str,
    data: onnx_ir.Value,
    index: Operand,
    updates: onnx_ir.Value,
    reduction: str,
    **settings: Operand,
) -> list[Statement]:
    """The last lines: what is written into booleans, which are numbers meanwhile, is booleans again."""
    if reduction not in _MODES:
        raise Refused(f"reduction {reduction}")
    operands: dict[str, Operand] = {
        "data": numbers_of(chain, data),
        "indices": index,
        "updates": numbers_of(chain, updates),
        **settings,
        "mode": _MODES[reduction],
    }
    if kind(data) != "bool":
        return chain.last(operation, **operands)
    return chain.last("not_equal", x=chain.step("written", operation, **operands), y=0)
