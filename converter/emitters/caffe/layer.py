"""What an operator's translation into Caffe is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_parameter, parameter_shape
from converter.emitters.operand import array, expression
from converter.ir import dims
from converter.passes.fold import expression_of


class Token(str):
    """An enumeration value of the prototxt, written without quotes."""

    __slots__ = ()


Fields = Mapping[str, Any]
"""A message of the prototxt: its fields in the order in which they are written; a sequence is a repeated field."""


@dataclass(frozen=True)
class Blob:
    """A parameter of a layer: the shape that Caffe gives it and what it is set to."""

    shape: tuple[int, ...]
    value: plan.Expression


@dataclass(frozen=True)
class Layer:
    """A layer, wired by values of the IR rather than by blob names.

    Attributes:
        name: What the layer should be called.
        type: Caffe's layer type.
        bottoms: The values it reads.
        tops: The values it computes.
        params: Its parameter messages by field name (``convolution_param``).
        blobs: Its parameters.
        in_place: Whether Caffe's implementation may write its top over its bottom.
        shares: Whether Caffe's implementation makes the top another view of the bottom's memory.
        top_names: What the tops should be called; where not given, like the layer, numbered if there are several.
    """

    name: str
    type: str
    bottoms: tuple[onnx_ir.Value, ...]
    tops: tuple[onnx_ir.Value, ...]
    params: Mapping[str, Fields] = field(default_factory=dict)
    blobs: tuple[Blob, ...] = ()
    in_place: bool = False
    shares: bool = False
    top_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alias:
    """No layer at all: ``value`` is held by whatever holds ``source``.

    Attributes:
        exact: Whether the shapes agree too. If not, only layers that do not mind read ``value``.
    """

    value: onnx_ir.Value
    source: onnx_ir.Value
    exact: bool = True


def parameter(value: onnx_ir.Value, shape: Sequence[int] | None = None) -> Blob:
    """The blob for the IR's parameter ``value``, with the same elements as ``shape`` where given.

    Raises:
        Refused: The value is not a parameter, or has another number of elements.
    """
    found = parameter_shape(value)
    wanted = found if shape is None else tuple(shape)
    if int(np.prod(found)) != int(np.prod(wanted)):
        raise Refused(f"{value.name} has the shape {list(found)}, not {list(wanted)}")
    read = expression_of(value)
    return Blob(wanted, read if found == wanted else plan.reshape(read, wanted))


def stored(value: onnx_ir.Value, shape: Sequence[int] | None = None) -> Blob:
    """The blob for ``value``, a parameter or a constant, with the same elements as ``shape`` where given.

    Raises:
        Refused: The value is computed at run time, or has another number of elements.
    """
    if is_parameter(value):
        return parameter(value, shape)
    elements = array(value)
    wanted = elements.shape if shape is None else tuple(shape)
    if elements.size != int(np.prod(wanted)):
        raise Refused(f"{value.name} has the shape {list(elements.shape)}, not {list(wanted)}")
    return Blob(wanted, plan.reshape(expression(value), wanted))


def pair(name: str, values: Sequence[int], *, default: int, square: str = "") -> dict[str, int]:
    """The fields for a height and a width: ``name`` once where both agree, else ``name_h`` and ``name_w``.

    Args:
        name: The field's stem, for example ``stride``.
        values: Height and width.
        default: Caffe's own default; where both are that, there is nothing to write. Below zero: there is none.
        square: The field's name where both agree, if it is not ``name``.
    """
    height, width = values
    if height == width:
        return {} if height == default else {square or name: height}
    return {f"{name}_h": height, f"{name}_w": width}


def omit(default: float, **fields: float) -> dict[str, Any]:
    """``fields`` without those that have Caffe's ``default``, compared as the float32 that Caffe keeps."""
    return {name: value for name, value in fields.items() if np.float32(value) != np.float32(default)}


def size(value: onnx_ir.Value, rank: int) -> tuple[int, ...]:
    """Every dimension of ``value`` but the batch.

    Raises:
        Refused: It has another rank.
    """
    shape = dims(value)
    if len(shape) != rank:
        raise Refused(f"Caffe has this for {rank} dimensions only, {value.name} has {len(shape)}")
    return tuple(int(dim) for dim in shape[1:])
