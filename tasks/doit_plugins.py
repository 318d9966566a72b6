"""What doit lacks, as plugins: durable records, errors with the nearest names, clean ends on signals."""

from __future__ import annotations

import difflib
import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from doit.cmd_run import Run as DoitRun
from doit.dependency import SqliteDB
from doit.exceptions import InvalidCommand

from tasks.commands import Polite
from tasks.digests import discard_damaged
from tasks.errors import StepFailed
from tasks.names import SHOWING

_COMMANDS = ("clean", "forget", "help", "info", "list", "run")
"""doit's commands that a mistyped first word may have meant."""


class Terminated(BaseException):
    """SIGTERM, made an exception so that every ``finally`` runs."""


class CommittingDB(SqliteDB):  # type: ignore[misc]
    """doit's SQLite records, committed as each task succeeds; doit's own are lost if the process is killed."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if not os.access(Path(name).absolute().parent, os.W_OK):
            fix = "see that this folder can be written to, or work in a copy of the project"
            raise SystemExit(str(StepFailed("doit's records cannot be written", where=name, fix=fix)))
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


class Run(Polite, DoitRun):  # type: ignore[misc]
    """``doit run`` with exit code 1 and one clear message for a bad name, 130 and 143 for SIGINT and SIGTERM."""

    name = "run"

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Run what ``pos_args`` name and return the exit code."""
        if opt_values.get("num_process"):
            sys.stderr.write("steps run one after the other\n  to do: leave out -n\n")
            return 1
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        opt_values["continue"] = opt_values.get("continue") or any(word in SHOWING for word in pos_args)
        signal.signal(signal.SIGTERM, _terminate)
        try:
            code: int = super().execute(opt_values, pos_args)
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            typeable = getattr(self.loader.namespace.get("plan"), "typeable", list)
            sys.stderr.write(f"{unknown(error.not_found, [*typeable(), *(task.name for task in self.task_list)])}\n")
            return 1
        except KeyboardInterrupt:
            return _stopped("interrupted", 128 + signal.SIGINT)
        except Terminated:
            return _stopped("terminated", 128 + signal.SIGTERM)
        return min(code, 1)


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
