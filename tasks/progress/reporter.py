"""What a person sees of a run of doit: its steps as lines, or as a table that moves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from tasks.names import SHOWING
from tasks.progress.course import CONVERT, FAILED, NOT_RUN, Course, Pair, planned
from tasks.progress.words import count
from tasks.session import Session
from tasks.terminal import console, harmless, is_live

if TYPE_CHECKING:
    from tasks.progress.display import Display

_AT_ONCE = (CONVERT, "overview", *SHOWING)
"""Tasks that print and are done."""

_FEW = 9
"""Tasks asked for that are still named at the end."""


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """A line for each step that did something, and one for the whole at the end.

    On a terminal the running step is shown with its time; where there are several conversions, all of them are, as a
    table instead of the lines.
    """

    desc = "steps that ran or were restored, and a count"

    def __init__(self, session: Session) -> None:
        super().__init__(sys.stdout, {})
        self.session = session
        self._course = Course()
        self._display: Display | None = None
        self._failures: dict[str, str] = {}

    def write(self, text: str) -> None:
        """Write to what is standard output now: on a terminal, what is shown there moves down."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def initialize(self, tasks: dict[str, Task], selected_tasks: list[str]) -> None:
        """See what was asked for, and how it can be shown."""
        names = planned({name: task.task_dep for name, task in tasks.items()}, selected_tasks)
        steps = [name for name in names if name in self.session.steps]
        conversions = {Pair.of(name): tasks[name].task_dep for name in names if name.startswith(CONVERT)}
        self.session.is_brief = len(conversions) > 1
        conversions = conversions if self.session.is_brief else {}
        self._course = Course(selected_tasks, dict.fromkeys(steps, ""), conversions)
        if steps and is_live():
            from tasks.progress.display import Display

            self._display = Display(self._course, self.session.durations.expected, console())
            if conversions:
                self._display.start()

    def execute_task(self, task: Task) -> None:
        """Start the clock; on a terminal, show it. What sums the conversions up has the terminal for itself."""
        self._course.begin(task.name)
        if self._display and self._is_table and ":" not in task.name and task.actions:
            self._display.stop(leave=False)
        elif self._display and not self._is_table and not task.name.startswith(_AT_ONCE):
            self._display.start()

    def add_success(self, task: Task) -> None:
        """Say what was done."""
        did, took = self._end(task)
        if did in ("ran", "restored"):
            self._line(f"{did:9} {task.name}  {took:.1f} s")

    def skip_uptodate(self, task: Task) -> None:
        """Say what came out of the cache; be quiet about what was there."""
        did, _ = self._end(task)
        if did == "restored":
            self._line(f"{did:9} {task.name}")

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Say what went wrong, once: not again for each task that could not be tried because of it."""
        outcome = NOT_RUN if isinstance(fail, UnmetDependency) else FAILED
        if outcome == FAILED or task.name in self.session.steps:
            self._failures[task.name] = outcome
        is_verdict = task.name.startswith("verify:") and self._verdict(task.name) == "differs"
        self._course.fail(task.name, "differs" if is_verdict else outcome)
        self._end(task, outcome)
        if outcome == FAILED:
            self._complain(harmless(f"{task.name} failed: {fail.get_msg().rstrip()}"))

    def complete_run(self) -> None:
        """Count."""
        if self._display:
            self._display.stop()
        did = {**self.session.done, **self._failures}
        if not did or self.runtime_errors:
            super().complete_run()
        elif set(did.values()) == {"up to date"} and all(self._course.steps.values()):
            self.write(f"{_named(self._course.selected)}: up to date, nothing to run\n")
        else:
            self.write(f"{count(did.values(), self.session.saved(), self.session.fetched)}\n")

    @property
    def _is_table(self) -> bool:
        return self._display is not None and bool(self._course.conversions)

    def _end(self, task: Task, stage: str = "") -> tuple[str, float]:
        """What became of a task, and the seconds it took. A conversion ends in ``stage``, else in its verdict."""
        did = self._failures.get(task.name) or self.session.done.get(task.name, "")
        took = self._course.end(task.name, did)
        if task.name.startswith(CONVERT):
            self._course.settle(Pair.of(task.name), stage or self._verdict(task.name))
        if self._display and not self._is_table and not self._course.running:
            self._display.stop()
        return did, took

    def _verdict(self, task: str) -> str:
        """What the conversion that a task is of was judged to be; that it failed where there is no verdict."""
        try:
            pair = Pair.of(task)
            from tasks import report

            return report.verdict(self.session.build / self.session.place(pair.model) / pair.target)
        except (OSError, ValueError, KeyError):
            return FAILED

    def _line(self, text: str) -> None:
        if self._is_table:
            return
        if self._display and self._display.is_shown:
            self._display.say(text)
        else:
            self.write(f"{text}\n")

    def _complain(self, text: str) -> None:
        sys.stdout.flush()
        if self._display and self._display.is_shown:
            self._display.say(text)
        else:
            sys.stderr.write(f"{text}\n")


def _named(selected: Sequence[str]) -> str:
    selected = [name for name in selected if name in SHOWING] or selected
    return ", ".join(selected) if len(selected) <= _FEW else f"{len(selected)} tasks"
