"""What leaves its input as it is, in inference.

Sources: src/operator/tensor/elemwise_unary_op_basic.cc, nn/dropout-inl.h, contrib/gradient_multiplier_op.cc.
"""

from __future__ import annotations

from typing import Literal

from onnx_ir import Value

from converter.parsers.mxnet.registry import Label, parses
from converter.parsers.mxnet.scope import Scope, dtype_of


@parses("_copy", "identity", "BlockGrad", "stop_gradient")
def identity(g: Scope, data: Value) -> Value:
    """``data``."""
    return g.emit("Identity", data)


@parses("_contrib_gradientmultiplier", ignores=("scalar", "is_int"))
def gradient_multiplier(g: Scope, data: Value) -> Value:
    """``data``; in training, its gradient is multiplied."""
    return g.emit("Identity", data)


@parses("_identity_with_attr_like_rhs")
def identity_like(g: Scope, lhs: Value, rhs: Label) -> Value:  # noqa: ARG001 - only infers shapes
    """``lhs``; MXNet reads off ``rhs`` what it does not know of the shape."""
    return g.emit("Identity", lhs)


@parses("Dropout", ignores=("axes", "cudnn_off"))
def dropout(g: Scope, data: Value, *, p: float = 0.5, mode: Literal["training"] = "training") -> Value:  # noqa: ARG001
    """``data``; in training, elements are dropped with probability ``p``. Refused: mode=always, which is random."""
    if not 0 <= p < 1:
        raise g.refuse(f"p={p}")
    if not dtype_of(data).is_floating_point():
        raise g.refuse("an input of whole numbers")
    return g.emit("Dropout", data, g.scalar("ratio", p))
