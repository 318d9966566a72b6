"""One process's work: opens the store, brings steps up to date, and cleans up after processes that were killed."""

from __future__ import annotations

import atexit
import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import TransshipError
from tasks import images, lock, publish, runs, terminal, toolchains
from tasks.action import Digest, Image, Tree
from tasks.claims import Claims
from tasks.digests import DigestCache
from tasks.durations import Durations
from tasks.errors import NotRun, StepFailed
from tasks.events.log import Act, EventLog
from tasks.execution import Execution, LookUp, Miss, Outputs
from tasks.executors import Executor
from tasks.executors.local import LocalExecutor
from tasks.history import History
from tasks.lock import Lock, Seen
from tasks.manifest import Source
from tasks.memo import Memo, Trail, together
from tasks.modules import Imports
from tasks.published import Published
from tasks.recall import Recall
from tasks.runs import Run
from tasks.store import Missing, Store

if TYPE_CHECKING:
    import docker

    from tasks.cache.beyond import Beyond
    from tasks.mirrors import Found

_ATTEMPTS = 3
URL = "TRANSSHIP_REMOTE_CACHE"
"""The variable that names a cache beyond the disk."""

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
        shared: Whether people put files into the folder, too: what would be lost there is an error.
    """

    name: str
    produce: Callable[[Outputs], Tree]
    folder: Path
    whole: bool = True
    after: tuple[str, ...] = ()
    accept: Callable[[Tree], None] = lambda _: None
    shared: bool = False

    @property
    def claim(self) -> Path:
        """What below ``build/`` is this step's alone: its folder, else the file of its kind in it."""
        return self.folder if self.whole else self.folder / f"{self.name.partition(':')[0]}.json"


class _Own(threading.local):
    """What each thread has for itself.

    Attributes:
        engine: Its connection.
        building: Seconds that it waited for images.
    """

    engine: docker.DockerClient | None = None
    building: float = 0.0


@dataclass
class Session:
    """State of one process; everything is opened when first needed.

    Attributes:
        root: The project.
        cache: Root of the store.
        steps: All steps that there are, by name, once the task graph is made.
        done: What happened to each step: ``ran``, ``restored``, ``up to date``, ``failed`` or ``not run``.
        errors: Why those failed that did.
        is_brief: Whether a conversion is told in one line.
        twice: See :class:`~tasks.execution.Execution`.
        log: What is written down of this run, if anything is.
        acts: The actions that steps ran, until they are written down.
        output: The folder that people look at; None for ``build/`` of the project.
        places: Where in it a model's folder is, if it is not called as the model is.
    """

    root: Path
    cache: Path
    steps: dict[str, Step] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    is_brief: bool = False
    twice: set[Digest] | None = None
    log: EventLog | None = None
    acts: dict[str, list[Act]] = field(default_factory=dict)
    output: Path | None = None
    places: Mapping[str, Path] = field(default_factory=dict)
    _used: dict[str, list[Trail]] = field(default_factory=dict, repr=False)
    _made: set[Digest] = field(default_factory=set, repr=False)
    _memo: Memo = field(default_factory=Memo, repr=False)
    _stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    _own: _Own = field(default_factory=_Own, repr=False)
    _known_images: dict[str, Image] = field(default_factory=dict, repr=False)
    _shared_images: set[str] = field(default_factory=set, repr=False)
    _exit: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        """Release what will be opened when the process ends."""
        atexit.register(self.close)

    @cached_property
    def build(self) -> Path:
        """The folder that people look at."""
        return self.output or self.root / "build"

    @property
    def logs(self) -> Path:
        """The folder for the output of steps that failed."""
        return self.cache / "logs" if self.output else self.build / "logs"

    def place(self, model: str) -> Path:
        """The folder of ``model``, relative to `build`."""
        return self.places.get(model, Path(model))

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
        begun = self._exit.enter_context(runs.begin(self._runs))
        self._exit.callback(publish.tidy, self.build, begun.id)
        return begun

    @cached_property
    def store(self) -> Store:
        """The content store."""
        return Store(self.cache, self.run.folder, self.beyond, self.digests)

    @cached_property
    def beyond(self) -> Beyond | None:
        """The cache beyond the disk, if the environment names one.

        Raises:
            BadInput: It cannot be used as it is named.
        """
        if not os.environ.get(URL):
            return None
        from tasks.cache.beyond import Beyond
        from tasks.cache.settings import remote

        found = remote(os.environ)
        return Beyond(found, terminal.say) if found else None

    @cached_property
    def digests(self) -> DigestCache:
        """Digests of the files below ``build/``."""
        digests = DigestCache(self.cache / "digests.db")
        self._exit.callback(digests.close)
        return digests

    @cached_property
    def durations(self) -> Durations:
        """How long steps took."""
        durations = Durations(self.cache / "durations.db")
        self._exit.callback(durations.close)
        return durations

    @cached_property
    def imports(self) -> Imports:
        """What modules import."""
        imports = Imports(self.cache / "imports.json", self.digests)
        self._exit.callback(imports.close)
        return imports

    @cached_property
    def recall(self) -> Recall:
        """Results that were read from the records before."""
        recall = Recall(self.cache / "recall.db", self.store)
        self._exit.callback(recall.close)
        return recall

    @cached_property
    def history(self) -> History:
        """Which actions each step of this project was made by."""
        history = History(self.cache / "history.db", self.root)
        self._exit.callback(history.close)
        return history

    @property
    def engine(self) -> docker.DockerClient:
        """The container engine, by a connection of this thread's own.

        Raises:
            EngineError: There is none.
        """
        if self._own.engine is None:
            from tasks.engine import connect

            self._own.engine = connect()
            self._exit.callback(self._own.engine.close)
            self.run.containers.touch()
        return self._own.engine

    @cached_property
    def claims(self) -> Claims:
        """Who is at which action."""
        return Claims(self.cache / "claims", self._stopping.is_set)

    @cached_property
    def processes(self) -> LocalExecutor:
        """Runs what needs no container."""
        return LocalExecutor()

    def execution(self, output: Path | None = None) -> Execution:
        """Does the work of one step; what its actions print goes to ``output``, too."""
        return Execution(
            self.store,
            self.run,
            self.logs,
            self._fetch,
            self._fetch_published,
            self.known_image,
            self.ensure_image,
            self._executor,
            self.claims,
            self.lock.known,
            memo=self._memo if self.twice is None else Memo(),
            twice=self.twice,
            output=output,
        )

    def open(self) -> None:
        """Open what steps share, before they run in several threads."""
        _ = (
            self.run,
            self.store,
            self.digests,
            self.durations,
            self.claims,
            self.processes,
            self.lock,
            self.history,
            self.imports,
            self.recall,
        )

    def stop(self) -> None:
        """Stop what runs in other threads: processes, containers, and what would come after them."""
        self._stopping.set()
        self.processes.stop()
        if self.run.containers.exists():
            self._remove_containers(self.run)

    @cached_property
    def lock(self) -> Lock:
        """What was first seen of files that have no published checksum."""
        return Lock(self.root / "models" / lock.NAME)

    def look_up(self) -> LookUp:
        """Answers from records alone."""
        return LookUp(self.store, self.known_image, self.lock.known, memo=self._memo, recall=self.recall)

    def known_image(self, toolchain: str) -> Image | None:
        """What the image of ``toolchain`` holds, as far as this machine has recorded it; a record is read once."""
        if toolchain not in self._known_images:
            known = images.identity(toolchain, self.records, self.images)
            identity = known.identity if known else self._image_beyond(toolchain)
            if identity is None:
                return None
            self._known_images[toolchain] = Image(toolchain, identity)
        return self._known_images[toolchain]

    def _image_beyond(self, toolchain: str) -> str | None:
        """The identity of an image that others built from the same definition."""
        if self.beyond is None:
            return None
        found = self.store.result(images.key(toolchain, self.images))
        try:
            return images.read(self.store.read(found[images.IDENTITY])) if found else None
        except (KeyError, Missing):
            return None

    def toolchains(self) -> list[str]:
        """The toolchains that there are."""
        return list(toolchains.toolchains(self.images))

    def share_image(self, toolchain: str) -> None:
        """Let others know the identity of an image that is on record here, if there is a cache to tell them."""
        known = images.identity(toolchain, self.records, self.images)
        if known is None or self.beyond is None or not self.beyond.writes or toolchain in self._shared_images:
            return
        self._shared_images.add(toolchain)
        key, blob = images.key(toolchain, self.images), self.store.put(images.written(known))
        self.store.record(key, {images.IDENTITY: blob}, 0.0)
        self.store.share(key, [blob])

    def has_image(self, toolchain: str) -> bool:
        """Whether the engine has the image that is on record."""
        from tasks import builder

        known = images.identity(toolchain, self.records, self.images)
        return known is not None and builder.has(self.engine, known.image)

    def ensure_image(self, toolchain: str) -> Image:
        """Build the image of ``toolchain`` where the engine lacks it."""
        from tasks.builder import Progress

        started = time.monotonic()
        found = images.ensure(toolchain, self.records, self.engine, Progress(), self.images)
        self._own.building += time.monotonic() - started
        self._known_images[toolchain] = Image(toolchain, found.identity)
        self.share_image(toolchain)
        return self._known_images[toolchain]

    def is_current(self, step: Step) -> bool:
        """Whether nothing has to run for ``step``; files that ``build/`` lacks are restored from the cache."""
        look_up = self.look_up()
        try:
            tree = step.produce(look_up)
            restored = self._publish(step, tree)
            step.accept(tree)
        except Missing:
            self._memo.clear()
            return False
        except (Miss, TransshipError, OSError):
            return False
        self._note(step, "restored" if restored else "up to date", look_up.asked.trail())
        return True

    def realise(self, step: Step) -> None:
        """Bring ``step`` up to date.

        Raises:
            NotRun: A step that it comes after has failed in this process.
            TransshipError: It cannot be; the message says why and what to do.
        """
        if failed := [name for name in step.after if self.done.get(name) in ("failed", "not run")]:
            self.done[step.name] = "not run"
            raise NotRun(f"{', '.join(failed)} failed")
        with self.attempt(step.name):
            try:
                self._realise(step)
            except OSError as error:
                raise _explained(error, f"{self.cache} or {self.build}") from error

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """What is done inside brings the step ``name`` about, or fails it."""
        try:
            yield
        except Exception as error:
            if not self._stopping.is_set():
                self.done[name], self.errors[name] = "failed", error
            raise

    def saved(self) -> float:
        """Seconds of work that results on record saved this process: never more than it would have taken.

        Counted are the actions that lead to files which ``build/`` lacked or which a step that ran was made from,
        each once, with the time that its command ran when it was recorded; records that do not say it count nothing.
        Not counted is what this process ran itself, and what files rest on that were there already: they would not
        have been made again.
        """
        needed = [*self._used.get("restored", ()), *self._used.get("ran", ())]
        if not needed:
            return 0.0
        spared = together(needed).keys() - together(self._used.get("up to date", ())).keys() - self._made
        return sum(self.store.took(key) or 0.0 for key in spared)

    @property
    def fetched(self) -> int:
        """How many results this process had from a cache that others share."""
        return self.beyond.counts.hits if self.beyond else 0

    def _realise(self, step: Step) -> None:
        building, started = self._own.building, time.monotonic()
        execution = self.execution(self.log.output(step.name) if self.log else None)
        try:
            restored = self._produce(step, execution)
        finally:
            self._made |= execution.made
            self.acts[step.name] = execution.acts
        took = time.monotonic() - started - (self._own.building - building)
        did = "ran" if execution.ran else "restored" if restored else "up to date"
        self._note(step, did, execution.asked.trail())
        if did == "ran":
            self.durations.record(step.name, took)

    def _note(self, step: Step, did: str, trail: Trail) -> None:
        self.done[step.name] = did
        self._used.setdefault(did, []).append(trail)
        self.history.record(step.name, trail)

    def _produce(self, step: Step, execution: Execution) -> bool:
        """Make, publish and accept a step's outputs; what is found damaged on the way is made again."""
        missing: Counter[str] = Counter()
        while max(missing.values(), default=0) < _ATTEMPTS:
            try:
                tree = step.produce(execution)
                restored = self._publish(step, tree)
                step.accept(tree)
            except Missing as error:
                missing[str(error)] += 1
                self._memo.clear()
            else:
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
        if publish.is_published(tree, f"{self.build}/{step.folder}", self.digests, whole=step.whole):
            return False
        folder = self.build / step.folder
        if step.shared and (others := publish.others(tree, folder, self.digests)):
            raise StepFailed(
                f"{', '.join(others)} would be lost: the folder becomes exactly what is on record for {step.name}",
                where=str(folder),
                fix=f"move it away, or remove the model's entries in models/{lock.NAME} if it is to be taken instead",
            )
        publish.publish(self.store, tree, folder, self.build, self.run, whole=step.whole)
        return True

    def _fetch(self, source: Source) -> Tree:
        return self._fetch_below(source) if source.base else self._fetch_declared(source)

    def _fetch_declared(self, source: Source) -> Tree:
        from tasks.download import fetch

        return self._keep(fetch(source, self.run.scratch(), self.cache / "archives"), source.tree)

    def _fetch_below(self, source: Source) -> Tree:
        from tasks import mirrors

        own = self.build / self.place(source.model) / "source" if source.model else None
        known = self.lock.known(source)
        found = mirrors.fetch(source, known, self.run.scratch(), own)
        tree = self._keep({name: file.path for name, file in found.items()}, known)
        if unseen := {name: (tree[name], file) for name, file in found.items() if name not in known}:
            self._remember(source.model, unseen)
        return tree

    def _remember(self, model: str, found: Mapping[str, tuple[Digest, Found]]) -> None:
        """Put what was never seen before on record, and say so."""
        from tasks.download import say

        today = time.strftime("%Y-%m-%d", time.gmtime())
        seen = {
            name: Seen(digest, "a local file" if file.is_local else file.url, today)
            for name, (digest, file) in found.items()
        }
        for name in sorted(self.lock.record(model, seen)):
            digest, file = found[name]
            say(
                f"{name} of {model}: nobody ever published its checksum. What came from {file.url} is on record "
                f"in models/{self.lock.path.name} now, sha256 {digest.hash[:12]}..."
            )

    def _keep(self, paths: Mapping[str, Path], expected: Tree) -> Tree:
        """Put files into the store."""
        tree = {name: self.store.put_file(path) for name, path in paths.items()}
        for name, digest in tree.items():
            if expected.get(name, digest) != digest:
                raise TransshipError(f"{name} changed between download and storage", where=str(paths[name]))
        self.store.share_blobs(tree.values())
        return tree

    def _fetch_published(self, file: Published) -> Digest:
        from tasks.download import fetch_published

        return self.store.put_file(fetch_published(file, self.run.scratch()))

    def _executor(self, image: Image) -> Executor:
        if self._stopping.is_set():
            raise NotRun("stopped")
        if image.toolchain == "host":
            return self.processes
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
