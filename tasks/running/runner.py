"""Runs doit's tasks by a :class:`~tasks.running.schedule.Schedule`, one at a time or several.

What doit itself would do task by task (see its ``runner.py``) is done here without its records: whether something is
up to date is asked of the task alone, since the steps answer from the cache, which is the truth.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from doit.exceptions import BaseFail, TaskError, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from tasks.running.resources import machine, needs
from tasks.running.schedule import Outcome, Phase, Schedule, Start, Wants
from tasks.running.workers import Inline, Threads, Workers

SUCCESS, FAILURE, ERROR = 0, 1, 2
"""What doit exits with."""


class Watch(Protocol):
    """Is told what happens, always in the runner's thread."""

    def began(self, task: str, worker: int) -> None:
        """A worker is at ``task`` now."""
        ...

    def ended(self, task: str, error: str = "") -> None:
        """``task`` has come to its end."""
        ...


class Runner:
    """A run of the tasks that are asked for.

    Attributes:
        code: What doit is to exit with.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        reporter: ConsoleReporter,
        *,
        is_ignored: Callable[[Task], bool] = lambda _: False,
        is_work: Callable[[str], bool] = lambda _: True,
        count: int = 1,
        keep_going: bool = False,
        always: bool = False,
        stop: Callable[[], None] = lambda: None,
        watch: Watch | None = None,
    ) -> None:
        """Set up.

        Args:
            tasks: All tasks by name.
            reporter: Is told what happens, always in this thread.
            is_ignored: Whether a task is to be left alone, as if it were up to date.
            is_work: Whether a task may be done beside others; one that shows something is done in this thread.
            count: How many are done at a time.
            keep_going: Whether the rest is done when a task has failed.
            always: Whether everything counts as not up to date.
            stop: Ends what is being done in other threads.
            watch: Is told what begins and ends.
        """
        self.code = SUCCESS
        self._tasks = tasks
        self._reporter = reporter
        self._is_ignored = is_ignored
        self._is_work = is_work
        self._count = count
        self._keeps_going = keep_going
        self._always = always
        self._stop = stop
        self._watch = watch

    def run(self, selected: Sequence[str], weight: Callable[[str], float]) -> int:
        """Bring ``selected`` about; what doit is to exit with.

        Args:
            selected: Names of tasks.
            weight: Seconds that each is expected to run.
        """
        schedule = Schedule(self._wants, selected, machine(self._count), weight if self._count > 1 else None)
        self._reporter.initialize(self._tasks, list(selected))
        try:
            self._work(schedule)
        finally:
            self._reporter.complete_run()
        return self.code

    def _work(self, schedule: Schedule) -> None:
        workers: Workers = Inline() if self._count == 1 else Threads(self._count)
        free = list(range(workers.count))
        try:
            while self._next(schedule, workers, free):
                name, worker, result = workers.result()
                free.append(worker)
                self._end(schedule, name, result)
        except BaseException:
            workers.abandon(self._stop)
            raise
        workers.close()

    def _next(self, schedule: Schedule, workers: Workers, free: list[int]) -> bool:
        """Start what can be; whether there is anything to wait for."""
        while free and (start := schedule.take()):
            self._start(schedule, start, workers, free)
        return schedule.active > 0

    def _start(self, schedule: Schedule, start: Start, workers: Workers, free: list[int]) -> None:
        """Give something to a worker, or do it here."""
        task = self._tasks[start.task]
        if start.because:
            self._fail(schedule, task, UnmetDependency(" ".join(start.because)))
        elif start.phase is Phase.CHECK and self._is_ignored(task):
            self._reporter.skip_ignore(task)
            schedule.end(task.name, Outcome.DONE)
        else:
            work = partial(self._is_current, task) if start.phase is Phase.CHECK else partial(_execute, task)
            if self._watch:
                self._watch.began(task.name, free[0])
            if start.phase is Phase.RUN:
                gc.enable()
                self._reporter.execute_task(task)
            if self._count > 1 and not self._is_work(task.name):
                self._end(schedule, task.name, work())
            else:
                workers.submit(task.name, work, free.pop(0))

    def _end(self, schedule: Schedule, name: str, result: bool | BaseFail | BaseException | None) -> None:
        """Take note of what came of a task: whether it is up to date, or how it failed, or None where it ran."""
        task = self._tasks[name]
        if isinstance(result, bool) and not result:
            schedule.stale(name)
        elif isinstance(result, bool):
            self._reporter.skip_uptodate(task)
            self._over(schedule, name, Outcome.DONE)
        elif result is None:
            self._reporter.add_success(task)
            self._over(schedule, name, Outcome.DONE)
        elif isinstance(result, BaseFail):
            self._fail(schedule, task, result)
        else:
            raise result

    def _fail(self, schedule: Schedule, task: Task, fail: BaseFail) -> None:
        self._reporter.add_failure(task, fail)
        self.code = FAILURE if isinstance(fail, TaskFailed) and self.code != ERROR else ERROR
        outcome = Outcome.NOT_RUN if isinstance(fail, UnmetDependency) else Outcome.FAILED
        self._over(schedule, task.name, outcome, fail.get_msg())
        if not self._keeps_going:
            schedule.halt()

    def _over(self, schedule: Schedule, name: str, outcome: Outcome, error: str = "") -> None:
        if self._watch:
            self._watch.ended(name, error)
        schedule.end(name, outcome)

    def _wants(self, name: str) -> Wants:
        task = self._tasks[name]
        return Wants(tuple(task.task_dep), tuple(task.setup_tasks), needs(name))

    def _is_current(self, task: Task) -> bool:
        """Whether all that says so says that the task is up to date; nothing said is no."""
        if self._always:
            return False
        said = [condition for condition in task.uptodate if condition[0] is not None]
        return bool(said) and all(map(_holds, said))


def _holds(condition: tuple[Any, Sequence[Any], Mapping[str, Any]]) -> bool:
    check, arguments, named = condition
    return bool(check(*arguments, **named) if callable(check) else check)


def _execute(task: Task) -> BaseFail | None:
    """Do a task's actions; what failed, or None."""
    task.init_options()
    for action in task.actions:
        try:
            result = action.execute(None, None)
        except Exception as error:
            return TaskError(f"{task.name} cannot be run", error)
        if isinstance(result, BaseFail):
            return result
    return None
