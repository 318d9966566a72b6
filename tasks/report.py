"""What a person reads: the overview of what can be built, the table of a conversion, the text of a bad verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from converter.errors import TransshipError
from tasks import matrix
from tasks.manifest import VARIANT, Manifest
from tasks.targets import TARGETS
from tasks.terminal import harmless

COLOURS = {"exact": "green", "close": "yellow", "differs": "red"}
SYMBOLS = {"exact": "√", "close": "o", "differs": "✗"}
"""How a verdict is shown."""


_NUMBERS = ("max_abs", "max_rel")
_ALL_NUMBERS = (*_NUMBERS, "sensitivity", "snr_db", "cosine")

_UNLIMITED = 1000
"""Columns where no terminal wraps lines."""


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
    """Print what can be built: every model by the names that can be typed for it, without seeded variants."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Models that can be converted, each to: [bold]{', '.join(TARGETS)}[/bold]\n")
    written = {", ".join((model.name, *model.aliases)): model for model in manifests.values() if not model.variant_of}
    width = max(map(len, written), default=0)
    for names, model in written.items():
        has = "; or weights=seeded" if model.name + VARIANT in manifests else ""
        console.print(f"{names:{width}}  {escape(model.title)}  [dim]licence: {escape(model.licence)}{has}[/dim]")
    example = f"convert:{next(iter(manifests), 'MODEL')}-{next(iter(TARGETS))}"
    commands = (
        (example, "convert one and verify it"),
        ("convert:resnet50-onnx weights=seeded", "one whose weights cannot be had, with stand-ins for them"),
        ("convert:gluon-resnet50_v1-onnx", "any network of Gluon's model zoo"),
        ("convert:ssd_512_mobilenet1.0_voc-caffe", "any SSD of GluonCV's"),
        ("table weights=seeded", "the classic models to every target"),
        ("report", "the page of all verdicts: build/report/index.html"),
        ("list", "the kinds of steps; with --all, every one of them"),
        ("clean", "remove build/; the cache keeps the results"),
    )
    console.print()
    for command, what in commands:
        console.print(f"[bold]doit {command:{max(len(each) for each, _ in commands)}}[/bold]  {what}")


def summary(folder: Path, *, is_verbose: bool = False) -> None:
    """Print the verdict in ``folder`` output by output, why it is no better, and the paths of the files made.

    Where ``is_verbose``, with all numbers, and in which images both sides ran.
    """
    judged = _read(folder)
    columns = _ALL_NUMBERS if is_verbose else _NUMBERS
    console = Console(highlight=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("output", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for form, output in _outputs(judged):
        word = output["verdict"]
        numbers = (_number(output[column]) for column in columns)
        name = Text(harmless(f"{output['name']} {form}".strip()))
        table.add_row(name, *numbers, Text(word, COLOURS[word]))
    versions = f"{_version(judged['runtime'])} against {_version(judged['reference'])}"
    console.print(f"\n{harmless(versions)}, the worst of all inputs:\n")
    console.print(table)
    for found in judged.get("detections", ()):
        console.print(_detected(found), soft_wrap=True)
    for said in (*judged.get("reasons", ()), *(_rests_on(judged) if is_verbose else ())):
        console.print(harmless(said), soft_wrap=True)
    console.print()
    for path in sorted((folder / "checkpoint").rglob("*")):
        if path.is_file():
            console.print(harmless(shown(path)), soft_wrap=True)


def _rests_on(judged: Mapping[str, Any]) -> Iterator[str]:
    """What else a verdict rests on."""
    if first := judged["first_bad"]:
        yield f"first bad node: {first['node']}"
    if reason := judged["tolerance"]["reason"]:
        yield f"limits of its own: {reason}"
    for side in ("runtime", "reference"):
        yield f"image of {judged[side]['framework']}: {judged[side]['image'][:12]}"


def verdict(folder: Path) -> str:
    """The verdict in ``folder``: exact, close or differs.

    Raises:
        OSError: There is none.
        ValueError: It cannot be read, or is of no such kind.
        KeyError: It says nothing.
    """
    word = _read(folder)["verdict"]
    if word not in SYMBOLS:
        raise ValueError(word)
    return str(word)


def line(folder: Path) -> None:
    """Print the verdict in ``folder`` in one line: model, target, symbol, and the worst error of all outputs."""
    judged = _read(folder)
    word = judged["verdict"]
    errors = [float(output["max_rel"]) for _, output in _outputs(judged) if output["max_rel"] is not None]
    symbol = Text(f"{SYMBOLS[word]} {word}", COLOURS[word])
    told = Text.assemble(f"{judged['model']} {judged['target']} ", symbol, f" {_number(max(errors, default=None))}")
    Console(highlight=False, soft_wrap=True).print(told)


def show(document: Mapping[str, Any]) -> None:
    """Print the matrix of a report: models down, targets across; without the errors where there is no room."""
    wide = Console(highlight=False)
    console = wide if wide.is_terminal else Console(highlight=False, width=_UNLIMITED)
    full, brief = (_grid(document, briefly=briefly) for briefly in (False, True))
    needed = Measurement.get(console, console.options.update(width=_UNLIMITED), full).maximum
    console.print()
    console.print(full if needed <= console.width else brief)
    console.print(f"\n{matrix.headline(document)}", soft_wrap=True)


def path(file: Path) -> None:
    """Print where a file is."""
    Console(highlight=False, soft_wrap=True, markup=False).print(shown(file))


def _grid(document: Mapping[str, Any], *, briefly: bool) -> Table:
    cells = {(cell["model"], cell["target"]): cell for cell in document["cells"]}
    grid = Table(box=None, pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    for target in document["targets"]:
        grid.add_column(target["name"], no_wrap=not briefly, overflow="fold")
    for model in document["models"]:
        row = [cells.get((model["name"], target["name"])) for target in document["targets"]]
        texts = [Text(matrix.shown(each, briefly=briefly), COLOURS[each["verdict"]] if each else "") for each in row]
        grid.add_row(Text(model["name"]), *texts)
    return grid


def _read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "verify.json").read_text())
    return content


def _outputs(judged: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every output, as the checkpoint itself and as each of its forms computes it."""
    for form, each in {"": judged, **judged["forms"]}.items():
        yield from ((form, output) for output in each["outputs"])


def _detected(found: Mapping[str, Any]) -> str:
    """How many detections agree, and how well."""
    count = f"{found['matched']} of {found['reference']} detections matched, of {found['candidate']}"
    if found["max_score_error"] is None:
        return count
    return (
        f"{count}; scores differ by {found['max_score_error']:.2g} at most, boxes overlap by {found['min_iou']:.4g}"
    )


def _version(side: Mapping[str, Any]) -> str:
    how = f" ({side['runtime']})" if "runtime" in side else ""
    return f"{side['framework']} {side['versions'].get(side['framework'], '')}".strip() + how


def shown(path: Path) -> str:
    """``path`` as a person would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _number(value: float | str | None) -> str:
    if value is None:
        return "-"
    return f"{float(value):.2g}" if abs(float(value)) < 10 else f"{float(value):.4g}"
