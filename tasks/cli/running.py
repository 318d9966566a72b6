"""Runs steps as doit does, with its graph, and shows them on standard error: standard output is for results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from doit.cmd_base import NamespaceTaskLoader
from doit.doit_cmd import DoitMain
from doit.task import Task

from tasks import publish
from tasks.doit_task import grouped
from tasks.plan import Described
from tasks.progress.reporter import Reporter
from tasks.session import Session

Creator = Callable[[], Iterable[Described]]

_SETTINGS = {"GLOBAL": {}, "COMMAND": {"run": "tasks.doit_plugins:Run"}}


class _Reporter(Reporter):
    """The same on standard error; nothing but failures where that is asked for."""

    def __init__(self, session: Session, *, is_quiet: bool, is_last: bool) -> None:
        super().__init__(session)
        self._is_quiet = is_quiet
        self._is_last = is_last

    def complete_run(self) -> None:
        """Count, unless more is to come."""
        self._is_quiet |= not self._is_last
        super().complete_run()

    def write(self, text: str) -> None:
        """Write to standard error."""
        if not self._is_quiet:
            sys.stderr.write(text)
            sys.stderr.flush()


class _Loader(NamespaceTaskLoader):  # type: ignore[misc]
    """Tasks and settings that are there already."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        super().__init__()
        self.namespace = namespace

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> list[Task]:
        """The tasks, each kind of steps in its group."""
        return grouped(super().load_tasks(cmd, pos_args), self.namespace)


def run(
    session: Session, tasks: dict[str, Creator], names: Sequence[str], *, is_quiet: bool = False, is_last: bool = True
) -> int:
    """Bring the tasks ``names`` up to date.

    Args:
        session: The process's state.
        tasks: All tasks by their kind, each kind as a function that gives them.
        names: Those that are asked for: ``convert:resnet-50-cntk``.
        is_quiet: Whether only failures are shown.
        is_last: Whether this process is to run no more, so that all that it did is counted.

    Returns:
        0, or 1 where one has failed; 130 and 143 for SIGINT and SIGTERM.
    """
    settings = {
        "reporter": _Reporter(session, is_quiet=is_quiet, is_last=is_last),
        "backend": "json",
        "dep_file": str(session.run.folder / "doit.json"),
        "verbosity": 2,
    }
    namespace = {"DOIT_CONFIG": settings, **{f"task_{kind}": creator for kind, creator in tasks.items()}}
    try:
        main = DoitMain(_Loader(namespace), config_filenames=(), extra_config=_SETTINGS)
        code: int = main.run(["run", "--continue", *names])
    finally:
        publish.tidy(session.build, session.run.id)
    return code
