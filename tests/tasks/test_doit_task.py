"""A step is to doit what a dictionary in a task file would be."""

from __future__ import annotations

import io
from pathlib import Path

from doit.control import TaskControl
from doit.task import Task, dict_to_task

from tasks.doit_task import StepTask, grouped
from tasks.session import Session, Step


def step_task(folder: Path, name: str, *after: str) -> StepTask:
    return StepTask(Session(folder, folder / "cache"), Step(name, lambda _: {}, Path(name), after=after), "a step")


def test_it_has_all_that_doit_gives_a_task(tmp_path: Path) -> None:
    usual = dict_to_task(
        {"name": "make:a", "actions": [], "doc": "a step", "setup": ["make:b"], "uptodate": [print], "clean": ["x"]}
    )
    task = step_task(tmp_path, "make:a", "make:b")
    same = "task_dep file_dep calc_dep wild_dep targets params teardown getargs pos_arg verbosity has_subtask loader"
    for name in vars(usual):
        assert hasattr(task, name), name
    for name in ("name", "doc", "setup_tasks", *same.split()):
        found, expected = getattr(task, name), getattr(usual, name)
        assert found == expected or (not found and not expected), name


def test_its_group_comes_first_and_has_the_words_of_the_task_file(tmp_path: Path) -> None:
    def task_make() -> None:
        """What makes things."""

    tasks = [step_task(tmp_path, "make:a"), Task("report", None), step_task(tmp_path, "make:b", "make:a")]
    found = grouped(tasks, {"task_make": task_make})
    assert [task.name for task in found] == ["make", "make:a", "report", "make:b"]
    assert (found[0].doc, found[0].task_dep, found[0].has_subtask) == (
        "What makes things.",
        ["make:a", "make:b"],
        True,
    )
    control = TaskControl(found)
    control.process(["make", "make:b"])
    assert control.selected_tasks == ["make", "make:b"]


def test_its_options_are_none(tmp_path: Path) -> None:
    task = step_task(tmp_path, "make:a")
    assert task.init_options(["x"]) == ["x"]
    assert task.options == {}


def test_clean_removes_what_it_made(tmp_path: Path) -> None:
    task = step_task(tmp_path, "make:a")
    made = tmp_path / "build" / "make:a"
    made.mkdir(parents=True)
    (made / "file").write_text("x")
    task.clean(io.StringIO(), dryrun=False)
    assert not made.exists()
