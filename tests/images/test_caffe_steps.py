"""Caffe's two steps, in Caffe's container: what they refuse, and that they repeat themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import converter
from tests.emitters.cases import common as cases
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/caffe-ssd/checkpoint.py",
    "images/caffe-ssd/run.py",
    "tests/support/batch.py",
)
INPUTS = cases.CASES[0].inputs()

Plan = dict[str, Any]

pytestmark = pytest.mark.container


def keep(_: Plan) -> None:
    """Change nothing."""


def forget(plan: Plan) -> None:
    """Leave a parameter of the network out."""
    del plan["parameters"][1]


def invent(plan: Plan) -> None:
    """Set a parameter that the network does not have."""
    plan["parameters"].append({**plan["parameters"][0], "name": ["other", 0]})


def misshape(plan: Plan) -> None:
    """Give a parameter as many numbers in another shape."""
    plan["parameters"][0]["value"] = {"reshape": plan["parameters"][0]["value"], "shape": [4, 27]}


def deform(plan: Plan) -> None:
    """State another shape than the network's, though the value has that shape too."""
    misshape(plan)
    plan["parameters"][0]["shape"] = [4, 27]


def poison(plan: Plan) -> None:
    """Set a parameter to what is not a number."""
    plan["parameters"][1]["value"] = {"rsqrt": {"full": -1.0, "shape": [4]}, "eps": 0.0}


def break_input(plan: Plan) -> None:
    """Name an input that the network does not have."""
    plan["inputs"] = {"data": "image"}


REFUSED: dict[str, tuple[Callable[[Plan], None], str]] = {
    "forget": (forget, "parameters of the network that the plan does not set: conv[1]"),
    "invent": (invent, "parameters of the plan that the network does not have: other[0]"),
    "misshape": (
        misshape,
        "conv[0] has the shape [4, 3, 3, 3] in the network, [4, 3, 3, 3] in the plan, and its value has [4, 27]",
    ),
    "deform": (
        deform,
        "conv[0] has the shape [4, 3, 3, 3] in the network, [4, 27] in the plan, and its value has [4, 27]",
    ),
    "break-input": (break_input, "inputs are given for ['image'], the network has ['data']"),
}
TRACED = {"first": False, "second": False, "traced": True}
"""The runs that have nothing wrong with them."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the outputs of all runs are."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", *STEPS)
    for name, (change, _) in REFUSED.items():
        stage(inputs / "cases" / name, change)
    stage(inputs / "cases" / "poison", poison)
    for name, trace in TRACED.items():
        stage(inputs / "cases" / name, keep, trace=trace)
    (outputs / "cases").mkdir()
    run_step("caffe-ssd", ["python3", "in/step/batch.py", "checkpoint", "run"], inputs, outputs)
    return outputs / "cases"


def stage(folder: Path, change: Callable[[Plan], None], *, trace: bool = False) -> None:
    """Write what the steps find below ``in/``, with the plan changed."""
    model = cases.conv()
    converter.save(model, folder / "ir")
    (folder / "code").mkdir()
    for name, content in converter.emit(model, "caffe").items():
        (folder / "code" / name).write_bytes(content)
    plan = json.loads((folder / "code" / "weights.plan.json").read_text())
    change(plan)
    (folder / "code" / "weights.plan.json").write_text(json.dumps(plan))
    (folder / "params.json").write_text(json.dumps({"trace": trace}))
    np.savez(folder / "inputs.npz", **{f"case/{name}": array for name, array in INPUTS.items()})


def test_a_number_that_is_not_finite_is_refused(results: Path) -> None:
    said = (results / "poison" / "log.txt").read_text()
    assert said.startswith("conv[1] would hold a number that is not finite\n  where: it is made of ")
    assert "\n  to do: " in said
    assert "SystemExit: 65" in (results / "poison" / "error.txt").read_text()


@pytest.mark.parametrize("name", REFUSED)
def test_a_plan_that_does_not_fit_fails(name: str, results: Path) -> None:
    assert f"ValueError: {REFUSED[name][1]}\n" in (results / name / "error.txt").read_text()
    assert not (results / name / "run" / "outputs.npz").exists()


def test_the_checkpoint_is_the_same_every_time(results: Path) -> None:
    first, second = (results / name / "checkpoint" for name in ("first", "second"))
    for name in ("deploy.prototxt", "weights.caffemodel"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert (results / "first/run/outputs.npz").read_bytes() == (results / "second/run/outputs.npz").read_bytes()


def test_a_trace_adds_to_the_outputs_and_changes_none(results: Path) -> None:
    plain, traced = (np.load(results / name / "run" / "outputs.npz") for name in ("first", "traced"))
    assert set(plain.files) == {"case/conv_output"} <= set(traced.files)
    np.testing.assert_array_equal(plain["case/conv_output"], traced["case/conv_output"])


def test_the_runtime_is_named(results: Path) -> None:
    runtime = json.loads((results / "first" / "run" / "runtime.json").read_text())
    assert runtime["framework"] == "caffe"
    assert runtime["versions"]["caffe"] == "1.0.0"
    assert set(runtime["versions"]) == {"caffe", "numpy", "python"}


def test_caffe_says_nothing(results: Path) -> None:
    assert (results / "first" / "log.txt").read_text() == ""
