"""``transship download``: the files of a model that is known, beside whatever else a folder has."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from converter.errors import BadInput
from tasks import report
from tasks.action import Digest, Tree
from tasks.cli import listing, results, workplace
from tasks.cli.onward import LABELS, command_for
from tasks.cli.running import Creator, run
from tasks.cli.showing import Showing
from tasks.conversion import Conversion
from tasks.errors import StepFailed, UsageError
from tasks.execution import Outputs
from tasks.index import DownloadError
from tasks.manifest import SEEDED, Manifest, Source
from tasks.plan import Described, Plan
from tasks.session import Session, Step
from tasks.targets import SOURCES
from tasks.terminal import harmless

EXAMPLES = (
    "transship download --list",
    "transship download --list 'imagenet1k-res*' 'gluon-*'",
    "transship download imagenet1k-resnet-50 -o .",
    "transship download resnet50 --weights seeded --labels -o nets",
)

_EXPORTED = "model-"
"""What the names of files begin with that were not published but are made here."""

_OTHER = "name another folder with -o"


@dataclass(frozen=True)
class Got:
    """What became of a model.

    Attributes:
        name: The model's.
        files: Its files.
        convert: The command to go on with; empty where it failed, or where none says what the manifest says.
        error: Why it failed.
    """

    name: str
    files: tuple[str, ...]
    convert: str
    error: str


def download(
    *names: str,
    output: Annotated[Path, Parameter(name=("--output", "-o"))] = Path(),
    list_: Annotated[bool, Parameter(name=("--list", "-l"), negative=())] = False,
    weights: Literal["seeded", "pretrained"] | None = None,
    labels: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
    showing: Showing = Showing(),  # noqa: B008 - frozen
) -> int:
    """Download the files of known models, or list these.

    Args:
        names: Models, by name or alias; wildcards stand for several: 'mtcnn-*'.
        output: The folder to put the files into.
        list_: List what is known of these models, or of all that have a manifest.
        weights: As published, or stand-ins for them that need no download; what the name says, if not given.
        labels: Write the names of the classes, too, a line each: NAME-labels.txt.
        force: Replace files of the same names that have another content.
        showing: What is shown.
    """
    models = listing.all_models()
    if list_:
        return _list(names, models, weights, showing)
    if not names:
        raise UsageError("no model was named", fix="transship download --list shows all that are known")
    found = listing.find(names, models, weights)
    if output.exists() and not output.is_dir():
        raise BadInput("this is a file, and a folder is needed", where=str(output), fix="name another one with -o")
    plan = Downloads(workplace.session(output), found, force=force, labels=labels)
    steps = [f"{listing.KIND}:{model.name}" for model in found]
    is_new = not output.exists()
    code = run(plan.session, plan.tasks(), steps, is_quiet=showing.quiet)
    if is_new:
        with suppress(OSError):
            output.rmdir()  # nothing came
    if code > results.DIFFERS:
        return code
    got = [plan.got(model, output) for model in found]
    if showing.json:
        results.write_json({"output": str(output.resolve()), "models": [asdict(each) for each in got]})
    elif not showing.quiet:
        _show(got)
    return results.WRONG if any(each.error for each in got) else results.SAME


class Downloads(Plan):
    """The plan of models' files, all of them in the one folder that the user named.

    Attributes:
        trees: The files of the models that are there by now.
    """

    def __init__(self, session: Session, models: Sequence[Manifest], *, force: bool, labels: bool) -> None:
        super().__init__(session, {model.name: model for model in models})
        self.trees: dict[str, Tree] = {}
        self._force = force
        self._labels = labels

    def tasks(self) -> dict[str, Creator]:
        """All steps, by kind."""
        return {"image": self.images, listing.KIND: self.downloads}

    def downloads(self) -> Iterator[Described]:
        """``download:<model>``."""
        for model in self.manifests.values():
            built = not isinstance(model.source, Source)
            after = self._unbuilt(SOURCES[model.framework]) if built else ()
            name = f"{listing.KIND}:{model.name}"
            step = Step(name, partial(self._files, model), Path(), whole=False, after=after)
            yield self._as_task(step, "the source framework's files")

    def got(self, model: Manifest, folder: Path) -> Got:
        """What became of ``model`` in this process, in ``folder`` as the user calls it."""
        name, errors = f"{listing.KIND}:{model.name}", self.session.errors
        error = errors.get(name) or errors.get(f"image:{SOURCES[model.framework]}")
        if error or name not in self.session.done:
            return Got(model.name, (), "", str(error or "it was not tried"))
        paths = [folder / each for each in sorted(self.trees[model.name], key=_order)]
        words = command_for(model, paths)
        command = shlex.join(["transship", *words]) if words else ""
        return Got(model.name, tuple(map(report.shown, paths)), command, "")

    def _files(self, model: Manifest, get: Outputs) -> Tree:
        """The files of ``model`` under the names that the user gets; refused before they are got, if possible."""
        if isinstance(model.source, Source):
            self._check(self.session.lock.known(model.source))
        try:
            found = self._call(Conversion.source, model, get)
        except DownloadError as error:
            raise DownloadError(error.what, where=error.where, fix=self._said_here(error.fix, model)) from error
        built = not isinstance(model.source, Source)
        tree = {_own_name(model, name) if built else name: digest for name, digest in found.items()}
        tree |= self._labelled(model) if self._labels else {}
        self._check(tree)
        self.trees[model.name] = tree
        return tree

    def _said_here(self, fix: str, model: Manifest) -> str:
        """What doit's users are advised to do, as it is done here."""
        own = self.session.build / self.session.place(model.name) / "source"
        here = fix.replace(f"build/{model.name}/source/", f"{report.shown(own)}/")
        return here.replace(f"weights={SEEDED} ", f"--weights {SEEDED} ")

    def _labelled(self, model: Manifest) -> dict[str, Digest]:
        """Files of the classes' names, a line each."""
        several = len(model.outputs) > 1
        return {
            f"{model.name}{f'-{name}' if several else ''}{LABELS}": self.session.store.put(
                "".join(f"{label}\n" for label in output.labels).encode()
            )
            for name, output in model.outputs.items()
        }

    def _check(self, tree: Mapping[str, Digest]) -> None:
        """Refuse to replace what is not transship's."""
        folder = self.session.build
        there = [name for name in sorted(tree) if (folder / name).exists() or (folder / name).is_symlink()]
        others = [name for name in there if self.session.digests.of(folder / name) != tree[name]]
        if folders := [name for name in others if (folder / name).is_dir()]:
            raise StepFailed(f"{', '.join(folders)}: there is a folder of that name", where=str(folder), fix=_OTHER)
        if others and not self._force:
            what = f"{', '.join(others)}: there already, with another content"
            raise StepFailed(what, where=str(folder), fix=f"{_OTHER}, or replace it with --force")


def _list(names: Sequence[str], models: listing.Models, weights: str | None, showing: Showing) -> int:
    """Print what is known of the models that ``names`` mean; of all that have a manifest where there are none."""
    declared = [model for model in workplace.known().values() if not model.variant_of]
    found = listing.find(names, models, weights) if names else declared
    lock = workplace.session().lock
    rows = [listing.row(model, models, lock) for model in found]
    if showing.json:
        results.write_json(listing.as_json(rows))
    else:
        listing.show(rows, has_zoos=bool(names))
    return results.SAME


def _show(got: Sequence[Got]) -> None:
    """Print the files' paths; what to do with them is no result, and stands beside."""
    for each in got:
        sys.stdout.write("".join(f"{harmless(file)}\n" for file in each.files))
    sys.stdout.flush()
    for each in got:
        sys.stderr.write(f"to go on: {harmless(each.convert)}\n" if each.convert else "")


def _own_name(model: Manifest, name: str) -> str:
    """Of a file that is made here, after its model: in one folder there may be several."""
    return f"{model.name}-{name.removeprefix(_EXPORTED)}"


def _order(name: str) -> tuple[bool, bool, str]:
    """The network first, the classes' names last."""
    return name.endswith(LABELS), not name.endswith(".json"), name
