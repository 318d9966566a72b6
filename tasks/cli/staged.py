"""The plan of a model some of whose stages were taken before, on the files that they have left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converter.errors import BadInput
from tasks.action import Tree
from tasks.cli.given import PIXELS, RANGE, called
from tasks.cli.running import Creator
from tasks.cli.taken import Model
from tasks.cli.workplace import Conversions
from tasks.conversion import Conversion
from tasks.execution import Outputs
from tasks.manifest import Input, Manifest, Source
from tasks.plan import Described
from tasks.session import Session, Step
from tasks.targets import SOURCES
from tasks.terminal import harmless


class Stages(Conversions):
    """The plan of a model, some of whose steps were taken before.

    Attributes:
        taken: What these have left, by place: ``ir``, ``cntk/code``.
        lying: Those places of ``taken`` into which nothing is written.
    """

    def __init__(
        self,
        model: Manifest,
        session: Session,
        taken: Mapping[str, Tree],
        lying: Collection[str],
        images: Sequence[Path] = (),
    ) -> None:
        super().__init__(model, session, images)
        self.taken = taken
        self.lying = lying

    def tasks(self) -> dict[str, Creator]:
        """All steps, by kind; of a model whose source is not known, those that need none."""
        kinds = super().tasks()
        alone = ("image", "download", "ir", "code", "checkpoint")
        return kinds if self.model.framework in SOURCES else {kind: kinds[kind] for kind in alone}

    def _conversion(self, model: Manifest) -> Conversion:
        return Staged(self.session.root, self.session.store, model, self.photographs, self.taken)

    def _call(self, function: Callable[..., Tree], model: Manifest, get: Outputs, **arguments: str) -> Tree:
        return super()._call(getattr(Staged, function.__name__), model, get, **arguments)

    def _as_task(self, step: Step, doc: str) -> Described:
        if step.folder.as_posix() in self.lying:
            step = Step(step.name, lambda _: {}, step.folder, whole=False)
        return super()._as_task(step, doc)


@dataclass(frozen=True)
class Staged(Conversion):
    """The same steps, where need be on files that were taken.

    Attributes:
        taken: See :class:`Stages`.
    """

    taken: Mapping[str, Tree] = field(default_factory=dict)

    def ir(self, get: Outputs) -> Tree:
        """The IR."""
        return self.taken["ir"] if "ir" in self.taken else super().ir(get)

    def code(self, get: Outputs, target: str) -> Tree:
        """The target's code."""
        return self.taken.get(f"{target}/code") or super().code(get, target)

    def checkpoint(self, get: Outputs, target: str) -> Tree:
        """The target's own files."""
        return self.taken.get(f"{target}/checkpoint") or super().checkpoint(get, target)


def match(found: Model, model: Manifest, folder: Path) -> None:
    """See that the IR in ``folder`` takes what ``model`` takes.

    Raises:
        BadInput: It does not.
    """
    wanted = {name: tuple(each.shape) for name, each in model.inputs.items()}
    if found.inputs != wanted:
        raise BadInput(
            f"the IR takes {_inputs(found.inputs)}, and the model {_inputs(wanted)}",
            where=str(folder / "ir"),
            fix="give the model its --input-shape, or make the IR again: transship ir",
        )


def of_ir(model: Model) -> Manifest:
    """The manifest of an IR that nothing else is known of."""
    name = called(Path(harmless(model.graph.graph.name or "").replace("/", "_") or "model"))
    return bare(name, {name: _input(shape) for name, shape in model.inputs.items()})


def bare(name: str, inputs: Mapping[str, Input]) -> Manifest:
    """The manifest of a model whose source nobody has named."""
    return Manifest(name, name, "onnx", "not stated", Source(()), dict(inputs))


def _input(shape: tuple[int | str, ...]) -> Input:
    is_image = len(shape) == 4 and shape[1] in (1, 3)
    return Input(shape, PIXELS if is_image else RANGE)


def _inputs(shapes: Mapping[str, tuple[int | str, ...]]) -> str:
    return harmless("; ".join(f"{name}:{','.join(map(str, shape))}" for name, shape in shapes.items()))
