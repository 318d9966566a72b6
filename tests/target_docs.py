"""``docs/targets/<target>.md``: what each target is given and what it can express, from its registry and the corpus.

``python -m tests.target_docs`` brings them up to date; a test sees that they are.
"""

from __future__ import annotations

import importlib
import inspect
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from converter.emitters import Emitter, emitters, variants_of
from tasks.targets import TARGETS
from tests.catalogue import table
from tests.emitters.corpus import Subject, corpus, operators_for
from tests.emitters.refusals import recorded

FOLDER = Path(__file__).parents[1] / "docs" / "targets"

_GENERATED = "Generated from the emitter and the tests' corpus by `python -m tests.target_docs`; not to be edited."
_OPERATORS = """## Operators

What is not here, or what a note excludes, is refused by name, all of it at once, before anything is written.
*Cases* is the number of models of the tests' corpus with this operator that are executed in the target's image and
compared with onnxruntime. Attributes are ONNX's; an operator after `transship::` is a function of that domain, which
other targets are given as the standard ONNX that it is made of, and one after `transship.channels_last::` ONNX's own
on images that are stored channels last.
"""


def render(target: str, subjects: Iterable[Subject]) -> str:
    """The page of ``target``, as Markdown."""
    package = importlib.import_module(f"converter.emitters.{target}")
    title, _, about = (inspect.getdoc(package) or "").partition("\n\n")
    executed, lacking = _observed(target, subjects)
    rows = [_row(operator, target, executed) for operator in sorted(_operators(target))]
    return "\n".join(
        [
            f"# {TARGETS[target].title}\n",
            f"{_GENERATED}\n",
            f"{_text(title)}\n",
            *([f"{_text(about)}\n"] if about else []),
            *_options(package),
            _OPERATORS,
            table(("operator", "becomes", "attributes", "cases"), rows),
            *_lacking(lacking),
        ]
    )


def _observed(target: str, subjects: Iterable[Subject]) -> tuple[Counter[str], set[str]]:
    """In how many executed cases each operator occurs, and the operators of the corpus that there are none for."""
    without = recorded(target)
    executed: Counter[str] = Counter()
    lacking: set[str] = set()
    for subject in subjects:
        used = operators_for(subject, target)
        lacking |= used - _operators(target)
        if subject.id not in without:
            executed.update(used)
    return executed, lacking


def _operators(target: str) -> set[str]:
    """What ``target`` has a translation for, its variants included."""
    return set(emitters(target)).union(*variants_of(target).values())


def _row(operator: str, target: str, executed: Mapping[str, int]) -> tuple[str, ...]:
    """What ``operator`` becomes in ``target``, and what its variants do otherwise."""
    plain = {"": emitters(target)[operator]} if operator in emitters(target) else {}
    found = plain | {name: known[operator] for name, known in variants_of(target).items() if operator in known}
    notes = [f"**{name}:** {_note(emitter)}" if name else _note(emitter) for name, emitter in found.items()]
    attributes = ", ".join(sorted(set[str]().union(*(emitter.attributes for emitter in found.values()))))
    return f"`{operator}`", " ".join(notes), attributes, str(executed.get(operator, 0))


def _note(emitter: Emitter) -> str:
    """The docstring's first paragraph, on one line."""
    text = inspect.getdoc(emitter.function) or ""
    return " ".join(_text(text.partition("\n\n")[0]).split()).replace("|", "\\|")


def _options(package: object) -> Iterable[str]:
    emit = package.emit  # type: ignore[attr-defined]
    described = _arguments(inspect.getdoc(emit) or "")
    options = [parameter for parameter in inspect.signature(emit).parameters.values() if parameter.name != "model"]
    if options:
        yield "## Options\n"
        yield "Of `converter.emit`; in a model's manifest, below `[targets.<target>]`: `options = { ... }`.\n"
        yield table(
            ("option", "default", ""),
            [(f"`{option.name}`", f"`{option.default!r}`", _text(described[option.name])) for option in options],
        )


def _arguments(docstring: str) -> dict[str, str]:
    """The entries of a docstring's ``Args:`` section by name, each on one line."""
    found: dict[str, str] = {}
    section = docstring.partition("Args:\n")[2].partition("\n\n")[0]
    name = ""
    for line in section.splitlines():
        if line.startswith(" " * 8):
            found[name] += f" {line.strip()}"
        else:
            name, _, found[name] = line.strip().partition(": ")
    return found


def _lacking(operators: set[str]) -> Iterable[str]:
    if operators:
        listed = ", ".join(f"`{operator}`" for operator in sorted(operators))
        yield f"Operators that MXNet's networks become and that have no translation: {listed}.\n"


def _text(text: str) -> str:
    """Docstrings' markup as Markdown."""
    plain = text.replace("``", "`").replace(":class:", "").replace(":func:", "").replace(":mod:", "")
    return plain.replace("::\n", ":\n")


def main() -> None:
    """Write every page."""
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    try:
        subjects = corpus(folder)
        FOLDER.mkdir(parents=True, exist_ok=True)
        for target in TARGETS:
            importlib.import_module(f"converter.emitters.{target}")
            (FOLDER / f"{target}.md").write_text(render(target, subjects.values()), encoding="utf-8")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
