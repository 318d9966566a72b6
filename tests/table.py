"""README's table: ``python -m tests.table`` takes it from the report that ``make table`` has written."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from tasks import matrix, table
from tasks.manifest import VARIANT
from tests.support.project import ROOT

README = ROOT / "README.md"
REPORT = ROOT / "build" / "report" / "matrix.json"
BEGINS, ENDS = "<!-- table -->\n", "<!-- /table -->\n"

_SECTION = re.compile(f"(?<={BEGINS})(.*?)(?={ENDS})", re.DOTALL)


def section(readme: str) -> str:
    """What stands between the marks."""
    found = _SECTION.search(readme)
    assert found, f"{README.name} has no {BEGINS.strip()}"
    return found[1]


def rows_of_the_table(found: Mapping[str, Any]) -> dict[str, Any]:
    """A report without other rows, in the table's order."""
    rows = {model["name"]: model for model in found["models"]}
    names = [name + VARIANT for name in table.MODELS]
    if missing := [name for name in names if name not in rows]:
        raise SystemExit(f"the report has no {', '.join(missing)}: run make table")
    cells = [cell for cell in found["cells"] if cell["model"] in names]
    return {**found, "models": [rows[name] for name in names], "cells": cells}


def main() -> None:
    """Renew the section."""
    found = rows_of_the_table(json.loads(REPORT.read_text()))
    renewed = _SECTION.sub(lambda _: matrix.markdown(found), README.read_text())
    README.write_text(renewed)
    sys.stdout.write(f"{README.name}: {matrix.headline(found)}\n")


if __name__ == "__main__":
    main()
