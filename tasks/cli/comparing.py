"""``transship compare``: do two of them compute the same?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from converter.errors import BadInput
from tasks import report
from tasks.action import Tree
from tasks.cli import pairing, results
from tasks.cli.given import Given, local_file
from tasks.cli.showing import Showing
from tasks.cli.sides import Side, asked, find
from tasks.cli.workplace import session
from tasks.errors import StepFailed, UsageError
from tasks.execution import Outputs
from tasks.manifest import Source
from tasks.photographs import Photographs, usual
from tasks.session import Session
from tasks.store import Missing
from tasks.terminal import console, harmless

EXAMPLES = (
    "transship compare resnet-50-symbol.json resnet50/cntk",
    "transship compare resnet50/caffe resnet50/onnx --image cat.jpg",
    "transship compare old-symbol.json,old-0000.params new.onnx --input-shape 3,224,224 --pair prob=probabilities",
)
_ATTEMPTS = 3


def compare(
    a: str,
    b: str,
    /,
    *,
    pair: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    image: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    given: Given = Given(),  # noqa: B008 - frozen
    showing: Showing = Showing(),  # noqa: B008
) -> int:
    """Run two models, of whatever frameworks, on the same inputs, and compare every output.

    A and B are each a symbol of MXNet's, whose parameters lie beside it or follow a comma; the folder of a target
    that transship has made, as resnet50/caffe; an IR; or an ONNX file.

    Args:
        a: What it should compute.
        b: What is compared with that.
        pair: Which output of A is which of B, where they are not called alike: NAME_IN_A=NAME_IN_B, once for each.
        image: A photograph to compare them on, besides two that are always used; once for each.
        output: A file to write the verdict to, as JSON.
        given: What the inputs are, where neither side tells.
        showing: What is shown.
    """
    if given.network or given.weights:
        raise UsageError("--network and --weights are for one model", fix="name both files, joined by a comma")
    work = session()
    first, second = _both(a, b, work, given)
    photographs = Photographs(
        (*usual().sources, Source(tuple(local_file("photograph", path, work.digests.of) for path in image)))
    )
    with console().status("comparing") if console().is_terminal else nullcontext():
        judged = _attempted(work, first, second, photographs, pairing.typed(pair))
    content = work.store.read(judged["verify.json"])
    if output:
        _write(output, content)
    verdict = json.loads(content)
    if showing.json:
        results.write_json({"a": a, "b": b, **verdict})
    elif not showing.quiet:
        _show(content, a, b, verdict, is_verbose=showing.verbose)
    return results.DIFFERS if verdict["verdict"] == "differs" else results.SAME


def _both(a: str, b: str, work: Session, given: Given) -> tuple[Side, Side]:
    """Both sides; the one that does not tell the shapes of its inputs has those of the other."""
    try:
        first = find(a, work, given)
    except UsageError:
        second = find(b, work, given)
        first = find(a, work, replace(given, shapes=_shapes(second)))
    else:
        try:
            second = find(b, work, given)
        except UsageError:
            second = find(b, work, replace(given, shapes=_shapes(first)))
    return first, second


def _shapes(side: Side) -> tuple[str, ...]:
    return tuple(f"{name}:{','.join(map(str, each.shape))}" for name, each in side.model.inputs.items())


def _attempted(work: Session, first: Side, second: Side, photographs: Photographs, pairs: Mapping[str, str]) -> Tree:
    """The verdict; what is found damaged on the way is made again."""
    for _ in range(_ATTEMPTS):
        with suppress(Missing):
            return _judged(work, first, second, photographs, pairs)
    raise StepFailed("the store does not keep what is put into it", where=str(work.cache), fix="transship doctor")


def _judged(work: Session, first: Side, second: Side, photographs: Photographs, pairs: Mapping[str, str]) -> Tree:
    get: Outputs = work.execution()
    names = pairing.inputs(first, second)
    told = replace(first.model, inputs=pairing.told(first, second, names))
    asking = asked(replace(first, model=told), work, photographs)
    questions = pairing.renamed(work.store, asking.inputs(get), {"inputs.npz": names})
    other = asked(second, work, photographs, questions)
    reference, candidate = asking.answered(get), other.answered(get)
    a, b = (pairing.shapes(work.store, tree) for tree in (reference, candidate))
    found = pairing.outputs(a, b, pairs, (first.shown, second.shown))
    answers = [name for name in candidate if name.endswith(".npz")]
    candidate = pairing.renamed(work.store, candidate, dict.fromkeys(answers, found))
    return other.judged(get, first, reference, candidate)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"the verdict cannot be written: {error.strerror}", where=str(path)) from error


def _show(content: bytes, a: str, b: str, verdict: Mapping[str, Any], *, is_verbose: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "verify.json").write_bytes(content)
        report.summary(Path(folder), is_verbose=is_verbose)
    out = Console(highlight=False, soft_wrap=True)
    word = verdict["verdict"]
    out.print(Text.assemble(harmless(f"{b} against {a}: "), (f"{report.SYMBOLS[word]} {word}", report.COLOURS[word])))
