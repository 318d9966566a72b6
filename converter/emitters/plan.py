"""The weight plan: how each parameter of the target is made from the IR's tensors.

A plan is data. It is applied where the checkpoint is built, by ``images/base/weights.py``, which documents what
each expression means; the functions here only spell them. Arithmetic is done in float64 and rounded once, and
what is only moved (``tensor``, ``reshape``, ``transpose``) keeps its bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Expression = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the target.

    Attributes:
        layer: The target's layer.
        blob: Its number among the layer's parameters.
        shape: The shape the target gives it.
        value: What it is set to.
    """

    layer: str
    blob: int
    shape: tuple[int, ...]
    value: Expression


def tensor(name: str) -> Expression:
    """The IR's tensor ``name``, as it is."""
    return {"tensor": name}


def full(value: float, shape: Sequence[int]) -> Expression:
    """``value`` everywhere."""
    return {"full": value, "shape": list(shape)}


def reshape(value: Expression, shape: Sequence[int]) -> Expression:
    """``value``, in the same order, as ``shape``."""
    return {"reshape": value, "shape": list(shape)}


def add(left: Expression, right: Expression) -> Expression:
    """The sum of both, broadcast as numpy does."""
    return {"add": [left, right]}


def sub(left: Expression, right: Expression) -> Expression:
    """The difference of both, broadcast as numpy does."""
    return {"sub": [left, right]}


def mul(left: Expression, right: Expression) -> Expression:
    """The product of both, broadcast as numpy does."""
    return {"mul": [left, right]}


def rsqrt(value: Expression, eps: float) -> Expression:
    """``1 / sqrt(value + eps)``."""
    return {"rsqrt": value, "eps": eps}


def render(
    parameters: Iterable[Parameter],
    *,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    trace: Mapping[str, Any],
) -> bytes:
    """Return a plan as JSON, one parameter a line.

    Args:
        parameters: The target's parameters, in its own order.
        inputs: The IR's inputs to the target's.
        outputs: The IR's outputs to the target's.
        trace: Each of the IR's intermediate values that the target has, to where it has it.
    """
    rows = [{"layer": p.layer, "blob": p.blob, "shape": list(p.shape), "value": p.value} for p in parameters]
    parts = [
        _lines("parameters", [json.dumps(row) for row in rows], "[]"),
        *(
            _lines(key, [f"{json.dumps(name)}: {json.dumps(place)}" for name, place in table.items()], "{}")
            for key, table in (("inputs", inputs), ("outputs", outputs), ("trace", trace))
        ),
    ]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _lines(key: str, lines: list[str], brackets: str) -> str:
    if not lines:
        return f'  "{key}": {brackets}'
    return f'  "{key}": {brackets[0]}\n    ' + ",\n    ".join(lines) + f"\n  {brackets[1]}"
