"""Modules that are loaded when they are first used rather than when they are first imported.

onnx-ir imports SymPy for arithmetic on symbolic dimensions, which the IR never does. Loading SymPy takes longer than
everything else that reading a model needs, its conversion included.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

MODULES = frozenset({"sympy", "onnx_ir._symbolic_shapes"})
"""The second is onnx-ir's own module that looks into the first when it is loaded."""


class _Postponing(MetaPathFinder):
    """Finds these modules where they are, and has them loaded at the first look at one of their attributes."""

    @staticmethod
    def find_spec(
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The module's specification, with a lazy loader; None for every other module."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in MODULES else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def postpone() -> None:
    """Have :data:`MODULES` loaded late, as far as nobody has imported them yet; for the whole process."""
    if not any(isinstance(finder, _Postponing) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Postponing())
