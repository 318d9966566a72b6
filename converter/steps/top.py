"""The step ``top``: the classes that reference and candidate rank first on photographs.

Reads ``in/params.json``, ``{"cases": [...], "labels": {output: [...]}}``, and of either side (``in/reference``,
``in/candidate``) ``outputs.npz``, keyed ``<case>/<output name>``; writes ``out/top.json``, see `converter.top.top`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from converter.cases import open_cases
from converter.steps import run
from converter.top import top


def step(params: dict[str, Any], source: Path, target: Path) -> None:
    """Rank both sides' classes and write ``target / "top.json"``."""
    reference, candidate = (open_cases(source / side / "outputs.npz") for side in ("reference", "candidate"))
    found = top(reference, candidate, cases=params["cases"], labels=params["labels"])
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    (target / "top.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(step)
