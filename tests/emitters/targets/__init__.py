"""What is particular to each target's tests, a module a target."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from fnmatch import fnmatchcase


def tolerances(target: str) -> Mapping[str, tuple[float, str]]:
    """Patterns of cases (``<form>:<case>`` of another form) to the tolerance they need, with the measured reason."""
    found: Mapping[str, tuple[float, str]] = importlib.import_module(f"{__name__}.{target}").TOLERANCES
    return found


def tolerance(target: str, case: str, default: float) -> float:
    """How far ``target`` may be from onnxruntime on ``case``, relative to the largest value."""
    return next((limit for pattern, (limit, _) in tolerances(target).items() if fnmatchcase(case, pattern)), default)
