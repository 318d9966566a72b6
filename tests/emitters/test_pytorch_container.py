"""What users of PyTorch do with the files: load them in each way, with any batch, and train on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import converter
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.golden import representative
from tests.emitters.models import noise
from tests.emitters.refusals import emit
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/pytorch/checkpoint.py",
    "images/pytorch/run.py",
    "tests/emitters/pytorch_uses.py",
    "tests/support/batch.py",
)
FILES = ("model.py", "model.safetensors", "model.pt", "model.pt2")
CASES = ("one", "two")
"""Two runs of the same, to see that they give the same bytes."""
ROWS = {"alone": 1, "few": 2, "many": 5}
WAYS = ("safetensors", "pt", "pt2")

pytestmark = pytest.mark.container


def inputs(rows: int) -> Outputs:
    """That many photographs."""
    return {"data": noise("photograph", (rows, 3, 18, 24), 0.0) * np.float32(255)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps ran, on the representative net."""
    folder = tmp_path_factory.mktemp("pytorch")
    stage_scripts(folder / "in" / "step", *STEPS)
    for case in CASES:
        place = folder / "in" / "cases" / case
        converter.save(representative(), place / "ir")
        (place / "code").mkdir()
        for name, content in converter.emit(representative(), "pytorch").items():
            (place / "code" / name).write_bytes(content)
        (place / "params.json").write_text(json.dumps({"trace": True}))
        arrays = {f"{title}/{name}": array for title, rows in ROWS.items() for name, array in inputs(rows).items()}
        np.savez(place / "inputs.npz", **arrays)
    (folder / "out" / "cases").mkdir(parents=True)
    run_step(
        "pytorch", ["python3", "in/step/batch.py", "checkpoint", "run", "pytorch_uses"], folder / "in", folder / "out"
    )
    for case in CASES:
        place = folder / "out" / "cases" / case
        assert not (place / "error.txt").exists(), (place / "error.txt").read_text() + (place / "log.txt").read_text()
    return folder


@pytest.fixture(scope="module")
def facts(folder: Path) -> dict[str, Any]:
    """What was found out in the container."""
    found: dict[str, Any] = json.loads((folder / "out/cases/one/pytorch_uses/facts.json").read_text())
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", ROWS)
def test_each_file_holds_the_network_for_any_number_of_rows(folder: Path, way: str, rows: str) -> None:
    place = folder / "in" / "cases" / "one"
    subject = Subject("representative", place, inputs(ROWS[rows]), 0.0)
    wanted = [subject.expected[str(value.name)] for value in representative().graph.outputs]
    with np.load(folder / "out/cases/one/pytorch_uses/outputs.npz", allow_pickle=False) as arrays:
        for number, array in enumerate(wanted):
            np.testing.assert_allclose(arrays[f"{way}/{rows}/{number}"], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_the_same_model_gives_the_same_bytes(folder: Path, name: str) -> None:
    one, two = ((folder / "out/cases" / case / "checkpoint" / name).read_bytes() for case in CASES)
    assert one == two


def test_the_files_are_those_promised(folder: Path) -> None:
    assert {path.name for path in (folder / "out/cases/one/checkpoint").iterdir()} == set(FILES)


def test_the_program_holds_no_paths(folder: Path) -> None:
    assert b"/in/code" not in (folder / "out/cases/one/checkpoint/model.pt2").read_bytes()


def test_the_code_imports_torch_alone(facts: dict[str, Any]) -> None:
    standard = {"__future__", "collections.abc", "json", "math", "pathlib", "typing"}
    assert {name.partition(".")[0] for name in set(facts["imports"]) - standard} == {"torch"}


def test_the_code_reads_what_safetensors_reads(facts: dict[str, Any]) -> None:
    assert facts["reader"]


def test_malformed_weights_are_refused(facts: dict[str, Any]) -> None:
    assert "loaded" not in facts["malformed"].values(), facts["malformed"]


def test_training_updates_the_statistics_and_drops(facts: dict[str, Any]) -> None:
    assert facts["dropped"]
    assert facts["unchanged"] == []
    assert {"bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"} <= set(facts["buffers"])


def test_gradients_reach_every_parameter(facts: dict[str, Any]) -> None:
    assert facts["without gradient"] == []
    assert {"conv1.weight", "bn1.weight", "prelu1.weight", "fc1.bias"} <= set(facts["parameters"])


def test_a_network_computes_on_the_device_of_its_inputs(subjects: Mapping[str, Subject], tmp_path: Path) -> None:
    for subject in subjects.values():
        if not isinstance(files := emit(subject, "pytorch"), str):
            place = tmp_path / "in" / "cases" / subject.id
            place.mkdir(parents=True)
            for name, content in files.items():
                (place / name).write_bytes(content)
    (tmp_path / "out").mkdir()
    stage_scripts(tmp_path / "in" / "step", "tests/emitters/pytorch_devices.py")
    run_step("pytorch", ["python3", "in/step/pytorch_devices.py"], tmp_path / "in", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "found.json").read_text())
    assert len(found) > 0.9 * len(subjects)
    assert {name: where for name, where in found.items() if where != ["meta"]} == {}
