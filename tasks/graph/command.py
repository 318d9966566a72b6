"""``doit graph``: a picture of steps, of what they come after, and of what would become of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.errors import BadInput
from tasks import report
from tasks.commands import ProjectCommand, option
from tasks.explain.reason import explain
from tasks.graph import drawing
from tasks.graph.model import Node, picture
from tasks.session import Session
from tasks.strict import similar
from tasks.terminal import harmless

_FORMATS = ("svg", "html", "mermaid", "dot", "json")
_MOST = 300
"""Steps that a picture can show."""


class Graph(ProjectCommand):
    """See the module."""

    name = "graph"
    doc_purpose = "draw the steps that tasks need, and say which would run"
    doc_usage = "TASK..."
    doc_description = "Writes to build/graph.svg, or to the file of -o, whose ending says the format. -o - prints it."
    cmd_options = (
        option("format", str, f"{', '.join(_FORMATS)}; else as the file's ending says, else svg"),
        option("output", str, "the file to write; - for standard output", short="o"),
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """See :class:`tasks.commands.ProjectCommand`."""
        output = options["output"]
        kind = _format(options["format"], output)
        tasks = self.load(words)
        needs = {name: [*task.task_dep, *task.setup_tasks] for name, task in tasks.items()}
        selected = self.selected(words)

        def node(name: str) -> Node:
            reason = explain(session, session.steps[name])
            return Node(name, reason.state, harmless(reason.why), session.durations.expected(name))

        if not words and len(session.steps) > _MOST:
            raise BadInput("which steps?", fix="name tasks: doit graph convert:<model>-<target>")
        found = picture(needs, selected, session.steps.__contains__, node)
        if not found.nodes:
            raise BadInput(f"{', '.join(selected)} needs no step: there is nothing to draw")
        text = {
            "svg": drawing.svg,
            "html": lambda each: drawing.html(each, harmless(" ".join(selected))),
            "mermaid": drawing.mermaid,
            "dot": drawing.dot,
            "json": drawing.as_json,
        }[kind](found)
        return _write(text, Path(output) if output else session.build / f"graph.{kind}", to_stdout=output == "-")


def _format(named: str, output: str) -> str:
    ending = {".mmd": "mermaid", ".md": "mermaid", ".gv": "dot"}.get(Path(output).suffix, Path(output).suffix[1:])
    kind = named or ending or "svg"
    if kind not in _FORMATS:
        raise BadInput(f"there is no format {kind!r}{similar(kind, _FORMATS)}", fix=f"--format {'|'.join(_FORMATS)}")
    return kind


def _write(text: str, path: Path, *, to_stdout: bool) -> int:
    if to_stdout:
        sys.stdout.write(text)
        return 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"the picture cannot be written: {error.strerror}", where=str(path)) from error
    report.path(path)
    return 0
