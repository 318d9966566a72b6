"""Values repeated to a shape, of which one dimension may be the open batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx_ir

from converter.emitters import Refused
from converter.emitters.known import batch_of
from converter.emitters.mxnet.call import Chain
from converter.ir import BATCH, Dim, dims

_AT_ONCE = 2
"""Axes repeated in one call; more, each between others that are not, can be too many for MXNet's kernel."""


def codes(given: Sequence[Dim], made: Sequence[Dim]) -> tuple[int, ...]:
    """The attribute ``shape`` of MXNet's reshape that makes ``made`` of ``given``.

    The batch is copied, 0, where it stays in place and nothing is merged with it; else it is inferred, -1.

    Raises:
        Refused: There are two of it.
    """
    if list(made).count(BATCH) > 1:
        raise Refused("the batch is there twice")
    stays = BATCH in given and BATCH in made and given.index(BATCH) == made.index(BATCH)
    fixed = [math.prod(dim for dim in shape if isinstance(dim, int)) for shape in (given, made)]
    open_dim = 0 if stays and fixed[0] == fixed[1] else -1
    return tuple(dim if isinstance(dim, int) else open_dim for dim in made) or (1,)


def aligned(chain: Chain, role: str, value: onnx_ir.Value, rank: int) -> tuple[onnx_ir.Value, tuple[Dim, ...]]:
    """``value`` with leading dimensions of 1, so that it has ``rank`` of them; and its shape."""
    given = dims(value)
    made = (*(1,) * (rank - len(given)), *given)
    if rank <= max(len(given), 1):
        return value, made or (1,)
    return chain.step(f"{role}_aligned", "reshape", value, shape=codes(given, made)), made


def spread(
    chain: Chain, role: str, value: onnx_ir.Value, made: Sequence[Dim], source: onnx_ir.Value | None = None
) -> onnx_ir.Value:
    """``value`` repeated to the shape ``made``; the batch, if it is new, is that of ``source``, which has it.

    Raises:
        Refused: The batch is new and there is no source, or a dimension is not the one that it should be.
    """
    data, given = aligned(chain, role, value, len(made))
    if any(old not in (1, new) for old, new in zip(given, made, strict=True)):
        raise Refused(f"{value.name} of the shape {list(given)} is repeated to {list(made)}")
    fixed = [axis for axis, (old, new) in enumerate(zip(given, made, strict=True)) if new not in (old, BATCH)]
    for few in _together(fixed):
        sizes = tuple(int(made[axis]) for axis in few)
        data = chain.step(f"{role}_spread", "broadcast_axis", data, axis=few, size=sizes)
    axes = tuple(axis for axis, (old, new) in enumerate(zip(given, made, strict=True)) if old != new == BATCH)
    return _over_batch(chain, f"{role}_batch", data, axes, source)


def _together(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """``axes`` that MXNet repeats at once: all if they are few, else one after the other."""
    return [tuple(axes)] if 0 < len(axes) <= _AT_ONCE else [(axis,) for axis in axes]


def filled(
    chain: Chain,
    role: str,
    number: float,
    dtype: str,
    made: Sequence[Dim],
    source: onnx_ir.Value | None = None,
) -> onnx_ir.Value:
    """``number`` everywhere in the shape ``made``, whose batch is that of ``source``.

    Raises:
        Refused: There is a batch and no source.
    """
    shape = tuple(dim if isinstance(dim, int) else 1 for dim in made) or (1,)
    data = chain.step(role, "full", shape=shape, val=number, dtype=dtype)
    axes = tuple(axis for axis, dim in enumerate(made) if dim == BATCH)
    return _over_batch(chain, f"{role}_batch", data, axes, source)


def _over_batch(
    chain: Chain, role: str, data: onnx_ir.Value, axes: tuple[int, ...], source: onnx_ir.Value | None
) -> onnx_ir.Value:
    """``data`` with its ``axes``, of size 1, repeated to the batch of ``source``."""
    if not axes:
        return data
    place = None if source is None else batch_of(source)
    if place is None:
        raise Refused("nothing says what the batch is")
    return chain.step(role, "broadcast_like", data, place[0], lhs_axes=axes, rhs_axes=(place[1],) * len(axes))
