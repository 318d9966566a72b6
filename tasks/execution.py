"""From an action to its outputs: look it up, or run it and record it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from converter.errors import BadInput
from converter.steps import REFUSED
from tasks.action import WHATEVER, Action, Digest, Encoded, Image, Tree, encode
from tasks.claims import Claims
from tasks.errors import StepFailed
from tasks.events.log import Act
from tasks.executors import Executor
from tasks.manifest import Source
from tasks.memo import Asked, Call, Memo, remembered
from tasks.published import Published
from tasks.recall import Recall
from tasks.runs import Run
from tasks.store import Store

_LOG_LINES = 10


class Miss(Exception):
    """The outputs of an action, or of one that it depends on, are not known yet."""


class Outputs(Protocol):
    """How a step gets at what it depends on: by look-up alone, or by doing the work where need be."""

    def action(self, action: Action) -> Tree:
        """Outputs of ``action``."""
        ...

    def download(self, source: Source) -> Tree:
        """Files of ``source``, each with the digest that its manifest gives, else with that of its first download."""
        ...

    def published(self, files: Iterable[Published]) -> Tree:
        """Files of a model zoo, each with the digest that it was found to have."""
        ...

    def image(self, toolchain: str) -> Image:
        """What the image of ``toolchain`` holds."""
        ...

    def once(self, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:
        """What ``compute`` returns, which is what ``owner`` always answers to ``call``."""
        ...


def declared(source: Source) -> Tree:
    """The files of ``source`` as far as its manifest says what is in them."""
    return source.tree


@dataclass(frozen=True)
class LookUp:
    """Answers from records alone: nothing runs, and no engine or network is asked. Raises :class:`Miss`.

    Attributes:
        store: Where the records are.
        known_image: What is on record of a toolchain's image.
        known: The files of a source whose content is known.
        memo: What was answered before.
        asked: The actions whose results were given.
        recall: What was read from the records before, if that is kept.
    """

    store: Store
    known_image: Callable[[str], Image | None]
    known: Callable[[Source], Tree] = declared
    memo: Memo = field(default_factory=Memo)
    asked: Asked = field(default_factory=Asked)
    recall: Recall | None = None

    def once(self, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:
        """See :class:`Outputs`."""
        return remembered(self.memo, self.asked, owner, call, compute)

    def action(self, action: Action) -> Tree:
        """See :class:`Outputs`."""
        key, found = (self.recall and self.recall.get(action)) or self._recorded(action)
        self.asked.add(key)
        return found

    def _recorded(self, action: Action) -> tuple[Digest, Tree]:
        key = encode(action).key
        found = result(self.store, key, action)
        if found is None:
            raise Miss
        if self.recall:
            self.recall.keep(action, key, found)
        return key, found

    def download(self, source: Source) -> Tree:
        """See :class:`Outputs`; most digests are known before anything is fetched."""
        known = self.known(source)
        if len(known) < len(source.files):
            raise Miss
        return known

    def published(self, files: Iterable[Published]) -> Tree:
        """See :class:`Outputs`."""
        found: dict[str, Digest] = {}
        for file in files:
            known = self.store.result(file.key)
            if known is None:
                raise Miss
            found |= known
        return found

    def image(self, toolchain: str) -> Image:
        """See :class:`Outputs`."""
        image = self.known_image(toolchain)
        if image is None:
            raise Miss
        return image


@dataclass
class Execution:
    """Does what is not done yet, and records it.

    Attributes:
        store: Where inputs are and outputs go.
        run: The current process's place for working folders.
        logs: Folder for the output of steps that failed.
        fetch: Puts the files of a source into the store; what they are.
        fetch_published: Puts a file of a model zoo into the store.
        known_image: What is on record of a toolchain's image.
        ensure_image: Builds a toolchain's image where the engine lacks it.
        executor: Gives the executor for an image; asked only when there is something to run.
        claims: Keeps others from doing the same at the same time.
        twice: Keys of the actions that were run once more, to see that they give the same; None where none is.
        known: The files of a source whose content is known.
        memo: What was answered before.
        asked: The actions that it was asked for.
        output: Where what actions print is kept, too; None for nowhere.
        ran: How many actions this object really ran, and files it fetched.
        made: Keys of the actions that it ran.
        acts: The actions that it ran, with their times.
    """

    store: Store
    run: Run
    logs: Path
    fetch: Callable[[Source], Tree]
    fetch_published: Callable[[Published], Digest]
    known_image: Callable[[str], Image | None]
    ensure_image: Callable[[str], Image]
    executor: Callable[[Image], Executor]
    claims: Claims
    known: Callable[[Source], Tree] = declared
    memo: Memo = field(default_factory=Memo)
    twice: set[Digest] | None = None
    output: Path | None = None
    asked: Asked = field(default_factory=Asked)
    ran: int = field(default=0)
    made: set[Digest] = field(default_factory=set)
    acts: list[Act] = field(default_factory=list)

    def once(self, owner: object, call: Call, compute: Callable[[], Tree]) -> Tree:
        """See :class:`Outputs`."""
        return remembered(self.memo, self.asked, owner, call, compute)

    def action(self, action: Action) -> Tree:
        """See :class:`Outputs`.

        Raises:
            BadInput: The step refused its input; the message is the step's own.
            StepFailed: It failed otherwise, or did not write what it declared.
            Missing: An input was found damaged; asking again makes it anew.
        """
        encoded = encode(action)
        self.asked.add(encoded.key)
        known = result(self.store, encoded.key, action)
        if known is None:
            with self.claims.hold(encoded.key.hash):
                known = result(self.store, encoded.key, action)
                known = self._made(action, encoded) if known is None else known
        if self.twice is not None and encoded.key not in self.twice:
            self.twice.add(encoded.key)
            self._see_the_same(action, known)
        return known

    def _see_the_same(self, action: Action, known: Tree) -> None:
        """Run an action once more.

        Raises:
            StepFailed: It gives something else.
        """
        again, _ = self._execute(action)
        self.ran += 1
        if differing := [name for name in sorted({*again, *known}) if again.get(name) != known.get(name)]:
            raise StepFailed(
                f"{_title(action)} does not give the same twice: {', '.join(differing)}",
                fix="what it made first is kept; until it is mended, who builds it elsewhere gets something else",
            )

    def _made(self, action: Action, encoded: Encoded) -> Tree:
        started = time.time_ns()
        outputs, took = self._execute(action)
        self.acts.append(
            Act(encoded.key.hash, name(action), action.image.toolchain, started, started + int(took * 1e9))
        )
        self._record(encoded, outputs, took)
        self.made.add(encoded.key)
        self.ran += 1
        return outputs

    def download(self, source: Source) -> Tree:
        """See :class:`Outputs`."""
        known = self._downloaded(source)
        if known is not None:
            return known
        with self.claims.hold(f"download-{Digest.of(repr(source).encode()).hash}"):
            known = self._downloaded(source)
            return self._fetched(source) if known is None else known

    def _downloaded(self, source: Source) -> Tree | None:
        """The files of ``source`` if all of them are here."""
        known = self.known(source)
        is_here = len(known) == len(source.files) and all(map(self.store.available, known.values()))
        return known if is_here else None

    def _fetched(self, source: Source) -> Tree:
        known = self.fetch(source)
        self.ran += 1
        return known

    def published(self, files: Iterable[Published]) -> Tree:
        """See :class:`Outputs`."""
        found: dict[str, Digest] = {}
        for file in files:
            known = self.store.result(file.key)
            if known is None:
                started = time.monotonic()
                known = {file.name: self.fetch_published(file)}
                self.store.record(file.key, known, time.monotonic() - started)
                self.store.share(file.key, known.values())
                self.ran += 1
            found |= known
        return found

    def image(self, toolchain: str) -> Image:
        """See :class:`Outputs`."""
        return self.known_image(toolchain) or self.ensure_image(toolchain)

    def _record(self, encoded: Encoded, outputs: Tree, took: float) -> None:
        for blob in encoded.blobs.values():
            self.store.put(blob)
        self.store.record(encoded.key, outputs, took)
        self.store.share(encoded.key, [*encoded.blobs, *outputs.values()])

    def _execute(self, action: Action) -> tuple[Tree, float]:
        """The outputs, and the seconds that the command ran."""
        executor = self.executor(action.image)
        folder = self.run.scratch()
        try:
            stage(self.store, action, folder / "in")
            (folder / "out").mkdir()
            before = _stamps(folder / "in")
            log = folder / "log"
            started = time.monotonic()
            code = executor.run(action, folder, log)
            took = time.monotonic() - started
            self._keep_output(action, log)
            if code != 0:
                raise self._failure(action, code, log)
            if _stamps(folder / "in") != before:
                raise StepFailed(f"{_title(action)} changed its own inputs; its outputs are not kept")
            return collect(self.store, action, folder / "out"), took
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _keep_output(self, action: Action, log: Path) -> None:
        """Keep what an action printed, if it did and anybody asked for it."""
        if self.output is None or not log.exists() or not log.stat().st_size:
            return
        with suppress(OSError), log.open("rb") as said, self.output.open("ab") as kept:
            kept.write(f"--- {_title(action)}\n".encode())
            shutil.copyfileobj(said, kept)

    def _failure(self, action: Action, code: int, log: Path) -> Exception:
        said = log.read_text(errors="replace").strip()
        if code == REFUSED and said:
            return _refusal(said.splitlines())
        self.logs.mkdir(parents=True, exist_ok=True)
        kept = self.logs / f"{action.image.toolchain}-{encode(action).key.hash[:12]}.log"
        shutil.copyfile(log, kept)
        tail = "".join(f"\n  | {line}" for line in said.splitlines()[-_LOG_LINES:])
        return StepFailed(f"{_title(action)} failed with exit code {code}{tail}", where=f"full output in {kept}")


def result(store: Store, key: Digest, action: Action) -> Tree | None:
    """The outputs on record of an action; None where there are none, or they are not those that it declares."""
    found = store.result(key)
    if found is None:
        return None
    is_whole = all(any(_covers(output, name) for name in found) for output in action.outputs)
    is_declared = all(any(_covers(output, name) for output in action.outputs) for name in found)
    return found if is_whole and is_declared else None


class Refused(BadInput):
    """A step's own refusal, passed on as the step worded it."""

    def __init__(self, what: str, rest: list[str]) -> None:
        super().__init__(what)
        self.rest = rest

    def __str__(self) -> str:
        """The step's words."""
        return "\n".join([self.what, *self.rest])


def _refusal(said: list[str]) -> Refused:
    """The last message printed: a line not indented, and those below it. A framework may have talked before."""
    start = max((number for number, line in enumerate(said) if not line.startswith(" ")), default=0)
    return Refused(said[start], said[start + 1 :])


def stage(store: Store, action: Action, folder: Path) -> None:
    """Lay out an action's inputs below ``folder``: hard links to checked blobs, or copies where links cannot be.

    Raises:
        Missing: A blob is gone; the step that makes it has to run again.
    """
    folder.mkdir()
    for path, digest in action.inputs:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        blob = store.check(digest)
        try:
            os.link(blob, target)
        except OSError:
            store.extract(digest, target)


def collect(store: Store, action: Action, folder: Path) -> dict[str, Digest]:
    """Store an action's outputs from ``folder``.

    Raises:
        StepFailed: A declared output is missing, or there is something that was not declared.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise StepFailed(f"{_title(action)} wrote {path.name!r}, which is not a regular file")
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path
    missing = [output for output in action.outputs if not (folder / output).exists()]
    missing += ["anything"] * (action.outputs == (WHATEVER,) and not found)
    extra = [name for name in found if not any(_covers(output, name) for output in action.outputs)]
    if missing or extra:
        problems = [f"did not write {', '.join(missing)}"] * bool(missing)
        problems += [f"wrote {', '.join(extra)} undeclared"] * bool(extra)
        raise StepFailed(f"{_title(action)} {' and '.join(problems)}")
    return {name: store.put_file(path) for name, path in found.items()}


def _covers(output: str, name: str) -> bool:
    return output in (WHATEVER, name) or name.startswith(f"{output}/")


def _stamps(folder: Path) -> dict[str, tuple[int, int, int]]:
    stats = {str(path): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def name(action: Action) -> str:
    """What an action is called: the last part of its module's name, or its script's."""
    return PurePosixPath(action.argv[-1]).stem if "/" in action.argv[-1] else action.argv[-1].rpartition(".")[2]


def _title(action: Action) -> str:
    return f"the step {' '.join(action.argv)!r} in {action.image.toolchain}"
