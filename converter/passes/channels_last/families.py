"""Which operators are alike when it comes to the order of axes, of ONNX's domain and of ``transship``."""

from __future__ import annotations

import onnx_ir

DOMAIN = "transship.channels_last"
"""Of operators over images whose first input and first output are channels last; all else is as in ONNX."""

_STRONG = """
AdaptiveAveragePool AveragePool Conv ConvTranspose DeformConv DepthToSpace GridSample LpPool MaxPool MaxRoiPool Resize
RoiAlign SpaceToDepth
"""
STRONG = frozenset(_STRONG.split())
"""Operators over images that are worth a transpose."""

_WEAK = """
BatchNormalization GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization InstanceNormalization LRN
"""
WEAK = frozenset(_WEAK.split())
"""Operators over channels that are done in whatever order the image has."""

_UNARY = """
Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh Dropout Elu Erf Exp Floor Gelu
HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign
Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu
ErfInv Expm1 Gamma Log1p LogGamma
"""
UNARY = frozenset(_UNARY.split())
"""One tensor, element by element; what other inputs there are are numbers."""

_BROADCAST = """
Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod
Mul Or PRelu Pow Sub Sum Where Xor
"""
BROADCAST = frozenset(_BROADCAST.split())
"""Tensors that are broadcast to each other, element by element."""


def operator_name(node: onnx_ir.Node) -> str:
    """The name of a node's operator as it is registered for channels last."""
    return f"{DOMAIN}::{node.op_type}"
