"""Graphs in a line of text: ``"a -> b c; b -> d; e"`` has an arrow from each step to those that come after it."""

from __future__ import annotations

from pathlib import Path

from doit.task import Task

from tasks.session import Step
from tests.support.chain import STEP, Chain

DODO = """
from functools import partial
from pathlib import Path

from tasks.action import Action, Image, below, inputs
from tasks.doit_task import StepTask
from tasks.progress.reporter import Reporter
from tasks.session import Session, Step, default_cache
from tests.support.dag import parse

root = Path(__file__).parent
session = Session(root, default_cache())
DOIT_CONFIG = {"default_tasks": ["make"], "reporter": Reporter(session), "backend": "sqlite3-committing"}
BEFORE = parse((root / "graph.txt").read_text())


def produce(name, get):
    put = session.store.put
    files = {}
    for other in BEFORE[name]:
        files |= below(other, produce(other, get))
    return get.action(
        Action(
            argv=("python", "in/step.py"),
            image=Image("host", "test"),
            inputs=inputs({"step.py": put((root / f"{name}.py").read_bytes()), **files}),
            outputs=("a", "b", "folder"),
            env=(("PYTHONDONTWRITEBYTECODE", "1"),),
            timeout=20,
        )
    )


def task_make():
    for name, before in BEFORE.items():
        after = tuple(f"make:{other}" for other in before)
        yield StepTask(session, Step(f"make:{name}", partial(produce, name), Path(name), after=after), f"make {name}")
"""


def parse(text: str) -> dict[str, list[str]]:
    """For each step of a graph, in the order in which they are first named, the steps before it."""
    before: dict[str, list[str]] = {}
    for line in filter(str.strip, text.split(";")):
        names, arrow, later = line.partition("->")
        for name in (*names.split(), *later.split()):
            before.setdefault(name, [])
        for name in later.split() if arrow else ():
            before[name] += names.split()
    return before


def steps(text: str) -> dict[str, Step]:
    """The steps of a graph, each with a folder of its own and nothing in it."""
    return {name: Step(name, lambda _: {}, Path(name), after=tuple(before)) for name, before in parse(text).items()}


def tasks(text: str) -> list[Task]:
    """The steps of a graph as tasks of doit that are not steps."""
    return [Task(name, None, task_dep=before) for name, before in parse(text).items()]


class Dag(Chain):
    """A project in ``folder`` whose steps ``make:<name>`` are those of a graph, and run as processes.

    The program of a step writes its name.
    """

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(folder, names=())
        (folder / "dodo.py").write_text(DODO)
        (folder / "graph.txt").write_text(text)
        for name in parse(text):
            self.write(name, f"{STEP}(out / 'a').write_text({name!r})\n")
