"""What doit lacks, as plugins: durable records, errors with the nearest names, clean ends on signals."""

from __future__ import annotations

import difflib
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from doit.cmd_run import Run as DoitRun
from doit.cmdparse import CmdParseError
from doit.dependency import SqliteDB
from doit.exceptions import BaseFail, InvalidCommand
from doit.reporter import ConsoleReporter
from doit.task import Task

from tasks.digests import discard_damaged
from tasks.session import Session

_COMMANDS = ("clean", "forget", "help", "info", "list", "run")
"""doit's commands that a mistyped first word may have meant."""


_SHOW_THEMSELVES = ("image:", "download:", "convert:", "overview")
"""Tasks that print while they run."""


_OUTCOMES = ("ran", "restored", "up to date", "failed")


class Terminated(BaseException):
    """SIGTERM, made an exception so that every ``finally`` runs."""


class CommittingDB(SqliteDB):  # type: ignore[misc]
    """doit's SQLite records, committed as each task succeeds; doit's own are lost if the process is killed."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        discard_damaged(Path(name), "doit")
        super().__init__(name, *args, **kwargs)

    def set(self, task_id: str, dependency: str, value: object) -> None:
        """Record a value; ``deps:`` is the last one that doit writes for a task."""
        super().set(task_id, dependency, value)
        if dependency == "deps:":
            row = (task_id, self.codec.encode(self._cache[task_id]))
            self._conn.execute("insert or replace into doit values (?, ?)", row)
            self._conn.commit()
            self._dirty.discard(task_id)


class Run(DoitRun):  # type: ignore[misc]
    """``doit run`` with exit code 1 and one clear message for a bad name, 130 and 143 for SIGINT and SIGTERM."""

    name = "run"

    def parse_execute(self, in_args: list[str]) -> int:
        """Run, or say in a line that an option is not known."""
        try:
            code: int = super().parse_execute(in_args)
        except CmdParseError:
            options = [word for word in in_args if word.startswith("-")]
            sys.stderr.write(
                f"doit does not take {' '.join(options)} here\n  to do: 'doit help run' lists the options\n"
            )
            return 1
        return code

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Run what ``pos_args`` name and return the exit code."""
        if opt_values.get("num_process"):
            sys.stderr.write("steps run one after the other\n  to do: leave out -n\n")
            return 1
        signal.signal(signal.SIGTERM, _terminate)
        try:
            code: int = super().execute(opt_values, pos_args)
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            return _unknown(error.not_found, [task.name for task in self.task_list])
        except KeyboardInterrupt:
            return _stopped("interrupted", 128 + signal.SIGINT)
        except Terminated:
            return _stopped("terminated", 128 + signal.SIGTERM)
        return code


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """A line for each step that did something, and one for the whole at the end."""

    desc = "steps that ran or were restored, and a count"

    def __init__(self, session: Session) -> None:
        super().__init__(sys.stdout, {})
        self.session = session
        self._selected: list[str] = []
        self._started: dict[str, float] = {}
        self._failed = 0
        self._is_live = sys.stdout.isatty()

    def initialize(self, tasks: dict[str, Task], selected_tasks: list[str]) -> None:  # noqa: ARG002
        """Remember what was asked for."""
        self._selected = selected_tasks

    def execute_task(self, task: Task) -> None:
        """Start the clock; on a terminal, say what is running until there is more to say."""
        self._started[task.name] = time.monotonic()
        if self._is_live and not task.name.startswith(_SHOW_THEMSELVES):
            self.write(f"{'running':9} {task.name}")
            self.outstream.flush()

    def add_success(self, task: Task) -> None:
        """Say what was done."""
        self._clear()
        did = self.session.done.get(task.name)
        if did in ("ran", "restored"):
            self._line(did, task)

    def skip_uptodate(self, task: Task) -> None:
        """Say what came out of the cache; be quiet about what was there."""
        if self.session.done.get(task.name) == "restored":
            self._line("restored", task)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Say what went wrong, once."""
        self._failed += 1
        self._clear()
        self.outstream.flush()
        sys.stderr.write(f"{task.name} failed: {fail.get_msg().rstrip()}\n")

    def complete_run(self) -> None:
        """Count."""
        self._clear()
        did = [*self.session.done.values(), *["failed"] * self._failed]
        if not did or self.runtime_errors:
            super().complete_run()
        elif set(did) == {"up to date"}:
            self.write(f"{', '.join(self._selected)}: up to date, nothing to run\n")
        else:
            counts = [f"{did.count(word)} {word}" for word in _OUTCOMES if word in did]
            self.write(f"{len(did)} step{'s' * (len(did) > 1)}: {', '.join(counts)}\n")

    def _clear(self) -> None:
        if self._is_live:
            self.write("\r\x1b[2K")

    def _line(self, did: str, task: Task) -> None:
        started = self._started.get(task.name)
        took = f"  {time.monotonic() - started:.1f} s" if started is not None else ""
        self.write(f"{did:9} {task.name}{took}\n")
        self.outstream.flush()


def _terminate(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Terminated


def _stopped(how: str, code: int) -> int:
    sys.stderr.write(f"{how}; finished steps are kept, run the same command to go on\n")
    return code


def _unknown(name: str, tasks: list[str]) -> int:
    nearest = difflib.get_close_matches(name, [*tasks, *_COMMANDS], n=3, cutoff=0.5)
    meant = f"\n  did you mean: {', '.join(nearest)}" if nearest else ""
    sys.stderr.write(f"there is no task or command {name!r}{meant}\n  to do: 'doit' lists what can be built\n")
    return 1
