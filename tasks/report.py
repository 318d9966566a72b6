"""What a person reads: the overview of what can be built, the table of a conversion, the text of a bad verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from converter.errors import TransshipError
from tasks.manifest import Manifest
from tasks.targets import TARGETS

_COLOURS = {"exact": "green", "close": "yellow", "differs": "red"}


class Differs(TransshipError):
    """The target does not compute what the source computes."""


def differs(verdict: Mapping[str, Any], path: Path) -> Differs:
    """The error for a verdict that fails the build: which outputs, how far off, and the first bad node."""
    reasons = verdict["reasons"][:2]
    more = len(verdict["reasons"]) - len(reasons)
    what = f"{verdict['target']} does not compute what {verdict['model']} computes: {'; '.join(reasons)}"
    first = verdict["first_bad"]
    found = f"{shown(path)}, first bad node {first['node']}" if first else shown(path)
    return Differs(what + (f" (and {more} more)" if more else ""), where=found)


def overview(manifests: Mapping[str, Manifest]) -> None:
    """Print what can be built."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Models that can be converted, each to: [bold]{', '.join(TARGETS)}[/bold]\n")
    width = max((len(name) for name in manifests), default=0)
    for name, model in manifests.items():
        console.print(f"{name:{width}}  {model.title}  [dim]licence: {model.licence}[/dim]")
    example = f"convert:{next(iter(manifests), 'MODEL')}-{next(iter(TARGETS))}"
    console.print()
    for command, what in (
        (example, "convert one and verify it"),
        ("list", "the kinds of steps; with --all, every one of them"),
        ("clean", "remove build/; the cache keeps the results"),
    ):
        console.print(f"[bold]doit {command:{len(example)}}[/bold]  {what}")


def summary(folder: Path) -> None:
    """Print the verdict in ``folder`` output by output, and the paths of the files made."""
    verdict = json.loads((folder / "verify.json").read_text())
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("output", no_wrap=True)
    for column in ("max_abs", "max_rel"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    judged = {"": verdict, **verdict["forms"]}
    for form, output in ((form, output) for form, each in judged.items() for output in each["outputs"]):
        word = output["verdict"]
        numbers = (_number(output[column]) for column in ("max_abs", "max_rel"))
        table.add_row(f"{output['name']} {form}".strip(), *numbers, f"[{_COLOURS[word]}]{word}[/]")
    console.print(
        f"\n{_version(verdict['runtime'])} against {_version(verdict['reference'])}, the worst of all inputs:\n"
    )
    console.print(table)
    console.print()
    for path in sorted((folder / "checkpoint").rglob("*")):
        if path.is_file():
            console.print(shown(path), soft_wrap=True)


def _version(side: Mapping[str, Any]) -> str:
    how = f" ({side['runtime']})" if "runtime" in side else ""
    return f"{side['framework']} {side['versions'].get(side['framework'], '')}".strip() + how


def shown(path: Path) -> str:
    """``path`` as a person would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
