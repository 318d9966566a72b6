"""Writes the tables of ``docs/mmdnn.md``: ``python -m tests.mmdnn_page``."""

from __future__ import annotations

import re
from pathlib import Path

from tasks.cli.mmdnn.flags import COMMANDS

PAGE = Path(__file__).parents[1] / "docs" / "mmdnn.md"
_PLACE = re.compile(r"(<!-- flags -->\n).*(<!-- /flags -->)", re.DOTALL)


def tables() -> str:
    """Every flag of every command, and what it is here."""
    parts = []
    for command, flags in COMMANDS.items():
        rows = "\n".join(f"| {', '.join(f'`{name}`' for name in flag.names)} | {said(flag)} |" for flag in flags)
        parts.append(f"### {command}\n\n| flag | here |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def said(flag: object) -> str:
    """What a flag is here, and why it is not where it is none."""
    here, why = getattr(flag, "here"), getattr(flag, "refused")  # noqa: B009
    return f"{here}: {why}" if here == "refused" else here


def current(text: str) -> str:
    """``text`` with the tables as they should be."""
    return _PLACE.sub(lambda found: f"{found[1]}{tables()}{found[2]}", text)


if __name__ == "__main__":
    PAGE.write_text(current(PAGE.read_text()))
