"""Read an attribute's string as the type that an operator's signature gives it.

MXNet keeps attributes as strings in the formats of dmlc::Parameter: ``True`` or ``1``, ``1e-05``, ``(3, 3)``,
``[3,3]`` or, for a tuple of one, ``3``; Python 2 left a trailing ``L`` on a tuple's numbers; ``None`` is an
optional's absence.
"""

from __future__ import annotations

import math
import re
import types
from dataclasses import dataclass
from typing import Any, Literal, NewType, TypeAlias, Union, get_args, get_origin

Ints: TypeAlias = tuple[int, ...]
"""A shape or other tuple of whole numbers."""

Floats: TypeAlias = tuple[float, ...]
"""A tuple of numbers."""

OptionalInts: TypeAlias = tuple[int | None, ...]
"""A tuple of whole numbers in which some may be absent: where a slice begins along each axis."""

Bound = NewType("Bound", float)
"""A number, or an infinite one."""

_BOOLS = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}
LARGEST = 3.4028235e38
"""The largest float32, as NumPy prints it."""
_INT = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True)
class Attribute:
    """An operator's attribute as its signature declares it.

    Attributes:
        name: MXNet's name.
        annotation: bool, int, float, :data:`Bound`, str, a Literal of strings, :data:`Ints`, :data:`OptionalInts` or
            :data:`Floats`; or None too.
        required: Whether MXNet insists on it.
        default: What MXNet assumes otherwise.
    """

    name: str
    annotation: Any
    required: bool
    default: Any

    def read(self, text: str) -> Any:
        """Return the value that ``text`` stands for.

        Raises:
            ValueError: It stands for none of this type. The message says what would do.
        """
        return convert(text.strip(), self.annotation)


def convert(text: str, annotation: Any) -> Any:
    """Read ``text`` as ``annotation``; see :class:`Attribute`."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        if text == "None":
            return None
        (inner,) = (kind for kind in get_args(annotation) if kind is not types.NoneType)
        return convert(text, inner)
    if origin is Literal:
        return _choice(text, get_args(annotation))
    if origin is tuple:
        return _TUPLES[get_args(annotation)[0]](text)
    return _PLAIN[annotation](text)


def _choice(text: str, choices: tuple[str | bool, ...]) -> str | bool:
    for choice in choices:
        if text == choice or (isinstance(choice, bool) and _BOOLS.get(text) is choice):
            return choice
    raise ValueError(f"only {', '.join(map(str, choices))}")


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError("True or False")
    return _BOOLS[text]


def _int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ValueError("a whole number")
    value = int(text)
    if not -(2**31) <= value < 2**31:
        raise ValueError("a whole number of 32 bits")
    return value


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number") from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise ValueError("a finite number")
    return value


def _bound(text: str) -> float:
    return float(text) if text in ("inf", "-inf") else _float(text)


def _tuple(text: str) -> Ints:
    try:
        return tuple(_int(part.removesuffix("L")) for part in _parts(text))
    except ValueError:
        raise ValueError("whole numbers such as (3, 3)") from None


def _optional_tuple(text: str) -> OptionalInts:
    try:
        return tuple(None if part == "None" else _int(part.removesuffix("L")) for part in _parts(text))
    except ValueError:
        raise ValueError("whole numbers or None such as (0, None)") from None


def _numbers(text: str) -> Floats:
    try:
        return tuple(_float(part) for part in _parts(text))
    except ValueError:
        raise ValueError("numbers such as (0.5, 1)") from None


def _parts(text: str) -> list[str]:
    """What stands between the commas of a tuple, with or without its brackets."""
    inner = text[1:-1] if text[:1] + text[-1:] in ("()", "[]") and len(text) > 1 else text
    parts = [part.strip() for part in inner.split(",")]
    if parts[-1] == "" and (len(parts) > 1 or inner != text):
        parts.pop()
    return parts


_PLAIN: dict[Any, Any] = {bool: _bool, int: _int, float: _float, Bound: _bound, str: str}
_TUPLES: dict[Any, Any] = {int: _tuple, int | None: _optional_tuple, float: _numbers}


def spell(annotation: Any) -> str:
    """The type as a person would write it: ``int``, ``tuple of int``, ``valid | full``, ``float or None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join("None" if kind is types.NoneType else spell(kind) for kind in get_args(annotation))
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple:
        return f"tuple of {spell(get_args(annotation)[0])}"
    return str(annotation.__name__)
