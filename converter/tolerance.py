"""How far two frameworks may be apart: the gate's limits, and the targets that need others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limits:
    """What one level of agreement allows.

    Attributes:
        max_rel: The largest error, relative to the largest value of the reference.
        sensitivity: The largest error, relative to the output's movement between inputs.
        constant: Takes the place of both for an output that no input moves.
    """

    max_rel: float
    sensitivity: float
    constant: float


@dataclass(frozen=True)
class Tolerance:
    """The limits of ``exact`` and of ``close``, and why they are not the default ones (empty for these)."""

    exact: Limits = Limits(max_rel=1e-4, sensitivity=1e-3, constant=1e-6)
    close: Limits = Limits(max_rel=1e-2, sensitivity=5e-2, constant=1e-5)
    reason: str = ""


DEFAULT: Final = Tolerance()

TOLERANCES: Final[Mapping[str, Tolerance]] = {}
"""Targets whose runtime cannot keep the default limits even in its exact mode, each with the measured reason."""


def tolerance_for(target: str) -> Tolerance:
    """The limits for a target: its entry in `TOLERANCES`, else the default ones."""
    return TOLERANCES.get(target, DEFAULT)
