"""What users of TensorFlow do with the files: load them in each way, with any batch, and train on."""

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
    "images/tensorflow/checkpoint.py",
    "images/tensorflow/network.py",
    "tests/emitters/tensorflow_uses.py",
    "tests/support/batch.py",
)
CASES = {"one": representative, "two": representative, "learning": residual}
"""Two runs of the same, to see that they give the same bytes, and one without what TensorFlow has no gradients of."""
ROWS = {"alone": 1, "few": 2, "many": 5}
WAYS = ("code", "saved_model", "call", "tflite")

pytestmark = pytest.mark.container


def inputs(case: str, rows: int) -> Outputs:
    """That many photographs."""
    (data,) = CASES[case]().graph.inputs
    return {"data": noise("photograph", (rows, *dims(data)[1:]), 0.0) * np.float32(255)}


def plan(case: str) -> Mapping[str, Any]:
    """The plan beside the code."""
    found: Mapping[str, Any] = json.loads(converter.emit(CASES[case](), "tensorflow")["weights.plan.json"])
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps ran."""
    folder = tmp_path_factory.mktemp("tensorflow")
    stage_scripts(folder / "in" / "step", *STEPS)
    for case, build in CASES.items():
        place = folder / "in" / "cases" / case
        converter.save(build(), place / "ir")
        (place / "code").mkdir()
        for name, content in converter.emit(build(), "tensorflow").items():
            (place / "code" / name).write_bytes(content)
        (place / "params.json").write_text(json.dumps({"train": case == "learning"}))
        np.savez(place / "inputs.npz", **_given(case))
    (folder / "out" / "cases").mkdir(parents=True)
    command = ["python3", "in/step/batch.py", "checkpoint", "tensorflow_uses"]
    run_step("tensorflow", command, folder / "in", folder / "out")
    for case in CASES:
        place = folder / "out" / "cases" / case
        assert not (place / "error.txt").exists(), (place / "error.txt").read_text() + (place / "log.txt").read_text()
    return folder


@pytest.fixture(scope="module")
def facts(folder: Path) -> Mapping[str, dict[str, Any]]:
    """What was found out in the container, by case."""
    files = {case: folder / "out/cases" / case / "tensorflow_uses/facts.json" for case in CASES}
    return {case: json.loads(path.read_text()) for case, path in files.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", ROWS)
def test_each_file_holds_the_network_for_any_number_of_rows(folder: Path, way: str, rows: str) -> None:
    subject = Subject("representative", folder / "in/cases/one", inputs("one", ROWS[rows]), 0.0)
    with np.load(folder / "out/cases/one/tensorflow_uses/outputs.npz", allow_pickle=False) as arrays:
        for name, place in plan("one")["outputs"].items():
            np.testing.assert_allclose(
                arrays[f"{way}/{rows}/{place}"], subject.expected[name], rtol=1e-5, atol=1e-6, err_msg=name
            )


def test_the_same_model_gives_the_same_bytes(folder: Path) -> None:
    one, two = (_contents(folder / "out/cases" / case / "checkpoint") for case in ("one", "two"))
    assert one == two


def test_the_files_are_those_promised(folder: Path) -> None:
    assert {name.partition("/")[0] for name in _contents(folder / "out/cases/one/checkpoint")} == {
        "model.py",
        "model.tflite",
        "saved_model",
    }


def test_the_files_hold_no_paths(folder: Path) -> None:
    for name, content in _contents(folder / "out/cases/one/checkpoint").items():
        assert b"/in/" not in content, name
        assert b"/tmp/" not in content, name


def test_the_code_imports_tensorflow_alone(facts: Mapping[str, dict[str, Any]]) -> None:
    assert set(facts["one"]["imports"]) - {"math"} == {"tensorflow"}


def test_the_signature_has_the_names_of_the_model(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["inputs"] == {"data": ["float32", [None, 18, 24, 3]]}
    outputs = sorted(str(value.name) for value in representative().graph.outputs)
    assert facts["one"]["outputs"] == outputs
    assert facts["one"]["lite"] == {"inputs": ["data"], "outputs": outputs}


def test_what_the_source_learns_is_trainable(facts: Mapping[str, dict[str, Any]]) -> None:
    names = {name.partition(":")[0] for name in facts["one"]["trainable"]}
    assert {"conv1_weight", "bn1_gamma", "prelu1_gamma", "fc1_weight", "fc1_bias"} <= names
    assert not any("mean" in name or "var" in name for name in names)


def test_gradients_reach_every_parameter(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["learning"]["without gradient"] == []
    assert len(facts["learning"]["trainable"]) == 6


def test_the_statistics_are_not_trained(facts: Mapping[str, dict[str, Any]]) -> None:
    fixed = {name.partition(":")[0] for name in facts["learning"]["fixed"]}
    assert fixed == {"bn1_mean", "bn1_var", "bn2_mean", "bn2_var"}


def test_a_trained_network_is_saved_as_it_came(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["saved again"]
    assert facts["learning"]["saved again"]


def test_the_variables_of_another_network_are_refused(facts: Mapping[str, dict[str, Any]]) -> None:
    assert facts["one"]["other"] != "loaded"


def _given(case: str) -> Outputs:
    """The inputs by what the signature calls them, in the network's own layout."""
    known = plan(case)
    return {
        f"{title}/{known['inputs'][name]}": np.ascontiguousarray(array.transpose(known["perms"][name]))
        for title, rows in ROWS.items()
        for name, array in inputs(case, rows).items()
    }


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
