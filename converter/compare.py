"""The gate: do two frameworks compute the same thing?

`compare` judges a candidate's outputs by the reference's, output by output, every element in its own place: nothing
is sorted, truncated, broadcast or averaged away. With ``a`` the reference's and ``b`` the candidate's answer to one
input (a *case*), both as float64, and ``rms`` the root of the mean square over all elements:

- ``max_abs``: the largest ``|a - b|``.
- ``max_rel``: ``max|a - b| / max|a|``. Where the case has no scale of its own (the output is a single number, which
  may happen to be near 0, or ``a`` is all zeros) the scale is the largest ``|a|`` of all cases. An error against an
  output that is zero in every case is infinite.
- ``sensitivity``: ``rms(a - b) / rms(a - a')``, where ``a'`` is the reference's *nearest other answer*: of all other
  cases the one that moves the output least. An error is thereby judged by how much the output moves when the input
  changes; and a candidate that gives any other case's answer instead gets 1 or more, whatever the network. A pair of
  cases whose answers agree within ``exact.max_rel`` does not tell inputs apart and is left out (a saturated softmax
  on two noise images). Where no pair is left the output is *constant*: there is no sensitivity (None), and
  ``max_rel`` has to keep the far narrower limit ``constant`` instead. Where every output is constant the verdict is
  ``differs``, even of equal arrays: answers that do not depend on the input prove nothing.
- ``snr_db``: ``20 log10(rms(a) / rms(a - b))``, and ``cosine``: of the angle between ``a`` and ``b``. For reading;
  they decide nothing.
- ``top1``, ``top5``: along axis 1 (of a vector: along it), at every position of the others, the candidate's
  first and its first five ranks are the reference's, in order. Elements tie where the reference has them closer
  than the error allowed, ``max_rel`` times the scale: of ``close`` for ``top1``, of ``exact`` for ``top5``. None
  where the axis has a single element. A regression head has ranks too: they are kept as well, which asks little
  of it, since errors within the limits upset near ties only.

Each number is the worst of all cases. ``exact`` needs ``exact``'s limits and ``top5``; ``close`` needs ``close``'s
and ``top1``; anything else ``differs``, as do: an output too few or too many, another shape, integers for floats
(or any unequal integer), no elements, and a NaN or infinity on either side, the same place on both included,
because a reference that is not finite proves nothing. The width of a float is no difference of its own: it shows
in the numbers.

Outputs that hold detections are compared as :mod:`converter.detected` says instead: box by box, in any order.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from converter import detected
from converter.detected import Detected, Group
from converter.errors import BadInput
from converter.tolerance import DEFAULT, Limits, Tolerance

Level = Literal["exact", "close", "differs"]
Arrays = Mapping[str, npt.ArrayLike]
Cases = Mapping[str, Arrays] | Sequence[Arrays]
Array = npt.NDArray[np.float64]

LEVELS: Final[tuple[Level, ...]] = ("exact", "close", "differs")
MIN_CASES: Final = 4
"""The inputs that a verdict in a build stands on: two of noise, two photographs."""

_NOTHING_MOVES: Final = (
    "No output moves when the input changes, so that equal answers prove nothing: "
    "use trained weights, or inputs that the network tells apart."
)


@dataclass(frozen=True)
class Output:
    """One output's numbers, each the worst of all cases; None where it could not be measured or has no meaning."""

    name: str
    shape: tuple[int, ...]
    verdict: Level
    max_abs: float | None = None
    max_rel: float | None = None
    sensitivity: float | None = None
    snr_db: float | None = None
    cosine: float | None = None
    top1: bool | None = None
    top5: bool | None = None


@dataclass(frozen=True)
class FirstBad:
    """The first value, in topological order, that is not within ``exact``.

    Attributes:
        node: The IR node that computes it.
        value: The value's name.
        max_abs: See the module; None where the value could not be measured, as are the next two.
        max_rel: See the module.
        sensitivity: See the module; also None for a value that no input moves.
        last_good: The nearest value before it that both traces hold; None where it is the first of these.
        skipped: Values between the two that a trace lacks (fused away): the fault may lie in their nodes.
        reason: What is wrong with it, as a sentence.
    """

    node: str
    value: str
    max_abs: float | None
    max_rel: float | None
    sensitivity: float | None
    last_good: str | None
    skipped: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Attributes:
        verdict: The worst verdict of all outputs.
        outputs: The reference's outputs, in its order.
        reasons: Why it is not ``exact``: sentences, empty where it is.
        tolerance: The limits that were kept or not.
        detections: How far detections agree, where there are any.
    """

    verdict: Level
    outputs: tuple[Output, ...]
    reasons: tuple[str, ...]
    tolerance: Tolerance
    detections: tuple[Detected, ...] = ()


@dataclass(frozen=True)
class _Measured:
    """The numbers of one output, with the case that each of the deciding ones is worst in."""

    max_abs: float
    max_rel: float
    max_rel_case: str
    sensitivity: float | None
    sensitivity_case: str
    snr_db: float
    cosine: float


def compare(
    reference: Cases, candidate: Cases, *, tolerance: Tolerance = DEFAULT, detections: Sequence[Group] = ()
) -> Verdict:
    """Judge a candidate's outputs by the reference's, as this module's docstring says.

    Args:
        reference: ``{output name: array}`` for every case: a mapping by case name, or a sequence. At least two cases,
            all with the same outputs in the same shapes.
        candidate: The same for the other side. Outputs are matched by name.
        tolerance: The limits.
        detections: Which outputs hold detections.

    Raises:
        BadInput: The reference is such that no candidate could be judged by it, or an argument is not of this form.
    """
    expected, given = _named(reference, "reference"), _named(candidate, "candidate")
    _check_reference(expected)
    reasons = _set_reasons("case", expected, given) or _output_reasons(expected, given)
    if reasons:
        first = next(iter(expected.values()))
        blank = tuple(Output(name, np.shape(array), "differs") for name, array in first.items())
        return Verdict("differs", blank, reasons, tolerance)
    detected.check(detections, {name: np.shape(array) for name, array in next(iter(expected.values())).items()})
    boxed = {name for group in detections for name in group.outputs}
    names = [name for name in next(iter(expected.values())) if name not in boxed]
    judged = {name: _judge(name, expected, given, tolerance) for name in names}
    found = [_judge_detections(group, expected, given, tolerance) for group in detections]
    judged |= {output.name: (output, ()) for _, outputs, _ in found for output in outputs}
    outputs = tuple(judged[name][0] for name in next(iter(expected.values())))
    reasons = tuple(
        itertools.chain.from_iterable([*(why for _, why in judged.values()), *(why for *_, why in found)])
    )
    verdict = max((output.verdict for output in outputs), key=LEVELS.index)
    counted = tuple(each for each, *_ in found if each is not None)
    moves = any(output.sensitivity is not None for output in outputs) or any(each.moves for each in counted)
    if verdict != "differs" and not moves:
        verdict = "differs"
        reasons += (_NOTHING_MOVES,)
    return Verdict(verdict, outputs, reasons, tolerance, counted)


def _judge_detections(
    group: Group, expected: Mapping[str, Arrays], given: Mapping[str, Arrays], tolerance: Tolerance
) -> tuple[Detected | None, list[Output], tuple[str, ...]]:
    """How far a group's detections agree, its outputs with their numbers, and why it is not ``exact``."""
    shapes = {name: np.shape(next(iter(expected.values()))[name]) for name in group.outputs}
    faults = [
        fault
        for name in group.outputs
        if (
            fault := _fault(
                name, {key: (np.asarray(expected[key][name]), np.asarray(given[key][name])) for key in expected}
            )
        )
    ]
    if faults:
        return None, [Output(name, shape, "differs") for name, shape in shapes.items()], tuple(faults)
    found, reasons = detected.judge(group, expected, given, tolerance.detections)
    outputs = [
        Output(name, shape, found.verdict, *found.errors[name])
        if found.matched
        else Output(name, shape, found.verdict)
        for name, shape in shapes.items()
    ]
    return found, outputs, reasons


def first_bad(
    order: Sequence[str], reference: Cases, candidate: Cases, *, tolerance: Tolerance = DEFAULT
) -> FirstBad | None:
    """Find where two runs part: the first value in ``order`` that is not within ``exact``.

    Values are judged as outputs are, but for their ranks, and a value that no input moves by ``exact.max_rel`` alone.

    Args:
        order: Value names in topological order.
        reference: ``{value name: array}`` for every case; need not hold every value.
        candidate: The same for the other side. A value that either side lacks is skipped.
        tolerance: Whose ``exact`` limits to keep.

    Returns:
        The first bad value, or None where all values that both sides have agree.
    """
    expected, given = _named(reference, "reference"), _named(candidate, "candidate")
    if _set_reasons("case", expected, given):
        raise BadInput("The two traces are of different cases", where="first_bad")
    last_good, skipped = None, []
    for value in order:
        if not all(value in outputs for outputs in (*expected.values(), *given.values())):
            skipped.append(value)
            continue
        bad = _part(value, expected, given, tolerance.exact)
        if bad is not None:
            return dataclasses.replace(bad, last_good=last_good, skipped=tuple(skipped))
        last_good, skipped = value, []
    return None


def _named(cases: Cases, side: str) -> dict[str, Arrays]:
    """Name a sequence's cases by their places."""
    named = cases if isinstance(cases, Mapping) else {str(place): case for place, case in enumerate(cases)}
    if not all(isinstance(outputs, Mapping) for outputs in named.values()):
        raise BadInput(f"The {side} is not {{output name: array}} for every case", where=side)
    return dict(named)


def _check_reference(reference: Mapping[str, Arrays]) -> None:
    if len(reference) < 2:
        raise BadInput(
            f"The reference has {len(reference)} cases: how much the outputs move cannot be told",
            where="reference",
            fix="Run both sides on at least two different inputs.",
        )
    first, *others = reference.values()
    if not first:
        raise BadInput("The reference has no outputs", where="reference")
    shapes = {name: np.shape(array) for name, array in first.items()}
    if any({name: np.shape(array) for name, array in other.items()} != shapes for other in others):
        raise BadInput("The reference's cases differ in their outputs or their shapes", where="reference")


def _set_reasons(kind: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, ...]:
    missing, extra = [n for n in expected if n not in given], [n for n in given if n not in expected]
    lacks = (f"The candidate lacks the {kind} {', '.join(missing)}.",) if missing else ()
    return lacks + ((f"The candidate has the {kind} {', '.join(extra)}, the reference has not.",) if extra else ())


def _output_reasons(expected: Mapping[str, Arrays], given: Mapping[str, Arrays]) -> tuple[str, ...]:
    reasons = (reason for case in expected for reason in _set_reasons("output", expected[case], given[case]))
    return tuple(dict.fromkeys(reasons))


def _judge(
    name: str, expected: Mapping[str, Arrays], given: Mapping[str, Arrays], tolerance: Tolerance
) -> tuple[Output, tuple[str, ...]]:
    """One output's numbers and verdict, and why it is not ``exact``."""
    pairs = {case: (np.asarray(expected[case][name]), np.asarray(given[case][name])) for case in expected}
    shape = next(iter(pairs.values()))[0].shape
    fault = _fault(name, pairs)
    if fault:
        return Output(name, shape, "differs"), (fault,)
    wide = _widen(pairs)
    measured = _measure(wide, tolerance.exact.max_rel)
    top1 = _ranks_kept(wide, 1, tolerance.close.max_rel)
    top5 = _ranks_kept(wide, 5, tolerance.exact.max_rel)
    not_exact = _excess(name, measured, tolerance.exact) + _rank_reason(name, top5, "first five ranks are")
    not_close = _excess(name, measured, tolerance.close) + _rank_reason(name, top1, "first rank is")
    if _unequal_integers(pairs):
        not_exact = not_close = (f"{name}: integers have to be equal.",)
    verdict: Level = "differs" if not_close else "close" if not_exact else "exact"
    output = Output(
        name=name,
        shape=shape,
        verdict=verdict,
        max_abs=measured.max_abs,
        max_rel=measured.max_rel,
        sensitivity=measured.sensitivity,
        snr_db=measured.snr_db,
        cosine=measured.cosine,
        top1=top1,
        top5=top5,
    )
    return output, not_close or not_exact


def _part(value: str, expected: Mapping[str, Arrays], given: Mapping[str, Arrays], limits: Limits) -> FirstBad | None:
    """A value that is not within ``limits``, or None where it is."""
    node = re.sub(r"_output\d*$", "", value)
    pairs = {case: (np.asarray(expected[case][value]), np.asarray(given[case][value])) for case in expected}
    fault = _fault(value, pairs)
    if fault:
        return FirstBad(node, value, None, None, None, None, (), fault)
    measured = _measure(_widen(pairs), limits.max_rel)
    excess = _excess(value, measured, dataclasses.replace(limits, constant=limits.max_rel))
    if not excess:
        return None
    return FirstBad(node, value, measured.max_abs, measured.max_rel, measured.sensitivity, None, (), " ".join(excess))


def _fault(name: str, pairs: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> str:
    """Why two arrays cannot be compared number by number, as a sentence; empty where they can."""
    kinds = {"f": "floats", "i": "integers", "u": "integers", "b": "booleans"}
    for case, (a, b) in pairs.items():
        if a.shape != b.shape:
            return f"{name}: the shape is {list(b.shape)}, the reference's {list(a.shape)} ({case})."
        if a.size == 0:
            return f"{name}: there are no elements to compare ({case})."
        a_kind, b_kind = kinds.get(a.dtype.kind, str(a.dtype)), kinds.get(b.dtype.kind, str(b.dtype))
        if a_kind != b_kind or a.dtype.kind not in kinds:
            return f"{name}: the candidate holds {b_kind}, the reference {a_kind} ({case})."
        for side, array in (("reference", a), ("candidate", b)):
            bad = array.size - int(np.isfinite(array).sum())
            if bad:
                return f"{name}: {bad} of the {side}'s {array.size} values are NaN or infinite ({case})."
    return ""


def _widen(
    pairs: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]],
) -> dict[str, tuple[Array, Array]]:
    return {case: (a.astype(np.float64), b.astype(np.float64)) for case, (a, b) in pairs.items()}


def _unequal_integers(pairs: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> bool:
    return any(a.dtype.kind != "f" and not np.array_equal(a, b) for a, b in pairs.values())


def _measure(pairs: Mapping[str, tuple[Array, Array]], same: float) -> _Measured:
    """Measure finite arrays of one shape; ``same`` is the ``max_rel`` within which two answers tell nothing apart."""
    scales, moves = _scales(pairs), _movements(pairs, same)
    errors = {case: a - b for case, (a, b) in pairs.items()}
    relative = {case: _ratio(_peak(error), scales[case]) for case, error in errors.items()}
    sensitive = {case: _ratio(_rms(errors[case]), moves[case]) for case in moves}
    rel_case = max(relative, key=relative.__getitem__)
    move_case = max(sensitive, key=sensitive.__getitem__, default="")
    return _Measured(
        max_abs=max(map(_peak, errors.values())),
        max_rel=relative[rel_case],
        max_rel_case=rel_case,
        sensitivity=sensitive[move_case] if sensitive else None,
        sensitivity_case=move_case,
        snr_db=min(_decibels(_ratio(_rms(a), _rms(a - b))) for a, b in pairs.values()),
        cosine=min(_cosine(a, b) for a, b in pairs.values()),
    )


def _scales(pairs: Mapping[str, tuple[Array, Array]]) -> dict[str, float]:
    """What errors are relative to, by case."""
    peaks = {case: _peak(a) for case, (a, _) in pairs.items()}
    widest = max(peaks.values())
    return {case: widest if pairs[case][0].size == 1 else peak or widest for case, peak in peaks.items()}


def _movements(pairs: Mapping[str, tuple[Array, Array]], same: float) -> dict[str, float]:
    """The distance from each case's reference to the nearest other that differs; empty for a constant output."""
    distances: dict[str, list[float]] = {case: [] for case in pairs}
    for (one, (a, _)), (other, (b, _)) in itertools.combinations(pairs.items(), 2):
        if _peak(a - b) > same * max(_peak(a), _peak(b)):
            distances[one].append(_rms(a - b))
            distances[other].append(_rms(a - b))
    nearest = min(itertools.chain.from_iterable(distances.values()), default=None)
    return {} if nearest is None else {case: min(near, default=nearest) for case, near in distances.items()}


def _ranks_kept(pairs: Mapping[str, tuple[Array, Array]], count: int, allowed: float) -> bool | None:
    """Whether the first ``count`` ranks are the reference's; ties are those within ``allowed`` of the scale."""
    rank = next(iter(pairs.values()))[0].ndim
    axis = min(rank - 1, 1)
    if rank == 0 or next(iter(pairs.values()))[0].shape[axis] == 1:
        return None
    scales = _scales(pairs)
    for case, (a, b) in pairs.items():
        best = np.take(np.sort(a, axis=axis), np.arange(-1, -min(count, a.shape[axis]) - 1, -1), axis=axis)
        chosen = np.argsort(-b, axis=axis, kind="stable").take(np.arange(best.shape[axis]), axis=axis)
        if np.any(np.abs(np.take_along_axis(a, chosen, axis=axis) - best) > allowed * scales[case]):
            return False
    return True


def _excess(name: str, measured: _Measured, limits: Limits) -> tuple[str, ...]:
    """The sentences that say which limits are exceeded. Written so that a NaN, too, exceeds its limit."""
    constant = measured.sensitivity is None
    allowed = limits.constant if constant else limits.max_rel
    reasons = []
    if not measured.max_rel <= allowed:
        note = "; no input moves it" if constant else ""
        reasons.append(
            f"{name}: max_rel {measured.max_rel:.3g} is above {allowed:g} ({measured.max_rel_case}{note})."
        )
    if measured.sensitivity is not None and not measured.sensitivity <= limits.sensitivity:
        reasons.append(
            f"{name}: the error is {measured.sensitivity:.3g} of what another input moves it by, "
            f"above {limits.sensitivity:g} ({measured.sensitivity_case})."
        )
    return tuple(reasons)


def _rank_reason(name: str, kept: bool | None, what: str) -> tuple[str, ...]:
    return (f"{name}: the {what} not the reference's.",) if kept is False else ()


def _peak(array: Array) -> float:
    return float(np.max(np.abs(array)))


def _rms(array: Array) -> float:
    """Root of the mean square, scaled first so that no square under- or overflows."""
    peak = _peak(array)
    return peak * math.sqrt(float(np.mean(np.square(array / peak)))) if peak else 0.0


def _ratio(part: float, whole: float) -> float:
    """``part / whole``: 0 of anything is 0, anything of 0 is infinite."""
    if part == 0:
        return 0.0
    return part / whole if whole else math.inf


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio) if ratio else -math.inf


def _cosine(a: Array, b: Array) -> float:
    """Cosine of the angle between two arrays; two zeros agree, one has no angle with anything."""
    peaks = _peak(a), _peak(b)
    if 0.0 in peaks:
        return float(peaks[0] == peaks[1])
    one, other = a.ravel() / peaks[0], b.ravel() / peaks[1]
    cosine = float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
    return max(-1.0, min(1.0, cosine))


class _Callable(types.ModuleType):
    """Makes ``converter.compare`` the library's function and this module at once, whoever imports it first."""

    def __call__(
        self, reference: Cases, candidate: Cases, *, tolerance: Tolerance = DEFAULT, detections: Sequence[Group] = ()
    ) -> Verdict:
        return compare(reference, candidate, tolerance=tolerance, detections=detections)


sys.modules[__name__].__class__ = _Callable
