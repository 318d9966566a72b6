"""How many dimensions MXNet's kernels take, and what to do about more.

Sources: src/operator/mxnet_op.h (MXNET_SPECIAL_MAX_NDIM), src/operator/tensor/broadcast_reduce_op.h, matrix_op-inl.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import onnx_ir

from converter.emitters import Refused, only_output
from converter.emitters.mxnet.call import Call, Chain
from converter.emitters.mxnet.spread import spread
from converter.ir import BATCH, Dim, dims

PATTERNS = 5
"""Most runs of dimensions, each of which is broadcast or reduced alike."""
SLICED = 5
"""Most dimensions of ``slice``."""
TRANSPOSED = 6
"""Most dimensions of ``transpose``."""


def runs(left: Sequence[Dim], right: Sequence[Dim]) -> int:
    """How many runs of dimensions there are that are broadcast alike, as MXNet counts them."""
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + tuple(left), (1,) * (rank - len(right)) + tuple(right), strict=True)
    kinds = [(one != 1, other != 1) for one, other in pairs if (one, other) != (1, 1)]
    return sum(1 for _ in groupby(kinds))


def broadcastable(chain: Chain, left: onnx_ir.Value, right: onnx_ir.Value) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """Both inputs; repeated to their common shape beforehand where MXNet's broadcasting does not take them."""
    if runs(dims(left), dims(right)) <= PATTERNS:
        return left, right
    made = dims(only_output(chain.node))
    source = next((value for value in (left, right) if BATCH in dims(value)), None)
    return spread(chain, "left", left, made, source), spread(chain, "right", right, made, source)


def broadcast(chain: Chain, op: str, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Call]:
    """The operator ``op``, which broadcasts, as the last call."""
    return chain.last(op, *broadcastable(chain, left, right))


def check_transposed(rank: int) -> None:
    """Refuse to transpose more dimensions than MXNet does."""
    if rank > TRANSPOSED:
        raise Refused(f"MXNet transposes {TRANSPOSED} dimensions at most, not {rank}")
