"""Write an IR as a target's source code.

Reads ``params.json`` (``{"target": "caffe", "options": {"merge_bn": false}}``) and ``ir/model.onnx``; writes the
target's files. The weights are not among the inputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import converter
from converter import ir
from converter.steps import run


def emit(params: dict[str, Any], source: Path, target: Path) -> None:
    """Run the step; see :func:`converter.emit` for ``params`` and what is refused."""
    model = ir.load(source / "ir" / ir.MODEL)
    files = converter.emit(model, params["target"], **params.get("options", {}))
    for name, content in files.items():
        (target / name).write_bytes(content)


if __name__ == "__main__":
    run(emit)
