"""What users of Core ML do with the package: describe it, show it photographs, ask it for a class, make it small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

import converter
from converter.ir import LABELS
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.golden import representative
from tests.emitters.models import noise
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/coreml/checkpoint.py",
    "images/coreml/run.py",
    "tests/emitters/coreml_uses.py",
    "tests/support/batch.py",
)
VARIANTS: dict[str, dict[str, Any]] = {
    "image": {},
    "again": {},
    "tensors": {"image_input": False, "max_batch": 8},
    "half": {"image_input": False, "precision": "float16"},
}
"""Options by case; ``again`` shows that the same gives the same bytes."""
ROWS = {"image": (1,), "again": (1,), "tensors": (1, 5), "half": (1, 5)}
CLASSES = ["a face", "späß"]
FILES = ["Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin", "Manifest.json"]

pytestmark = pytest.mark.container


def model() -> ir.Model:
    """The representative net, with classes."""
    net = representative()
    net.metadata_props[LABELS] = json.dumps({"prob1_output": CLASSES})
    return net


def inputs(rows: int) -> Outputs:
    """That many prepared photographs."""
    return {"data": noise("photograph", (rows, 3, 18, 24))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps ran, on the representative net."""
    folder = tmp_path_factory.mktemp("coreml")
    stage_scripts(folder / "in" / "step", *STEPS)
    for case, options in VARIANTS.items():
        place = folder / "in" / "cases" / case
        converter.save(model(), place / "ir")
        (place / "code").mkdir()
        for name, content in converter.emit(model(), "coreml", **options).items():
            (place / "code" / name).write_bytes(content)
        (place / "params.json").write_text(json.dumps({"trace": True}))
        arrays = {f"{rows}/{name}": array for rows in ROWS[case] for name, array in inputs(rows).items()}
        np.savez(place / "inputs.npz", **arrays)
    (folder / "out" / "cases").mkdir(parents=True)
    command = ["python3", "in/step/batch.py", "checkpoint", "run", "coreml_uses"]
    run_step("coreml", command, folder / "in", folder / "out")
    for case in VARIANTS:
        place = folder / "out" / "cases" / case
        assert not (place / "error.txt").exists(), (place / "error.txt").read_text() + (place / "log.txt").read_text()
    return folder


def facts(folder: Path, case: str) -> dict[str, Any]:
    """What was found in a case's package."""
    found: dict[str, Any] = json.loads((folder / "out/cases" / case / "coreml_uses/facts.json").read_text())
    return found


@pytest.mark.parametrize("case", VARIANTS)
def test_the_package_computes_the_network(folder: Path, case: str) -> None:
    tolerance = 2e-3 if case == "half" else 2e-6
    with np.load(folder / "out/cases" / case / "run/outputs.npz", allow_pickle=False) as found:
        for rows in ROWS[case]:
            subject = Subject("representative", folder / "in/cases" / case, inputs(rows), 0.0)
            for value in representative().graph.outputs:
                wanted = subject.expected[str(value.name)]
                error = np.abs(found[f"{rows}/{value.name}"] - wanted).max()
                assert error <= tolerance * np.abs(wanted).max()


def test_it_says_that_nothing_of_apple_ran(folder: Path) -> None:
    assert json.loads((folder / "out/cases/image/run/runtime.json").read_text())["runtime"] == "read-back"


@pytest.mark.parametrize("file", FILES)
def test_the_same_model_gives_the_same_bytes(folder: Path, file: str) -> None:
    one, two = (
        (folder / "out/cases" / case / "checkpoint/model.mlpackage" / file).read_bytes()
        for case in ("image", "again")
    )
    assert one == two


def test_the_files_are_those_promised(folder: Path) -> None:
    assert {path.name for path in (folder / "out/cases/image/checkpoint").iterdir()} == {
        "model.mlpackage",
        "model.py",
    }
    assert facts(folder, "image")["files"] == FILES
    assert facts(folder, "image")["leaks"] == []


def test_a_photograph_is_an_image(folder: Path) -> None:
    data = facts(folder, "image")["inputs"]["data"]
    assert (data["kind"], data["size"], data["colours"]) == ("imageType", [18, 24], "BGR")


def test_inputs_outputs_and_the_network_are_described(folder: Path) -> None:
    found = facts(folder, "image")
    assert "ExampleNet" in found["summary"]
    assert all(port["says"] for port in found["inputs"].values())


def test_a_class_is_what_it_says(folder: Path) -> None:
    found = facts(folder, "image")
    assert found["labels"] == CLASSES
    assert found["predicted"] in found["outputs"]
    assert {port["kind"] for port in found["outputs"].values()} >= {"stringType", "dictionaryType"}


def test_tensors_have_a_flexible_batch(folder: Path) -> None:
    found = facts(folder, "tensors")
    data = found["inputs"]["data"]
    assert (data["kind"], data["dtype"], data["shape"]) == ("multiArrayType", "FLOAT32", [1, 3, 18, 24])
    assert data["ranges"] == [[1, 8], [3, 3], [18, 18], [24, 24]]
    assert found["predicted"] == ""


def test_half_as_large_with_16_bits(folder: Path) -> None:
    found, wide = facts(folder, "half"), facts(folder, "tensors")
    assert found["sizes"]["weight.bin"] < 0.6 * wide["sizes"]["weight.bin"]
    assert found["inputs"]["data"]["dtype"] == "FLOAT32"
    assert {port["dtype"] for port in found["outputs"].values()} == {"FLOAT32"}


def test_layers_keep_their_names(folder: Path) -> None:
    assert {"conv1", "prelu1", "pool1", "concat1", "plus1", "fc1", "fc3"} <= set(
        facts(folder, "tensors")["operations"]
    )


def test_the_code_imports_coremltools_alone(folder: Path) -> None:
    assert {name.partition(".")[0] for name in facts(folder, "image")["imports"]} <= {"coremltools", "numpy"}
