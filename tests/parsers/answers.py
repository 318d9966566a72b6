"""What MXNet answered to each case, kept so that tests without containers compare with it.

    python -m tests.parsers.answers [family ...]

runs MXNet's container on the cases that are new or have changed since, and brings ``answers/<family>.npz`` up to
date. A container test sees that MXNet still answers so.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.parsers.case import Case, digest
from tests.parsers.cases import FAMILIES
from tests.parsers.files import write
from tests.support.containers import run_step, stage_scripts

FOLDER = Path(__file__).parent / "answers"

Outputs = dict[str, np.ndarray]


def recorded(family: str) -> dict[str, Outputs]:
    """Outputs by the digest of the case that they answer."""
    found: dict[str, Outputs] = {}
    path = FOLDER / f"{family}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                case, _, name = key.partition("/")
                found.setdefault(case, {})[name] = arrays[key]
    return found


def ask_mxnet(cases: Iterable[Case], folder: Path) -> dict[str, Outputs | str]:
    """Run MXNet on ``cases`` in one container; outputs by case, or what it said where it failed."""
    asked = list(cases)
    for case in asked:
        source = folder / "in" / "cases" / case.id / "source"
        source.mkdir(parents=True)
        symbol = case.equivalent or case.symbol
        nodes = [{**node, "op": case.runs_as.get(node["op"], node["op"])} for node in symbol["nodes"]]
        graph, weights = write(source, {**symbol, "nodes": nodes}, case.params, case.records)
        stage_case(source.parent, case, {"graph": graph.name, "weights": weights.name, "trace": False})
    return run_cases("mxnet", "images/mxnet/reference.py", asked, folder)


def stage_case(place: Path, case: Case, params: dict[str, object]) -> None:
    """Write what a step reads besides the network: its parameters and inputs."""
    (place / "params.json").write_text(json.dumps(params))
    np.savez(place / "inputs.npz", **{f"case/{name}": array for name, array in case.inputs.items()})


def run_cases(toolchain: str, script: str, cases: Iterable[Case], folder: Path) -> dict[str, Outputs | str]:
    """Run ``script`` on the cases staged in ``folder / "in"``, in one container."""
    stage_scripts(folder / "in" / "step", script, "tests/support/batch.py")
    outputs = folder / "out"
    (outputs / "cases").mkdir(parents=True)
    step = Path(script).stem
    run_step(toolchain, ["python3", "in/step/batch.py", step], folder / "in", outputs)
    return {case.id: _result(outputs / "cases" / case.id, step) for case in cases}


def _result(place: Path, step: str) -> Outputs | str:
    if (place / "error.txt").exists():
        return (place / "error.txt").read_text() + (place / "log.txt").read_text()
    with np.load(place / step / "outputs.npz", allow_pickle=False) as arrays:
        return {name.removeprefix("case/"): arrays[name] for name in arrays.files}


def record(family: str) -> int:
    """Bring a family's answers up to date; return how many cases MXNet was asked about.

    Raises:
        SystemExit: MXNet failed on a case. Says what it said.
    """
    known, cases = recorded(family), FAMILIES[family]
    new = [case for case in cases if digest(case) not in known]
    if new:
        folder = Path(tempfile.mkdtemp(prefix="answers-"))
        try:
            answers = ask_mxnet(new, folder)
        finally:
            shutil.rmtree(folder)
        failed = {case.id: answers[case.id] for case in new if isinstance(answers[case.id], str)}
        if failed:
            raise SystemExit("\n".join(f"{case}: {said}" for case, said in failed.items()))
        known |= {digest(case): answers[case.id] for case in new}  # type: ignore[misc]
    kept = {digest(case): known[digest(case)] for case in cases}
    FOLDER.mkdir(exist_ok=True)
    arrays = {f"{case}/{name}": array for case, outputs in kept.items() for name, array in outputs.items()}
    np.savez_compressed(FOLDER / f"{family}.npz", **arrays)
    return len(new)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FAMILIES:
        print(f"{chosen}: {record(chosen)} recorded")  # noqa: T201
