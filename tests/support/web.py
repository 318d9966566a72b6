"""A project whose steps form any graph, built in this process: the real session, store and runner, a made-up program.

Each step mixes what it reads into a few small files, so that what a clean build gives can be said without building.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from doit.exceptions import BaseFail
from doit.reporter import ZeroReporter
from doit.task import Task

from tasks.action import Action, Digest, Image, Tree, below, inputs
from tasks.doit_task import StepTask
from tasks.execution import Outputs
from tasks.executors import Executor
from tasks.running.runner import Runner
from tasks.session import Session, Step

FAILS = b"fails"
"""What the text of a step that fails begins with."""

Text = tuple[bytes, bytes]
"""A step's own input: what matters to its outputs, and what does not."""


def mixed(text: bytes, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The outputs of a step."""
    sha = hashlib.sha256(text)
    for name in sorted(files):
        sha.update(name.encode() + b"\0" + files[name])
    made = sha.hexdigest().encode()
    return {"a": made, "more/b": made[::-1] * (made[0] % 3 + 1), "more/same": b"always the same"}


class Mixer:
    """Runs an action of these projects; notes that it did."""

    def __init__(self, ran: list[str], pause: float) -> None:
        self.ran = ran
        self.pause = pause

    def run(self, action: Action, folder: Path, log: Path) -> int:
        """See :class:`tasks.executors.Executor`."""
        time.sleep(self.pause)
        read = {path.relative_to(folder / "in").as_posix(): path.read_bytes() for path in _files(folder / "in")}
        text, _ = read.pop("text"), read.pop("comment")
        self.ran.append(action.argv[1])
        if text.startswith(FAILS):
            log.write_bytes(b"it fails")
            return 1
        for name, content in mixed(text, read).items():
            (folder / "out" / name).parent.mkdir(exist_ok=True)
            (folder / "out" / name).write_bytes(content)
        return 0


class _Session(Session):
    """A session whose actions are run by a mixer."""

    mixer: Mixer

    def _executor(self, image: Image) -> Executor:  # noqa: ARG002
        return self.mixer


class Quiet(ZeroReporter):  # type: ignore[misc]
    """Shows nothing; keeps what failed."""

    def __init__(self) -> None:
        super().__init__(sys.stderr, {})
        self.failed: dict[str, BaseFail] = {}

    def initialize(self, tasks: Mapping[str, Task], selected: Sequence[str]) -> None:
        """See doit."""

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """See doit."""
        self.failed[task.name] = fail


@dataclass
class Web:
    """A project.

    Attributes:
        folder: Where it is; its cache is below.
        reads: What each step reads: the outputs of others.
        texts: Each step's own input.
        failed: What the last run says of the steps that failed.
    """

    folder: Path
    reads: Mapping[str, Sequence[str]]
    texts: dict[str, Text] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every step a text."""
        self.texts = {name: (name.encode(), b"") for name in self.reads} | self.texts

    @property
    def cache(self) -> Path:
        """The cache."""
        return self.folder / "cache"

    @property
    def build(self) -> Path:
        """The folder that people look at."""
        return self.folder / "build"

    def run(
        self, *selected: str, workers: int = 1, keep_going: bool = False, pause: float = 0.0
    ) -> tuple[int, list[str]]:
        """Bring steps about, all of them if none is named: the exit code, and the steps whose action ran."""
        session = _Session(self.folder, self.cache)
        session.mixer = Mixer([], pause)
        tasks = {f"make:{name}": self._task(session, name) for name in self.reads}
        session.open()
        reporter = Quiet()
        try:
            runner = Runner(tasks, reporter, count=workers, keep_going=keep_going, stop=session.stop)
            code = runner.run([f"make:{name}" for name in selected or self.reads], lambda _: 1.0)
        finally:
            session.close()
        self.failed = {name: fail.get_msg() for name, fail in reporter.failed.items()}
        return code, session.mixer.ran

    def killed(self, after: float, *selected: str, workers: int = 1) -> None:
        """The same in a process of its own, which is killed ``after`` seconds."""
        child = os.fork()
        if not child:
            try:
                self.run(*selected, workers=workers, pause=0.001)
            finally:
                os._exit(0)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def clean(self) -> dict[str, bytes]:
        """Every file that a clean build gives."""
        made: dict[str, dict[str, bytes]] = {}

        def make(name: str) -> dict[str, bytes]:
            if name not in made:
                read = {f"{each}/{path}": data for each in self.reads[name] for path, data in make(each).items()}
                made[name] = mixed(self.texts[name][0], read)
            return made[name]

        return {f"{name}/{path}": data for name in self.reads for path, data in make(name).items()}

    def contents(self) -> dict[str, bytes]:
        """Every file below ``build/``, logs excepted."""
        found = {path.relative_to(self.build).as_posix(): path for path in _files(self.build)}
        return {name: path.read_bytes() for name, path in found.items() if not name.startswith("logs/")}

    def _task(self, session: Session, name: str) -> Task:
        step = Step(
            f"make:{name}",
            partial(self._produce, session, name),
            Path(name),
            after=tuple(f"make:{each}" for each in self.reads[name]),
        )
        return StepTask(session, step, name)

    def _produce(self, session: Session, name: str, get: Outputs) -> Tree:
        return get.once(self, (name,), lambda: get.action(self._action(session, name, get)))

    def _action(self, session: Session, name: str, get: Outputs) -> Action:
        text, comment = self.texts[name]
        files: dict[str, Digest] = {"text": session.store.put(text), "comment": session.store.put(comment)}
        for each in self.reads[name]:
            files |= below(each, self._produce(session, each, get))
        return Action(("mix", name), Image("host", "test"), inputs(files), ("a", "more"))


def any_graph(choose: random.Random, most: int) -> dict[str, list[str]]:
    """A graph of up to ``most`` steps, from chains to what all need."""
    names = [f"s{number}" for number in range(choose.randint(1, most))]
    wide = choose.random()
    return {
        name: choose.sample(names[:number], min(number, int(choose.expovariate(1) * (1 + 2 * wide)) + (number > 0)))
        for number, name in enumerate(names)
    }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
