"""Plain numbers and types as MXNet reads and holds them."""

from __future__ import annotations

import numpy as np
import onnx_ir

from converter.emitters import is_constant
from converter.emitters.known import kind_of
from converter.emitters.operand import array

LARGEST = 1 << 53
"""Beyond it MXNet, which reads an operator's numbers as float64, loses whole numbers."""


def number_of(value: onnx_ir.Value) -> float | int | None:
    """The one number that ``value`` always is, if it is one and MXNet can read it exactly."""
    if not is_constant(value):
        return None
    elements = array(value)
    if elements.size != 1 or elements.dtype.kind == "b":
        return None
    number: float | int = elements.reshape(()).item()
    if elements.dtype == np.float64 and number != float(np.float32(number)):
        return None  # MXNet reads an attribute's digits less exactly than float64 needs
    return number if isinstance(number, float) or abs(number) <= LARGEST else None


def stored_kind(value: onnx_ir.Value) -> str:
    """What MXNet calls the type in which it holds ``value``: truth values are float32."""
    kind = kind_of(value)
    return "float32" if kind == onnx_ir.DataType.BOOL else str(np.dtype(kind.numpy()).name)
