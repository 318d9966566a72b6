"""``verify.json``: what it says, that it is strict JSON, and that a verdict is never altered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.cases import open_cases
from converter.compare import Verdict, compare
from converter.errors import BadInput
from converter.verdict import check_expected, verify_json
from tests.gate import networks
from tests.gate.networks import ORDER, Cases

ROOT = Path(__file__).parents[2]
KEYS = [
    "model",
    "target",
    "verdict",
    "reasons",
    "expected",
    "runtime",
    "reference",
    "tolerance",
    "outputs",
    "first_bad",
    "forms",
]
NUMBERS = ["name", "shape", "verdict", "max_abs", "max_rel", "sensitivity", "snr_db", "cosine", "top1", "top5"]


def refuse_constant(name: str) -> None:
    """What json calls for NaN and Infinity, which are no JSON."""
    raise AssertionError(name)


def strict(content: bytes) -> dict[str, Any]:
    """Read strict JSON."""
    document: dict[str, Any] = json.loads(content, parse_constant=refuse_constant)
    return document


def document(verdict: Verdict, expected: dict[str, Any] | None = None) -> dict[str, Any]:
    """The document of a verdict."""
    side = {"framework": "caffe", "versions": {"caffe": "1.0.0"}, "image": "sha256:0"}
    return strict(verify_json(verdict, model="m", target="t", runtime=side, reference=side, expected=expected))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The four cases."""
    return networks.cases(tmp_path_factory.mktemp("photographs"))


def write_arrays(path: Path, cases: Cases) -> None:
    """Write arrays as a run leaves them."""
    np.savez(path, **{f"{case}/{key}": array for case, out in cases.items() for key, array in out.items()})


def write_side(folder: Path, cases: Cases, trace: Cases | None = None) -> None:
    """Write what a run leaves behind."""
    folder.mkdir(parents=True)
    for name, arrays in (("outputs", cases), ("trace", trace)):
        if arrays is not None:
            write_arrays(folder / f"{name}.npz", arrays)
    (folder / "runtime.json").write_text(json.dumps({"framework": folder.name, "versions": {folder.name: "1"}}))


def run_step(
    folder: Path,
    reference: tuple[Cases, Cases | None],
    candidate: tuple[Cases, Cases | None],
    expect: dict[str, str] | None = None,
    forms: Mapping[str, Cases] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the step as the build does."""
    write_side(folder / "in" / "reference", *reference)
    write_side(folder / "in" / "candidate", *candidate)
    for form, cases in (forms or {}).items():
        write_arrays(folder / "in" / "candidate" / f"{form}.npz", cases)
    (folder / "out").mkdir()
    params = {"model": "net", "target": "caffe", "options": {}, "order": ORDER, "expect": expect}
    params["forms"] = list(forms or {})
    images = {"runtime_image": "a", "reference_image": "b"}
    (folder / "in" / "params.json").write_text(json.dumps(params | images))
    return subprocess.run(
        [sys.executable, "-m", "converter.steps.compare"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_keys_and_their_order(inputs: Cases) -> None:
    out = networks.run(networks.random_weights(), inputs, ("prob", "score"))
    written = document(compare(out, out))
    assert list(written) == KEYS
    assert [list(output) for output in written["outputs"]] == [NUMBERS, NUMBERS]
    assert written["runtime"] == {"framework": "caffe", "versions": {"caffe": "1.0.0"}, "image": "sha256:0"}
    assert written["outputs"][0]["shape"] == [1, 10]
    assert written["tolerance"]["exact"] == {"max_rel": 1e-4, "sensitivity": 1e-3, "constant": 1e-6}


def test_numbers_that_json_does_not_have() -> None:
    moving = [{"moves": np.array([[1.0, place]]), "zero": np.zeros((1, 2))} for place in range(4)]
    wrong = [{**case, "zero": np.ones((1, 2))} for case in moving]
    equal, unequal = document(compare(moving, moving)), document(compare(moving, wrong))
    assert equal["outputs"][0]["snr_db"] == "Infinity"
    assert (unequal["outputs"][1]["max_rel"], unequal["outputs"][1]["snr_db"]) == ("Infinity", "-Infinity")
    assert unequal["outputs"][1]["sensitivity"] is None
    missing = document(compare(moving, [{"moves": case["moves"]} for case in moving]))
    assert [output["max_abs"] for output in missing["outputs"]] == [None, None]


def test_the_same_verdict_gives_the_same_bytes(inputs: Cases) -> None:
    out = networks.run(networks.random_weights(), inputs)
    wrong = networks.run(networks.random_weights(), inputs, epsilon=1e-2)
    first, second = (
        verify_json(compare(out, wrong), model="m", target="t", runtime={}, reference={}) for _ in range(2)
    )
    assert first == second
    assert first.endswith(b"}\n")


@pytest.mark.parametrize("verdict", ["close", "differs"])
def test_an_expectation_is_recorded_and_changes_nothing(verdict: str) -> None:
    moving = [{"out": np.array([[1.0, place]])} for place in range(4)]
    wrong = [{"out": case["out"][:, ::-1]} for case in moving]
    expected = {"verdict": verdict, "reason": "the runtime rounds differently"}
    assert document(compare(moving, wrong), expected)["expected"] == expected
    assert document(compare(moving, wrong), expected)["verdict"] == "differs"
    assert document(compare(moving, moving), expected)["verdict"] == "exact"


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"verdict": "close"},
        {"verdict": "close", "reason": " "},
        {"verdict": "close", "reason": 1},
        {"verdict": "exact", "reason": "it is"},
        {"verdict": "almost", "reason": "it is"},
        {"verdict": "close", "reason": "it is", "until": "2030"},
    ],
)
def test_an_expectation_without_a_reason_is_refused(expected: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="expectation"):
        check_expected(expected)


def test_the_step_writes_exact(tmp_path: Path, inputs: Cases) -> None:
    out = networks.run(networks.trained_weights(), inputs)
    done = run_step(tmp_path, (out, None), (out, None))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    written = strict((tmp_path / "out" / "verify.json").read_bytes())
    assert (written["model"], written["target"], written["verdict"]) == ("net", "caffe", "exact")
    assert written["runtime"] == {"framework": "candidate", "versions": {"candidate": "1"}, "image": "a"}
    assert written["reference"] == {"framework": "reference", "versions": {"reference": "1"}, "image": "b"}
    assert (written["first_bad"], written["reasons"], written["expected"]) == (None, [], None)


def test_another_form_of_the_checkpoint_is_judged_too_and_the_worst_counts(tmp_path: Path, inputs: Cases) -> None:
    weights = networks.trained_weights()
    right = networks.run(weights, inputs)
    wrong = networks.run({**weights, "conv2_weight": weights["conv2_weight"][:, :, ::-1]}, inputs)
    for name, form, verdict in (("good", right, "exact"), ("bad", wrong, "differs")):
        done = run_step(tmp_path / name, (right, None), (right, None), forms={"small": form})
        assert (done.returncode, done.stderr) == (0, "")
        written = strict((tmp_path / name / "out" / "verify.json").read_bytes())
        assert (written["verdict"], written["forms"]["small"]["verdict"]) == (verdict, verdict)
        assert {output["verdict"] for output in written["outputs"]} == {"exact"}
        assert [output["name"] for output in written["forms"]["small"]["outputs"]] == list(next(iter(right.values())))
        assert all(reason.startswith("small: ") for reason in written["reasons"])
        assert bool(written["reasons"]) == (verdict == "differs")


def test_the_step_writes_differs_and_where_and_does_not_fail(tmp_path: Path, inputs: Cases) -> None:
    weights = networks.trained_weights()
    wrong = {**weights, "conv2_weight": weights["conv2_weight"][:, :, ::-1]}
    sides = [(networks.run(each, inputs), networks.run(each, inputs, ORDER)) for each in (weights, wrong)]
    expect = {"verdict": "differs", "reason": "a test"}
    done = run_step(tmp_path, sides[0], sides[1], expect)
    assert (done.returncode, done.stderr) == (0, "")
    written = strict((tmp_path / "out" / "verify.json").read_bytes())
    assert (written["verdict"], written["expected"]) == ("differs", expect)
    bad = written["first_bad"]
    assert list(bad) == [
        "node", "value", "max_abs", "max_rel", "sensitivity", "last_good", "skipped", "reason",
    ]  # fmt: skip
    assert (bad["node"], bad["last_good"]) == ("conv2", "pool1")
    assert written["reasons"][0].startswith("prob: max_rel")


def test_the_step_refuses_a_verdict_on_too_few_inputs(tmp_path: Path, inputs: Cases) -> None:
    out = networks.run(networks.random_weights(), dict(list(inputs.items())[:3]))
    done = run_step(tmp_path, (out, None), (out, None))
    assert (done.returncode, done.stderr) == (65, "A verdict stands on at least 4 inputs, there are 3\n")


class TestOpenCases:
    """Arrays are read as they are asked for, and only arrays."""

    def test_cases_and_names(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **{"one/x": np.ones(2), "one/y/z": np.zeros(3), "two/x": np.ones(4)})
        cases = open_cases(tmp_path / "a.npz")
        assert {case: list(arrays) for case, arrays in cases.items()} == {"one": ["x", "y/z"], "two": ["x"]}
        assert len(cases["one"]) == 2
        np.testing.assert_array_equal(cases["one"]["y/z"], np.zeros(3))
        with pytest.raises(KeyError):
            cases["two"]["y/z"]

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not an archive"])
    def test_what_is_no_npz_is_refused(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(BadInput, match="cannot be read"):
            open_cases(tmp_path / "a.npz")

    def test_a_single_array_is_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.ones(2))
        with pytest.raises(BadInput, match="single array"):
            open_cases(tmp_path / "a.npy")

    def test_a_key_without_a_case_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=np.ones(2))
        with pytest.raises(BadInput, match='"x" is not'):
            open_cases(tmp_path / "a.npz")

    def test_pickles_are_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **{"case/x": np.array([{}], object)})
        with pytest.raises(BadInput, match="case/x cannot be read"):
            open_cases(tmp_path / "a.npz")["case"]["x"]

    def test_a_truncated_archive_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **{"case/x": np.ones(1000)})
        (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:4000])
        with pytest.raises(BadInput, match="cannot be read"):
            open_cases(tmp_path / "a.npz")
