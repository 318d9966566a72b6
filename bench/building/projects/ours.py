"""10,000 steps of transship: 100 chains of 100, each reads three files and what the one before wrote."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tasks.action import Action, Image, Tree, below, inputs
from tasks.doit_task import StepTask
from tasks.execution import Outputs
from tasks.executors import Executor
from tasks.progress.reporter import Reporter
from tasks.session import Session, Step

ROOT = Path(__file__).parent
CHAINS, LENGTH, FILES = 100, 100, 3


class Joiner:
    """Runs the steps in this process, so that the first build takes no hours."""

    def run(self, action: Action, folder: Path, log: Path) -> int:  # noqa: ARG002
        """See ``tasks.executors.Executor``."""
        read = sorted(path for path in (folder / "in").rglob("*") if path.is_file())
        (folder / "out" / "o").write_bytes(b"".join(path.read_bytes() for path in read)[-64:])
        return 0


class Joining(Session):
    """A session whose steps are run by a ``Joiner``."""

    def _executor(self, image: Image) -> Executor:  # noqa: ARG002
        return Joiner()


session = Joining(ROOT, ROOT / "cache")
DOIT_CONFIG = {
    "default_tasks": ["make"],
    "reporter": Reporter(session),
    "backend": "sqlite3-committing",
    "dep_file": str(ROOT / ".doit.db"),
}


def produce(chain: int, number: int, get: Outputs) -> Tree:
    """The outputs of a step."""
    return get.once(session, (chain, number), lambda: made(chain, number, get))


def made(chain: int, number: int, get: Outputs) -> Tree:
    """The outputs of a step that was not asked for before."""
    files = {f"s{each}": session.store.keep(f"{ROOT}/sources/{chain}-{number}-{each}") for each in range(FILES)}
    if number:
        files |= below("before", produce(chain, number - 1, get))
    return get.action(Action(("join",), Image("host", "bench"), inputs(files), ("o",)))


def task_make() -> Iterator[StepTask]:
    """All steps."""
    for chain in range(CHAINS):
        for number in range(LENGTH):
            name = f"{chain}-{number}"
            after = (f"make:{chain}-{number - 1}",) if number else ()
            yield StepTask(
                session, Step(f"make:{name}", partial(produce, chain, number), Path(name), after=after), name
            )
