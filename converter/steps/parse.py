"""Step ``parse``: a source framework's files to the IR.

Parameters: ``framework``, ``name``, ``graph`` and ``weights`` (file names below ``in/source``; without the latter the
IR is of the structure alone), ``inputs`` (shapes by name), ``preprocess`` and ``labels``. Writes ``out/model.onnx``,
``out/weights.safetensors`` and ``out/model.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import converter
from converter.steps import run


def parse(params: dict[str, Any], source: Path, target: Path) -> None:
    """Run the step; see this module's docstring."""
    model = converter.parse(
        params["framework"],
        graph=source / "source" / params["graph"],
        weights=source / "source" / params["weights"] if "weights" in params else None,
        inputs=params["inputs"],
        name=params["name"],
        preprocess=params.get("preprocess"),
        labels=params.get("labels"),
    )
    converter.save(model, target)


if __name__ == "__main__":
    run(parse)
