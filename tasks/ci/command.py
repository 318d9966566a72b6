"""``doit ci-plan``: which conversions a change runs, and how to share them out."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from doit.task import Task

from converter.errors import BadInput
from tasks.ci.shards import Shard, shared_out
from tasks.commands import ProjectCommand, option
from tasks.explain.reason import RUN, Reason, needed
from tasks.progress.course import CONVERT, Pair
from tasks.progress.words import about
from tasks.running.schedule import ordered
from tasks.session import Session
from tasks.strict import similar

_FORMATS = ("text", "json", "github", "gitlab")
_UNKNOWN = 30.0
"""Seconds that a step counts of which nothing is known: about what one of a middling model takes."""


class CiPlan(ProjectCommand):
    """See the module."""

    name = "ci-plan"
    doc_purpose = "say which conversions a change runs, and share them out to several machines"
    doc_usage = "[TASK...]"
    doc_description = (
        "Looks at all conversions if no task is named. Nothing runs. The formats github and gitlab are for a matrix "
        "of jobs: see docs/ci.md. An empty plan is an empty text there, so that the jobs can be left out."
    )
    cmd_options = (
        option("format", str, f"{', '.join(_FORMATS)} [default: text]"),
        option("shards", int, "machines that share the work", default=1),
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """See :class:`tasks.commands.ProjectCommand`."""
        kind = options["format"] or "text"
        if kind not in _FORMATS:
            raise BadInput(
                f"there is no format {kind!r}{similar(kind, _FORMATS)}", fix=f"--format {'|'.join(_FORMATS)}"
            )
        if options["shards"] < 1:
            raise BadInput(f"the work cannot be shared out to {options['shards']} machines", fix="--shards 4")
        tasks = self.load(words)
        chosen = words or [name for name in tasks if name.startswith(CONVERT)] or self.selected(words)
        reasons = needed(session, tasks, chosen)
        running = {reason.step for reason in reasons if reason.state == RUN}
        seconds = {name: _expected(session, _running(name, tasks, running)) for name in chosen}
        seconds = {name: total for name, total in seconds.items() if total}
        shards = shared_out(seconds, {name: Pair.of(name).model for name in seconds}, options["shards"])
        sys.stdout.write(_told(kind, shards, reasons, len(chosen)))
        return 0


def _running(name: str, tasks: Mapping[str, Task], running: Collection[str]) -> list[str]:
    """The steps that would run for a task."""

    def after(name: str) -> list[str]:
        return [*tasks[name].task_dep, *(tasks[name].setup_tasks if name in running else ())]

    return [each for each in ordered([name], after) if each in running]


def _expected(session: Session, steps: Collection[str]) -> float:
    return sum(session.durations.expected(step) or _UNKNOWN for step in steps)


def _told(kind: str, shards: Sequence[Shard], reasons: Sequence[Reason], asked: int) -> str:
    if kind == "json":
        return json.dumps(_document(shards, reasons), indent=1) + "\n"
    if kind == "text":
        return _text(shards, reasons, asked)
    rows = [{"shard": str(number), "tasks": " ".join(shard.tasks)} for number, shard in enumerate(shards, 1)]
    if not rows:
        return ""
    return json.dumps({"include": rows}) + "\n" if kind == "github" else _gitlab(rows)


def _document(shards: Sequence[Shard], reasons: Sequence[Reason]) -> dict[str, Any]:
    return {
        "shards": [{"tasks": list(shard.tasks), "seconds": shard.seconds} for shard in shards],
        "runs": [{"step": reason.step, "why": reason.why} for reason in reasons if reason.state == RUN],
    }


def _text(shards: Sequence[Shard], reasons: Sequence[Reason], asked: int) -> str:
    running = [reason for reason in reasons if reason.state == RUN]
    lines = [f"{reason.step}  {reason.why}" for reason in running]
    count = sum(len(shard.tasks) for shard in shards)
    lines.append(f"{len(running)} of {len(reasons)} steps would run, for {count} of {asked} tasks")
    for number, shard in enumerate(shards, 1):
        lines.append(f"shard {number}: {len(shard.tasks)} tasks, about {about(shard.seconds)}")
    return "\n".join(lines) + "\n"


def _gitlab(rows: Sequence[Mapping[str, str]]) -> str:
    """A child pipeline's matrix, in JSON, which is YAML."""
    matrix = [{"SHARD": row["shard"], "TASKS": row["tasks"]} for row in rows]
    job = {"extends": ".convert", "parallel": {"matrix": matrix}}
    return json.dumps({"include": [{"local": "ci/gitlab-convert.yml"}], "convert": job}, indent=1) + "\n"
