"""The comparison of a live net with what became of it, as far as it needs no MXNet."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from converter import BadInput, TransshipError
from converter.gluon import verify
from converter.gluon.build import BUILDERS
from tests.gluon.test_build import model

SHAPE = [1, 3, 6, 6]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A net that answers what ONNX Runtime answers."""
    own = verify.RUNNERS["onnx"](BUILDERS["onnx"](model(weight=0.25)), verify.cases(SHAPE))
    monkeypatch.setattr(verify, "_own_answers", lambda *_: own)
    return SimpleNamespace()


def test_what_computes_the_same_passes(traced: Any) -> None:
    source = model(weight=0.25)
    verify.check(traced, source, "onnx", BUILDERS["onnx"](source))


def test_what_computes_something_else_is_refused(traced: Any) -> None:
    source = model(weight=0.26)
    with pytest.raises(TransshipError, match="onnx does not compute what the net computes") as refusal:
        verify.check(traced, source, "onnx", BUILDERS["onnx"](source))
    assert refusal.value.where == "dense_output"


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "caffe", None)
    with pytest.raises(BadInput, match="the package caffe is not here"):
        verify.check(SimpleNamespace(), model(), "caffe", BUILDERS["caffe"](model()))  # type: ignore[arg-type]


def test_the_inputs_are_four_different_ones() -> None:
    inputs = verify.cases(SHAPE)
    assert [each.shape for each in inputs] == [tuple(SHAPE)] * 4
    assert len({each.tobytes() for each in inputs}) == 4
    assert all(np.array_equal(*pair) for pair in zip(inputs, verify.cases(SHAPE), strict=True))
    assert max(np.abs(each).max() for each in inputs) <= 2


def test_a_target_s_rows_become_the_net_s() -> None:
    rows = np.array([[0, 2, 0.5, 0, 0, 0.5, 1], [0, 1, 0.9, 0.25, 0.5, 1, 1]], np.float32)
    table = {
        "table": "t",
        "keep": 3,
        "scale": [100, 200],
        "outputs": {"ids": [0, 1], "scores": [1, 2], "boxes": [2, 6]},
    }
    found = verify._detections({"detections": [table]}, {"t": rows, "other": rows})
    assert set(found) == {"ids", "scores", "boxes", "other"}
    np.testing.assert_array_equal(found["ids"], [[[0], [1], [-1]]])
    np.testing.assert_allclose(found["scores"], [[[0.9], [0.5], [-1]]])
    np.testing.assert_array_equal(found["boxes"][0], [[25, 100, 100, 200], [0, 0, 50, 200], [-1] * 4])


def test_of_a_detector_one_image_is_compared() -> None:
    with pytest.raises(BadInput, match="on one image"):
        verify._check_batch({"detections": [{}]}, (2, 3, 6, 6))
