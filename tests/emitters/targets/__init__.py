"""What is particular to each target's tests, a module a target."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

import onnx_ir

from converter.emitters import prepare


def tolerances(target: str) -> Mapping[str, tuple[float, str]]:
    """Patterns of cases (``<form>:<case>`` of another form) to the tolerance they need, with the measured reason."""
    found: Mapping[str, tuple[float, str]] = _module(target).TOLERANCES
    return found


def variants(target: str) -> Mapping[str, Mapping[str, Any]]:
    """Options of ``target`` that it is tested with besides those that are the default, by a name for them."""
    found: Mapping[str, Mapping[str, Any]] = getattr(_module(target), "VARIANTS", {})
    return found


def deviations(target: str) -> Mapping[str, str]:
    """Cases that ``target`` is known not to compute exactly, with the reason; its page says so."""
    found: Mapping[str, str] = getattr(_module(target), "DEVIATIONS", {})
    return found


def prepared(target: str, model: onnx_ir.Model) -> onnx_ir.Model:
    """``model`` as the emitter of ``target`` wants it."""
    own: Callable[[onnx_ir.Model], onnx_ir.Model] | None = getattr(_module(target), "prepared", None)
    return own(model) if own else prepare(model, target)


def tolerance(target: str, case: str, default: float) -> float:
    """How far ``target`` may be from onnxruntime on ``case``, relative to the largest value."""
    return next((limit for pattern, (limit, _) in tolerances(target).items() if fnmatchcase(case, pattern)), default)


def _module(target: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{target}")
