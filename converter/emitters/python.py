"""Python source, as a person would lay it out: literals, calls, docstrings.

All text that comes from a model goes through :func:`literal` or :func:`docstring`, so that none of it is code.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

WIDTH = 100
_QUOTES = '"' * 3


class Code(str):
    """Source text, to be written as it stands rather than as a string."""

    __slots__ = ()


def number(value: float) -> str:
    """The shortest decimal that is ``value`` as a float32, which is what networks compute with."""
    single = np.float32(value)
    if not math.isfinite(single):
        return f'float("{single}")'
    return str(float(str(single)))


def literal(value: Any) -> str:
    """``value`` as source: a number, a text, None, a bool, or tuples, lists and mappings of them.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, Code) or value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, tuple | list):
        items = ", ".join(map(literal, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' if len(value) == 1 else ''})"
    return _number(value)


def call(function: str, positional: Iterable[Any] = (), keywords: Mapping[str, Any] | None = None) -> str:
    """The call of ``function``, on one line."""
    arguments = [literal(value) for value in positional]
    arguments += [f"{name}={literal(value)}" for name, value in (keywords or {}).items()]
    return f"{function}({', '.join(arguments)})"


def statement(target: str, function: str, arguments: Sequence[str], *, indent: int = 0) -> str:
    """``target = function(arguments)``, with an argument a line where that is wider than :data:`WIDTH`."""
    margin, head = " " * indent, f"{target} = {function}(" if target else f"{function}("
    line = f"{margin}{head}{', '.join(arguments)})"
    if len(line) <= WIDTH or not arguments:
        return line
    inner = f"{margin}    {', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return f"{margin}{head}\n{inner}\n{margin})"
    return "\n".join([f"{margin}{head}", *(f"{margin}    {argument}," for argument in arguments), f"{margin})"])


def docstring(paragraphs: Iterable[str], *, indent: int = 0) -> str:
    """A docstring of ``paragraphs``, each of its own lines, filled to :data:`WIDTH` where it is one line."""
    margin = " " * indent
    blocks: list[str] = []
    for paragraph in paragraphs:
        safe = "\n".join(_printable(line) for line in paragraph.split("\n"))
        width = WIDTH - indent - (0 if blocks else 2 * len(_QUOTES))
        filled = safe if "\n" in safe else textwrap.fill(safe, width, break_long_words=False)
        blocks.append(textwrap.indent(filled, margin))
    body = "\n\n".join(blocks).removeprefix(margin)
    end = f"\n{margin}" if "\n" in body or body.endswith(('"', "\\")) else ""
    return f"{margin}{_QUOTES}{body}{end}{_QUOTES}"


def _number(value: Any) -> str:
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return number(float(value))
    raise TypeError(f"no literal for {type(value).__name__}")


def _text(value: str) -> str:
    quoted = repr(value)
    if quoted.startswith("'") and '"' not in value:
        quoted = f'"{quoted[1:-1]}"'
    return quoted.encode("ascii", "backslashreplace").decode()


def _printable(line: str) -> str:
    """``line`` without anything that could end a docstring or mean something else in it."""
    escaped = line.replace("\\", "\\\\").replace(_QUOTES, '\\"' * 3)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in escaped)
