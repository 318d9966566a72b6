"""What users of CNTK do with the files: load them with the code and without, with any batch, and train on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import converter
from converter.ir import dims
from tests.emitters.cases.common import residual
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.golden import representative
from tests.emitters.models import noise
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/cntk/checkpoint.py",
    "images/cntk/network.py",
    "tests/emitters/cntk_uses.py",
    "tests/support/batch.py",
)
CASES = {"one": representative, "learning": residual}
ROWS = {"alone": 1, "few": 2, "many": 5}
WAYS = ("code", "file")

pytestmark = pytest.mark.container


def inputs(case: str, rows: int) -> Outputs:
    """That many photographs."""
    (data,) = CASES[case]().graph.inputs
    return {"data": noise("photograph", (rows, *dims(data)[1:]), 0.0) * np.float32(255 if case == "one" else 1)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps ran."""
    folder = tmp_path_factory.mktemp("cntk")
    stage_scripts(folder / "in" / "step", *STEPS)
    for case, build in CASES.items():
        place = folder / "in" / "cases" / case
        converter.save(build(), place / "ir")
        (place / "code").mkdir()
        for name, content in converter.emit(build(), "cntk").items():
            (place / "code" / name).write_bytes(content)
        given = {name: inputs(case, rows) for name, rows in ROWS.items()}
        arrays = {f"{name}/{key}": array for name, found in given.items() for key, array in found.items()}
        np.savez(place / "inputs.npz", **arrays)
    (folder / "out" / "cases").mkdir(parents=True)
    run_step("cntk", ["python2.7", "in/step/batch.py", "checkpoint", "cntk_uses"], folder / "in", folder / "out")
    for case in CASES:
        place = folder / "out" / "cases" / case
        assert not (place / "error.txt").exists(), (place / "error.txt").read_text() + (place / "log.txt").read_text()
    return folder


@pytest.fixture(scope="module")
def facts(folder: Path) -> Mapping[str, dict[str, Any]]:
    """What was found out in the container, by case."""
    files = {case: folder / "out/cases" / case / "cntk_uses/facts.json" for case in CASES}
    return {case: json.loads(path.read_text()) for case, path in files.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("case", CASES)
def test_each_file_holds_the_network_for_any_number_of_rows(folder: Path, case: str, way: str, rows: str) -> None:
    subject = Subject(case, folder / "in/cases" / case, inputs(case, ROWS[rows]), 0.0)
    with np.load(folder / "out/cases" / case / "cntk_uses/outputs.npz", allow_pickle=False) as arrays:
        for value in CASES[case]().graph.outputs:
            name = str(value.name)
            found = arrays[f"{way}/{rows}/{name}"]
            wanted = subject.expected[name]
            np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max(), err_msg=name)


def test_the_files_are_those_promised(folder: Path) -> None:
    assert {path.name for path in (folder / "out/cases/one/checkpoint").iterdir()} == {"model.dnn", "model.py"}


def test_the_code_imports_cntk_alone(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["imports"] == ["__future__", "cntk"]


def test_the_code_is_of_both_pythons(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["compiles"]  # by Python 3; the steps run it with 2.7


def test_the_file_has_the_names_of_the_model(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["inputs"] == {"data": [3, 18, 24]}
    assert facts["one"]["outputs"] == sorted(str(value.name) for value in representative().graph.outputs)


def test_layers_are_those_of_the_model(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["parameters"]["conv1_weight"] == [8, 3, 3, 5]
    assert facts["learning"]["parameters"]["conv1.W"] == [4, 4, 3, 3]


@pytest.mark.parametrize("case", CASES)
def test_a_step_of_a_learner_changes_every_parameter(facts: Mapping[str, dict[str, Any]], case: str) -> None:
    assert facts[case]["learnt"]
    assert set(facts[case]["learnt"]) <= set(facts[case]["changed"])


def test_statistics_are_not_learnt(facts: Mapping[str, dict[str, Any]]) -> None:
    learnt = {"conv1.W", "conv2.W", "bn1.scale", "bn1.bias", "bn2.scale", "bn2.bias"}
    assert set(facts["learning"]["learnt"]) == learnt


def test_a_trained_network_is_saved_as_it_came(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["saved again"]
    assert facts["learning"]["saved again"]
