"""The weight plan: how each parameter of the target is made from the IR's tensors.

A plan is data. It is applied where the checkpoint is built, by ``images/base/weights.py``, which documents what
each expression means; the functions here only spell them. Arithmetic is done in float64 and rounded once, and
what is only moved (``tensor``, ``reshape``, ``transpose``, ``slice``, ``take``, ``concat``) keeps its bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Expression = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the target.

    Attributes:
        name: What the target calls it; where it numbers the parameters of a layer, the layer's name and the number.
        shape: The shape the target gives it.
        value: What it is set to.
        dtype: Its element type, as numpy calls it.
        notes: What else the target's checkpoint step has to know of it.
    """

    name: str | tuple[str, int]
    shape: tuple[int, ...]
    value: Expression
    dtype: str = "float32"
    notes: Mapping[str, Any] = field(default_factory=dict)


def tensor(name: str) -> Expression:
    """The IR's tensor ``name``, as it is."""
    return {"tensor": name}


def full(value: float, shape: Sequence[int]) -> Expression:
    """``value`` everywhere."""
    return {"full": value, "shape": list(shape)}


def reshape(value: Expression, shape: Sequence[int]) -> Expression:
    """``value``, in the same order, as ``shape``."""
    return {"reshape": value, "shape": list(shape)}


def literal(values: Sequence[Any]) -> Expression:
    """An array of numbers that are part of the structure, as nested lists."""
    return {"literal": list(values)}


def transpose(value: Expression, perm: Sequence[int]) -> Expression:
    """``value`` with its axes in the order ``perm``."""
    return {"transpose": value, "perm": list(perm)}


def slice_(value: Expression, axis: int, start: int, end: int) -> Expression:
    """The elements ``start`` to ``end`` along ``axis``."""
    return {"slice": value, "axis": axis, "start": start, "end": end}


def take(value: Expression, axis: int, indices: Sequence[int]) -> Expression:
    """The elements ``indices`` along ``axis``, in that order."""
    return {"take": value, "axis": axis, "indices": list(indices)}


def concat(values: Sequence[Expression], axis: int) -> Expression:
    """One after the other along ``axis``."""
    return {"concat": list(values), "axis": axis}


def add(left: Expression, right: Expression) -> Expression:
    """The sum of both, broadcast as numpy does."""
    return {"add": [left, right]}


def sub(left: Expression, right: Expression) -> Expression:
    """The difference of both, broadcast as numpy does."""
    return {"sub": [left, right]}


def mul(left: Expression, right: Expression) -> Expression:
    """The product of both, broadcast as numpy does."""
    return {"mul": [left, right]}


def div(left: Expression, right: Expression) -> Expression:
    """The quotient of both, broadcast as numpy does."""
    return {"div": [left, right]}


def rsqrt(value: Expression, eps: float) -> Expression:
    """``1 / sqrt(value + eps)``."""
    return {"rsqrt": value, "eps": eps}


def render(
    parameters: Iterable[Parameter],
    *,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    trace: Mapping[str, Any],
    **facts: Any,
) -> bytes:
    """Return a plan as JSON, one parameter a line.

    Args:
        parameters: The target's parameters, in its own order.
        inputs: The IR's inputs to the target's.
        outputs: The IR's outputs to the target's.
        trace: Each of the IR's intermediate values that the target has, to where it has it.
        facts: What else the target's steps have to know, by name: JSON values.
    """
    parts = [
        _lines("parameters", [json.dumps(_row(parameter)) for parameter in parameters], "[]"),
        *(
            _lines(key, [f"{json.dumps(name)}: {json.dumps(place)}" for name, place in table.items()], "{}")
            for key, table in (("inputs", inputs), ("outputs", outputs), ("trace", trace))
        ),
    ]
    parts += [f'  "{key}": {json.dumps(value)}' for key, value in facts.items()]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _row(parameter: Parameter) -> dict[str, Any]:
    other = {} if parameter.dtype == "float32" else {"dtype": parameter.dtype}
    return {
        "name": parameter.name,
        "shape": list(parameter.shape),
        **other,
        **parameter.notes,
        "value": parameter.value,
    }


def _lines(key: str, lines: list[str], brackets: str) -> str:
    if not lines:
        return f'  "{key}": {brackets}'
    return f'  "{key}": {brackets[0]}\n    ' + ",\n    ".join(lines) + f"\n  {brackets[1]}"
