"""The models that are known: which of them a word means, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.text import Text

import converter
from tasks import manifest, names, zoo
from tasks.cli.workplace import known
from tasks.errors import UsageError
from tasks.lock import Lock
from tasks.manifest import PRETRAINED, SEEDED, VARIANT, Manifest
from tasks.targets import TARGETS
from tasks.terminal import harmless

Models = Mapping[str, Manifest]

KIND: Final = "download"
"""Of the steps that get a model's files."""

_HEAD = ("name", "aliases", "inputs", "size", "weights", "licence", "title")
_NEAR: Final = 5
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True)
class Row:
    """What is known of a model.

    Attributes:
        name: In commands.
        aliases: Other names to type.
        title: What a person calls it.
        framework: The source framework.
        licence: Of the weights.
        inputs: Shape by name.
        targets: What it can be converted to, as far as a target does not refuse its operators.
        bytes: Of its files; None where nobody has said.
        weights: Which can be had.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    framework: str
    licence: str
    inputs: Mapping[str, Sequence[int | str]]
    targets: tuple[str, ...]
    bytes: int | None
    weights: tuple[str, ...]


def all_models() -> dict[str, Manifest]:
    """Those that have a manifest and those of Gluon's zoos, with their seeded variants, by name.

    Raises:
        BadInput: A manifest is not right.
    """
    return {**(written := known()), **{name: each for name, each in zoo.models().items() if name not in written}}


def find(words: Iterable[str], models: Models, weights: str | None = None) -> list[Manifest]:
    """The models that ``words`` mean, each once: names, aliases, or patterns with wildcards.

    Args:
        words: As they were typed.
        models: All that are known.
        weights: Which are wanted; None for what each name stands for.

    Raises:
        UsageError: There is no such model, or not with these weights.
    """
    return list({model.name: model for word in words for model in _meant(word, models, weights)}.values())


def row(model: Manifest, models: Models, lock: Lock) -> Row:
    """What is known of ``model``.

    Raises:
        BadInput: The record of downloads is damaged.
    """
    kinds = (model.weights, *([SEEDED] if model.name + VARIANT in models else []))
    inputs = {name: spec.shape for name, spec in model.inputs.items()}
    return Row(
        model.name,
        model.aliases,
        model.title,
        model.framework,
        model.licence,
        inputs,
        tuple(TARGETS),
        _size(model, lock),
        kinds,
    )


def show(rows: Sequence[Row], *, has_zoos: bool) -> None:
    """Print a line for each model, never cut; and how those of the zoos are listed, unless they are among them."""
    console = Console(highlight=False, soft_wrap=True)
    cells = [_HEAD, *(_cells(each) for each in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(_HEAD) - 1)]
    for line in cells:
        padded = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=False)]
        console.print(Text("  ".join([*padded, line[-1]]), "dim" if line is _HEAD else ""))
    console.print(Text(f"\neach to be converted to: {', '.join(TARGETS)}"))
    if not has_zoos:
        count = f"{len(zoo.NETWORKS)} networks of Gluon's model zoo and {len(zoo.DETECTORS)} detectors of GluonCV's"
        console.print(Text(f"{count}: transship download --list '{zoo.PREFIX}-*' 'ssd_*'"))


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The same for a script."""
    return {"models": [asdict(each) for each in rows]}


def sized(size: float) -> str:
    """Bytes, for a person."""
    return next(f"{size / unit:.1f} {name}" for unit, name in _UNITS if size >= unit or unit == 1e3)


def _meant(word: str, models: Models, weights: str | None) -> list[Manifest]:
    pattern = f"{zoo.PREFIX}-{word.removeprefix(zoo.PREFIX + ':')}" if word.startswith(f"{zoo.PREFIX}:") else word
    steps = names.resolve(f"{KIND}:{pattern}", models, {KIND: [""]}, None)
    matching = [models[name] for step in steps if (name := step.partition(":")[2]) in models]
    if not matching:
        raise UsageError(f"no model is called {harmless(word)!r:.80}", fix=_advice(pattern, models))
    found = [one for model in matching if (one := names.meant(model, models, weights)) and _has(one, weights)]
    if not found:
        what = f"{matching[0].name} cannot be had with {weights} weights"
        raise UsageError(what, fix=f"leave out --weights {weights}; transship download --list shows what can be had")
    return found


def _has(model: Manifest, weights: str | None) -> bool:
    return weights != PRETRAINED or model.weights != SEEDED


def _advice(word: str, models: Models) -> str:
    typed = (name for model in models.values() for name in (model.name, *model.aliases))
    near = converter.nearest(word.strip("*?"), [name for name in typed if VARIANT in word or VARIANT not in name])
    all_of_them = "transship download --list shows all"
    return f"use one of: {', '.join(near)}; {all_of_them}" if len(near) <= _NEAR else all_of_them


def _size(model: Manifest, lock: Lock) -> int | None:
    if not isinstance(model.source, manifest.Source):
        return None
    found = lock.known(model.source)
    return sum(each.size for each in found.values()) if len(found) == len(model.source.files) else None


def _cells(each: Row) -> tuple[str, ...]:
    inputs = "; ".join(f"{name}:{','.join(map(str, shape))}" for name, shape in each.inputs.items())
    size = "not known" if each.bytes is None else sized(each.bytes)
    aliases, weights = ", ".join(each.aliases) or "-", ", ".join(each.weights)
    return tuple(map(harmless, (each.name, aliases, inputs, size, weights, each.licence, each.title)))
