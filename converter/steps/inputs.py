"""The step ``inputs``: write the cases that both sides of the gate are run on.

Reads ``in/params.json``, ``{"inputs": {name: {"shape", "range", "preprocess"}}, "seed": 0, "photographs": [file,
...]}``, and ``in/photographs/``; writes ``out/inputs.npz``, keyed ``<case>/<input name>``, float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from converter.inputs import build_cases, photograph_path, read_inputs
from converter.steps import run


def step(params: dict[str, Any], source: Path, target: Path) -> None:
    """Build the cases of ``params`` and write them to ``target / "inputs.npz"``."""
    photographs = [photograph_path(source / "photographs", name) for name in params["photographs"]]
    cases = build_cases(read_inputs(params["inputs"]), photographs, seed=params["seed"])
    arrays = {f"{case}/{name}": array for case, inputs in cases.items() for name, array in inputs.items()}
    np.savez(target / "inputs.npz", allow_pickle=False, **arrays)


if __name__ == "__main__":
    run(step)
