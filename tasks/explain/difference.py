"""What differs between two actions, part by part, for people to read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.action import Action, Digest

Read = Callable[[Digest], bytes | None]
"""Gives the content of a blob, or None where it is not here."""

_LARGEST = 1 << 20
"""Bytes of a text whose lines are compared."""

_DIGITS = 12

PARAMETERS = "params.json"


@dataclass(frozen=True)
class Change:
    """One part of an action that is not what it was.

    Attributes:
        component: ``command``, ``environment``, ``timeout``, ``image``, ``parameter``, ``code`` or ``input file``.
        name: Which.
        before: Its value or digest; empty where there was none.
        after: The same of now.
    """

    component: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        """In a line."""
        if not self.before:
            return f"{self.component} {self.name} is new ({self.after})"
        if not self.after:
            return f"{self.component} {self.name} is gone (was {self.before})"
        return f"{self.component} {self.name}: {self.before} -> {self.after}"


def changes(before: Action, after: Action, read: Read, describe: Callable[[str, str], list[str]]) -> list[Change]:
    """All that differs.

    Args:
        before: The action as it was.
        after: The action as it is.
        read: Gives contents.
        describe: Says line by line what differs between the images of two identities.
    """
    return [
        *_values("command", {"": " ".join(before.argv)}, {"": " ".join(after.argv)}),
        *_values("environment", dict(before.env), dict(after.env)),
        *_values("timeout", {"": f"{before.timeout} s"}, {"": f"{after.timeout} s"}),
        *_values("output", dict.fromkeys(before.outputs, "declared"), dict.fromkeys(after.outputs, "declared")),
        *_image(before.image.identity, after.image.identity, describe),
        *_inputs(dict(before.inputs), dict(after.inputs), read),
    ]


def _image(before: str, after: str, describe: Callable[[str, str], list[str]]) -> Iterator[Change]:
    if before != after:
        yield Change("image", "identity", before[:_DIGITS], after[:_DIGITS])
        for line in describe(before, after):
            name, _, values = line.partition(" ")
            yield Change("image", name.rstrip(":"), *_sides(values))


def _sides(text: str) -> tuple[str, str]:
    before, arrow, after = text.rpartition(" -> ")
    return (before, after) if arrow else ("", text)


def _inputs(before: Mapping[str, Digest], after: Mapping[str, Digest], read: Read) -> Iterator[Change]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if path == PARAMETERS and old and new:
            yield from _values("parameter", _parameters(read(old)), _parameters(read(new)))
        else:
            lines = _lines(old, new, path, read)
            yield Change("code" if path.endswith(".py") else "input file", path, _named(old), _named(new) + lines)


def _parameters(content: bytes | None) -> dict[str, str]:
    """Parameters by their path: ``options.profile``."""
    try:
        found: dict[str, Any] = json.loads(content or b"{}")
    except ValueError:
        return {}
    flat: dict[str, str] = {}
    todo: list[tuple[str, Any]] = [("", found)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict) and value:
            todo += [(f"{path}.{key}" if path else str(key), each) for key, each in value.items()]
        else:
            flat[path] = json.dumps(value)
    return flat


def _lines(old: Digest | None, new: Digest | None, path: str, read: Read) -> str:
    """How many lines differ, of a small text."""
    if not old or not new or not path.endswith((".py", ".json", ".txt")) or max(old.size, new.size) > _LARGEST:
        return ""
    before, after = read(old), read(new)
    if before is None or after is None:
        return ""
    was, is_now = (data.decode(errors="replace").splitlines() for data in (before, after))
    marks = [line[0] for line in difflib.unified_diff(was, is_now, n=0) if line[:3] not in ("---", "+++")]
    return f" (+{marks.count('+')} -{marks.count('-')} lines)"


def _named(digest: Digest | None) -> str:
    return f"{digest.hash[:_DIGITS]}, {digest.size} bytes" if digest else ""


def _values(component: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Change(component, name, before.get(name, ""), after.get(name, ""))
