"""How doit finds the task graph: names as people type them, settings (``weights=seeded``) checked."""

from __future__ import annotations

import fnmatch
import gc
from collections.abc import Collection
from typing import Any

from doit import doit_cmd
from doit.cmd_base import DodoTaskLoader
from doit.task import Task

from converter.errors import TransshipError
from tasks.doit_plugins import unknown
from tasks.doit_task import grouped
from tasks.graph.checks import check
from tasks.names import check_settings
from tasks.plan import SETTINGS
from tasks.session import Session


class Loader(DodoTaskLoader):  # type: ignore[misc]
    """doit's own loader of ``dodo.py``, whose ``plan`` says what the words on the command line mean."""

    def setup(self, opt_values: dict[str, Any]) -> None:
        """Load ``dodo.py``; a setting that is not known ends doit with what is wrong."""
        try:
            check_settings(doit_cmd._CMDLINE_VARS or {}, SETTINGS)
        except TransshipError as error:
            raise SystemExit(str(error)) from None
        super().setup(opt_values)

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """The tasks; ``pos_args``, which the command reads afterwards, become names of theirs."""
        plan = self.namespace.get("plan")
        try:
            pos_args[:] = plan.resolve(pos_args, runs=cmd.execute_tasks) if plan else pos_args
            gc.disable()  # until something runs: of what is loaded and remembered before, nothing is garbage
            tasks = grouped(super().load_tasks(cmd, pos_args), self.namespace)
            self._check_graph(tasks)
        except TransshipError as error:
            raise SystemExit(str(error)) from None
        if not cmd.execute_tasks:
            names = {task.name: None for task in tasks}
            pos_args[:] = [found for word in pos_args for found in _matching(word, names)]
            self._check(cmd.name, pos_args, set(names))
        return tasks

    def _check_graph(self, tasks: Collection[Task]) -> None:
        """Refuse a graph that cannot be built, where the task file has a session."""
        session: Session | None = getattr(self.load_doit_config().get("reporter"), "session", None)
        if session is not None:
            check(tasks, session.steps, session.images)

    def _check(self, command: str, names: list[str], tasks: set[str]) -> None:
        """End doit where a command that runs nothing is about a task that there is not; ``run`` says it itself."""
        for name in names:
            if name not in tasks and not (command == "clean" and "*" in name):
                typeable = getattr(self.namespace.get("plan"), "typeable", list)
                raise SystemExit(unknown(name, [*typeable(), *tasks]))


def _matching(word: str, names: Collection[str]) -> list[str]:
    """Those of ``names`` that a word with wildcards means; the word itself where it is a name, or means none."""
    return [word] if word in names else fnmatch.filter(names, word) or [word]
