"""Detections of two frameworks, compared box by box.

A detector's answer is a set: the order of its rows means nothing, and where two scores are nearly equal frameworks
put them in either order. So each detection of the reference has to be one of the candidate's and the other way round:
of the same class, with a score that differs by no more than `Agreement.score`, and a box whose intersection with the
other's is at least `Agreement.iou` of their union. Detections are matched one to one, as many as can be. A row whose
class is negative is none. Agreement proves nothing where the reference's answers to two inputs agree as well:
``close`` is given only where no two of them are ``close`` to each other without being ``exact``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from converter.errors import BadInput
from converter.matching import Boxes, Pairs, iou, match, part
from converter.tolerance import DEFAULT, Agreement, Agreements

Level = Literal["exact", "close", "differs"]
Place = tuple[str, int]
"""An output, and the (first) column of its last dimension."""


@dataclass(frozen=True)
class Group:
    """Where a model's outputs hold its detections, ``batch x K x columns``: class, score, and the box's corners."""

    kind: Place
    score: Place
    box: Place

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that are part of it."""
        return tuple(dict.fromkeys((self.kind[0], self.score[0], self.box[0])))


def read_groups(rows: Sequence[Mapping[str, Any]]) -> tuple[Group, ...]:
    """Groups as ``model.json`` says them: ``{"class": [output, column], "score": [...], "box": [...]}``.

    Raises:
        BadInput: They are not of this form.
    """
    try:
        return tuple(
            Group(*((str(row[key][0]), int(row[key][1])) for key in ("class", "score", "box"))) for row in rows
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{rows!r} does not say where detections are",
            where="detections",
            fix='Write [{"class": [output, column], "score": [output, column], "box": [output, first column]}].',
        ) from error


def check(groups: Sequence[Group], shapes: Mapping[str, Sequence[int]]) -> None:
    """Check that outputs of these shapes hold ``groups``.

    Raises:
        BadInput: There is no such output, it is no table of rows, or it lacks a column, or rows that another has.
    """
    for group in groups:
        places = ((group.kind, 1), (group.score, 1), (group.box, 4))
        for (name, column), width in places:
            if name not in shapes:
                raise BadInput(f"There is no output {name!r}", where="detections")
            if len(shapes[name]) != 3 or not 0 <= column <= shapes[name][2] - width:
                raise BadInput(
                    f"Detections are not in columns {column} to {column + width - 1} of a table", where=name
                )
        if len({tuple(shapes[name])[:2] for name in group.outputs}) > 1:
            raise BadInput("Detections are tables of different numbers of rows", where=", ".join(group.outputs))


@dataclass(frozen=True)
class Detected:
    """How far two frameworks agree on a group's detections, all cases and images together.

    Attributes:
        outputs: The outputs that hold them.
        verdict: The best level that they keep.
        reference: How many the reference has.
        candidate: How many the candidate has.
        matched: How many of them are matched: within ``exact`` if all are, else within ``close``.
        max_score_error: The largest difference of matched scores; None if none are matched, as for the next.
        min_iou: The least intersection over union of matched boxes.
        moves: Whether the reference's answers to two cases differ.
        errors: Of each output, the largest difference of matched numbers, and that relative to the largest number.
    """

    outputs: tuple[str, ...]
    verdict: Level
    reference: int
    candidate: int
    matched: int
    max_score_error: float | None
    min_iou: float | None
    moves: bool
    errors: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Alike:
    """How alike the reference's answers to two cases are: within ``exact``, within ``close``."""

    one: str
    other: str
    same: bool
    close: bool


_Cases = Mapping[str, Mapping[str, npt.ArrayLike]]
_Images = Mapping[tuple[str, int], Boxes]
_Pair = tuple[tuple[str, int], Boxes, Boxes]


def judge(
    group: Group, reference: _Cases, candidate: _Cases, limits: Agreements = DEFAULT.detections
) -> tuple[Detected, tuple[str, ...]]:
    """Compare the detections of two sides, and say why they are not ``exact``.

    Args:
        group: Which outputs they are in.
        reference: Outputs by name for every case, finite and of the group's form, see `check`.
        candidate: The same of the other side, of the same shapes.
        limits: What the levels ask for.
    """
    ours, theirs = (_images(group, cases) for cases in (reference, candidate))
    pairs = [(key, a, theirs[key]) for key, a in ours.items()]
    level, found = _level(pairs, limits)
    detected = Detected(
        outputs=group.outputs,
        verdict=level,
        reference=sum(len(image.kind) for image in ours.values()),
        candidate=sum(len(image.kind) for image in theirs.values()),
        matched=sum(len(each) for each in found),
        max_score_error=_extreme(pairs, found, max, _score_error),
        min_iou=_extreme(pairs, found, min, _iou_of),
        moves=any(not each.same for each in _cases_apart(ours, limits)),
        errors=_errors(group, reference, candidate, pairs, found),
    )
    reasons = tuple(f"{', '.join(group.outputs)}: {text}" for text in _reasons(detected, pairs, found, limits))
    doubt = _doubt(detected, ours, limits)
    if doubt:
        return replace(detected, verdict="differs"), (*reasons, f"{', '.join(group.outputs)}: {doubt}")
    return detected, reasons


def _doubt(detected: Detected, images: _Images, limits: Agreements) -> str:
    """Why agreement proves nothing; empty where it does."""
    if detected.reference == 0:
        return "nothing is detected in any case, which proves nothing."
    if detected.verdict != "close":
        return ""
    alike = (f"{each.one} and {each.other}" for each in _cases_apart(images, limits) if each.close and not each.same)
    first = next(alike, "")
    return f"the reference's own answers to {first} agree as well, so that this proves nothing." if first else ""


def _reasons(
    detected: Detected, pairs: Sequence[_Pair], found: Sequence[Pairs], limits: Agreements
) -> tuple[str, ...]:
    """Why the verdict is not ``exact``."""
    if detected.verdict == "exact":
        return ()
    worst = min(zip(pairs, found, strict=True), key=lambda each: part(each[0][1], each[0][2], each[1]))
    (case, image), a, b = worst[0]
    missed = limits.exact if detected.verdict == "close" else limits.close
    where = f"{case}, image {image}" if image else case
    limit = f"score within {missed.score:g}, IoU at least {missed.iou:g}"
    matched = (
        f"of {detected.reference} detections {detected.matched} are matched by the candidate's {detected.candidate}"
    )
    fewest = f"fewest in {where}: of {len(a.kind)} {len(worst[1])}, by {len(b.kind)}"
    return (f"{matched} ({limit}); {fewest}.",)


def _images(group: Group, cases: _Cases) -> dict[tuple[str, int], Boxes]:
    """The detections of every image of every case."""
    found = {}
    for case, outputs in cases.items():
        tables = {name: np.asarray(outputs[name], np.float64) for name in group.outputs}
        for image in range(len(tables[group.kind[0]])):
            kind, score = (tables[name][image, :, column] for name, column in (group.kind, group.score))
            box = tables[group.box[0]][image, :, group.box[1] : group.box[1] + 4]
            rows = np.flatnonzero(kind >= 0)
            found[case, image] = Boxes(kind[rows], score[rows], box[rows], rows)
    return found


def _level(pairs: Sequence[_Pair], limits: Agreements) -> tuple[Level, list[Pairs]]:
    """The best level that all images keep, and what is matched on it."""
    found: list[Pairs] = []
    levels: tuple[tuple[Level, Agreement], ...] = (("exact", limits.exact), ("close", limits.close))
    for level, asked in levels:
        found = [match(a, b, asked) for _, a, b in pairs]
        if all(part(a, b, each) >= asked.matched for (_, a, b), each in zip(pairs, found, strict=True)):
            return level, found
    return "differs", found


def _score_error(a: Boxes, b: Boxes, pair: tuple[int, int]) -> float:
    return abs(float(a.score[pair[0]] - b.score[pair[1]]))


def _iou_of(a: Boxes, b: Boxes, pair: tuple[int, int]) -> float:
    return float(iou(a.box[pair[0]], b.box[pair[1] : pair[1] + 1])[0])


def _extreme(pairs: Sequence[_Pair], found: Sequence[Pairs], pick: Any, measure: Any) -> Any:
    numbers = (measure(a, b, each) for (_, a, b), many in zip(pairs, found, strict=True) for each in many)
    return pick(numbers, default=None)


def _cases_apart(images: _Images, limits: Agreements) -> Iterator[_Alike]:
    """Every two cases of an image of a batch, one after the other as they are asked for."""
    for ((case, one), a), ((another, other), b) in itertools.combinations(images.items(), 2):
        if one == other:
            same, close = (part(a, b, match(a, b, each)) >= each.matched for each in (limits.exact, limits.close))
            yield _Alike(case, another, same, close)


def _errors(
    group: Group,
    reference: _Cases,
    candidate: _Cases,
    pairs: Sequence[_Pair],
    found: Sequence[Pairs],
) -> dict[str, tuple[float, float]]:
    """Of each output the largest difference of matched rows, and that relative to the largest number of all."""
    result = {}
    for name in group.outputs:
        worst = scale = 0.0
        for ((case, image), a, b), many in zip(pairs, found, strict=True):
            ours, theirs = (np.asarray(side[case][name], np.float64)[image] for side in (reference, candidate))
            scale = max(scale, float(np.abs(ours[a.rows]).max(initial=0)))
            rows = [(a.rows[one], b.rows[other]) for one, other in many]
            worst = max([worst, *(float(np.abs(ours[one] - theirs[other]).max()) for one, other in rows)])
        result[name] = (worst, worst / scale if scale else 0.0)
    return result
