"""The IR as ONNX's emitter writes it, before it is brought to an opset."""

from __future__ import annotations

import onnx_ir

from converter.emitters import prepare
from converter.emitters.onnx.detection import with_suppression
from converter.emitters.onnx.functions import specialise
from converter.passes.inline import inline as inlined


def native(model: onnx_ir.Model, *, inline: bool = False) -> onnx_ir.Model:
    """Return ``model`` with ONNX's own operators in its functions' bodies, each made for how it is called.

    Args:
        model: A valid IR; it is not changed.
        inline: Leave no function of the domain ``transship``, but what they compute.
    """
    known = with_suppression(model)
    known = prepare(inlined(known) if inline else known, "onnx")
    specialise(known)
    return known
