"""``transship ir``, ``code``, ``checkpoint`` and ``verify``: what ``convert`` does, one stage at a time.

Each stage takes the files of the one before as they lie there, edited or not.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

import converter
from converter.errors import BadInput
from tasks import manifest
from tasks.cli import record, results, staged, taken
from tasks.cli.emitting import Emitting, targets
from tasks.cli.given import Given, called
from tasks.cli.running import run
from tasks.cli.showing import Showing
from tasks.cli.staged import Stages
from tasks.cli.staging import codes_of, is_made, made_by, need, tell, typed
from tasks.cli.workplace import MARK, Conversions, claim, session
from tasks.errors import UsageError
from tasks.manifest import Manifest, Settings

IR_EXAMPLES = (
    "transship ir x-symbol.json x-0000.params --input-shape 3,224,224 -o x",
    "transship ir x-symbol.json --input-shape 3,224,224 -o x",
)
CODE_EXAMPLES = (
    "transship code x --to cntk,caffe --to-bgr",
    "transship code x/ir/model.onnx --to pytorch -o elsewhere",
)
CHECKPOINT_EXAMPLES = (
    "transship checkpoint x --to cntk",
    "transship checkpoint --code x/cntk/code --weights x/ir/weights.safetensors --to cntk -o elsewhere",
)
VERIFY_EXAMPLES = (
    "transship verify x --to cntk --image photo.jpg",
    "transship verify elsewhere --to cntk -n x-symbol.json -w x-0000.params --input-shape 3,224,224",
)

_To = Annotated[tuple[str, ...], Parameter(name=("--to", "--dstFramework", "-df"), negative=())]
_Output = Annotated[Path | None, Parameter(name=("--output", "-o", "--outputModel", "-om"))]
_Flag = Annotated[bool, Parameter(negative=())]
_GIVEN: Final = Given()
_EMITTING: Final = Emitting()
_SHOWING: Final = Showing()


def ir(
    *files: Path,
    output: _Output = None,
    force: _Flag = False,
    given: Given = _GIVEN,
    showing: Showing = _SHOWING,
) -> int:
    """Read a model into the IR: the first stage.

    Args:
        files: The model's files, told by their content; or name them with -n and -w. Without weights, it is the
            structure alone that is read.
        output: The folder to make; called as the model, if not given.
        force: Write over what was edited there.
        given: The model.
        showing: What is shown.
    """
    model = given.taking(files).manifest(session().digests.of)
    folder = (output or Path(model.name)).resolve()
    manifest.read(manifest.write(model), folder / MARK)  # what no later stage could read is refused now
    plan = Conversions(model, session(folder, {model.name: Path()}))
    steps = {"source": f"download:{model.name}", "ir": f"ir:{model.name}"}
    status = _stage(plan, steps, is_forced=force, showing=showing)
    if status == results.SAME and not (showing.quiet or record.has_weights(model)):
        sys.stderr.write("no weights were given: this is the structure alone, for code and not for a checkpoint\n")
    return tell(plan, {"ir": steps["ir"]}, status, showing)


def code(
    model: Path,
    *,
    to: _To,
    output: _Output = None,
    force: _Flag = False,
    emitting: Emitting = _EMITTING,
    showing: Showing = _SHOWING,
) -> int:
    """Write a model's IR as source code of targets: the second stage.

    Args:
        model: The folder of the stage before; or any IR, its folder or its model.onnx.
        to: A target, several by commas, or all.
        output: The folder to make, for an IR that lies by itself.
        force: Write over code that was edited.
        emitting: The targets' options.
        showing: What is shown.
    """
    named = targets(to)
    options = emitting.of(named)
    for target in named:
        converter.check_options(target, options[target])
    known = None if output else record.known(model)
    lies = model / "ir" if known else model
    need([(lies, f"transship ir FILES -o {typed(model)}")])
    found = taken.read_ir(lies)
    described = known or record.recorded(output or model) or staged.of_ir(found)
    described = replace(described, targets={**described.targets, **{each: Settings(options[each]) for each in named}})
    folder = output or model
    work = session(folder, {described.name: Path()})
    plan = Stages(described, work, {"ir": found.store(work)}, () if output else ("ir",))
    steps = {f"{target}/code": f"code:{described.name}-{target}" for target in named}
    every = {"ir": f"ir:{described.name}", **steps} if output else steps
    return tell(plan, steps, _stage(plan, every, is_forced=force, showing=showing), showing)


def checkpoint(
    folder: Path | None = None,
    *,
    to: _To,
    code: Path | None = None,
    weights: Path | None = None,
    output: _Output = None,
    force: _Flag = False,
    showing: Showing = _SHOWING,
) -> int:
    """Let targets write their own files, from code and weights: the third stage.

    Args:
        folder: The folder of the stages before; or name files with --code and --weights.
        to: A target, several by commas, or all.
        code: The folder of a target's code, its weights.plan.json among it.
        weights: The IR's weights.safetensors.
        output: The folder to make, for --code and --weights.
        force: Write over a checkpoint that was edited.
        showing: What is shown.
    """
    named = targets(to)
    if folder is None:
        if code is None or weights is None or output is None or len(named) > 1:
            raise UsageError("no folder was given", fix="name one, or --code, --weights, -o and one --to")
        model = record.recorded(output) or staged.bare(called(output), {})
        codes = {f"{named[0]}/code": code}
    else:
        if code or weights or output:
            raise UsageError("--code, --weights and -o stand in place of a folder", fix="give either")
        model, codes, weights = record.known(folder), codes_of(folder, named), folder / "ir" / taken.WEIGHTS
        need([(weights.parent, f"transship ir FILES -o {typed(folder)}"), *made_by("code", folder, codes)])
        need([(weights, f"transship ir FILES -w WEIGHTS -o {typed(folder)}")], "a checkpoint needs weights")
    taken.match(codes.values(), weights)
    work = session(output or folder, {model.name: Path()})
    found = {place: taken.stored(work, taken.files(path)) for place, path in codes.items()}
    found["ir"] = taken.stored(work, {taken.WEIGHTS: weights})
    plan = Stages(model, work, found, ("ir",) if output else tuple(found))
    steps = {f"{target}/checkpoint": f"checkpoint:{model.name}-{target}" for target in named}
    every = {**dict.fromkeys(codes, f"code:{model.name}-{named[0]}"), **steps} if output else steps
    return tell(plan, steps, _stage(plan, every, is_forced=force, showing=showing), showing)


def verify(
    folder: Path,
    *,
    to: _To,
    image: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    given: Given = _GIVEN,
    showing: Showing = _SHOWING,
) -> int:
    """Prove that what the stages before have made computes what the model computes: the last stage.

    Args:
        folder: The folder of the stages before.
        to: A target, several by commas, or all.
        image: A photograph to verify the model on, besides two that are always used; once for each.
        given: The model, where it is not on record: the folder was made of an IR or code that lay by itself.
        showing: What is shown.
    """
    named = targets(to)
    model = _source(record.known(folder), given)
    codes = codes_of(folder, named)
    checkpoints = {f"{target}/checkpoint": folder / target / "checkpoint" for target in named}
    need([*made_by("code", folder, codes), *made_by("checkpoint", folder, checkpoints)])
    work = session(folder, {model.name: Path()})
    found = {place: taken.stored(work, taken.files(path)) for place, path in {**codes, **checkpoints}.items()}
    if (folder / "ir").is_dir():
        read = taken.read_ir(folder / "ir")
        staged.match(read, model, folder)
        found["ir"] = read.store(work)
    plan = Stages(model, work, found, tuple(found), image)
    if changed := record.outdated(plan, named):
        what = f"the code, or the weights, are others than the checkpoint was made of: {', '.join(changed)}"
        fix = f"transship checkpoint {typed(folder)} --to {','.join(changed)}"
        raise BadInput(what, where=str(folder), fix=fix)
    record.protect(plan, ["source"], fix=f"put it back, or make the IR of it: transship ir FILES -o {typed(folder)}")
    names = [f"verify:{model.name}-{target}" for target in named]
    if given.network:  # so that the folder has all that it rests on
        names += [f"download:{model.name}", f"ir:{model.name}"]
    status = run(work, plan.tasks(), names, is_quiet=showing.quiet)
    if given.network:
        record.write(plan, ("source", "ir"))
    if status > results.DIFFERS:
        return status
    judged = [results.result(work, model.name, target) for target in named]
    return results.tell(judged, model.name, work.build, showing, status)


def _source(model: Manifest, given: Given) -> Manifest:
    """``model`` with what is typed of its source, or as it is on record.

    Raises:
        BadInput: There is neither, or not all of it.
    """
    if not given.network:
        if given != _GIVEN:
            raise UsageError("this says something of a model without its network", fix="add -n x-symbol.json")
        if not record.has_weights(model):
            what = "what it was made of, with weights, is not on record: there is nothing to compare with"
            raise BadInput(what, fix="name it: -n x-symbol.json -w x-0000.params --input-shape 3,224,224")
        return model
    if not given.weights:
        raise UsageError("to verify a model is to run it, and it has no weights", fix="add -w x-0000.params")
    return replace(given.manifest(session().digests.of), name=model.name, targets=model.targets)


def _stage(plan: Conversions, steps: Mapping[str, str], *, is_forced: bool, showing: Showing) -> int:
    """Run ``steps``, by the places that they fill, and put on record what they have made; what doit returns."""
    if not is_forced:
        record.protect(plan, steps)
    folder, model = plan.session.build, plan.model
    is_new = not folder.exists()
    claim(folder, {"model": model.name, "framework": model.framework})
    status = run(plan.session, plan.tasks(), list(steps.values()), is_quiet=showing.quiet)
    made = [place for place, name in steps.items() if is_made(plan, name)]
    if is_new and not any("/" in place or place == "ir" for place in made):
        shutil.rmtree(folder, ignore_errors=True)
    elif made:
        record.write(plan, made)
    return status
