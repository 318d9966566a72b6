"""Every operator, in every variant: MXNet itself, the IR in onnxruntime, and the formulas that fast tests go by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import converter
from tests.parsers.cases import CASES, Case
from tests.parsers.files import write
from tests.parsers.semantics import evaluate
from tests.support.containers import run_step, stage_scripts

COMPARED = [case for case in CASES if case.cpu]

pytestmark = pytest.mark.container

Outputs = dict[str, np.ndarray]


def stage(folder: Path, script: str, cases: dict[str, dict[str, object]]) -> Path:
    """Lay out ``in/`` for one container that runs ``script`` on all ``cases``."""
    stage_scripts(folder / "step", script, "tests/support/batch.py")
    for case in CASES:
        place = folder / "cases" / case.id
        place.mkdir(parents=True, exist_ok=True)
        (place / "params.json").write_text(json.dumps(cases[case.id]))
        np.savez(place / "inputs.npz", **{f"case/{name}": array for name, array in case.inputs.items()})
    return folder


def results(folder: Path, step: str) -> dict[str, Outputs | str]:
    """Outputs by case; where the case failed, what it said."""
    found: dict[str, Outputs | str] = {}
    for case in CASES:
        place = folder / "cases" / case.id
        if (place / "error.txt").exists():
            found[case.id] = (place / "error.txt").read_text() + (place / "log.txt").read_text()
            continue
        with np.load(place / step / "outputs.npz", allow_pickle=False) as arrays:
            found[case.id] = {name.removeprefix("case/"): arrays[name] for name in arrays.files}
    return found


def run_all(toolchain: str, step: str, folder: Path, outputs: Path) -> dict[str, Outputs | str]:
    """One container, all cases."""
    (outputs / "cases").mkdir(parents=True)
    run_step(toolchain, ["python3", "in/step/batch.py", step], folder, outputs)
    return results(outputs, step)


@pytest.fixture(scope="module")
def mxnet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """What MXNet computes."""
    folder = tmp_path_factory.mktemp("mxnet")
    params: dict[str, dict[str, object]] = {}
    for case in CASES:
        source = folder / "in" / "cases" / case.id / "source"
        source.mkdir(parents=True)
        graph, weights = write(source, case.symbol, case.params, case.records)
        params[case.id] = {"graph": graph.name, "weights": weights.name, "trace": False}
    stage(folder / "in", "images/mxnet/reference.py", params)
    return run_all("mxnet", "reference", folder / "in", folder / "out")


@pytest.fixture(scope="module")
def onnxruntime(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """What the IR computes."""
    folder = tmp_path_factory.mktemp("onnx")
    stage(folder / "in", "images/onnx/run.py", {case.id: {"trace": False} for case in CASES})
    for case in CASES:
        graph, weights = write(folder, case.symbol, case.params, case.records)
        shapes = {
            name: value.shape if case.fixed else ("batch", *value.shape[1:]) for name, value in case.inputs.items()
        }
        model = converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes)
        converter.save(model, folder / "in" / "cases" / case.id / "ir")
    return run_all("onnx", "run", folder / "in", folder / "out")


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.id)
def test_the_ir_computes_what_mxnet_computes(
    case: Case, mxnet: dict[str, Outputs | str], onnxruntime: dict[str, Outputs | str]
) -> None:
    agree(case, mxnet[case.id], onnxruntime[case.id])


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.id)
def test_the_formulas_of_the_fast_tests_are_mxnet_s(case: Case, mxnet: dict[str, Outputs | str]) -> None:
    agree(case, mxnet[case.id], evaluate(case.symbol, case.params, case.inputs))


@pytest.mark.parametrize("case", [case for case in CASES if not case.cpu], ids=lambda case: case.id)
def test_what_mxnet_s_cpu_build_lacks_is_still_not_there(case: Case, mxnet: dict[str, Outputs | str]) -> None:
    assert "is not registered" in str(mxnet[case.id]), "it runs now: set cpu"


def agree(case: Case, reference: Outputs | str, found: Outputs | str) -> None:
    """Same names in the same order, same shapes, same numbers within the case's tolerance."""
    assert not isinstance(reference, str), reference
    assert not isinstance(found, str), found
    assert list(found) == list(reference)
    for name, wanted in reference.items():
        assert found[name].shape == wanted.shape
        assert np.abs(found[name] - wanted).max() <= case.tolerance * np.abs(wanted).max(), case.reason
