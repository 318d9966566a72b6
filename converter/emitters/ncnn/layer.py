"""What an operator's translation into ncnn is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx_ir

from converter.plan import Expression

Scalar = int | float
Params = Mapping[int, Scalar | tuple[Scalar, ...]]
"""Parameters by ncnn's own numbers; a tuple is an array, whose number is written as ``-23300 - number``."""


@dataclass(frozen=True)
class Weight:
    """A weight of a layer, in the order in which ncnn's ``load_model`` reads them.

    Attributes:
        shape: Its shape; ncnn reads it as one row after the other.
        value: What it is set to.
        tagged: Whether ncnn reads it with the tag that says how it is stored (``mb.load(n, 0)``), so that it may be
            stored as fp16; otherwise it is raw fp32 (``mb.load(n, 1)``).
    """

    shape: tuple[int, ...]
    value: Expression
    tagged: bool = False


@dataclass(frozen=True)
class Layer:
    """A layer, wired by values of the IR rather than by blob names.

    Attributes:
        name: What the layer should be called.
        type: ncnn's layer type.
        bottoms: The values it reads.
        tops: The values it computes.
        params: Its parameters.
        weights: Its weights.
    """

    name: str
    type: str
    bottoms: tuple[onnx_ir.Value, ...]
    tops: tuple[onnx_ir.Value, ...]
    params: Params = field(default_factory=dict)
    weights: tuple[Weight, ...] = ()


@dataclass(frozen=True)
class Alias:
    """No layer at all: ``value`` is held by whatever holds ``source``, in the same shape."""

    value: onnx_ir.Value
    source: onnx_ir.Value
