"""Class labels: do they fit the outputs that they are of?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx_ir

from converter.errors import BadInput
from converter.ir import dims


def check_labels(outputs: Sequence[onnx_ir.Value], labels: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return ``labels`` as they are recorded.

    Raises:
        BadInput: They are of no output, or not as many as it has classes along axis 1.
    """
    known = {str(value.name): dims(value) for value in outputs}
    problems = []
    for name, texts in labels.items():
        shape = known.get(name)
        if shape is None:
            problems.append(f"there is no output {name!r}, only {', '.join(map(repr, known))}")
        elif len(shape) < 2 or shape[1] != len(texts):
            problems.append(f"{len(texts)} labels for {name!r}, which is {' x '.join(map(str, shape))}")
    if problems:
        raise BadInput(
            f"labels that are of no output: {'; '.join(problems)}",
            fix="give as many labels as the output has classes, in the order of its axis 1",
        )
    return {name: list(texts) for name, texts in labels.items()}
