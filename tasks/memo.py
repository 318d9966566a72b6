"""Answers to what many steps ask, and which actions each of them rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tasks.action import Digest, Tree

Call = tuple[Any, ...]
"""Name and arguments of a call; hashable."""


class Trail:
    """The actions that an answer rests on, in the order in which they were asked for.

    What many answers rest on is held once, as are the nodes of a Merkle tree.

    Attributes:
        digest: The same where all actions are, and nowhere else.
    """

    __slots__ = ("_parts", "digest")

    digest: str

    def __init__(self, parts: Iterable[Digest | Trail]) -> None:
        """Join keys of actions, and trails of other answers."""
        self._parts = tuple(parts)
        told = [part.hash if isinstance(part, Digest) else f"<{part.digest}>" for part in self._parts]
        self.digest = hashlib.sha256("".join(told).encode()).hexdigest()

    def actions(self) -> dict[Digest, None]:
        """The keys of the actions, each once."""
        return together([self])

    def parts(self) -> Iterator[Digest | Trail]:
        """What it joins."""
        return iter(self._parts)


def together(trails: Iterable[Trail]) -> dict[Digest, None]:
    """The keys of all ``trails``, each once; what they have in common is walked once."""
    found: dict[Digest, None] = {}
    seen: set[str] = set()
    todo: list[Iterator[Digest | Trail]] = [iter(list(trails))]
    while todo:
        part = next(todo[-1], None)
        if part is None:
            todo.pop()
        elif isinstance(part, Digest):
            found[part] = None
        elif part.digest not in seen:
            seen.add(part.digest)
            todo.append(part.parts())
    return found


class Memo:
    """Answers that are known already: each step asks for those of all steps before it.

    An answer holds as long as nothing that it rests on is found damaged.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, Call], tuple[object, Tree, Trail]] = {}

    def get(self, owner: object, call: Call) -> tuple[Tree, Trail] | None:
        """The answer of ``owner`` to ``call`` and what it rests on."""
        known = self._known.get((id(owner), call))
        return known[1:] if known else None

    def keep(self, owner: object, call: Call, tree: Tree, trail: Trail) -> None:
        """Remember an answer; the owner, too, so that nobody else is taken for it."""
        self._known[id(owner), call] = (owner, tree, trail)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()


class Asked:
    """The actions that were asked for until now, of all and of each call that is being answered."""

    def __init__(self) -> None:
        self._open: list[dict[Digest | Trail, None]] = [{}]

    def add(self, part: Digest | Trail) -> None:
        """Note an action by its key, or all those of an answer."""
        self._open[-1][part] = None

    def during(self, compute: Callable[[], Tree]) -> tuple[Tree, Trail]:
        """What ``compute`` returns, and what was noted meanwhile."""
        self._open.append({})
        try:
            tree = compute()
        finally:
            trail = Trail(self._open.pop())
            self.add(trail)
        return tree, trail

    def trail(self) -> Trail:
        """All of them."""
        parts = list(self._open[0])
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Trail) else Trail(parts)


def remembered(memo: Memo, asked: Asked, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:
    """What ``compute`` returns, which is what ``owner`` always answers to ``call``: asked only once."""
    known = memo.get(owner, call)
    if known is None:
        known = asked.during(compute)
        memo.keep(owner, call, *known)
    else:
        asked.add(known[1])
    return known[0]
