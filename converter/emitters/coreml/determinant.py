"""Determinants, of which Core ML knows none."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain
from converter.emitters.operand import static
from converter.emitters.statement import Statement
from converter.ir import dims

_MOST = 6
"""Rows of a matrix that has not too many minors."""


@emits("coreml", "Det")
def determinant(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """By Laplace's expansion from the last row on, all minors of some rows at once; of up to 6 rows."""
    size, rank, chain = static(data, -1)[0], len(dims(data)), Chain(node)
    if size > _MOST:
        raise Refused(f"a matrix of {size} rows")
    rows = [chain.step("row", "gather", x=data, indices=row, axis=rank - 2) for row in range(size)]
    minors = rows.pop()
    for count in range(2, size + 1):
        minors = _expanded(chain, rows.pop(), minors, size, count)
    return chain.last("squeeze", x=minors, axes=[rank - 2])


def _expanded(chain: Chain, row: onnx_ir.Value, minors: onnx_ir.Value, size: int, count: int) -> onnx_ir.Value:
    """The minors of ``count`` rows, for each choice of as many columns, of the first row and the others' minors."""
    smaller = {columns: place for place, columns in enumerate(combinations(range(size), count - 1))}
    chosen = list(combinations(range(size), count))
    without = [[smaller[columns[:place] + columns[place + 1 :]] for place in range(count)] for columns in chosen]
    last = len(dims(chain.node.outputs[0]))
    first = chain.step("first", "gather", x=row, indices=np.asarray(chosen, np.int32), axis=last)
    rest = chain.step("rest", "gather", x=minors, indices=np.asarray(without, np.int32), axis=last)
    terms = chain.step("terms", "mul", x=first, y=rest)
    signs = np.asarray([(-1.0) ** place for place in range(count)], np.float32)
    signed = chain.step("signed", "mul", x=terms, y=signs)
    return chain.step("minors", "reduce_sum", x=signed, axes=[last + 1], keep_dims=False)
