"""Losses at the end of a training graph; in inference only their activation is left.

Sources: src/operator/softmax_output-inl.h, regression_output-inl.h, svm_output-inl.h, make_loss-inl.h,
identity_attach_KL_sparse_reg-inl.h.
"""

from __future__ import annotations

from onnx_ir import Value

from converter import ir
from converter.parsers.mxnet.operators.common import rank, size
from converter.parsers.mxnet.registry import Label, parses
from converter.parsers.mxnet.scope import Scope


@parses(
    "SoftmaxOutput",
    "Softmax",
    ignores=("grad_scale", "ignore_label", "use_ignore", "normalization", "out_grad", "smooth_alpha"),
)
def softmax_output(
    g: Scope,
    data: Value,
    label: Label,  # noqa: ARG001 - MXNet's name of an input that disappears
    *,
    multi_output: bool = False,
    preserve_shape: bool = False,
) -> Value:
    """Softmax over the channels (multi_output), the last axis (preserve_shape) or all of an example's elements.

    The last is refused for four dimensions: there MXNet's oneDNN kernel takes the last axis and its own all elements.
    """
    if multi_output:
        return g.emit("Softmax", data, axis=1)
    if preserve_shape:
        return g.emit("Softmax", data, axis=len(ir.dims(data)) - 1)
    return _over_example(g, data)


def _over_example(g: Scope, data: Value) -> Value:
    """Softmax over all axes but the first, in the shape of ``data``."""
    axes = rank(g, data, 2, 3, 5)
    if axes == 2:
        return g.emit("Softmax", data, axis=1)
    flat = g.emit("Softmax", g.emit("Flatten", data, role="flatten", axis=1), role="softmax", axis=1)
    shape = g.ints("shape", [0, *(size(g, data, axis) for axis in range(1, axes))])
    return g.emit("Reshape", flat, shape, shape=ir.dims(data))


@parses(
    "LinearRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
    ignores=("grad_scale", "margin", "regularization_coefficient", "use_linear"),
)
def regression_output(g: Scope, data: Value, label: Label) -> Value:  # noqa: ARG001
    """``data``."""
    return g.emit("Identity", data)


@parses("LogisticRegressionOutput", ignores=("grad_scale",))
def logistic_regression_output(g: Scope, data: Value, label: Label) -> Value:  # noqa: ARG001
    """The sigmoid of ``data``."""
    return g.emit("Sigmoid", data)


@parses("MakeLoss", ignores=("grad_scale", "valid_thresh", "normalization"))
def make_loss_output(g: Scope, data: Value) -> Value:
    """``data``."""
    return g.emit("Identity", data)


@parses("make_loss")
def make_loss(g: Scope, data: Value) -> Value:
    """``data``."""
    return g.emit("Identity", data, output="loss")


@parses("IdentityAttachKLSparseReg", ignores=("sparseness_target", "penalty", "momentum"))
def identity_attach_kl_sparse_reg(g: Scope, data: Value, moving_avg: Label) -> Value:  # noqa: ARG001
    """``data``; the moving average of its activity is a matter of training."""
    return g.emit("Identity", data)
