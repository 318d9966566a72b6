"""The independent reader of Core ML's packages, in its image: operations one by one, and packages, also broken ones.

What an operation has to compute is said by ``coreml_operations``, in numpy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.emitters.coreml_operations import CASES, Case
from tests.emitters.coreml_packages import DATA, WEIGHT
from tests.support.containers import run_step, stage_scripts

pytestmark = pytest.mark.container

SCRIPTS = ("tests/emitters/coreml_operations.py", "tests/emitters/coreml_packages.py", "images/coreml/run.py")
TOLERANCE = 2e-6
"""Of the largest value: a sum in float32 has another order, and a function an error in its last place."""

LOOSE = {
    "gru": 1e-5,
    "lstm": 1e-5,
    "resample": 1e-5,
    "affine": 1e-5,
    "batch_norm": 1e-5,
    "tan": 1e-5,
    "reduce_prod": 1e-5,
    "half": 1e-3,
}
"""Chains of functions; coordinates in float32 between which there are pixels; float16, whose roundings show."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of both programs, run in one container."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", *SCRIPTS)
    command = "python3 in/step/coreml_operations.py & first=$!; python3 in/step/coreml_packages.py && wait $first"
    run_step("coreml", ["sh", "-c", command], inputs, outputs)
    return outputs


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_an_operation_computes_what_its_documentation_says(case: Case, done: Path) -> None:
    with np.load(done / "results.npz", allow_pickle=False) as archive:
        found = {key.split("/")[1]: archive[key] for key in archive.files if key.split("/")[0] == case.id}
    assert "error" not in found, found
    expected = case.expected(*case.inputs)
    arrays = [expected] if isinstance(expected, np.ndarray | np.generic) else list(expected)
    assert len(arrays) == len(found)
    tolerance = LOOSE.get(case.id.split("-")[0], TOLERANCE)
    for number, wanted in enumerate(arrays):
        array = found[str(number)]
        assert array.shape == np.shape(wanted)
        error = np.abs(array.astype(np.float64) - np.asarray(wanted, np.float64)).max()
        assert error <= tolerance * max(1, np.abs(wanted).max())


def said(done: Path, name: str) -> str:
    return (done / "packages" / name / "said.txt").read_text()


def outputs(done: Path, name: str) -> dict[str, np.ndarray]:
    assert said(done, name) == ""
    with np.load(done / "packages" / name / "outputs.npz", allow_pickle=False) as archive:
        return {key.removeprefix("case/"): archive[key] for key in archive.files}


def expected(data: np.ndarray) -> dict[str, np.ndarray]:
    windows = np.lib.stride_tricks.sliding_window_view(data, (3, 3), (2, 3))
    mean = np.einsum("nchwij,ocij->nohw", windows, WEIGHT).mean((2, 3))
    exponentials = np.exp(mean)
    return {"mid": mean, "out": exponentials / exponentials.sum(-1, keepdims=True)}


@pytest.mark.parametrize("name", ["plain", "classifier", "image"])
def test_a_package_gives_the_values_of_the_plan(name: str, done: Path) -> None:
    found = outputs(done, name)
    assert sorted(found) == ["mid", "out"]
    for value, wanted in expected(DATA).items():
        np.testing.assert_allclose(found[value], wanted, rtol=1e-5, atol=1e-6)


def test_channels_that_the_package_has_in_another_order_are_moved(done: Path) -> None:
    # What the IR calls red the package takes third; its bias stays with the place, so the program adds another one.
    bias = np.array([-1, -2, -3], np.float32).reshape(3, 1, 1)
    given = (DATA - bias)[:, ::-1] + bias
    np.testing.assert_allclose(outputs(done, "image-turned")["out"], expected(given)["out"], rtol=1e-5)


def test_values_of_float16_are_rounded_and_found_under_their_new_names(done: Path) -> None:
    found = outputs(done, "half")
    assert sorted(found) == ["mid", "out"]
    for value, wanted in expected(DATA).items():
        np.testing.assert_allclose(found[value], wanted, atol=5e-3)
        np.testing.assert_array_equal(found[value], found[value].astype(np.float16))


def test_the_runtime_says_that_it_is_none(done: Path) -> None:
    runtime = json.loads((done / "packages" / "plain" / "runtime.json").read_text())
    assert (runtime["framework"], runtime["runtime"]) == ("coreml", "read-back")
    assert runtime["versions"]["coremltools"]
    assert {"onnxruntime", "onnx", "numpy", "python"} <= set(runtime["versions"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not-an-image", "do not agree on whether 'data' is an image"),
        ("no-such-output", "does not return mean"),
        ("odd", "cannot be read back: random_normal (1)"),
        ("elsewhere", "refers to '@model_path/../../../../../../../../etc/passwd', which is not a file in it"),
        ("absolute", "'/etc/passwd' is not relative to the model"),
        ("beyond", "refers to offset 1152921504606846976 of a weights file"),
        ("overlong", "refers to bytes beyond its end"),
        ("larger", "is not fp32 of shape (4000, 3, 3, 3)"),
        ("linked", "refers to 'com.apple.CoreML/model.mlmodel', which is not a file in it"),
        ("garbled", "Manifest.json names no model: KeyError"),
        ("misshapen", "read back it is of shape (1, 2)"),
        ("unheard", "cannot be read back: new_conv (1), new_softmax (1)"),
    ],
)
def test_what_cannot_be_read_back_is_refused_in_one_sentence(name: str, words: str, done: Path) -> None:
    message = said(done, name)
    assert words in message
    assert message.endswith("exit 65")
    assert len(message.splitlines()) == 2
    assert not (done / "packages" / name / "outputs.npz").exists()
