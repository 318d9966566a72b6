"""What doit lacks, as plugins: durable records, errors with the nearest names, clean ends on signals."""

from __future__ import annotations

import difflib
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from doit.cmd_run import Run as DoitRun
from doit.cmd_run import opt_always, opt_continue, opt_num_process, opt_reporter, opt_single
from doit.control import TaskControl
from doit.dependency import SqliteDB
from doit.exceptions import InvalidCommand

from converter.errors import TransshipError
from tasks.commands import Polite
from tasks.digests import discard_damaged
from tasks.errors import StepFailed
from tasks.events.log import EventLog
from tasks.events.recorder import Recorder
from tasks.names import SHOWING
from tasks.running.runner import Runner
from tasks.session import Session

_COMMANDS = ("cache", "ci-plan", "clean", "explain", "forget", "graph", "help", "info", "list", "log", "run")
"""The commands that a mistyped first word may have meant."""


_KEEP_GOING = {
    "name": "keep_going",
    "short": "",
    "long": "keep-going",
    "type": bool,
    "default": False,
    "help": "run what can be run after a step has failed; the same as --continue",
}
_TWICE = {
    "name": "check_determinism",
    "short": "",
    "long": "check-determinism",
    "type": bool,
    "default": False,
    "help": "run each step once more, whether or not it is up to date, and fail where it does not give the same",
}
_WORKERS = {
    **opt_num_process,
    "long": "jobs",
    "help": "steps that run at a time, as far as the machine's memory allows [default: 1]",
}
MOST_WORKERS = 256

_INTERRUPTED = 128 + signal.SIGINT
"""The code on record of a run that was stopped."""

_UNKNOWN = 1.0
"""Seconds that a step counts of which nothing is known."""


class Terminated(BaseException):
    """SIGTERM, made an exception so that every ``finally`` runs."""


class CommittingDB(SqliteDB):  # type: ignore[misc]
    """doit's SQLite records, read at once, for every task asks, and committed as each task succeeds.

    doit's own are lost if the process is killed.
    """

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if not os.access(Path(name).absolute().parent, os.W_OK):
            fix = "see that this folder can be written to, or work in a copy of the project"
            raise SystemExit(str(StepFailed("doit's records cannot be written", where=name, fix=fix)))
        discard_damaged(Path(name), "doit")
        super().__init__(name, *args, **kwargs)
        rows = self._conn.execute("select task_id, task_data from doit")
        self._cache: dict[str, Any] = {row["task_id"]: row["task_data"] for row in rows}

    def _get_task_data(self, task_id: str) -> dict[str, Any]:  # noqa: ARG002 - all there is was read
        return {}

    def set(self, task_id: str, dependency: str, value: object) -> None:
        """Record a value; ``deps:`` is the last one that doit writes for a task."""
        super().set(task_id, dependency, value)
        if dependency == "deps:":
            row = (task_id, self.codec.encode(self._cache[task_id]))
            self._conn.execute("insert or replace into doit values (?, ?)", row)
            self._conn.commit()
            self._dirty.discard(task_id)


class Run(Polite, DoitRun):  # type: ignore[misc]
    """``doit run``, several tasks at a time if asked to, with clear ends.

    Exit code 1 and one message for a bad name, 130 and 143 for SIGINT and SIGTERM.
    """

    name = "run"
    cmd_options = (opt_always, opt_continue, _KEEP_GOING, _WORKERS, _TWICE, opt_reporter, opt_single)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Run what ``pos_args`` name and return the exit code."""
        if not 0 <= opt_values["num_process"] <= MOST_WORKERS:
            sys.stderr.write(f"-n takes how many steps run at a time\n  to do: give it 1 to {MOST_WORKERS}\n")
            return 1
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        opt_values["continue"] |= opt_values["keep_going"] or any(word in SHOWING for word in pos_args)
        signal.signal(signal.SIGTERM, _terminate)
        try:
            code: int = super().execute(opt_values, pos_args)
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            typeable = getattr(self.loader.namespace.get("plan"), "typeable", list)
            sys.stderr.write(f"{unknown(error.not_found, [*typeable(), *(task.name for task in self.task_list)])}\n")
            return 1
        except TransshipError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            return _stopped("interrupted", 128 + signal.SIGINT)
        except Terminated:
            return _stopped("terminated", 128 + signal.SIGTERM)
        return min(code, 1)

    def _execute(
        self,
        reporter: Any,
        num_process: int,
        always: bool,
        continue_: bool,
        single: bool,
        check_determinism: bool,
    ) -> int:
        """Run; called by doit with the options that the parameters are named after."""
        control = TaskControl(self.task_list)
        control.process(self.sel_tasks)
        if single:
            _isolate(control)
        session: Session | None = getattr(reporter, "session", None)
        if isinstance(reporter, str):
            reporter = self.reporters[reporter](sys.stdout, {})
        if session:
            session.open()
            session.twice = set() if check_determinism else None
        count = max(num_process, 1)
        recorder = _recorder(session, control, self.sel_tasks, count) if session else None
        runner = Runner(
            control.tasks,
            reporter,
            is_ignored=self.dep_manager.status_is_ignore,
            is_work=lambda name: session is not None and (name in session.steps or name.startswith("image:")),
            count=count,
            keep_going=continue_,
            always=always or check_determinism,
            stop=session.stop if session else lambda: None,
            watch=recorder,
        )
        code = _INTERRUPTED
        try:
            code = runner.run(control.selected_tasks, _expected(session))
        finally:
            self.dep_manager.close()
            if recorder:
                recorder.close(code)
            gc.freeze()  # else the interpreter looks through it all once more as it ends
        return code


def _recorder(session: Session, control: TaskControl, arguments: Sequence[str], workers: int) -> Recorder:
    """Who writes down what happens in this run."""
    session.log = EventLog(session.logs / "runs", list(arguments), workers)

    def after(name: str) -> list[str]:
        return [*control.tasks[name].task_dep, *control.tasks[name].setup_tasks]

    return Recorder(session, session.log, after)


def _expected(session: Session | None) -> Callable[[str], float]:
    """Seconds that tasks are expected to run; what is not known counts as little."""
    if session is None:
        return lambda _: _UNKNOWN
    return lambda task: session.durations.expected(task) or _UNKNOWN


def _isolate(control: TaskControl) -> None:
    """Have the tasks that are asked for come after nothing; of a group, its members."""
    for name in control.selected_tasks:
        task = control.tasks[name]
        for alone in [control.tasks[member] for member in task.task_dep] if task.has_subtask else [task]:
            alone.task_dep = []


def _terminate(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Terminated


def _stopped(how: str, code: int) -> int:
    sys.stderr.write(f"{how}; finished steps are kept, run the same command to go on\n")
    return code


def unknown(name: str, tasks: list[str]) -> str:
    """What to say where there is no task ``name``: the nearest of ``tasks`` and commands."""
    nearest = difflib.get_close_matches(name, {*tasks, *_COMMANDS}, n=3, cutoff=0.5)
    meant = f"\n  did you mean: {', '.join(nearest)}" if nearest else ""
    return f"there is no task or command {name!r}{meant}\n  to do: 'doit' lists what can be built"
