"""How the rows of Caffe's ``DetectionOutput`` become the source's outputs, without Caffe."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "images/caffe-ssd/run.py"
TABLE = {"table": "table", "outputs": {"ids": [0, 1], "boxes": [2, 6]}, "keep": 3, "scale": [10.0, 20.0]}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The step."""
    for name in ("caffe", "cases"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules["caffe"], "Net", object, raising=False)
    for name in ("GLOG_minloglevel", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    spec = importlib.util.spec_from_file_location("caffe_run", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_are_ranked_counted_and_scaled(run: ModuleType) -> None:
    """An image without any has no row; of equal scores the lower class is first; what is too many is left out."""
    rows = [
        [1, 1, 0.5, 0.0, 0.0, 0.5, 0.25],
        [1, 2, 0.9, 0.5, 0.5, 1.0, 1.0],
        [1, 3, 0.5, 0.25, 0.25, 0.5, 0.5],
        [1, 3, 0.4, 0.0, 0.0, 1.0, 1.0],
    ]
    found = run.detections(np.array(rows, np.float32).reshape(1, 1, 4, 7), TABLE, 2)
    assert found["ids"].tolist() == [[[-1], [-1], [-1]], [[1], [0], [2]]]
    assert found["boxes"][0].tolist() == [[-1] * 4] * 3
    assert found["boxes"][1].tolist() == [[5, 10, 10, 20], [0, 0, 5, 5], [2.5, 5, 5, 10]]
    assert found["boxes"].dtype == np.float32


def test_where_nothing_is_found_there_is_a_row_of_minus_one_for_each_image(run: ModuleType) -> None:
    rows = np.array([[[[0, *[-1] * 6], [1, *[-1] * 6]]]], np.float32)
    found = run.detections(rows, TABLE, 2)
    assert found["ids"].shape == (2, 3, 1)
    assert set(found["boxes"].reshape(-1).tolist()) == {-1.0}
