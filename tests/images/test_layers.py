"""The trace that is compared where it is made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.compare import compare

SCRIPT = Path(__file__).parents[2] / "images/base/layers.py"
CASES = SCRIPT.with_name("cases.py")
RUN = """
import cases
import numpy

def main():
    numpy.savez("out/another.npz", a=numpy.zeros(1))
    with numpy.load("in/candidate.npz") as stored:
        cases.write(dict(stored), "a framework", a="1.0")
"""
A = np.array([[1.0, -4.0, 2.0]], np.float32)
INFINITE = np.array([[1.0, np.inf, 2.0]], np.float32)


def layers(folder: Path, reference: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    """What the step writes for values of both sides by name."""
    (folder / "in/step").mkdir(parents=True)
    (folder / "in/reference").mkdir()
    (folder / "out").mkdir()
    shutil.copy(SCRIPT, folder / "in/step")
    shutil.copy(CASES, folder / "in/step")
    (folder / "in/step/run.py").write_text(RUN)
    order = [{"value": name, "node": f"node of {name}", "operator": "Conv"} for name in ("first", "second", "third")]
    (folder / "in/params.json").write_text(json.dumps({"step": "run", "case": "cat", "order": order}))
    for path, values in (("in/reference/trace.npz", reference), ("in/candidate.npz", candidate)):
        np.savez(folder / path, allow_pickle=False, **{f"cat/{name}": value for name, value in values.items()})
    subprocess.run([sys.executable, "in/step/layers.py"], cwd=folder, check=True)
    assert [path.name for path in (folder / "out").iterdir()] == ["layers.json"]
    found: dict[str, Any] = json.loads((folder / "out/layers.json").read_text())
    return found


def test_values_of_both_sides_come_in_order_with_node_and_operator(tmp_path: Path) -> None:
    found = layers(tmp_path, {"third": A, "first": A, "other": A}, {"first": A, "second": A, "third": A * 1.5})
    assert found == {
        "case": "cat",
        "values": [
            {"value": "first", "node": "node of first", "operator": "Conv", "max_rel": 0.0},
            {"value": "third", "node": "node of third", "operator": "Conv", "max_rel": 0.5},
        ],
    }


@pytest.mark.parametrize(
    ("reference", "candidate", "error"),
    [
        (A, A + np.float32(0.001), 0.00025),
        (A * 0, A * 0, 0.0),
        (A * 0, A, "Infinity"),
        (A, A[0], None),
        (A[:, :0], A[:, :0], None),
        (A, INFINITE, None),
        (INFINITE, A, None),
        (A, A.astype(np.int64), None),
        (A, A.astype(np.float64), 0.0),
        (np.array([True, False]), np.array([True, True]), 1.0),
    ],
    ids=["near", "zeros", "of-zeros", "shape", "empty", "infinite", "infinite-a", "integers", "width", "booleans"],
)
def test_the_error_is_relative_to_the_largest_value(
    tmp_path: Path, reference: Any, candidate: Any, error: Any
) -> None:
    (value,) = layers(tmp_path, {"first": reference}, {"first": candidate})["values"]
    assert value["max_rel"] == (pytest.approx(error, rel=1e-2) if isinstance(error, float) else error)


def test_the_gate_measures_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=(1, 4, 5)).astype(np.float32)
    b = a + random.normal(scale=1e-3, size=a.shape).astype(np.float32)
    (value,) = layers(tmp_path, {"first": a}, {"first": b})["values"]
    judged = compare([{"first": a}, {"first": a * 7}], [{"first": b}, {"first": a * 7}])
    assert value["max_rel"] == pytest.approx(judged.outputs[0].max_rel, rel=1e-2)
