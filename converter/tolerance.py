"""How far two frameworks may be apart: the gate's limits, and the targets that need others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limits:
    """What one level of agreement allows.

    Attributes:
        max_rel: The largest error, relative to the largest value of the reference.
        sensitivity: The largest error, relative to the output's movement between inputs.
        constant: Takes the place of both for an output that no input moves.
    """

    max_rel: float
    sensitivity: float
    constant: float


@dataclass(frozen=True)
class Agreement:
    """What one level of agreement asks of detections.

    Attributes:
        score: The largest difference of two scores.
        iou: The least intersection over union of two boxes.
        matched: The least part of either side's detections that is matched.
    """

    score: float
    iou: float
    matched: float


@dataclass(frozen=True)
class Agreements:
    """What ``exact`` and ``close`` ask of detections."""

    exact: Agreement = Agreement(score=1e-3, iou=0.99, matched=1.0)
    close: Agreement = Agreement(score=1e-2, iou=0.9, matched=0.95)


@dataclass(frozen=True)
class Tolerance:
    """The limits of ``exact`` and of ``close``, and why they are not the default ones (empty for these)."""

    exact: Limits = Limits(max_rel=1e-4, sensitivity=1e-3, constant=1e-6)
    close: Limits = Limits(max_rel=1e-2, sensitivity=5e-2, constant=1e-5)
    reason: str = ""
    detections: Agreements = Agreements()


DEFAULT: Final = Tolerance()

TOLERANCES: Final[Mapping[str, Tolerance]] = {
    "coreml precision=float16": Tolerance(
        exact=Limits(max_rel=1e-2, sensitivity=5e-2, constant=1e-3),
        close=Limits(max_rel=4e-2, sensitivity=2e-1, constant=1e-2),
        reason="weights and what layers compute rounded to 11 significant bits: measured on MTCNN's ONet, outputs are"
        " off by up to 7.5e-4 of their largest value and by up to 6.1e-3 of what an input moves them; on gender-age,"
        " which is 27 convolutions deep, by up to 6.9e-3 and 3.2e-2",
    ),
    "ncnn storage=fp16": Tolerance(
        exact=Limits(max_rel=5e-3, sensitivity=2e-2, constant=1e-3),
        close=Limits(max_rel=2e-2, sensitivity=1e-1, constant=1e-2),
        reason="weights rounded to 11 significant bits: measured on MTCNN and gender-age, outputs are off by up to"
        " 1.4e-3 of their largest value and by up to 9e-3 of what an input moves them; on three SSD, scores by up to"
        " 1.4e-3, boxes overlap by 0.996, and of the 100 best up to 2 are others",
        detections=Agreements(exact=Agreement(5e-3, 0.98, 0.97), close=Agreement(2e-2, 0.85, 0.9)),
    ),
}
"""What cannot keep the default limits even in its exact mode, each with the measured reason: a target, one option of
a target (``ncnn storage=fp16``), or another form of its checkpoint (``tensorflow tflite``)."""


def tolerance_for(target: str, options: Mapping[str, object] | None = None, form: str = "") -> Tolerance:
    """The limits for a target with the emitter's ``options``, or for another form of its checkpoint.

    They are the entry in `TOLERANCES`, else the default ones.
    """
    spelled = [f"{target} {name}={value}" for name, value in sorted((options or {}).items())]
    keys = (f"{target} {form}",) if form else (*spelled, target)
    return next((TOLERANCES[key] for key in keys if key in TOLERANCES), DEFAULT)
