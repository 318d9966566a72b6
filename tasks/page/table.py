"""What the page shows without scripts: the headline, the counts and the matrix."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SYMBOLS = {"exact": "√", "close": "o", "differs": "✗"}
"""A verdict's sign, so that it never is told by colour alone."""

READ_BACK = "†"
"""Marks a verdict on what was read back from the saved files, where the framework itself does not run on Linux."""

SAID = ", seeded weights"
"""How the titles of seeded variants end: beside a row's title stands which weights they are."""

OWN_LIMITS = "*"
"""Marks a verdict by limits that are not the default ones."""


def text(value: object) -> str:
    """A value as HTML that shows it, whatever it is."""
    return html.escape(str(value).encode("utf-8", "replace").decode())


def error(number: float | str | None) -> str:
    """A relative error as the matrix shows it: one digit and a power of ten."""
    if number is None:
        return "–"  # noqa: RUF001
    value = float(number)
    if value == float("inf"):
        return "∞"
    return f"{value:.0e}" if value else "0"


def headline(document: Mapping[str, Any]) -> str:
    """How many of all pairs of a model and a target are exact."""
    exact = _counts(document)["exact"]
    return f"{exact} of {len(document.get('models', ())) * len(document.get('targets', ()))} exact"


def counted(document: Mapping[str, Any]) -> str:
    """The number of cells of each verdict, as items of a list."""
    counts = _counts(document)
    missing = len(document.get("models", ())) * len(document.get("targets", ())) - counts.total()
    items = [f'<li class="{word}"><b>{sign}</b> {counts[word]} {word}</li>' for word, sign in SYMBOLS.items()]
    return "\n".join([*items, f'<li class="none"><b>·</b> {missing} not verified</li>'])


def table(document: Mapping[str, Any]) -> str:
    """The matrix: a row a model, a column a target. A cell names its place in the document's list of cells."""
    targets: Sequence[Mapping[str, Any]] = document.get("targets", ())
    cells = {(cell["model"], cell["target"]): (index, cell) for index, cell in enumerate(document.get("cells", ()))}
    columns = "".join(f'<th scope="col">{text(target["title"])}</th>' for target in targets)
    rows = [
        f"<tr>{_model(model)}{''.join(_cell(cells.get((model['name'], target['name']))) for target in targets)}</tr>"
        for model in document.get("models", ())
    ]
    head = f'<thead><tr><th scope="col">Model</th>{columns}</tr></thead>'
    return f'<table id="matrix">{head}\n<tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def _model(model: Mapping[str, Any]) -> str:
    """The head of a row."""
    weights = f'<i class="tag">{text(model["weights"])}</i>' if model.get("weights") else ""
    name = f"<small>{text(model['name'])}</small>"
    title = text(model["title"].removesuffix(SAID))
    return f'<th scope="row"><span class="title">{title}</span><span>{weights}{name}</span></th>'


def _cell(found: tuple[int, Mapping[str, Any]] | None) -> str:
    """A cell: sign, the verdict for those who hear the page, error and marks."""
    if found is None:
        return '<td class="none"><span class="heard">not verified</span></td>'
    index, cell = found
    word = cell["verdict"]
    marks = "".join(
        mark
        for mark, holds in (
            (READ_BACK, (cell.get("runtime") or {}).get("runtime") == "read-back"),
            (OWN_LIMITS, (cell.get("tolerance") or {}).get("reason")),
        )
        if holds
    )
    sign = f'<b aria-hidden="true">{SYMBOLS[word]}</b><span class="heard">{word}</span>'
    return f'<td class="{word}" data-cell="{index}">{sign} <small>{error(cell.get("max_rel"))}{marks}</small></td>'


def _counts(document: Mapping[str, Any]) -> Counter[str]:
    """How many shown cells there are of each verdict."""
    models = {model["name"] for model in document.get("models", ())}
    targets = {target["name"] for target in document.get("targets", ())}
    shown = [c for c in document.get("cells", ()) if c["model"] in models and c["target"] in targets]
    return Counter(cell["verdict"] for cell in shown)
