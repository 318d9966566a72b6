"""``transship convert``: from a model's files to verified files of other frameworks, in one step."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import converter
from converter.errors import BadInput
from tasks.cli import record, results
from tasks.cli.emitting import Emitting, targets
from tasks.cli.given import Given
from tasks.cli.running import run
from tasks.cli.showing import Showing
from tasks.cli.workplace import Conversions, claim, session

EXAMPLES = (
    "transship convert resnet-50-symbol.json resnet-50-0000.params --input-shape 3,224,224 --to cntk -o resnet50",
    "transship convert -n x-symbol.json -w x-0000.params --input-shape 3,224,224 --to caffe,ncnn --to-bgr",
    "transship convert x-symbol.json x-0000.params --mean 127.5 --scale 0.0078125 --to all --json",
)


_HINT = """the inputs were noise, as nothing was said of them
  to do: say what they really are: --channel-order, --mean and --scale of an image, or --range
"""


def convert(
    *files: Path,
    to: Annotated[tuple[str, ...], Parameter(name=("--to", "--dstFramework", "-df"), negative=())],
    output: Annotated[Path | None, Parameter(name=("--output", "-o", "--outputModel", "-om"))] = None,
    image: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    verify: bool = True,
    force: Annotated[bool, Parameter(negative=())] = False,
    given: Given = Given(),  # noqa: B008 - frozen
    emitting: Emitting = Emitting(),  # noqa: B008
    showing: Showing = Showing(),  # noqa: B008
) -> int:
    """Convert a model to one or more frameworks, and prove that the results compute the same.

    Args:
        files: The model's files, told by their content; or name them with -n and -w.
        to: A target, several by commas, or all.
        output: The folder to make; called as the model, if not given.
        image: A photograph to verify the model on, besides two that are always used; once for each.
        verify: Run both frameworks on the same inputs and compare.
        force: Write over files of the folder that were edited.
        given: The model.
        emitting: The targets' options.
        showing: What is shown.
    """
    named, model = targets(to), given.taking(files)
    options = emitting.of(named)
    for target in named:
        converter.check_options(target, options[target])
    if model.network and not model.weights:
        what = "a checkpoint needs weights, and there are none"
        raise BadInput(what, where=str(model.network), fix="give them with -w; transship code writes code without")
    manifest = model.manifest(session().digests.of, options)
    folder = (output or Path(manifest.name)).resolve()
    plan = Conversions(manifest, session(folder, {manifest.name: Path()}), image)
    places = ["source", "ir", *(f"{target}/{kind}" for target in named for kind in ("code", "checkpoint"))]
    if not force:
        record.protect(plan, places)
    is_new = not folder.exists()
    claim(folder, {"model": manifest.name, "framework": manifest.framework})
    code = build(plan, named, verify=verify, is_quiet=showing.quiet)
    if is_new and not any((folder / target).exists() for target in named):
        shutil.rmtree(folder, ignore_errors=True)  # refused, all of it
    else:
        record.write(plan, places)
    if code > results.DIFFERS:
        return code
    found = [results.result(plan.session, manifest.name, target, verified=verify) for target in named]
    if not (showing.quiet or showing.json or model.tells_inputs) and any(each.is_off for each in found):
        sys.stderr.write(_HINT)
    return results.tell(found, manifest.name, folder, showing, code)


def build(plan: Conversions, named: Sequence[str], *, verify: bool, is_quiet: bool) -> int:
    """Build, and verify, the model of ``plan`` for the targets ``named``; what doit returns.

    What a target refuses is known once its code is written, before any framework runs.
    """
    name, done = plan.model.name, plan.session.done
    first = [f"download:{name}", f"ir:{name}", *(f"code:{name}-{target}" for target in named)]
    code = run(plan.session, plan.tasks(), first, is_quiet=is_quiet, is_last=False)
    left = [target for target in named if done.get(f"code:{name}-{target}") not in ("failed", "not run")]
    if code > results.DIFFERS or done.get(f"ir:{name}") == "failed" or not left:
        return code
    kinds = ("verify", "checkpoint") if verify else ("checkpoint",)
    names = [f"{kind}:{name}-{target}" for target in left for kind in kinds]
    return max(code, run(plan.session, plan.tasks(), names, is_quiet=is_quiet))
