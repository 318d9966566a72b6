"""The report as one HTML file that needs nothing else: no network, no server, no fonts.

The matrix is a plain table that any browser shows. Where scripts run, ``script/*.js`` takes that table over: filters,
keyboard, and the details of a cell, which are drawn from the document when the cell is opened. The document lies in
the page as JSON (`tasks.page.packed`). Everything in it may come from strangers, so it enters the page as text only,
and a Content Security Policy lets nothing run or load but this package's own script and style.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from tasks.page.packed import embedded, pack
from tasks.page.table import counted, headline, table, text

_SCRIPTS = ("format", "document", "plot", "detail", "matrix")
"""What the page's script is made of, in this order: each uses only those before it."""


def render(document: Mapping[str, Any]) -> str:
    """The page that shows a report; the same text for the same document, for UTF-8.

    Args:
        document: The report (`tasks.matrix`). A key that it lacks is a part that the page leaves out.
    """
    style, script = _asset("style.css"), _script()
    return Template(_asset("template.html")).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        data=embedded(pack(document)),
        headline=text(headline(document)),
        counts=counted(document),
        matrix=table(document),
        generated=text(document.get("generated", "")),
        version=text(document.get("version", "")),
    )


def _policy(style: str, script: str) -> str:
    """A Content Security Policy that allows this style, this script and embedded pictures, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(content: str) -> str:
    """A policy's name for an element with this content."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _script() -> str:
    """The page's script: its parts in a scope of their own."""
    parts = "\n".join(_asset(f"script/{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
