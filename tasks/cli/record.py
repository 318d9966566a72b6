"""What is on record of a folder that stages work in, and what was edited since it was written."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from converter.errors import BadInput
from tasks import manifest
from tasks.action import Digest, Tree
from tasks.cli.staging import typed
from tasks.cli.taken import WEIGHTS, files
from tasks.cli.workplace import MARK, Conversions, claim, read_mark
from tasks.manifest import Manifest, Source
from tasks.strict import Reader
from tasks.terminal import harmless

_MANY = 5
"""Files that are named; more are counted."""

_FORCE = "move away what you want to keep, then add --force"


def known(folder: Path) -> Manifest:
    """The model that is on record of ``folder``, its files those in the folder.

    Raises:
        BadInput: There is none, or the record is not right.
    """
    content = _mark(folder).get("manifest")
    if content is None:
        what = "no stage has left a record of a model here" if folder.exists() else "there is no such folder"
        fix = (
            f"make it: transship ir FILES -o {typed(folder)}; of an IR that lies by itself: transship code IR -o NEW"
        )
        raise BadInput(what, where=str(folder / MARK if (folder / MARK).exists() else folder), fix=fix)
    model = manifest.read(content, folder / MARK)
    return _within(model, (folder / "source").resolve().as_uri())


def recorded(folder: Path) -> Manifest | None:
    """The same; None where there is none that can be read."""
    try:
        return known(folder)
    except BadInput:
        return None


def has_weights(model: Manifest) -> bool:
    """Whether the files of ``model`` are known, and weights are among them."""
    return isinstance(model.source, Source) and any(file.role == "weights" for file in model.source.files)


def write(plan: Conversions, places: Iterable[str]) -> None:
    """Put on record what the ``plan`` is of, and what it has written into ``places``.

    What targets were given is on record for the code that was written with it.

    Args:
        plan: What was done.
        places: ``ir``, ``cntk/code``... Where nothing was written, nothing is put on record.
    """
    folder, model = plan.session.build, plan.model
    made = {place: tree for place in places if (folder / place).is_dir() and (tree := plan.predicted(place))}
    told = {
        place: {name: {"sha256": digest.hash, "size": digest.size} for name, digest in sorted(tree.items())}
        for place, tree in made.items()
    }
    before = _mark(folder)
    checkpoints = [place for place in made if place.endswith("/checkpoint")]
    fresh = {target: each for target, each in model.targets.items() if f"{target}/code" in made}
    earlier = recorded(folder)
    model = replace(model, targets={**(earlier.targets if earlier else {}), **fresh})
    content: dict[str, Any] = {
        "model": model.name,
        "framework": model.framework,
        "manifest": manifest.write(_within(model, "file:///source")),
        "written": {**(before.get("written") or {}), **told},
        "made of": {**(before.get("made of") or {}), **{place: _origin(plan, place) for place in checkpoints}},
    }
    claim(folder, content)
    for place in made:
        _let_edit(folder / place)


def protect(plan: Conversions, places: Iterable[str], fix: str = _FORCE) -> None:
    """See that writing into ``places`` loses nothing that somebody has put there.

    Raises:
        BadInput: It would; names the files.
    """
    folder = plan.session.build
    written = _written(_mark(folder), folder)
    lost = [f"{place}/{name}" for place in places for name in _edited(plan, place, written.get(place, {}))]
    if lost:
        more = f" and {len(lost) - _MANY} more" if len(lost) > _MANY else ""
        what = f"{harmless(', '.join(lost[:_MANY]))}{more} would be lost: not as transship has written it"
        raise BadInput(what, where=str(folder), fix=fix)


def outdated(plan: Conversions, targets: Iterable[str]) -> list[str]:
    """Those ``targets`` whose checkpoint was made of other code or other weights than lie there now."""
    recorded = _mark(plan.session.build).get("made of", {})
    found = []
    for target in targets:
        then, now = recorded.get(f"{target}/checkpoint"), _origin(plan, f"{target}/checkpoint")
        if isinstance(then, dict) and any(then.get(key, now[key]) != now[key] for key in now):
            found.append(target)
    return found


def _edited(plan: Conversions, place: str, written: Tree) -> list[str]:
    """The files at ``place`` that are neither as they were written nor as they would be written now."""
    folder = plan.session.build / place
    if not folder.is_dir():
        return []
    found = {name: plan.session.digests.of(path) for name, path in files(folder).items()}
    changed = [name for name, digest in found.items() if written.get(name) != digest]
    coming = (plan.predicted(place) or {}) if changed else {}
    return [name for name in changed if coming.get(name) != found[name]]


def _let_edit(folder: Path) -> None:
    """Let people write to the files in ``folder``, but for those that are the cache's own under another name."""
    for path in files(folder).values():
        found = path.stat()
        if found.st_nlink == 1 and not found.st_mode & stat.S_IWUSR:
            path.chmod(found.st_mode | stat.S_IWUSR)


def _origin(plan: Conversions, place: str) -> dict[str, str]:
    """Digests of what a checkpoint is made of, as far as it is known."""
    code, model = plan.predicted(place.replace("/checkpoint", "/code")), plan.predicted("ir")
    found = {"code": code, "weights": {WEIGHTS: model[WEIGHTS]} if model and WEIGHTS in model else None}
    return {
        key: Digest.of(json.dumps({name: digest.hash for name, digest in sorted(tree.items())}).encode()).hash
        for key, tree in found.items()
        if tree
    }


def _mark(folder: Path) -> dict[str, Any]:
    """The mark of ``folder``, of whose parts each is a table, if there is one."""
    content = read_mark(folder) or {}
    return {key: each for key, each in content.items() if isinstance(each, dict)}


def _within(model: Manifest, place: str) -> Manifest:
    """``model`` with its files below the URL ``place`` alone: a record names no other, on this machine or any."""
    files = model.source.files if isinstance(model.source, Source) else ()
    own = tuple(replace(file, urls=(f"{place}/{quote(file.name)}",)) for file in files)
    return replace(model, source=Source(own))


def _written(content: Mapping[str, Any], folder: Path) -> dict[str, Tree]:
    """What a mark says was written.

    Raises:
        BadInput: It is not right.
    """
    table = content.get("written", {})
    reader = Reader({"written": table})
    places = reader.table("written")
    found: dict[str, Tree] = {
        place: {name: manifest.digest(row) for name, row in places.tables(place, required=False)}
        for place in (table if isinstance(table, dict) else ())
    }
    reader.finish(folder / MARK)
    return found
