"""``transship inspect``: what a file is, and what each target makes of it; nothing is run or written."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import converter
from converter import ir
from converter.description import Description
from converter.errors import BadInput, TransshipError, Unsupported
from converter.formats import Format, onnx, recognise, safetensors
from converter.formats.sample import whole
from tasks import report
from tasks.cli import results, taken
from tasks.cli.given import Given
from tasks.cli.inspection import DEVICE, STDIN, named, show
from tasks.cli.shapes import read_shapes
from tasks.cli.showing import Showing
from tasks.cli.workplace import MARK, read_mark
from tasks.errors import UsageError
from tasks.targets import TARGETS
from tasks.terminal import console

EXAMPLES = (
    "transship inspect resnet-50-symbol.json resnet-50-0000.params",
    "transship inspect x-symbol.json --input-shape 3,224,224 --json",
    "transship inspect resnet50/cntk/checkpoint/model.dnn",
    "transship inspect - < model.bin",
)

_READABLE = ("network", "weights")
_VERDICT = 1 << 24
"""The most bytes of a verdict."""
_NAMED = 3
"""Arrays that are named; more are counted."""
_FOREIGN = "what the targets do with it cannot be told"


@dataclass(frozen=True)
class Inspection:
    """What was found out.

    Attributes:
        files: What was looked at, and the format of each.
        description: Of the model; None where that cannot be told.
        targets: By target, why it refuses the model: nothing where it does not. None where that cannot be told.
        unread: Why it cannot be converted at all; empty where it can, or where there is no model.
        verdicts: Of what transship has made already, by target.
    """

    files: Mapping[Path, Format]
    description: Description | None = None
    targets: Mapping[str, str] | None = None
    unread: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)


def inspect(
    *files: Path,
    given: Given = Given(),  # noqa: B008 - frozen
    showing: Showing = Showing(),  # noqa: B008
) -> int:
    """Say what files are: their format and age, the model in them, and what each target makes of that.

    Args:
        files: Of one model, or any one file or folder; - for standard input.
        given: The model.
        showing: What is shown.
    """
    others = [path for path in (given.network, given.weights) if path]
    if not files and not others:
        raise UsageError("no file was named", fix="transship inspect x-symbol.json x-0000.params")
    with tempfile.TemporaryDirectory() as folder:
        paths = [_spooled(Path(folder)) if str(path) == DEVICE else path for path in files]
        formats = {path: recognise(path) for path in (*others, *paths)}
        found = look(formats, given.taking(path for path in paths if formats[path].role in _READABLE))
        if showing.json:
            results.write_json(as_json(found))
        else:
            show(found, is_verbose=showing.verbose)
    return results.SAME


def _spooled(folder: Path) -> Path:
    """Standard input as a file: formats are told by places all over it."""
    path = folder / STDIN
    with path.open("xb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def look(formats: Mapping[Path, Format], given: Given) -> Inspection:
    """Find out about files of these ``formats``, of which ``given`` holds those that can be read.

    Raises:
        BadInput: A file that should be readable is not, or there are others beside those of one model.
    """
    if any(each.role in _READABLE for each in formats.values()):
        if other := [path for path in formats if formats[path].role not in _READABLE]:
            raise BadInput("not of the same model as the other files", where=str(other[0]), fix="inspect it alone")
        return _source(formats, given)
    if len(formats) > 1:
        raise UsageError("these are not the files of one model", fix="inspect one at a time")
    ((path, found),) = formats.items()
    if found.name in ("onnx", "ir"):
        return _onnx(formats, path / ir.MODEL if found.name == "ir" else path)
    if found.name == "safetensors":
        return Inspection(formats, safetensors.describe(path))
    if found.name == "transship":
        return _made(formats, path)
    if found.name == "transship-target":
        return Inspection(formats, verdicts=_verdicts(path.parent, [path.name]))
    return Inspection(formats)


def _source(formats: Mapping[Path, Format], given: Given) -> Inspection:
    framework = given.framework or next(found.framework for found in formats.values())
    described = converter.describe(framework, graph=given.network, weights=given.weights)
    if given.network is None:
        return Inspection(formats, described)
    if given.weights and (lacking := _lacking(framework, described, given)):
        inputs = {name: shape for name, shape in described.inputs.items() if name not in lacking}
        return Inspection(formats, replace(described, inputs=inputs), unread=_not_its_own(lacking, described))
    try:
        shapes = read_shapes(given.shapes, described.inputs)
    except UsageError as error:
        if given.shapes:
            raise
        return Inspection(formats, described, unread=str(error))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", converter.StructureOnly)
            model = converter.parse(framework, graph=given.network, weights=given.weights, inputs=shapes)
    except (BadInput, Unsupported) as error:
        return Inspection(formats, described, unread=str(error))
    return Inspection(formats, described, support(model))


def _lacking(framework: str, described: Description, given: Given) -> list[str]:
    """The trained arrays of the network that are not among the parameters, nor said to be inputs."""
    alone = converter.describe(framework, graph=given.network).inputs
    named = {word.rpartition(":")[0] for word in given.shapes}
    return [name for name in described.inputs if name not in alone and name not in named]


def _not_its_own(lacking: Sequence[str], described: Description) -> str:
    more = f" and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else ""
    return (
        f"these are not the parameters of this network: they lack {', '.join(map(repr, lacking[:_NAMED]))}{more}, "
        f"and have {len(described.parameters)} of {len(described.parameters) + len(lacking)} arrays\n"
        "  to do: give the file that was saved with it; of Gluon, save both with HybridBlock.export"
    )


def _onnx(formats: Mapping[Path, Format], path: Path, verdicts: Mapping[str, str] | None = None) -> Inspection:
    described, verdicts = onnx.describe(path), verdicts or {}
    try:
        if not described.outputs:
            raise BadInput("it has no output")
        model = taken.read_ir(path)
    except BadInput as error:  # any other ONNX model: there is a description all the same
        unread = f"{_FOREIGN}: {error.what}\n  to do: give the model that it was made of"
        return Inspection(formats, described, unread=unread, verdicts=verdicts)
    return Inspection(formats, described, support(model.graph), verdicts=verdicts)


def _made(formats: Mapping[Path, Format], folder: Path) -> Inspection:
    """What lies in a folder that transship has made, by the files themselves."""
    verdicts = _verdicts(folder, TARGETS)
    if (folder / "ir" / ir.MODEL).is_file():
        return _onnx(formats, folder / "ir" / ir.MODEL, verdicts)
    if verdicts or ((folder / MARK).is_file() and read_mark(folder)):
        return Inspection(formats, verdicts=verdicts)
    raise BadInput("a folder of transship's in which there is no model", where=str(folder))


def _verdicts(folder: Path, targets: Iterable[str]) -> dict[str, str]:
    """Those that lie in the folders of ``targets``, as far as they are verdicts."""
    found = {}
    for target in targets:
        with suppress(BadInput, ValueError, KeyError, TypeError, RecursionError):
            word = json.loads(whole(folder / target / "verify.json", _VERDICT))["verdict"]
            found.update({target: word} if word in report.SYMBOLS else {})
    return found


def support(model: Any) -> dict[str, str]:
    """Why each target refuses an IR ``model``: nothing where it does not."""
    live = console().is_terminal
    found = {}
    for target in TARGETS:
        with console().status(f"asking {target}") if live else nullcontext():
            found[target] = _refusal(model, target)
    return found


def _refusal(model: Any, target: str) -> str:
    try:
        converter.emit(model, target)
    except TransshipError as error:
        return str(error)
    return ""


def as_json(found: Inspection) -> dict[str, Any]:
    """The same for a script."""
    return {
        "files": [
            {"path": named(path), "format": each.name, "title": each.title, "framework": each.framework}
            for path, each in found.files.items()
        ],
        "model": None if found.description is None else _model(found.description),
        "unread": found.unread,
        "targets": None
        if found.targets is None
        else {target: {"supported": not why, "reason": why} for target, why in found.targets.items()},
        "verdicts": dict(found.verdicts),
    }


def _model(described: Description) -> dict[str, Any]:
    arrays = dict(_arrays(described))
    return {
        "framework": described.framework,
        "written_by": described.written_by,
        "operators": dict(described.operators),
        "unknown": list(described.unknown),
        "inputs": {name: None if shape is None else list(shape) for name, shape in described.inputs.items()},
        "outputs": list(described.outputs),
        "parameters": arrays,
    }


def _arrays(described: Description) -> Iterator[tuple[str, Sequence[Any] | None]]:
    for name, array in described.parameters.items():
        yield name, None if array is None else [list(array[0]), array[1]]
