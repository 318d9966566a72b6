"""Layouts: in which order the axes of a value are stored.

A permutation says which axis of the IR each stored axis is: of an image in NHWC it is ``(0, 2, 3, 1)``, and the
stored array is ``numpy.transpose(array, perm)``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from converter.ir import Dim

Perm = tuple[int, ...]

RANKS = (3, 4, 5)
"""Of values that have channels and places: signals, images, volumes."""


@dataclass(frozen=True)
class Mixed:
    """The order of the elements of one axis that several axes have been flattened into.

    Attributes:
        axis: Which axis.
        sizes: Those that it is made of in the IR, in the IR's order.
        order: In which order they are stored.
    """

    axis: int
    sizes: tuple[int, ...]
    order: Perm


def identity(rank: int) -> Perm:
    """The IR's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> Perm:
    """The order NWC, NHWC, NDHWC."""
    return (0, *range(2, rank), 1)


def inverse(perm: Perm) -> Perm:
    """What undoes ``perm``."""
    return tuple(perm.index(axis) for axis in range(len(perm)))


def stored(shape: Sequence[Dim], perm: Perm) -> tuple[Dim, ...]:
    """The shape of what is stored."""
    return tuple(shape[axis] for axis in perm)


def between(old: Perm, new: Perm) -> Perm:
    """The transposition of what is stored in the order ``old`` to the order ``new``."""
    return tuple(old.index(axis) for axis in new)


def wide(shape: Sequence[Dim], axes: Sequence[int]) -> list[int]:
    """Those of ``axes`` that have not the size 1: the others can stand anywhere."""
    return [axis for axis in axes if shape[axis] != 1]


def without(perm: Perm, axes: Collection[int]) -> Perm:
    """The order of what is left when ``axes``, as the IR counts them, are taken away."""
    left = [axis for axis in range(len(perm)) if axis not in axes]
    return tuple(left.index(axis) for axis in perm if axis in left)


@dataclass(frozen=True)
class Group:
    """Neighbouring axes that a reshape makes neighbouring axes of; those of size 1 are in no group."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def groups(before: Sequence[Dim], after: Sequence[Dim]) -> list[Group] | None:
    """The smallest groups of axes that reshaping ``before`` to ``after`` keeps apart; None if they are not known."""
    pending, made = wide(before, range(len(before))), wide(after, range(len(after)))
    found = []
    while pending or made:
        left, right = pending[:1], made[:1]
        pending, made = pending[1:], made[1:]
        while (sizes := (_size(before, left), _size(after, right)))[0] != sizes[1]:
            shorter, rest = (left, pending) if sizes[0] < sizes[1] else (right, made)
            if not rest or sizes[0][0] != sizes[1][0]:
                return None
            shorter.append(rest.pop(0))
        found.append(Group(tuple(left), tuple(right)))
    return found


def _size(shape: Sequence[Dim], axes: Sequence[int]) -> tuple[int, int]:
    """How often the batch is in the product of ``axes``, and the product of the others."""
    batches, product = 0, 1
    for axis in axes:
        size = shape[axis]
        if isinstance(size, int):
            product *= size
        else:
            batches += 1
    return batches, product


def reshaped(shape: Sequence[Dim], order: Sequence[int]) -> Perm:
    """A layout of ``shape`` in which its axes of other sizes than 1 are stored in ``order``.

    The IR's own where that is one, else channels last, else with each axis of size 1 where it is in the IR.
    """
    rank = len(shape)
    for perm in (identity(rank), channels_last(rank)) if rank in RANKS else (identity(rank),):
        if wide(shape, perm) == list(order):
            return perm
    axes = list(order)
    for axis in range(rank):
        if shape[axis] == 1:
            axes.insert(axes.index(axis - 1) + 1 if axis else 0, axis)
    return tuple(axes)
