"""The two sides of a comparison: whatever can be run, found by how it is named."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import converter
from converter import ir
from converter.errors import BadInput
from converter.formats import Format, onnx, recognise
from converter.inputs import read_preprocess
from tasks.action import Tree
from tasks.cli import record, taken
from tasks.cli.given import PIXELS, RANGE, Given, called
from tasks.cli.staged import Staged, bare
from tasks.cli.taken import read_ir
from tasks.conversion import IR
from tasks.execution import Outputs
from tasks.manifest import Input, Manifest
from tasks.photographs import Photographs
from tasks.session import Session
from tasks.targets import IR_TOOLCHAIN, SOURCES, TARGETS

SOURCE = ""
"""Stands where a target's name stands when the source framework itself is run."""

_KINDS = (
    "a symbol (x-symbol.json, or x-symbol.json,x-0000.params), a folder of transship's for a target, an IR, an .onnx"
)


@dataclass(frozen=True)
class Side:
    """Something that can be run.

    Attributes:
        shown: As the user has named it.
        target: What runs it: a target, the IR's runtime, or the source framework.
        model: Its inputs, and the options of its code.
        files: What it is made of, by stage.
    """

    shown: str
    target: str
    model: Manifest
    files: Mapping[str, Tree] = field(default_factory=dict)

    @property
    def toolchain(self) -> str:
        """The image that runs it."""
        if self.target == SOURCE:
            return SOURCES[self.model.framework]
        return IR_TOOLCHAIN if self.target == IR else TARGETS[self.target].toolchain


@dataclass(frozen=True)
class Asked(Staged):
    """A side that is run on ``questions``.

    Attributes:
        side: The side.
        questions: ``inputs.npz``; nothing for those that the model's own inputs make.
    """

    side: Side = field(kw_only=True)
    questions: Tree = field(default_factory=dict)

    def inputs(self, get: Outputs) -> Tree:
        """``inputs.npz``."""
        return self.questions or super().inputs(get)

    def answered(self, get: Outputs) -> Tree:
        """``outputs.npz``, ``runtime.json``, and the answers of other forms of its checkpoint."""
        if self.side.target != SOURCE:
            return self.answers(get, self.side.target)
        answers = self.reference(get)
        return {name: answers[name] for name in ("outputs.npz", "runtime.json")}

    def judged(self, get: Outputs, other: Side, reference: Tree, candidate: Tree) -> Tree:
        """``verify.json``: what this side answered, ``candidate``, by what the ``other`` did, ``reference``."""
        target = self.side.target
        params = {
            "model": other.shown,
            "target": target or IR,
            "options": self._options(target),
            "forms": [] if target in (SOURCE, IR) else self._forms(target),
            "runtime_image": get.image(self.side.toolchain).identity,
            "reference_image": get.image(other.toolchain).identity,
            "order": [],
            "expect": None,
        }
        places = {"reference": reference, "candidate": candidate}
        files = {f"{place}/{name}": digest for place, tree in places.items() for name, digest in tree.items()}
        return get.action(self._on_host("compare", (), params, files, ("verify.json",)))


def asked(side: Side, session: Session, photographs: Photographs, questions: Tree | None = None) -> Asked:
    """``side`` as what can be asked."""
    return Asked(
        session.root, session.store, side.model, photographs, side.files, side=side, questions=questions or {}
    )


def find(word: str, session: Session, given: Given) -> Side:
    """What ``word`` names: a file, two files joined by a comma, or a folder.

    Args:
        word: As it was typed.
        session: Where its files are put.
        given: What was said of the inputs.

    Raises:
        BadInput: There is nothing that can be run.
    """
    first, comma, second = word.partition(",")
    if comma and not Path(word).exists():
        return _source(word, Path(first), Path(second), session, given)
    path = Path(word)
    found = recognise(path)
    if found.role == "network":
        return _source(word, path, _beside(path), session, given)
    if found.name == "transship-target":
        return _target(word, path, session)
    if found.name == "ir":
        return _ir(word, path, session)
    if found.name == "onnx":
        return _onnx(word, path, session)
    raise BadInput(f"{found.title}: not what can be run here by itself", where=word, fix=_instead(path, found))


def _source(word: str, network: Path, weights: Path, session: Session, given: Given) -> Side:
    named = replace(given, network=None, weights=None, framework="").taking([network, weights])
    model = named.manifest(session.digests.of)
    shapes = {name: each.shape for name, each in model.inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", converter.StructureOnly)
        converter.parse(model.framework, graph=network, inputs=shapes)  # says more of a wrong shape than MXNet does
    return Side(word, SOURCE, model)


def _beside(network: Path) -> Path:
    """The parameters that lie beside a network."""
    prefix = network.name.removesuffix(".json").removesuffix("-symbol")
    found = sorted(network.parent.glob(f"{prefix.replace('[', '[[]')}-[0-9][0-9][0-9][0-9].params"))
    if len(found) != 1:
        what = f"{len(found)} files of parameters lie beside it" if found else "no file of parameters lies beside it"
        raise BadInput(what, where=str(network), fix=f"name both: {network},{prefix}-0000.params")
    return found[0]


def _target(word: str, folder: Path, session: Session) -> Side:
    target = folder.resolve().name
    if target not in TARGETS:
        raise BadInput(
            "which framework this is of is told by the folder's name", where=word, fix=f"call it {_names()}"
        )
    stages = ("code", "checkpoint")
    files = {f"{target}/{stage}": taken.stored(session, taken.files(folder / stage)) for stage in stages}
    if empty := [stage for stage in stages if not files[f"{target}/{stage}"]]:
        raise BadInput(f"there is no {empty[0]}", where=word, fix=f"transship {empty[0]} makes it")
    above = folder.resolve().parent
    model = record.recorded(above) or _told(called(above), above / "ir")
    return Side(word, target, model, files)


def _ir(word: str, folder: Path, session: Session) -> Side:
    found = read_ir(folder)
    if not found.has_weights:
        raise BadInput(
            "an IR without weights cannot be run", where=word, fix="transship ir, with the model's weights"
        )
    return Side(word, IR, _told(called(folder.resolve().parent), folder), {"ir": found.store(session)})


def _onnx(word: str, path: Path, session: Session) -> Side:
    beside = path.with_name(f"{path.name}.data")
    tree = taken.stored(session, {ir.MODEL: path, **({beside.name: beside} if beside.is_file() else {})})
    shapes = {name: _fixed(word, name, shape) for name, shape in onnx.describe(path).inputs.items()}
    inputs = {name: _input(shape) for name, shape in shapes.items()}
    return Side(word, IR, bare(called(path), inputs), {"ir": tree})


def _fixed(word: str, name: str, shape: tuple[int | str, ...] | None) -> tuple[int | str, ...]:
    """A shape of which only the batch is open."""
    if not shape or any(not isinstance(dim, int) or dim < 1 for dim in shape[1:]):
        told = "nothing" if shape is None else ",".join(map(str, shape))
        raise BadInput(
            f"the shape of input {name!r} is open: {told}", where=word, fix="fix all but the batch in the file"
        )
    first = shape[0]
    return (first if isinstance(first, int) and first > 0 else ir.BATCH, *shape[1:])


def _told(name: str, folder: Path) -> Manifest:
    """What an IR's ``model.json`` says of the inputs."""
    path = folder / ir.SUMMARY
    try:
        content = json.loads(path.read_bytes())
        preprocess = content["preprocess"] or {}
        shapes = {each["name"]: tuple(each["shape"]) for each in content["inputs"]}
        return bare(name, {each: _input(shape, preprocess.get(each)) for each, shape in shapes.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = "nothing says what the inputs are"
        raise BadInput(what, where=str(path), fix="compare it in the folder that transship has made") from error


def _input(shape: tuple[int | str, ...], preprocess: Mapping[str, object] | None = None) -> Input:
    if preprocess:
        return Input(shape, read_preprocess(preprocess, "preprocess").extent, preprocess)
    return Input(shape, PIXELS if len(shape) == 4 and shape[1] in (1, 3) else RANGE)


def _instead(path: Path, found: Format) -> str:
    if found.name == "transship":
        made = [target for target in TARGETS if (path / target / "checkpoint").is_dir()]
        return f"name one of: {', '.join(str(path / each) for each in [*made, 'ir'])}"
    return f"name {_KINDS}"


def _names() -> str:
    return f"as one of: {', '.join(TARGETS)}"
