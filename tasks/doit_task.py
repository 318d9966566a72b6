"""A step as a task of doit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from doit.action import PythonAction
from doit.exceptions import TaskFailed, UnmetDependency
from doit.task import IOConfig, Task

from converter.errors import TransshipError
from tasks.errors import NotRun
from tasks.session import Session, Step


class StepTask(Task):  # type: ignore[misc]
    """The task of a step: skipped where the cache has it, else after the steps that it needs.

    What doit makes of a dictionary is checked there field by field, since people write those by hand. With 10,000
    steps that takes longer than all else, and here the fields are known.
    """

    params: Sequence[Any] = ()
    options = pos_arg = pos_arg_val = loader = result = verbosity = custom_title = cfg_values = meta = None
    dep_changed = None
    getargs: Mapping[str, Any] = {}
    file_dep: frozenset[str] = frozenset()
    calc_dep: frozenset[str] = frozenset()
    targets = wild_dep = teardown = watch = value_savers = ()
    creator_params: Sequence[Any] = []
    io = IOConfig({"capture": False})
    has_subtask = executed = _remove_targets = False

    def __init__(self, session: Session, step: Step, doc: str) -> None:  # pylint: disable=super-init-not-called
        """Describe ``step``, and enter it in the session."""
        session.steps[step.name] = step
        self.name = step.name
        self.subtask_of = step.name.partition(":")[0]
        self.doc = doc
        self.setup_tasks = list(step.after)
        self.task_dep: list[str] = []
        self.uptodate: list[Any] = [(session.is_current, (step,), {})]
        self.values: dict[str, Any] = {}
        self._session = session
        self._step = step
        self._action_instances = None

    @property
    def _actions(self) -> list[Any]:
        return [(doing, [lambda: self._session.realise(self._step)])]

    @property
    def clean_actions(self) -> list[PythonAction]:
        """What ``doit clean`` does."""
        return [PythonAction(lambda: remove([self._session.build / self._step.claim]), task=self)]


def grouped(tasks: Iterable[Task], namespace: Mapping[str, Any]) -> list[Task]:
    """``tasks``, each kind of steps behind the group that doit has of them: ``doit code`` means all ``code:...``.

    Args:
        tasks: Of which steps have no groups yet.
        namespace: Of the task file, whose functions ``task_<kind>`` describe the kinds.
    """
    groups: dict[str, Task] = {}
    found = []
    for task in tasks:
        if isinstance(task, StepTask):
            if task.subtask_of not in groups:
                doc = getattr(namespace.get(f"task_{task.subtask_of}"), "__doc__", None)
                groups[task.subtask_of] = Task(task.subtask_of, None, doc=doc, has_subtask=True)
                found.append(groups[task.subtask_of])
            groups[task.subtask_of].task_dep.append(task.name)
        found.append(task)
    return found


def doing(work: Callable[[], None]) -> TaskFailed | UnmetDependency | None:
    """Run ``work`` as a doit action: an error that a user can act on fails the task, without a traceback."""
    try:
        work()
    except NotRun as error:
        return UnmetDependency(str(error))
    except TransshipError as error:
        return TaskFailed(str(error))
    return None


def remove(paths: list[Path]) -> None:
    """Remove files and folders, and folders above them that are then empty."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()
            path.parent.parent.rmdir()
