"""The classes that both sides rank first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converter.top import has_classes, top

ROOT = Path(__file__).parents[2]
SCORES = np.array([[0.1, 0.3, 0.05, 0.25, 0.1, 0.2]], np.float32)


def test_both_sides_have_their_first_five_with_labels_and_scores() -> None:
    found = top(
        {"cat": {"prob": SCORES}, "noise": {"prob": SCORES}},
        {"cat": {"prob": SCORES[:, ::-1]}, "noise": {"prob": SCORES}},
        cases=["cat"],
        labels={"prob": ["a", "b"]},
    )
    assert list(found["prob"]) == ["cat"]
    sides = found["prob"]["cat"]
    assert [each["class"] for each in sides["reference"]] == [1, 3, 5, 0, 4]
    assert [each["class"] for each in sides["candidate"]] == [4, 2, 0, 1, 5]
    assert sides["reference"][0] == {"class": 1, "label": "b", "score": 0.3}
    assert sides["reference"][1] == {"class": 3, "label": None, "score": 0.25}


@pytest.mark.parametrize(
    ("shape", "classes"),
    [((1, 10), True), ((1, 10, 1, 1), True), ((10,), False), ((1, 1), False), ((2, 10), False), ((1, 10, 3), False)],
)
def test_classes_lie_along_the_second_axis_and_no_other_has_any_length(shape: tuple[int, ...], classes: bool) -> None:
    assert has_classes(np.zeros(shape)) is classes


def test_what_one_side_lacks_or_has_otherwise_is_left_out() -> None:
    assert top({"cat": {"a": SCORES}}, {"cat": {}}, cases=["cat", "dog"], labels={}) == {}
    assert top({"cat": {"a": SCORES}}, {"cat": {"a": SCORES[:, :2]}}, cases=["cat"], labels={}) == {}


def test_fewer_classes_than_five_and_scores_that_are_no_numbers() -> None:
    scores = np.array([[np.nan, 2.0]], np.float32)
    found = top({"cat": {"a": scores}}, {"cat": {"a": scores}}, cases=["cat"], labels={})
    assert [(each["class"], each["score"]) for each in found["a"]["cat"]["candidate"]] == [(1, 2.0), (0, None)]


def test_the_step_reads_and_writes_files(tmp_path: Path) -> None:
    for side in ("reference", "candidate"):
        (tmp_path / "in" / side).mkdir(parents=True)
        np.savez(tmp_path / "in" / side / "outputs.npz", allow_pickle=False, **{"cat/prob": SCORES})
    (tmp_path / "out").mkdir()
    (tmp_path / "in/params.json").write_text(json.dumps({"cases": ["cat"], "labels": {"prob": ["ä", "<b>"]}}))
    subprocess.run(
        [sys.executable, "-m", "converter.steps.top"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True
    )
    found = json.loads((tmp_path / "out/top.json").read_text("utf-8"))
    assert found["prob"]["cat"]["reference"][0]["label"] == "<b>"
