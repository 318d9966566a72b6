"""Replace calls of the domain ``transship`` by their bodies, which are standard ONNX."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir
from onnx_ir.passes.common import InlinePass

from converter.ir import DOMAIN


def inline(model: onnx_ir.Model, keep: Callable[[str], bool] = lambda _: False) -> onnx_ir.Model:
    """Return ``model`` with every function inlined but those that ``keep`` says a target has itself.

    What a kept function calls is inlined into its body. Constants of a body stay nodes, so that they are told from
    the model's parameters.

    Args:
        model: An IR; not changed.
        keep: Told a function's name, without its domain.
    """
    copy = model.clone()
    InlinePass(lambda function: not (function.domain == DOMAIN and keep(str(function.name))))(copy)
    return copy
