"""How operands of different shapes meet.

No layer of Caffe broadcasts as ONNX does. ``Bias`` and ``Scale`` apply an operand along consecutive dimensions of a
blob, with a parameter of their own or with a second bottom; dimensions between them are repeated by ``Tile``. An
operand in the whole shape of another is the sum of it and zeros of that shape, whatever the batch is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, is_constant
from converter.emitters.caffe.layer import Blob, Fields
from converter.emitters.caffe.rounding import WHOLE
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import array, expression, is_stored
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_PARAMS = {"Bias": "bias_param", "Scale": "scale_param"}

Change = tuple[Callable[[plan.Expression], plan.Expression], Callable[[Steps, onnx_ir.Value, str], onnx_ir.Value]]
"""What is made of an operand before it is applied: in the weight plan if it is a parameter, else by layers."""

NEGATED: Change = (
    lambda value: plan.sub(plan.full(0.0, ()), value),
    lambda steps, value, role: steps.power(value, role=role, scale=-1.0),
)
INVERTED: Change = (
    lambda value: plan.div(plan.full(1.0, ()), value),
    lambda steps, value, role: steps.power(value, role=role, power=-1.0),
)


@dataclass(frozen=True)
class Span:
    """Where an operand varies: dimensions from ``axis`` on of the shape that it is broadcast to.

    Attributes:
        axis: The first dimension along which it has more than one element.
        shape: Its own sizes from there to the last such dimension; none for one number.
    """

    axis: int
    shape: tuple[Dim, ...]


def number_of(value: onnx_ir.Value, shape: Sequence[Dim]) -> float | None:
    """The one number that ``value`` is in a result of ``shape``, if it is a constant of one number.

    Raises:
        Refused: It is a whole number that float32 does not have.
    """
    if not is_constant(value) or len(dims(value)) > len(shape) or array(value).size != 1:
        return None
    number = array(value).reshape(-1)[0].item()
    if isinstance(number, int) and int(np.float32(number)) != number:
        raise Refused(f"{number} is no float32")
    return float(number)


def span(value: onnx_ir.Value, shape: Sequence[Dim]) -> Span:
    """The span of ``value`` in ``shape``."""
    aligned = _aligned(value, shape)
    places = [place for place, size in enumerate(aligned) if size != 1]
    return Span(places[0], tuple(aligned[places[0] : places[-1] + 1])) if places else Span(0, ())


def apply(
    steps: Steps,
    kind: str,
    data: onnx_ir.Value,
    operand: onnx_ir.Value,
    *,
    change: Change | None = None,
    role: str = "",
) -> onnx_ir.Value:
    """``Bias`` or ``Scale``: ``data``, a blob in the shape of the result, plus or times ``operand``.

    Args:
        steps: The node's.
        kind: Which of them.
        data: What is computed by the net.
        operand: A parameter, a constant or a blob that can be broadcast to ``data``.
        change: Made to the operand before.
        role: Of the layer in the node; none if it is the last one.

    Raises:
        Refused: The operand has to be repeated along the open batch.
    """
    prefix, shape = f"{role}/" if role else "", dims(data)
    found = span(operand, shape)
    if is_stored(operand):
        blob = _blob(operand, found, shape, change)
        params = {_PARAMS[kind]: _place(found.axis, len(blob.shape))}
        if shape:
            return steps.add(kind, data, role=role, params=params, blobs=[blob], in_place=True)
        held = steps.add("Parameter", role=f"{prefix}operand", params=_shape(blob), blobs=[blob], shape=())
        return steps.eltwise("SUM" if kind == "Bias" else "PROD", data, held, role=role)
    made = operand if change is None else change[1](steps, operand, f"{prefix}operand")
    if dims(operand) != shape:
        made = _gathered(steps, made, found, shape, prefix)
    if dims(made) == shape:
        return steps.eltwise("SUM" if kind == "Bias" else "PROD", data, made, role=role)
    params = {_PARAMS[kind]: {} if found.axis == 1 else {"axis": found.axis}}
    return steps.add(kind, data, made, role=role, params=params, in_place=True)


def whole(steps: Steps, value: onnx_ir.Value, like: onnx_ir.Value, *, role: str) -> onnx_ir.Value:
    """``value`` in the shape of the blob ``like``.

    Raises:
        Refused: It has to be repeated along the open batch, or it holds no finite number.
    """
    shape = dims(like)
    number = number_of(value, shape)
    if number is not None:
        return steps.power(like, role=role, scale=0.0, shift=number)
    if dims(value) == shape:
        return widened(steps, value, shape, role=role)
    zeros = steps.power(like, role=f"{role}/zeros", scale=0.0)
    return apply(steps, "Bias", zeros, value, role=role)


def widest(values: Sequence[onnx_ir.Value], shape: Sequence[Dim]) -> int:
    """Which of ``values`` has to be given ``shape`` for the others to meet it: one that has it already, if any.

    Raises:
        Refused: None of them has the open batch and can be repeated along all other dimensions.
    """
    wanted = tuple(shape)
    ranked = sorted(
        range(len(values)),
        key=lambda index: (
            dims(values[index]) != wanted,
            is_stored(values[index]),
            -math.prod(size for size in dims(values[index]) if isinstance(size, int)),
        ),
    )
    for index in ranked:
        aligned = _aligned(values[index], shape)
        if all(size != BATCH or own == BATCH for own, size in zip(aligned, shape, strict=True)):
            return index
    raise Refused(f"no operand has all open dimensions of {list(shape)}")


def widened(steps: Steps, value: onnx_ir.Value, shape: Sequence[Dim], *, role: str) -> onnx_ir.Value:
    """``value`` as a blob of ``shape``, by ``Tile`` where it is not of that.

    Raises:
        Refused: It has to be repeated along the open batch.
    """
    aligned = _aligned(value, shape)
    if is_stored(value):
        blob = _blob(value, Span(0, aligned), shape, None)
        return steps.add("Parameter", role=role, params=_shape(blob), blobs=[blob], shape=blob.shape)
    if aligned != dims(value):
        value = steps.reshape(value, aligned, role=f"{role}/shape")
    return repeated(steps, value, shape, role=role)


def repeated(steps: Steps, value: onnx_ir.Value, shape: Sequence[Dim], *, role: str) -> onnx_ir.Value:
    """``Tile`` of ``value``, which has as many dimensions as ``shape``, along each where the latter is larger.

    Raises:
        Refused: That is the open batch.
    """
    axes = [axis for axis, (own, size) in enumerate(zip(dims(value), shape, strict=True)) if own != size]
    for axis in axes:
        size = shape[axis]
        if not isinstance(size, int):
            raise Refused(f"{value.name} would be repeated along the open batch")
        after = [*shape[: axis + 1], *dims(value)[axis + 1 :]]
        params: Fields = {**({} if axis == 1 else {"axis": axis}), "tiles": size}
        name = role if axis == axes[-1] else f"{role}/{axis}"
        value = steps.add("Tile", value, role=name, params={"tile_param": params}, shape=after)
    return value


def finite(value: onnx_ir.Value) -> onnx_ir.Value:
    """``value``, of which the checkpoint holds each number.

    Raises:
        Refused: It is a constant that holds an infinite number, or a whole one that float32 does not have, or a
            parameter of whole numbers, which may.
    """
    if not is_constant(value):
        if value.dtype in WHOLE:
            raise Refused(f"{value.name} may hold a whole number that is no float32")
        return value
    elements = array(value)
    if not np.isfinite(elements.astype(np.float64)).all():
        raise Refused(f"{value.name} holds a number that is not finite")
    if elements.dtype.kind in "iu" and (elements.astype(np.float32).astype(object) != elements.astype(object)).any():
        raise Refused(f"{value.name} holds a whole number that is no float32")
    return value


def _aligned(value: onnx_ir.Value, shape: Sequence[Dim]) -> tuple[Dim, ...]:
    own = dims(value)
    return (*(1,) * (len(shape) - len(own)), *own)


def _target(found: Span, shape: Sequence[Dim]) -> tuple[Dim, ...]:
    return tuple(shape[found.axis : found.axis + len(found.shape)])


def _blob(value: onnx_ir.Value, found: Span, shape: Sequence[Dim], change: Change | None) -> Blob:
    target = _target(found, shape)
    if any(not isinstance(size, int) for size in target):
        raise Refused(f"{value.name} would be repeated along the open batch")
    sizes = tuple(int(size) for size in target)
    made = plan.reshape(expression(finite(value)), [int(size) for size in found.shape])
    if change is not None:
        made = change[0](made)
    return Blob(sizes, made if sizes == found.shape else plan.add(made, plan.full(0.0, sizes)))


def _shape(blob: Blob) -> dict[str, Fields]:
    return {"parameter_param": {"shape": {"dim": list(blob.shape)}}}


def _place(axis: int, count: int) -> Fields:
    return {**({} if axis == 1 else {"axis": axis}), **({} if count == 1 else {"num_axes": count})}


def _gathered(steps: Steps, value: onnx_ir.Value, found: Span, shape: Sequence[Dim], prefix: str) -> onnx_ir.Value:
    """A blob of the dimensions of its span alone, each of them as large as in ``shape``."""
    if dims(value) != found.shape:
        value = steps.reshape(value, found.shape, role=f"{prefix}shape")
    return repeated(steps, value, _target(found, shape), role=f"{prefix}tile")
