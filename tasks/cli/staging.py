"""What all stages have in common: what has to be there before, and what is told of what was made."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.errors import BadInput
from tasks.cli import results, taken
from tasks.cli.showing import Showing
from tasks.cli.workplace import Conversions
from tasks.report import shown
from tasks.terminal import harmless


def codes_of(folder: Path, named: list[str]) -> dict[str, Path]:
    """Where the code of the targets ``named`` is."""
    return {f"{target}/code": folder / target / "code" for target in named}


def made_by(stage: str, folder: Path, places: Mapping[str, Path]) -> list[tuple[Path, str]]:
    """The folders ``places``, each with the command that makes it."""
    return [
        (path, f"transship {stage} {typed(folder)} --to {place.partition('/')[0]}") for place, path in places.items()
    ]


def need(paths: list[tuple[Path, str]], why: str = "an earlier stage has not been here") -> None:
    """See that ``paths`` are there.

    Raises:
        BadInput: They are not, with the commands that make them.
    """
    if missing := {path: command for path, command in paths if not path.exists()}:
        commands = "; ".join(dict.fromkeys(missing.values()))
        raise BadInput(f"{why}: nothing lies at {', '.join(map(shown, missing))}", fix=commands)


def typed(path: Path) -> str:
    """``path`` as it can be typed."""
    return shlex.quote(harmless(shown(path)))


def is_made(plan: Conversions, name: str) -> bool:
    """Whether the task ``name`` is up to date by now."""
    return plan.session.done.get(name, "failed") not in ("failed", "not run")


def tell(plan: Conversions, steps: Mapping[str, str], status: int, showing: Showing) -> int:
    """Write which files ``steps`` have made, a path a line; the exit code.

    Args:
        plan: What was done.
        steps: The tasks by the places that they fill.
        status: What doit returned.
        showing: What is shown.
    """
    if status > results.DIFFERS:
        return status
    rows = [_row(plan, place, name) for place, name in steps.items()]
    if showing.json:
        results.write_json({"model": plan.model.name, "output": str(plan.session.build), "results": rows})
    elif not showing.quiet:
        sys.stdout.writelines(f"{harmless(path)}\n" for row in rows for path in row["files"])
    return results.WRONG if any(row["error"] for row in rows) else results.SAME


def _row(plan: Conversions, place: str, name: str) -> dict[str, Any]:
    """What became of the task ``name``, which fills ``place``."""
    if is_made(plan, name):
        paths = taken.files(plan.session.build / place).values()
        return {"place": place, "files": [shown(path) for path in paths], "error": ""}
    errors = (plan.session.errors.get(name), *plan.session.errors.values())
    return {"place": place, "files": [], "error": next((str(error) for error in errors if error), "not made")}
