"""``transship doctor``: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from converter.errors import BadInput, TransshipError
from tasks.cli import checks, engines, reach, results, workplace
from tasks.cli.checks import BROKEN, MISSING, OK, Finding, bounded
from tasks.cli.showing import Showing
from tasks.session import default_cache
from tasks.terminal import harmless

EXAMPLES = ("transship doctor", "transship doctor --network", "transship doctor --json")

COLOURS = {OK: "green", MISSING: "yellow", BROKEN: "bold red"}

Check = tuple[str, Callable[[], Finding]]


def doctor(
    *,
    network: Annotated[bool, Parameter(negative=())] = False,
    showing: Showing = Showing(),  # noqa: B008 - frozen
) -> int:
    """Tell what of engine, images, caches, disk and packages works, and what to do about the rest.

    What is missing is not needed, or made when it is; what is broken stands in the way, and the exit code is 1.

    Args:
        network: Ask the servers that models and packages come from, too; nothing else here uses the network.
        showing: What is shown.
    """
    found: list[Finding] = []
    for finding in examine(network=network):
        found.append(finding)
        if not showing.json and not (showing.quiet and finding.state != BROKEN):
            show(finding, is_verbose=showing.verbose)
    is_fine = all(each.state != BROKEN for each in found)
    if showing.json:
        results.write_json(as_json(found))
    return results.SAME if is_fine else results.WRONG


def examine(*, network: bool) -> Iterator[Finding]:
    """All findings, one after the other; each check is bounded in time."""
    yield bounded("machine", checks.machine)
    try:
        root = workplace.root()
    except BadInput as error:
        yield Finding("clone", BROKEN, error.what, error.fix)
        return
    for name, check in (
        ("python", lambda: checks.python(root / "requirements.lock")),
        ("clone", lambda: checks.clone(root)),
        ("cache", lambda: checks.cache(default_cache())),
        ("shared cache", lambda: reach.shared_cache(os.environ, network=network)),
    ):
        yield bounded(name, check)
    yield from _containers(root, default_cache())
    for name, check in _servers(root) if network else ():
        yield bounded(name, check)


def _containers(root: Path, cache: Path) -> Iterator[Finding]:
    """The engine, its images, a container, and the space for all of it."""
    answer = bounded("engine", engines.answering)
    yield answer
    places = [("cache", cache, checks.CACHE_SPACE)]
    if answer.state == OK:
        there: list[engines.Built] = []

        def images() -> Finding:
            there.extend(engines.built(root / "images", cache / "images"))
            return engines.complete(there)

        yield bounded("images", images)
        yield bounded("containers", lambda: engines.starting(there))
        share = sum(each.size is None for each in there) / max(len(there), 1)
        places += [("engine", place, share * checks.IMAGES_SPACE) for place in _engine_folder()]
    yield bounded("disk", lambda: checks.disk(places))


def _engine_folder() -> list[Path]:
    try:
        return [engines.folder()]
    except TransshipError:
        return []


def _servers(root: Path) -> list[Check]:
    return [
        ("mirror", reach.mirror),
        ("servers", lambda: reach.answering(reach.servers(workplace.known().values()))),
        ("package index", lambda: reach.packages(root / "images")),
    ]


def show(finding: Finding, *, is_verbose: bool) -> None:
    """Print a finding: a line, what to do, and more where that is asked for."""
    console = Console(highlight=False, soft_wrap=True)
    line = Text.assemble(
        (f"{finding.state:7}", COLOURS[finding.state]), f"  {finding.name}: ", harmless(finding.said)
    )
    console.print(line)
    if finding.fix:
        console.print(Text(f"         to do: {harmless(finding.fix)}"))
    for detail in finding.details if is_verbose else ():
        console.print(Text(f"         {harmless(detail)}", "dim"))


def as_json(found: Sequence[Finding]) -> Mapping[str, Any]:
    """The same for a script."""
    return {"ok": all(each.state != BROKEN for each in found), "findings": [asdict(each) for each in found]}
