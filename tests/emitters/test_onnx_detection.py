"""Detections by NonMaxSuppression are those of the IR's own body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx_ir
import onnxruntime
import pytest

import converter
from converter.emitters.onnx.detection import with_suppression
from tests.parsers.files import write
from tests.support.ssd import Detector, gluon, multibox

PLAIN = Detector()


def parsed(folder: Path, detector: Detector) -> tuple[onnx_ir.Model, dict[str, np.ndarray]]:
    net, heads = gluon(detector)
    graph, weights = write(folder, net.symbol(*heads), net.params)
    shape = ("batch", *net.inputs["data"].shape[1:])
    return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": shape}), net.inputs


def answered(model: onnx_ir.Model, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    whole = onnx_ir.to_proto(onnx_ir.external_data.load_to_model(model)).SerializeToString()
    return onnxruntime.InferenceSession(whole).run(None, inputs)


@pytest.mark.parametrize(
    "detector",
    [
        PLAIN,
        replace(PLAIN, classes=1),
        replace(PLAIN, top_k=-1, kept=300),
        replace(PLAIN, top_k=5),
        replace(PLAIN, threshold=0.45, kept=60),
        replace(PLAIN, top_k=3000, kept=2600, overlap=0.1),
    ],
)
def test_the_answers_are_the_same(detector: Detector, tmp_path: Path) -> None:
    model, inputs = parsed(tmp_path, detector)
    native = with_suppression(model)
    operators = {node.op_type for function in native.functions.values() for node in function}
    assert "NonMaxSuppression" in operators
    for found, wanted in zip(answered(native, inputs), answered(model, inputs), strict=True):
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= 1e-4


def test_the_code_names_the_operator(tmp_path: Path) -> None:
    model, _ = parsed(tmp_path, PLAIN)
    text = converter.emit(model, "onnx")["model.py"].decode()
    assert "op.NonMaxSuppression(" in text
    assert "op.Loop" not in text
    assert "NonMaxSuppression" in converter.emit(model, "onnx", inline=True)["model.py"].decode()


def test_mxnet_s_own_detections_keep_their_rows(tmp_path: Path) -> None:
    net, heads = multibox(replace(PLAIN, width=48))
    graph, weights = write(tmp_path, net.symbol(*heads), net.params)
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", 3, 48, 48)})
    assert with_suppression(model) is model
