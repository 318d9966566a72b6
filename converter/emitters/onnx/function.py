"""Functions of the domain ``transship``."""

from __future__ import annotations

import onnx_ir

from converter.emitters import emits
from converter.emitters.onnx.statement import Statement
from converter.ir import DOMAIN

_KEPT = (
    "AdaptiveAveragePool",
    "BoxDecode",
    "BoxEncode",
    "BoxIou",
    "BoxNms",
    "Correlation",
    "DeformableConvolution",
    "DeformablePsRoiPooling",
    "DetectionOutput",
    "ErfInv",
    "Expm1",
    "Gamma",
    "Log1p",
    "LogGamma",
    "MultiBoxDetection",
    "MultiBoxPrior",
    "PriorBox",
    "Proposal",
    "PsRoiPooling",
)


@emits("onnx", *(f"{DOMAIN}::{name}" for name in _KEPT))
def call(node: onnx_ir.Node, *_: onnx_ir.Value | None) -> Statement:
    """A call of a function of the model, or what its body computes where ``inline`` is asked for."""
    return Statement(node)
