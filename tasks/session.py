"""One process's work: opens the store, brings steps up to date, and cleans up after processes that were killed."""

from __future__ import annotations

import atexit
import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import TransshipError
from tasks import images, publish, runs
from tasks.action import Digest, Image, Tree
from tasks.digests import DigestCache
from tasks.errors import StepFailed
from tasks.execution import Execution, LookUp, Miss, Outputs
from tasks.executors import Executor
from tasks.executors.local import LocalExecutor
from tasks.manifest import Source
from tasks.published import Published
from tasks.runs import Run
from tasks.store import Missing, Store

if TYPE_CHECKING:
    import docker

_ATTEMPTS = 3
_SPACE = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Step:
    """A node of the task graph.

    Attributes:
        name: As on the command line: ``checkpoint:mtcnn-onet-caffe``.
        produce: Its outputs, from those of the steps before it.
        folder: Where they go, relative to ``build/``.
        whole: Whether the folder is this step's alone.
        after: Steps to bring up to date first if this one has to run.
        accept: Raises ``TransshipError`` where the outputs, though made, do not let the build go on.
    """

    name: str
    produce: Callable[[Outputs], Tree]
    folder: Path
    whole: bool = True
    after: tuple[str, ...] = ()
    accept: Callable[[Tree], None] = lambda _: None


@dataclass
class Session:
    """State of one process; everything is opened when first needed.

    Attributes:
        root: The project.
        cache: Root of the store.
        done: What happened to each step: ``ran``, ``restored`` or ``up to date``.
    """

    root: Path
    cache: Path
    done: dict[str, str] = field(default_factory=dict)
    _exit: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        """Release what will be opened when the process ends."""
        atexit.register(self.close)

    @property
    def build(self) -> Path:
        """The folder that people look at."""
        return self.root / "build"

    @property
    def images(self) -> Path:
        """The folder of the toolchains."""
        return self.root / "images"

    @property
    def records(self) -> Path:
        """The folder of what is known about built images."""
        return self.cache / "images"

    @cached_property
    def run(self) -> Run:
        """This process's run; opening it first buries the dead ones."""
        self._bury()
        return self._exit.enter_context(runs.begin(self._runs))

    @cached_property
    def store(self) -> Store:
        """The content store."""
        return Store(self.cache, self.run.folder)

    @cached_property
    def digests(self) -> DigestCache:
        """Digests of the files below ``build/``."""
        digests = DigestCache(self.cache / "digests.db")
        self._exit.callback(digests.close)
        return digests

    @cached_property
    def engine(self) -> docker.DockerClient:
        """The container engine.

        Raises:
            EngineError: There is none.
        """
        from tasks.engine import connect

        client = connect()
        self._exit.callback(client.close)
        self.run.containers.touch()
        return client

    @cached_property
    def look_up(self) -> LookUp:
        """Answers from records."""
        return LookUp(self.store, self.known_image)

    @cached_property
    def execution(self) -> Execution:
        """Does the work."""
        return Execution(
            self.store,
            self.run,
            self.build / "logs",
            self._fetch,
            self._fetch_published,
            self.known_image,
            self.ensure_image,
            self._executor,
        )

    def known_image(self, toolchain: str) -> Image | None:
        """What the image of ``toolchain`` holds, as far as this machine has recorded it."""
        known = images.identity(toolchain, self.records, self.images)
        return Image(toolchain, known.identity) if known else None

    def has_image(self, toolchain: str) -> bool:
        """Whether the engine has the image that is on record."""
        from tasks import builder

        known = images.identity(toolchain, self.records, self.images)
        return known is not None and builder.has(self.engine, known.image)

    def ensure_image(self, toolchain: str) -> Image:
        """Build the image of ``toolchain`` where the engine lacks it."""
        from tasks.builder import Progress

        found = images.ensure(toolchain, self.records, self.engine, Progress(), self.images)
        return Image(toolchain, found.identity)

    def is_current(self, step: Step) -> bool:
        """Whether nothing has to run for ``step``; files that ``build/`` lacks are restored from the cache."""
        try:
            tree = step.produce(self.look_up)
            restored = self._publish(step, tree)
            step.accept(tree)
        except (Miss, Missing, TransshipError, OSError):
            return False
        self.done[step.name] = "restored" if restored else "up to date"
        return True

    def realise(self, step: Step) -> None:
        """Bring ``step`` up to date.

        Raises:
            TransshipError: It cannot be; the message says why and what to do.
        """
        try:
            self._realise(step)
        except OSError as error:
            raise _explained(error, f"{self.cache} or {self.build}") from error

    def _realise(self, step: Step) -> None:
        before = self.execution.ran
        restored = self._produce(step)
        if self.execution.ran > before:
            self.done[step.name] = "ran"
        else:
            self.done[step.name] = "restored" if restored else "up to date"

    def _produce(self, step: Step) -> bool:
        """Make, publish and accept a step's outputs; what is found damaged on the way is made again."""
        for _ in range(_ATTEMPTS):
            with suppress(Missing):
                tree = step.produce(self.execution)
                restored = self._publish(step, tree)
                step.accept(tree)
                return restored
        raise StepFailed(
            "the store does not keep what is put into it",
            where=str(self.cache),
            fix="check that disk, or name another place in TRANSSHIP_CACHE",
        )

    def close(self) -> None:
        """Release everything that was opened."""
        self._exit.close()

    def _publish(self, step: Step, tree: Tree) -> bool:
        folder = self.build / step.folder
        if publish.is_published(tree, folder, self.digests, whole=step.whole):
            return False
        publish.publish(self.store, tree, folder, self.build, self.run, whole=step.whole)
        return True

    def _fetch(self, source: Source) -> None:
        from tasks.download import fetch

        for name, path in fetch(source, self.run.scratch(), self.cache / "archives").items():
            found = self.store.put_file(path)
            if found != source.tree[name]:
                raise TransshipError(f"{name} changed between download and storage", where=str(path))

    def _fetch_published(self, file: Published) -> Digest:
        from tasks.download import fetch_published

        return self.store.put_file(fetch_published(file, self.run.scratch()))

    def _executor(self, image: Image) -> Executor:
        if image.toolchain == "host":
            return LocalExecutor()
        from tasks.executors.docker import DockerExecutor

        if self.ensure_image(image.toolchain) != image:
            raise Missing(f"image {image.identity}")
        return DockerExecutor(self.engine, self.run.id)

    @property
    def _runs(self) -> Path:
        return self.cache / "runs"

    def _bury(self) -> None:
        for dead in runs.dead(self._runs):
            if dead.containers.exists() and not self._remove_containers(dead):
                continue
            runs.bury(dead)
        publish.sweep(self.build, self._runs)

    @staticmethod
    def _remove_containers(dead: Run) -> bool:
        """Remove what a dead run left in the engine; where no engine answers, the next start tries again."""
        from tasks.engine import connect
        from tasks.executors.docker import remove_leftovers

        try:
            remove_leftovers(connect(), dead.id)
        except TransshipError:
            return False
        return True


def default_cache() -> Path:
    """``$TRANSSHIP_CACHE``, else ``transship`` in the user's cache folder."""
    if named := os.environ.get("TRANSSHIP_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "transship"


def _explained(error: OSError, places: str) -> TransshipError:
    where = str(error.filename or places)
    if error.errno in _SPACE:
        return TransshipError("no space left on the device", where=where, fix="free some, then run doit again")
    return TransshipError(f"{error.strerror or error}", where=where, fix="see that this path can be written to")
