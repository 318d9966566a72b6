"""The step ``case``: one case of several.

Reads ``in/params.json``, ``{"case"}``, and ``in/inputs.npz``, keyed ``<case>/<input name>``; writes
``out/inputs.npz`` with the arrays of that case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from converter.cases import open_cases
from converter.steps import run


def step(params: dict[str, Any], source: Path, target: Path) -> None:
    """Write the one case of ``params``."""
    case = params["case"]
    inputs = open_cases(source / "inputs.npz")[case]
    np.savez(target / "inputs.npz", allow_pickle=False, **{f"{case}/{name}": array for name, array in inputs.items()})


if __name__ == "__main__":
    run(step)
