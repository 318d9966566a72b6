"""Read TOML tables strictly: every key is known, of its type, and all that is wrong is said at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from converter.errors import BadInput
from tasks.terminal import harmless

_LARGEST = 1 << 40
"""Of sizes in bytes."""


def similar(word: str, known: Collection[str]) -> str:
    """What to say after an unknown ``word``: the one of ``known`` that is most like it, or else all of them."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else f" (known: {', '.join(sorted(known))})" if known else ""


class Reader:
    """A table that is taken apart key by key; collects what is wrong with it, unknown keys included.

    Of what is wrong with one key, and with what is below it, only the first is kept: the rest follows from it.
    """

    def __init__(self, table: Mapping[str, Any], place: str = "", problems: dict[str, str] | None = None) -> None:
        self._table = table
        self._place = place
        self._known: set[str] = set()
        self._below: list[Reader] = []
        self._problems = {} if problems is None else problems

    def has(self, key: str) -> bool:
        """Whether the table has ``key``."""
        return key in self._table

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of ``key``, or ``default``; without one a missing key is a problem."""
        self._known.add(key)
        value = self._table.get(key, default)
        if value is None:
            self.problem(key, "is missing")
            return kind()
        if not isinstance(value, kind):
            self.problem(key, f"is to be a {_KINDS[kind]}, not {value!r:.40}")
            return kind()
        return value

    def text(
        self, key: str, default: str | None = None, *, pattern: re.Pattern[str] | None = None, like: str = ""
    ) -> str:
        """A text that is not empty, checked against ``pattern``, which errors describe as ``like``."""
        value: str = self.get(key, str, default)
        if pattern and not pattern.fullmatch(value):
            self.problem(key, f"is to be {like}, not {value!r:.80}")
        if default is None and not value.strip():
            self.problem(key, "is empty")
        if harmless(value) != value:
            self.problem(key, "has control characters")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, at least one."""
        values = self.get(key, list)
        if not values or not all(isinstance(value, str) for value in values):
            self.problem(key, "is to be a list of texts")
            return []
        return list(values)

    def size(self, key: str) -> int:
        """A size in bytes."""
        value = self.get(key, int)
        if isinstance(value, bool) or not 0 <= value <= _LARGEST:
            self.problem(key, f"is no size in bytes: {value!r:.40}")
        return int(value)

    def table(self, key: str) -> Reader:
        """The table below ``key``."""
        below = Reader(self.get(key, dict), f"{self._place}{key}.", self._problems)
        self._below.append(below)
        return below

    def tables(self, key: str, *, required: bool = True, known: Collection[str] = ()) -> list[tuple[str, Reader]]:
        """All tables below ``key``, by name; a name that is not among ``known``, if that is given, is a problem."""
        parent = Reader(self.get(key, dict, None if required else {}), f"{self._place}{key}.", self._problems)
        found = [(name, parent.table(name)) for name in parent._table if not known or name in known]
        if required and not parent._table:
            self.problem(key, "is empty")
        parent.expect(known)
        self._below.append(parent)
        return found

    def expect(self, keys: Collection[str]) -> None:
        """Let the table have ``keys`` without looking at them."""
        self._known |= set(keys)

    def problem(self, key: str, what: str) -> None:
        """Note that ``what`` is wrong with ``key``."""
        place = f"{self._place}{key}"
        if not any(place == known or place.startswith((f"{known}.", f"{known}[")) for known in self._problems):
            self._problems[place] = what

    def finish(self, path: Path) -> None:
        """Raise ``BadInput`` if anything was wrong, with all of it."""
        if problems := self.wrong():
            raise BadInput(f"the manifest {path.name} is not right: {problems}", where=str(path))

    def wrong(self) -> str:
        """All that is wrong; empty if nothing is."""
        self._unknown()
        return "; ".join(harmless(f"{place} {what}".strip()) for place, what in self._problems.items())

    def _unknown(self) -> None:
        for key in sorted(self._table.keys() - self._known):
            self.problem(key, f"is not known{similar(key, self._known - self._table.keys() or self._known)}")
        for below in self._below:
            below._unknown()


_KINDS: dict[type, str] = {str: "text", int: "whole number", list: "list", dict: "table"}


def read_toml(path: Path) -> dict[str, Any]:
    """The content of the manifest at ``path``.

    Raises:
        BadInput: It cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the manifest {path.name} is not TOML: {error}", where=str(path)) from error
    except OSError as error:
        raise BadInput(f"the manifest cannot be read: {error.strerror}", where=str(path)) from error
