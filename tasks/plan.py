"""The task graph: from manifests and targets to doit's task dictionaries."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from doit.exceptions import TaskFailed

from converter.errors import TransshipError
from tasks import manifest, report, toolchains
from tasks.action import Tree
from tasks.conversion import IR, Conversion
from tasks.execution import Outputs
from tasks.manifest import Manifest
from tasks.session import Session, Step, default_cache
from tasks.targets import IR_TOOLCHAIN, SOURCES, TARGETS

Task = dict[str, Any]


class Plan:
    """All steps of all models to all targets.

    Attributes:
        session: The process's state.
        manifests: The models by name.
    """

    def __init__(self, root: Path) -> None:
        self.session = Session(root, default_cache())
        self.manifests = manifest.load_all(root / "models")
        self._photographs = manifest.load_source(Path(__file__).with_name("photographs.toml"))

    def images(self) -> Iterator[Task]:
        """``image:<toolchain>``, and ``image:base`` for all that the others stand on."""
        bases: set[str] = set()
        for toolchain in toolchains.toolchains(self.session.images):
            base = toolchains.describe(toolchain, self.session.images).parent
            bases |= {f"image:{base}"} if base else set()
            yield {
                "name": toolchain,
                "doc": f"the image of the toolchain {toolchain}",
                "uptodate": [partial(self._image_is_current, toolchain)],
                "actions": [(_doing, [partial(self._ensure_image, toolchain)])],
                "setup": [f"image:{base}"] if base else [],
                "io": {"capture": False},
            }
        yield {
            "name": toolchains.BASE,
            "doc": "the Debian releases below them",
            "actions": None,
            "task_dep": sorted(bases),
        }

    def downloads(self) -> Iterator[Task]:
        """``download:<model>``."""
        yield self._as_task(
            Step("download:photographs", lambda get: get.download(self._photographs), Path("photographs")),
            "photographs that every model is verified on",
        )
        for model in self.manifests.values():
            built = isinstance(model.source, manifest.Gluon)
            step = Step(
                f"download:{model.name}",
                partial(self._call, Conversion.source, model),
                Path(model.name, "source"),
                after=self._unbuilt(SOURCES[model.framework]) if built else (),
            )
            exported = f"the network, built by name and exported by {model.framework}"
            yield self._as_task(step, exported if built else "the source framework's files")

    def irs(self) -> Iterator[Task]:
        """``ir:<model>``."""
        for model in self.manifests.values():
            step = Step(
                f"ir:{model.name}",
                partial(self._call, Conversion.ir, model),
                Path(model.name, "ir"),
                after=(f"download:{model.name}",),
            )
            yield self._as_task(step, "read into the IR")

    def references(self) -> Iterator[Task]:
        """``reference:<model>``."""
        for model in self.manifests.values():
            step = Step(
                f"reference:{model.name}",
                partial(self._call, Conversion.reference, model),
                Path(model.name, "reference"),
                after=(
                    f"download:{model.name}",
                    "download:photographs",
                    *self._unbuilt(SOURCES[model.framework]),
                ),
            )
            yield self._as_task(step, f"{model.framework}'s own answers on fixed inputs")

    def codes(self) -> Iterator[Task]:
        """``code:<model>-<target>``."""
        for model, target in self._pairs():
            step = Step(
                f"code:{model.name}-{target}",
                partial(self._call, Conversion.code, model, target=target),
                Path(model.name, target, "code"),
                after=(f"ir:{model.name}",),
            )
            yield self._as_task(step, f"{TARGETS[target].title} code")

    def checkpoints(self) -> Iterator[Task]:
        """``checkpoint:<model>-<target>``."""
        for model, target in self._pairs():
            step = Step(
                f"checkpoint:{model.name}-{target}",
                partial(self._call, Conversion.checkpoint, model, target=target),
                Path(model.name, target, "checkpoint"),
                after=(f"code:{model.name}-{target}", *self._unbuilt(TARGETS[target].toolchain)),
            )
            yield self._as_task(step, f"{TARGETS[target].title}'s own files, written by {TARGETS[target].title}")

    def verifications(self) -> Iterator[Task]:
        """``verify:<model>-<target>``, and ``verify:<model>-ir`` for the IR itself in onnxruntime."""
        for model in self.manifests.values():
            yield self._verify(model, IR, f"ir:{model.name}", *self._unbuilt(IR_TOOLCHAIN))
        for model, target in self._pairs():
            yield self._verify(model, target, f"checkpoint:{model.name}-{target}")

    def conversions(self) -> Iterator[Task]:
        """``convert:<model>-<target>``: all of it. What is asked for last is looked at first."""
        for model, target in self._pairs():
            pair = f"{model.name}-{target}"
            steps = [
                f"verify:{pair}",
                f"verify:{model.name}-{IR}",
                f"checkpoint:{pair}",
                f"code:{pair}",
                f"reference:{model.name}",
                f"ir:{model.name}",
                f"download:{model.name}",
            ]
            yield {
                "name": pair,
                "doc": f"{model.title} to {TARGETS[target].title}",
                "task_dep": steps,
                "uptodate": [partial(self._nothing_done, steps)],
                "actions": [(_doing, [partial(self._summary, model, target)])],
                "io": {"capture": False},
                "clean": [partial(_remove, [self.session.build / model.name / target])],
            }

    def overview(self) -> Task:
        """What can be built; the default task."""
        return {
            "actions": [(_doing, [partial(report.overview, self.manifests)])],
            "io": {"capture": False},
            "uptodate": [False],
            "clean": [partial(_remove, [self.session.build])],
        }

    def _pairs(self) -> Iterator[tuple[Manifest, str]]:
        yield from ((model, target) for model in self.manifests.values() for target in TARGETS)

    def _call(self, function: Callable[..., Tree], model: Manifest, get: Outputs, **arguments: str) -> Tree:
        return function(self._conversion(model), get, **arguments)

    def _conversion(self, model: Manifest) -> Conversion:
        return Conversion(self.session.root, self.session.store, model, self._photographs)

    def _verify(self, model: Manifest, target: str, *after: str) -> Task:
        step = Step(
            f"verify:{model.name}-{target}",
            partial(self._call, Conversion.verify, model, target=target),
            _folder(model, target),
            whole=False,
            after=(f"reference:{model.name}", *after),
            accept=partial(self._accept, model, target),
        )
        return self._as_task(step, "the verdict: does it compute the same?")

    def _accept(self, model: Manifest, target: str, verified: Tree) -> None:
        verdict = self._conversion(model).verdict(verified)
        expected = (verdict.get("expected") or {}).get("verdict")
        if verdict["verdict"] == "differs" and expected != "differs":
            raise report.differs(verdict, self.session.build / _folder(model, target) / "verify.json")

    def _as_task(self, step: Step, doc: str) -> Task:
        return as_task(self.session, step, doc)

    def _unbuilt(self, toolchain: str) -> tuple[str, ...]:
        """The task that builds an image, where there is no record of it: a key needs one, an engine only who runs."""
        return () if self.session.known_image(toolchain) else (f"image:{toolchain}",)

    def _image_is_current(self, toolchain: str) -> bool:
        try:
            current = self.session.has_image(toolchain)
        except TransshipError:
            return False
        if current:
            self.session.done[f"image:{toolchain}"] = "up to date"
        return current

    def _ensure_image(self, toolchain: str) -> None:
        self.session.ensure_image(toolchain)
        self.session.done[f"image:{toolchain}"] = "ran"

    def _nothing_done(self, steps: list[str]) -> bool:
        return all(self.session.done.get(step) == "up to date" for step in steps)

    def _summary(self, model: Manifest, target: str) -> None:
        report.summary(self.session.build / _folder(model, target))


def open_plan(root: Path) -> Plan:
    """The plan of the project ``root``, as the task file opens it: a bad manifest ends doit with what is wrong."""
    try:
        return Plan(root)
    except TransshipError as error:
        raise SystemExit(str(error)) from None


def as_task(session: Session, step: Step, doc: str) -> Task:
    """``step`` as a task of doit: skipped where the cache has it, else after the steps that it needs."""
    paths = [session.build / path for path in _cleaned(step)]
    return {
        "name": step.name.partition(":")[2],
        "doc": doc,
        "uptodate": [partial(session.is_current, step)],
        "actions": [(_doing, [partial(session.realise, step)])],
        "setup": list(step.after),
        "clean": [partial(_remove, paths)],
        "io": {"capture": False},
    }


def _doing(work: Callable[[], None]) -> TaskFailed | None:
    """Run ``work`` as a doit action: an error that a user can act on fails the task, without a traceback."""
    try:
        work()
    except TransshipError as error:
        return TaskFailed(str(error))
    return None


def _folder(model: Manifest, target: str) -> Path:
    return Path(model.name) if target == IR else Path(model.name, target)


def _cleaned(step: Step) -> list[Path]:
    return [step.folder] if step.whole else [step.folder / "verify.json"]


def _remove(paths: list[Path]) -> None:
    """Remove files and folders, and folders above them that are then empty."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()
            path.parent.parent.rmdir()
