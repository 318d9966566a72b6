"""The step ``compare``: judge the candidate's outputs by the reference's, and write the verdict.

Reads ``in/params.json``, ``{"model", "target", "options", "forms", "order", "runtime_image", "reference_image",
"expect"}`` and perhaps ``"detections"``, as the IR's ``model.json`` has them, and of either side (``in/reference``,
``in/candidate``) ``outputs.npz`` and ``runtime.json``, keyed ``<case>/<output name>``; writes ``out/verify.json``. Of
each of the ``forms`` of its checkpoint the candidate has a ``<form>.npz`` too, which is judged by the same reference.
Where both sides have a ``trace.npz`` and the verdict is not ``exact``, the first bad value of ``order`` is named. A
verdict is never a failure of this step: what is accepted is for the build to decide.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from converter.cases import open_cases
from converter.compare import MIN_CASES, FirstBad, Verdict, compare, first_bad
from converter.detected import read_groups
from converter.errors import BadInput
from converter.steps import run
from converter.tolerance import tolerance_for
from converter.verdict import verify_json


def step(params: dict[str, Any], source: Path, target: Path) -> None:
    """Compare ``source / "candidate"`` with ``source / "reference"`` and write ``target / "verify.json"``."""
    reference = open_cases(source / "reference" / "outputs.npz")
    if len(reference) < MIN_CASES:
        raise BadInput(f"A verdict stands on at least {MIN_CASES} inputs, there are {len(reference)}")
    target_name, options = params["target"], params["options"]
    candidate = open_cases(source / "candidate" / "outputs.npz")
    groups = read_groups(params.get("detections", ()))
    verdict = compare(reference, candidate, tolerance=tolerance_for(target_name, options), detections=groups)
    forms = {
        form: compare(
            reference,
            open_cases(source / "candidate" / f"{form}.npz"),
            tolerance=tolerance_for(target_name, options, form),
            detections=groups,
        )
        for form in params["forms"]
    }
    document = verify_json(
        verdict,
        model=params["model"],
        target=target_name,
        runtime=_runtime(source / "candidate", params["runtime_image"]),
        reference=_runtime(source / "reference", params["reference_image"]),
        found=_where(verdict, params["order"], source),
        expected=params["expect"],
        forms=forms,
    )
    (target / "verify.json").write_bytes(document)


def _runtime(side: Path, image: object) -> dict[str, Any]:
    return {**json.loads((side / "runtime.json").read_text()), "image": image}


def _where(verdict: Verdict, order: list[str], source: Path) -> FirstBad | None:
    traces = [source / side / "trace.npz" for side in ("reference", "candidate")]
    if verdict.verdict == "exact" or not all(trace.is_file() for trace in traces):
        return None
    reference, candidate = map(open_cases, traces)
    return first_bad(order, reference, candidate, tolerance=verdict.tolerance)


if __name__ == "__main__":
    run(step)
