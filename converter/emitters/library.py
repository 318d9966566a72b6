"""Functions that generated code takes what it needs of, read as text from a module of the target's folder."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Library:
    """Functions and constants that generated code may need.

    Attributes:
        nodes: Their definitions by name.
        lines: The module's source.
    """

    nodes: Mapping[str, ast.stmt]
    lines: Sequence[str]

    @staticmethod
    @cache
    def read(path: Path) -> Library:
        """The definitions of the module at ``path``, which is never imported."""
        text = path.read_text(encoding="utf-8")
        return Library({name: node for node in ast.parse(text).body for name in _defined(node)}, text.split("\n"))

    def needed(self, wanted: Iterable[str]) -> list[str]:
        """``wanted`` and what they use, in the order of the module."""
        pending, found = list(wanted), set()
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                used = {node.id for node in ast.walk(self.nodes[name]) if isinstance(node, ast.Name)}
                pending += used & self.nodes.keys()
        return [name for name in self.nodes if name in found]

    def text(self, name: str) -> Sequence[str]:
        """The lines that define ``name``, decorators included."""
        node = self.nodes[name]
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        return self.lines[start - 1 : node.end_lineno]


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []
