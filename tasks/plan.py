"""The task graph: from manifests and targets to doit's tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

from doit import get_var
from doit.task import Task

from converter.errors import BadInput, TransshipError
from tasks import manifest, names, reporting, selection, table, toolchains, zoo
from tasks.action import Tree
from tasks.conversion import IR, Conversion
from tasks.doit_task import StepTask, doing, remove
from tasks.execution import Outputs
from tasks.manifest import Manifest
from tasks.photographs import Photographs, usual
from tasks.reporting import Reporting
from tasks.session import Session, Step, default_cache
from tasks.targets import IR_TOOLCHAIN, SOURCES, TARGETS

Described: TypeAlias = "Task | dict[str, Any]"
"""A task, or what doit makes one of."""

SETTINGS = ("models", "weights")
"""What can be set on the command line: ``weights=seeded``."""

_DETAILS = {
    "layers": "the error of every value between, on one photograph",
    "top": "the classes that both rank first on the photographs",
}
"""What lies beside a verdict, for a report."""

_OF_MODELS = ("download", "ir", "reference")
_OF_PAIRS = ("code", "checkpoint", "verify", "layers", "top", "convert")


class Plan:
    """All steps of all models to all targets.

    Attributes:
        session: The process's state.
        manifests: The models by name.
        weights: Which weights names stand for; None for what their manifests say.
        models: Which models a report is of, see :mod:`tasks.selection`; None for all that are verified.
        photographs: What they are verified on; the usual ones, if not given.
    """

    def __init__(
        self,
        session: Session,
        manifests: Mapping[str, Manifest],
        weights: str | None = None,
        models: str | None = None,
        photographs: Photographs | None = None,
    ) -> None:
        self.session = session
        self.manifests = dict(manifests)
        self.weights = weights
        self.models = models
        self.photographs = photographs or usual()
        self._conversions: dict[str, Conversion] = {}
        self._asked: set[str] | None = None

    def images(self) -> Iterator[Described]:
        """``image:<toolchain>``, and ``image:base`` for all that the others stand on."""
        bases: set[str] = set()
        for toolchain in toolchains.toolchains(self.session.images):
            base = toolchains.describe(toolchain, self.session.images).parent
            bases |= {f"image:{base}"} if base else set()
            yield {
                "name": toolchain,
                "doc": f"the image of the toolchain {toolchain}",
                "uptodate": [partial(self._image_is_current, toolchain)],
                "actions": [(doing, [partial(self._ensure_image, toolchain)])],
                "setup": [f"image:{base}"] if base else [],
                "io": {"capture": False},
            }
        yield {
            "name": toolchains.BASE,
            "doc": "the Debian releases below them",
            "actions": None,
            "task_dep": sorted(bases),
        }

    def downloads(self) -> Iterator[Described]:
        """``download:<model>``."""
        yield self._as_task(
            Step("download:photographs", self.photographs.get, Path("photographs")),
            "photographs that every model is verified on",
        )
        for model in self._models():
            built = not isinstance(model.source, manifest.Source)
            step = Step(
                f"download:{model.name}",
                partial(self._call, Conversion.source, model),
                self._place(model, "source"),
                after=self._unbuilt(SOURCES[model.framework]) if built else (),
                shared=isinstance(model.source, manifest.Source) and bool(model.source.base),
            )
            exported = f"the network, built by name and exported by {model.framework}"
            yield self._as_task(step, exported if built else "the source framework's files")

    def irs(self) -> Iterator[Described]:
        """``ir:<model>``."""
        for model in self._models():
            step = Step(
                f"ir:{model.name}",
                partial(self._call, Conversion.ir, model),
                self._place(model, "ir"),
                after=(f"download:{model.name}",),
            )
            yield self._as_task(step, "read into the IR")

    def references(self) -> Iterator[Described]:
        """``reference:<model>``."""
        for model in self._models():
            step = Step(
                f"reference:{model.name}",
                partial(self._call, Conversion.reference, model),
                self._place(model, "reference"),
                after=(
                    f"download:{model.name}",
                    "download:photographs",
                    *self._unbuilt(SOURCES[model.framework]),
                ),
            )
            yield self._as_task(step, f"{model.framework}'s own answers on fixed inputs")

    def codes(self) -> Iterator[Described]:
        """``code:<model>-<target>``."""
        for model, target in self._pairs():
            step = Step(
                f"code:{model.name}-{target}",
                partial(self._call, Conversion.code, model, target=target),
                self._place(model, target, "code"),
                after=(f"ir:{model.name}",),
            )
            yield self._as_task(step, f"{TARGETS[target].title} code")

    def checkpoints(self) -> Iterator[Described]:
        """``checkpoint:<model>-<target>``."""
        for model, target in self._pairs():
            step = Step(
                f"checkpoint:{model.name}-{target}",
                partial(self._call, Conversion.checkpoint, model, target=target),
                self._place(model, target, "checkpoint"),
                after=(f"code:{model.name}-{target}", *self._unbuilt(TARGETS[target].toolchain)),
            )
            yield self._as_task(step, f"{TARGETS[target].title}'s own files, written by {TARGETS[target].title}")

    def verifications(self) -> Iterator[Described]:
        """``verify:<model>-<target>``, and ``verify:<model>-ir`` for the IR itself in onnxruntime."""
        for model in self._models():
            yield self._verify(model, IR, f"ir:{model.name}", *self._unbuilt(IR_TOOLCHAIN))
        for model, target in self._pairs():
            yield self._verify(model, target, f"checkpoint:{model.name}-{target}")

    def layers(self) -> Iterator[Described]:
        """``layers:<model>-<target>``."""
        yield from (self._beside("layers", Conversion.layers, *pair) for pair in self._pairs())

    def tops(self) -> Iterator[Described]:
        """``top:<model>-<target>``."""
        yield from (self._beside("top", Conversion.top, *pair) for pair in self._pairs())

    def conversions(self) -> Iterator[Described]:
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
                "actions": [(doing, [partial(self.tell, model, target)])],
                "io": {"capture": False},
                "clean": [partial(remove, [self.session.build / self._place(model, target)])],
            }

    def report(self) -> Described:
        """What is on record of the models asked for, as a page. `resolve` puts the steps that make it before it."""
        return {
            "uptodate": [self._report_is_current],
            "actions": [(doing, [self._write_report])],
            "io": {"capture": False},
            "clean": [partial(remove, [self.session.build / reporting.FOLDER])],
        }

    def table(self) -> Described:
        """The classic models to all targets, with the weights asked for. `resolve` puts the conversions before it."""
        return {
            "uptodate": [False],
            "actions": [(doing, [lambda: self._reporting(self._table_pairs()).print()])],
            "io": {"capture": False},
        }

    def resolve(self, words: Sequence[str], *, runs: bool = True) -> list[str]:
        """The tasks that the words of a command line mean.

        A task that shows what became of others comes behind them, and does not depend on them: it shows failures too.

        Args:
            words: The words.
            runs: Whether the tasks are to run; where not, as in ``doit clean report``, such a task is meant alone.

        Raises:
            BadInput: A model cannot be had with the weights that are asked for, or there is none of that name; a
                setting says something of what is not asked for.
        """
        if self.models is not None and "report" not in words:
            raise BadInput("models= is for a report", fix="doit report models='resnet*,vgg19'")
        self._know(*words, *selection.patterns(self.models or ""))
        steps = [step for word in words for step in (*(self._shown_by(word) if runs else ()), word)]
        found = [task for word in steps for task in names.resolve(word, self.manifests, self._endings, self.weights)]
        self._asked = self._subjects(found)
        return list(dict.fromkeys(found))

    def _subjects(self, tasks: Sequence[str]) -> set[str] | None:
        """The models and the pairs that ``tasks`` are of; None where tasks of others are meant, too."""
        subjects: set[str] = set()
        for task in tasks:
            kind, _, subject = task.partition(":")
            model, _, target = subject.rpartition("-")
            if kind in _OF_PAIRS and model in self.manifests and (target in TARGETS or target == IR):
                subjects |= {model, subject}
            elif kind in _OF_MODELS and subject in self.manifests:
                subjects.add(subject)
            elif not (kind == "image" and subject):
                return None
        return subjects or None

    def typeable(self) -> list[str]:
        """Every name of a step that can be typed."""
        return list(names.typeable(self.manifests, self._endings))

    @property
    def _endings(self) -> names.Endings:
        pairs = [f"-{target}" for target in TARGETS]
        return {
            **{kind: [""] for kind in _OF_MODELS},
            **dict.fromkeys(_OF_PAIRS, pairs),
            "verify": [*pairs, f"-{IR}"],
        }

    def overview(self) -> Described:
        """What can be built; the default task."""
        return {
            "actions": [(doing, [self._overview])],
            "io": {"capture": False},
            "uptodate": [False],
            "clean": [partial(remove, [self.session.build])],
        }

    def _overview(self) -> None:
        from tasks import report

        report.overview(self.manifests)

    def _know(self, *words: str) -> None:
        """Make the models without manifests known if any of the ``words`` may mean one; a manifest comes first."""
        if zoo.wanted(words):
            self.manifests |= {name: model for name, model in zoo.models().items() if name not in self.manifests}

    def _shown_by(self, word: str) -> list[str]:
        """The steps that a word stands for besides the task of that name."""
        if word == "table":
            return [f"convert:{model.name}-{target}" for model, target in self._table_pairs()]
        if word != "report" or not self._reported.pairs:
            return []
        pairs = [f"{model.name}-{target}" for model, target in self._reported.pairs]
        return [
            "download:photographs",
            *(f"{kind}:{pair}" for pair in pairs for kind in ("convert", "layers", "top")),
        ]

    @cached_property
    def _reported(self) -> Reporting:
        return self._reporting(self._verified() if self.models is None else self._selected(self.models))

    def _reporting(self, pairs: Sequence[tuple[Manifest, str]]) -> Reporting:
        today = datetime.now(UTC).date().isoformat()
        return Reporting(self.session, pairs, self._conversion, self.photographs, today)

    def _table_pairs(self) -> list[tuple[Manifest, str]]:
        return [pair for name in table.MODELS for pair in self._selected(name)]

    def _selected(self, models: str) -> list[tuple[Manifest, str]]:
        found = selection.select(self.manifests, models, self.weights)
        return [(model, target) for model in found for target in TARGETS]

    def _verified(self) -> list[tuple[Manifest, str]]:
        """All that ``build/`` has a verdict of, with the weights asked for."""
        found = {path.parent for path in self.session.build.glob("*/*/verify.json")}
        self._know(*(folder.parent.name for folder in found))
        return [
            (model, target)
            for model, target in self._pairs()
            if self.session.build / self._place(model, target) in found and self.weights in (None, model.weights)
        ]

    def _report_is_current(self) -> bool:
        current = self._reported.is_current()
        if current:
            self.session.done["report"] = "up to date"
        return current

    def _write_report(self) -> None:
        with self.session.attempt("report"):
            self._reported.write()
        self.session.done["report"] = "ran"

    def _beside(self, kind: str, function: Callable[..., Tree], model: Manifest, target: str) -> Described:
        """A step whose one file, ``<kind>.json``, lies beside the verdict."""
        step = Step(
            f"{kind}:{model.name}-{target}",
            partial(self._call, function, model, target=target),
            self._folder(model, target),
            whole=False,
            after=(f"reference:{model.name}", f"checkpoint:{model.name}-{target}"),
        )
        return self._as_task(step, _DETAILS[kind])

    def _pairs(self) -> Iterator[tuple[Manifest, str]]:
        for model in self._models():
            for target in TARGETS:
                if self._asked is None or f"{model.name}-{target}" in self._asked:
                    yield model, target

    def _models(self) -> Iterator[Manifest]:
        """The models whose tasks are needed: others need not be described."""
        yield from (model for name, model in self.manifests.items() if self._asked is None or name in self._asked)

    def _call(self, function: Callable[..., Tree], model: Manifest, get: Outputs, **arguments: str) -> Tree:
        return function(self._conversion(model), get, **arguments)

    def _conversion(self, model: Manifest) -> Conversion:
        if model.name not in self._conversions:
            session = self.session
            made = Conversion(session.root, session.store, model, self.photographs, imports=session.imports)
            self._conversions[model.name] = made
        return self._conversions[model.name]

    def _verify(self, model: Manifest, target: str, *after: str) -> Described:
        step = Step(
            f"verify:{model.name}-{target}",
            partial(self._call, Conversion.verify, model, target=target),
            self._folder(model, target),
            whole=False,
            after=(f"reference:{model.name}", *after),
            accept=partial(self._accept, model, target),
        )
        return self._as_task(step, "the verdict: does it compute the same?")

    def _accept(self, model: Manifest, target: str, verified: Tree) -> None:
        verdict = self._conversion(model).verdict(verified)
        expected = (verdict.get("expected") or {}).get("verdict")
        if verdict["verdict"] == "differs" and expected != "differs":
            from tasks import report

            raise report.differs(verdict, self.session.build / self._folder(model, target) / "verify.json")

    def _place(self, model: Manifest, *parts: str) -> Path:
        return self.session.place(model.name).joinpath(*parts)

    def _folder(self, model: Manifest, target: str) -> Path:
        """Where the verdict lies."""
        return self._place(model) if target == IR else self._place(model, target)

    def _as_task(self, step: Step, doc: str) -> Described:
        return StepTask(self.session, step, doc)

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
        name = f"image:{toolchain}"
        with self.session.attempt(name):
            self.session.ensure_image(toolchain)
        self.session.done[name] = "ran"

    def _nothing_done(self, steps: list[str]) -> bool:
        return all(self.session.done.get(step) == "up to date" for step in steps)

    def tell(self, model: Manifest, target: str) -> None:
        """Show what became of a conversion."""
        from tasks import report

        tell = report.line if self.session.is_brief else report.summary
        tell(self.session.build / self._folder(model, target))


def project(root: Path, weights: str | None = None, models: str | None = None) -> Plan:
    """The plan of all models of the project ``root``.

    Raises:
        BadInput: A manifest is not right.
    """
    return Plan(Session(root, default_cache()), manifest.load_all(root / "models"), weights, models)


def open_plan(root: Path) -> Plan:
    """The plan of the project ``root``, as the task file opens it: a bad manifest ends doit with what is wrong."""
    try:
        return project(root, get_var("weights"), get_var("models"))
    except TransshipError as error:
        raise SystemExit(str(error)) from None
