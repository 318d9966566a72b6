"""How values of the IR lie in ncnn's memory.

A ``Mat`` of ncnn is ``(w)``, ``(h, w)``, ``(c, h, w)`` or ``(c, d, h, w)``, and holds float32.
None of them is the batch: a network is run once for each row of it. So an axis of a value is either the batch
(:mod:`converter.emitters.batch`), which ncnn never sees, or one of its Mat's.
"""

from __future__ import annotations

import onnx_ir

from converter.emitters import Refused
from converter.emitters.batch import row_shape

_MOST_DIMENSIONS = 4


def mat_shape(value: onnx_ir.Value) -> tuple[int, ...]:
    """The shape of the Mat that holds a row of ``value``, outermost dimension first; ``(1,)`` for a single number.

    Raises:
        Refused: No Mat holds that.
    """
    if value.dtype not in (None, onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL):
        raise Refused(f"{value.name} is {value.dtype.name.lower()}, and ncnn computes with float32 only")
    sizes = row_shape(value)
    if len(sizes) > _MOST_DIMENSIONS:
        raise Refused(f"{value.name} has {len(sizes)} dimensions beside the batch, a Mat has at most 4")
    if 0 in sizes:
        raise Refused(f"{value.name} is empty")
    return sizes or (1,)
