"""What onnx needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir

from converter.emitters.onnx.native import native

TOLERANCES: Mapping[str, tuple[float, str]] = {}


def prepared(model: onnx_ir.Model) -> onnx_ir.Model:
    """``model`` with ONNX's own operators in its functions."""
    return native(model)
