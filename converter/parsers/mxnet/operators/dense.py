"""Dense layers (src/operator/nn/fully_connected-inl.h)."""

from __future__ import annotations

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import at_least, biases, rank, size
from converter.parsers.mxnet.registry import Parameter, parses
from converter.parsers.mxnet.scope import Scope


@parses("FullyConnected")
def fully_connected(
    g: Scope,
    data: Value,
    weight: Parameter,
    bias: Parameter | None = None,
    *,
    num_hidden: int,
    no_bias: bool = False,
    flatten: bool = True,
) -> Value:
    """``y = x W' + b``: weight ``[num_hidden, in]``, bias ``[num_hidden]``.

    With ``flatten`` all axes but the first are the input, in their order (C, H, W); without, the last one is.
    """
    made = at_least(g, "num_hidden", num_hidden)
    axes = rank(g, data, 2, 3, 4, 5)
    if flatten and axes > 2:
        data = g.emit("Flatten", data, role="flatten", axis=1)
    matrix = g.parameter(weight, (made, size(g, data, -1)))
    added = biases(g, bias, no_bias, made)
    if len(ir.dims(data)) == 2:
        return g.emit("Gemm", data, matrix, *added, transB=1)
    columns = g.emit("Transpose", matrix, role="transpose", perm=(1, 0))
    if not added:
        return g.emit("MatMul", data, columns)
    return g.emit("Add", g.emit("MatMul", data, columns, role="matmul"), *added)
