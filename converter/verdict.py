"""``verify.json``: the gate's verdict, written down."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from converter.compare import LEVELS, FirstBad, Verdict
from converter.errors import BadInput


def verify_json(
    verdict: Verdict,
    *,
    model: str,
    target: str,
    runtime: Mapping[str, Any],
    reference: Mapping[str, Any],
    found: FirstBad | None = None,
    expected: Mapping[str, Any] | None = None,
    forms: Mapping[str, Verdict] | None = None,
) -> bytes:
    """Write ``verify.json``: strict JSON, the same bytes for the same arguments.

    An infinite number is the string ``"Infinity"`` or ``"-Infinity"`` (which ``float()`` reads), one that was not
    measured or has no meaning is null.

    Args:
        verdict: What `compare` said.
        model: The model's name.
        target: The target's name.
        runtime: What the candidate ran on: framework, versions, image.
        reference: What the reference ran on.
        found: Where the two part.
        expected: The manifest's ``{"verdict", "reason"}``: recorded, never applied.
        forms: What `compare` said of the checkpoint's other forms, by their names. The worst verdict counts.
    """
    judged = {"": verdict, **(forms or {})}
    document = {
        "model": model,
        "target": target,
        "verdict": max((each.verdict for each in judged.values()), key=LEVELS.index),
        "reasons": [f"{name}: {text}" if name else text for name, each in judged.items() for text in each.reasons],
        "expected": check_expected(expected),
        "runtime": runtime,
        "reference": reference,
        **_judged(verdict),
        "first_bad": None if found is None else dataclasses.asdict(found),
        "forms": {name: {"verdict": each.verdict, **_judged(each)} for name, each in judged.items() if name},
    }
    return (json.dumps(_strict(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _judged(verdict: Verdict) -> dict[str, Any]:
    """The limits and the numbers; of detections only where there are any."""
    limits = dataclasses.asdict(verdict.tolerance)
    found = [dataclasses.asdict(each) for each in verdict.detections]
    if not found:
        del limits["detections"]
    return {
        "tolerance": limits,
        "outputs": [dataclasses.asdict(output) for output in verdict.outputs],
        **({"detections": [{key: row[key] for key in row if key != "errors"} for row in found]} if found else {}),
    }


def check_expected(expected: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Check a manifest's expectation: ``{"verdict": "close" or "differs", "reason": a sentence}``, or None.

    Raises:
        BadInput: Anything else. ``exact`` needs no expectation, and less is not expected without a reason.
    """
    if expected is None:
        return None
    reason = expected.get("reason")
    known = set(expected) == {"verdict", "reason"} and expected["verdict"] in LEVELS[1:]
    if not known or not isinstance(reason, str) or not reason.strip():
        raise BadInput(
            f"{dict(expected)!r} is not an expectation of a verdict",
            where="expect",
            fix='Write {verdict = "close" or "differs", reason = "why it cannot be exact"}.',
        )
    return expected


def _strict(value: Any) -> Any:
    """Make a document of strict JSON values, its numbers short enough to read."""
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float):
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
