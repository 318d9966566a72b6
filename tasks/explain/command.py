"""``doit explain``: what each step would do, and which part of it has changed since last time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from tasks.commands import ProjectCommand, option
from tasks.explain.reason import RESTORED, RUN, UP_TO_DATE, Reason, needed
from tasks.session import Session
from tasks.terminal import harmless

_COLOURS = {UP_TO_DATE: "green", RESTORED: "cyan", RUN: "bold yellow"}
_WORDS = ("up to date", "to be restored", "to run")

_MOST = 12
"""Changes of an action that are shown; the rest is counted."""


class Explain(ProjectCommand):
    """See the module."""

    name = "explain"
    doc_purpose = "say for each step whether it would run, and what has changed since last time"
    doc_usage = "[TASK...]"
    doc_description = "Nothing runs. A step that comes after one that runs may turn out to have nothing to do."
    cmd_options = (
        option("json", bool, "as JSON, for programs"),
        option("all", bool, "show what is up to date, too", short="a"),
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """See :class:`tasks.commands.ProjectCommand`."""
        tasks = self.load(words)
        reasons = needed(session, tasks, self.selected(words))
        if options["json"]:
            sys.stdout.write(json.dumps([asdict(reason) for reason in reasons], indent=1) + "\n")
        else:
            _show(reasons, is_whole=options["all"])
        return 0


def _show(reasons: Iterable[Reason], *, is_whole: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    counts = dict.fromkeys(_COLOURS, 0)
    for reason in reasons:
        counts[reason.state] += 1
        if is_whole or reason.state != UP_TO_DATE or reason.differences:
            for line in _lines(reason):
                console.print(line)
    told = ", ".join(f"{count} {word}" for (state, count), word in zip(counts.items(), _WORDS, strict=True) if count)
    console.print(Text(told or "there is no such step"))


def _lines(reason: Reason) -> Iterator[Text]:
    yield Text.assemble((f"{reason.state:10}", _COLOURS[reason.state]), f" {reason.step}  {harmless(reason.why)}")
    for difference in reason.differences:
        yield Text(f"{'':11}{harmless(difference.action)}{': ' * bool(difference.why)}{difference.why}")
        yield from (Text(f"{'':13}{harmless(str(change))}") for change in difference.changes[:_MOST])
        if len(difference.changes) > _MOST:
            yield Text(f"{'':13}and {len(difference.changes) - _MOST} more")
