"""The classes that two frameworks rank first, side by side. For reading; what decides is `converter.compare`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

COUNT = 5

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


def top(
    reference: Mapping[str, Arrays],
    candidate: Mapping[str, Arrays],
    *,
    cases: Sequence[str],
    labels: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The first five classes of every output that has classes, by output and case.

    An output has classes where its axis 1 has several elements and every other axis one.

    Args:
        reference: ``{output name: array}`` for every case.
        candidate: The same for the other side. What it lacks, or has in another shape, is left out.
        cases: Which cases are of interest.
        labels: The names of an output's classes, in their order.

    Returns:
        ``{output: {case: {"reference": [{"class", "label", "score"}, ...], "candidate": [...]}}}``; a label is None
        where there is none, a score where it is not finite.
    """
    found: dict[str, Any] = {}
    for case in cases:
        expected, given = reference.get(case, {}), candidate.get(case, {})
        for name in (name for name in expected if name in given):
            a, b = expected[name], given[name]
            if has_classes(a) and a.shape == b.shape:
                names = labels.get(name, ())
                sides = {"reference": _ranked(a, names), "candidate": _ranked(b, names)}
                found.setdefault(name, {})[case] = sides
    return found


def has_classes(array: Array) -> bool:
    """Whether the array is one score for each of several classes."""
    return array.ndim > 1 and array.shape[1] > 1 and array.size == array.shape[1]


def _ranked(array: Array, labels: Sequence[str]) -> list[dict[str, Any]]:
    scores = array.ravel()
    order = np.argsort(-scores.astype(np.float64), kind="stable")[:COUNT].tolist()
    return [{"class": place, "label": _label(labels, place), "score": _score(scores[place])} for place in order]


def _label(labels: Sequence[str], place: int) -> str | None:
    return labels[place] if place < len(labels) else None


def _score(value: Any) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
