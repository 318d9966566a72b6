"""``doit graph``: what a task needs, as a picture in which one sees what has to run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from converter.errors import BadInput, TransshipError
from tasks.commands import ProjectCommand
from tasks.graph.model import Graph, graph
from tasks.graph.page import html
from tasks.graph.svg import summary, svg
from tasks.graph.text import as_json, dot, mermaid
from tasks.session import Session
from tasks.strict import similar
from tasks.terminal import harmless

FORMATS: Mapping[str, Callable[[Graph], str]] = {
    "svg": svg,
    "html": html,
    "mermaid": mermaid,
    "dot": dot,
    "json": as_json,
}

_SUFFIXES = {
    ".svg": "svg",
    ".html": "html",
    ".htm": "html",
    ".mmd": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
}
_FILES = ("svg", "html")
"""Formats that are written to ``build/`` where no place is named; the others go to standard output."""

_SMALL = 200
"""Steps of a project that is drawn whole without being asked for."""


class Command(ProjectCommand):
    """``doit graph``; see ``docs/graph.md``."""

    name = "graph"
    doc_purpose = "draw the steps that tasks need, and what would become of each"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Nothing runs. Without -o, a picture as svg or html goes to build/graph.svg or build/graph.html, and one as "
        "text to standard output, where with '-o -' all go. Without a task, a project of at most 200 steps is drawn."
    )
    cmd_options = (
        {
            "name": "format",
            "long": "format",
            "type": str,
            "default": "",
            "help": "svg, html, mermaid, dot or json; else what the name after -o ends with, else svg",
        },
        {"name": "output", "short": "o", "long": "output", "type": str, "default": "", "help": "the file to write"},
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """Draw the tasks of ``words``, or all steps of a small project."""
        output = options["output"]
        form = _form(options["format"], output)
        tasks = self.load(words)
        drawn = graph(session, tasks, words or _all(session))
        if not drawn.nodes:
            raise BadInput("there is nothing to draw", fix="'doit' lists what can be built")
        _write(FORMATS[form](drawn), _place(session, form, output), summary(drawn))
        return 0


def _form(given: str, output: str) -> str:
    """The format that is meant."""
    form = given or _SUFFIXES.get(Path(output).suffix.lower(), "svg")
    if form not in FORMATS:
        raise BadInput(f"there is no format {form!r:.40}{similar(form, FORMATS)}")
    return form


def _all(session: Session) -> list[str]:
    """All steps of a project that is small enough to look at."""
    if len(session.steps) > _SMALL:
        raise BadInput(
            f"all {len(session.steps)} steps are too many for a picture", fix="name tasks: doit graph TASK ..."
        )
    return list(session.steps)


def _place(session: Session, form: str, output: str) -> Path | None:
    """Where the picture goes; None for standard output."""
    if output == "-" or (not output and form not in _FILES):
        return None
    return Path(output) if output else session.build / f"graph.{form}"


def _write(picture: str, place: Path | None, told: str) -> None:
    if place is None:
        sys.stdout.write(picture)
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise TransshipError(
            f"the picture cannot be written: {error.strerror}", where=harmless(str(place))
        ) from error
    sys.stdout.write(f"{told}; drawn to {harmless(str(place))}\n")
