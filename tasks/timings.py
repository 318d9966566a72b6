"""How long the actions behind a step took when they really ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tasks.action import Action, Digest, Image, Tree, encode
from tasks.execution import LookUp, name
from tasks.manifest import Source
from tasks.memo import Call
from tasks.published import Published


@dataclass(frozen=True)
class Noted:
    """Answers from records as a :class:`LookUp` does, and notes every action that it was asked for, once, in order.

    Attributes:
        look_up: Who answers.
        actions: What was found, by key.
    """

    look_up: LookUp
    actions: dict[Digest, Action] = field(default_factory=dict)

    def action(self, action: Action) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        found = self.look_up.action(action)
        self.actions[encode(action).key] = action
        return found

    def download(self, source: Source) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        return self.look_up.download(source)

    def published(self, files: Iterable[Published]) -> Tree:
        """See :class:`tasks.execution.Outputs`."""
        return self.look_up.published(files)

    def image(self, toolchain: str) -> Image:
        """See :class:`tasks.execution.Outputs`."""
        return self.look_up.image(toolchain)

    def once(self, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:  # noqa: ARG002
        """See :class:`tasks.execution.Outputs`; what was answered before is asked again, to be noted."""
        return compute()

    def timings(self) -> list[dict[str, Any]]:
        """``[{"step", "where", "seconds"}, ...]``; seconds are None where they are not on record."""
        return [
            {
                "step": name(action),
                "where": action.image.toolchain,
                "seconds": _rounded(self.look_up.store.took(key)),
            }
            for key, action in self.actions.items()
        ]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
