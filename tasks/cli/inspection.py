"""What was found out about files, as a person reads it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from converter.description import Description
from tasks.terminal import harmless

if TYPE_CHECKING:
    from tasks.cli.inspecting import Inspection

STDIN: Final = "-"
"""Standard input, as it is typed."""

DEVICE: Final = "/dev/stdin"
"""The same as the command line's parser, to which ``-`` is an option, is given it."""

_FEW = 12
_SIZES = {"float64": 8, "int64": 8, "uint64": 8, "double": 8, "float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2}
_BYTES = dict.fromkeys(("int8", "uint8", "bool"), 1)


def named(path: Path) -> str:
    """What the user calls a file."""
    return STDIN if path.name == STDIN else str(path)


def show(found: Inspection, *, is_verbose: bool) -> None:
    """Print it; where ``is_verbose``, every parameter and the whole of every refusal."""
    console = Console(highlight=False, soft_wrap=True)
    for path, known in found.files.items():
        console.print(Text.assemble((harmless(named(path)), "bold"), f": {known.title}{_size(path)}"))
        if not found.description and not found.verdicts:
            console.print(f"  {known.fix}")
    rows = [*(_described(found.description, is_verbose=is_verbose) if found.description else ())]
    rows += [(harmless(target), Text(f"made already: {verdict}")) for target, verdict in found.verdicts.items()]
    if rows:
        console.print()
        _print(console, rows)
    if found.unread:
        console.print()
        console.print(Text(harmless(found.unread)))
    if found.targets is not None:
        console.print()
        _print(console, list(_support(found.targets, is_verbose=is_verbose)))


def _print(console: Console, rows: list[tuple[str, Text]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((f"{name:{width}}", "dim"), "  ", value))


def _described(found: Description, *, is_verbose: bool) -> Iterator[tuple[str, Text]]:
    if found.written_by:
        yield "written by", Text(harmless(found.written_by))
    for name, shape in found.inputs.items():
        told = "the files do not tell its shape" if shape is None else " x ".join(map(str, shape))
        yield "input", Text(harmless(f"{name}: {told}"))
    if found.outputs:
        yield "outputs", Text(harmless(", ".join(found.outputs)))
    if found.labels:
        yield "for training", Text(harmless(", ".join(found.labels)))
    yield "parameters", Text(_counted(found))
    for name, array in found.parameters.items() if is_verbose else ():
        told = "not told" if array is None else f"{' x '.join(map(str, array[0])) or 'a number'}, {array[1]}"
        yield "", Text(harmless(f"{name}: {told}"))
    if found.operators:
        counts = [f"{name} {count}" for name, count in found.operators.items()]
        kept = counts if is_verbose or len(counts) <= _FEW else [*counts[:_FEW], f"and {len(counts) - _FEW} more"]
        yield f"{sum(found.operators.values())} operators", Text(harmless(", ".join(kept)))
    if found.unknown:
        yield "not known", Text(harmless(", ".join(found.unknown)), "red")


def _counted(found: Description) -> str:
    known = [array for array in found.parameters.values() if array is not None]
    total = len(found.parameters)
    if not known:
        return f"{total} arrays, whose shapes the files do not tell" if total else "none"
    numbers = sum(math.prod(shape) for shape, _ in known)
    size = sum(math.prod(shape) * {**_SIZES, **_BYTES}.get(kind, 4) for shape, kind in known)
    kinds = ", ".join(dict.fromkeys(kind for _, kind in known))
    missing = f", {total - len(known)} of unknown shape" if len(known) < total else ""
    return f"{total} arrays, {numbers:,} numbers, {size / 2**20:.1f} MiB: {kinds}{missing}"


def _support(targets: Mapping[str, str], *, is_verbose: bool) -> Iterator[tuple[str, Text]]:
    for target, why in targets.items():
        if not why:
            yield target, Text("√ can be converted", "green")
            continue
        yield target, Text(f"✗ refused: {harmless(why if is_verbose else _brief(why))}", "red")


def _brief(why: str) -> str:
    """The reasons of a refusal, without what to do about it."""
    lines = [line.strip() for line in why.splitlines()]
    return next((line.removeprefix("where: ") for line in lines if line.startswith("where: ")), lines[0])


def _size(path: Path) -> str:
    return f", {path.stat().st_size:,} bytes" if path.is_file() else ""
