"""Detectors are recognised, and what they compute stays the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import pytest

import converter
from converter.ir.detections import detections
from converter.parsers.mxnet import ssd
from tests.parsers.files import Edge, Net, write
from tests.parsers.test_operators import run
from tests.support.ssd import Detector, anchors, gluon, multibox

PLAIN = Detector()


def parsed(folder: Path, net: Net, heads: list[Edge], batch: int | str = "batch") -> onnx_ir.Model:
    folder.mkdir(exist_ok=True)
    graph, weights = write(folder, net.symbol(*heads), net.params)
    _, *shape = net.inputs["data"].shape
    return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": (batch, *shape)})


def functions(model: onnx_ir.Model) -> list[str]:
    return [node.op_type for node in model.graph if node.domain]


def end_of(model: onnx_ir.Model) -> dict[str, Any]:
    (node,) = (node for node in model.graph if node.op_type == "DetectionOutput")
    return {name: attribute.value for name, attribute in node.attributes.items()}


def check_same(folder: Path, net: Net, heads: list[Edge], monkeypatch: pytest.MonkeyPatch, batch: int | str) -> None:
    """What the recognised detector answers is what it answers as it came."""
    answers = []
    for name in ("recognised", "plain"):
        if name == "plain":
            monkeypatch.setattr(ssd, "recognise", lambda _: {})
        model = parsed(folder / name, net, heads, batch)
        assert ("PriorBox" in functions(model)) == (name == "recognised") == ("DetectionOutput" in functions(model))
        converter.save(model, folder / name / "ir")
        answers.append(run(folder / name / "ir", net.inputs))
    found, wanted = answers
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        assert value.shape == found[key].shape
        assert np.abs(found[key] - value).max() <= 1e-4, key
    assert (next(iter(wanted.values())) >= 0).any()


@pytest.mark.parametrize("batch", ["batch", 2])
@pytest.mark.parametrize(
    "detector",
    [
        PLAIN,
        replace(PLAIN, classes=1),
        replace(PLAIN, top_k=-1, kept=300),
        replace(PLAIN, top_k=5),
        replace(PLAIN, threshold=0.3),
        replace(PLAIN, height=64, width=40, overlap=0.2),
    ],
)
def test_gluon(detector: Detector, batch: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_same(tmp_path, *gluon(detector), monkeypatch, batch)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"clip": "False"},
        {"force_suppress": "True"},
        {"nms_topk": "-1"},
        {"clip_priors": "True"},
        {"threshold": "0.4"},
    ],
)
@pytest.mark.parametrize("batch", ["batch", 2])
def test_multibox(
    attributes: dict[str, str], batch: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_same(tmp_path, *multibox(replace(PLAIN, height=48, width=48), **attributes), monkeypatch, batch)


def test_what_is_written_down(tmp_path: Path) -> None:
    model = parsed(tmp_path, *gluon(PLAIN))
    assert functions(model) == ["PriorBox", "PriorBox", "DetectionOutput"]
    found = end_of(model)
    assert (found["num_classes"], found["nms_top_k"], found["keep_top_k"]) == (4, 40, 20)
    assert (found["scale_w"], found["scale_h"]) == (64, 48)
    assert found["nms_threshold"] == pytest.approx(0.45)
    priors = [node for node in model.graph if node.op_type == "PriorBox"]
    sizes = [
        [value for name in ("min_sizes", "max_sizes") for value in node.attributes[name].as_floats()]
        for node in priors
    ]
    assert sizes == [[8, 18], [20, 40]]
    assert [node.attributes["step_w"].as_float() for node in priors] == [4, 8]
    assert [node.inputs[0].name for node in priors] == ["body0_output", "body1_output"]


def test_the_outputs_are_known_as_detections(tmp_path: Path) -> None:
    (found,) = detections(parsed(tmp_path, *gluon(PLAIN)).graph)
    assert found.places() == {
        "class": ["ids_output", 0],
        "score": ["found_scores_output", 0],
        "box": ["found_boxes_output", 0],
    }
    net, heads = multibox(PLAIN)
    (whole,) = detections(parsed(tmp_path / "multibox", net, heads).graph)
    name = "detection_output"
    assert whole.places() == {"class": [name, 0], "score": [name, 1], "box": [name, 2]}


def test_the_names_stay(tmp_path: Path) -> None:
    model = parsed(tmp_path, *gluon(PLAIN))
    (node,) = (node for node in model.graph if node.op_type == "DetectionOutput")
    assert (node.name, node.outputs[0].name) == ("nms", "kept_output")


def test_anchors_in_another_order_are_of_several_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [anchors(PLAIN, number) for number in range(2)]
    boxes = tables[1].reshape(*tables[1].shape[2:4], 6, 4)
    boxes[..., 2:] *= np.array([1, 1.5, 1.5, 1.5, 1.5, 1.5], np.float32)[:, None]
    net, heads = gluon(PLAIN, [tables[0], boxes[:, :, [0, 2, 3, 4, 5, 1]].reshape(tables[1].shape)])
    model = parsed(tmp_path / "model", net, heads)
    assert functions(model) == ["PriorBox"] * 4 + ["DetectionOutput"]
    assert [node.op_type for node in model.graph if "/priors" in str(node.name)].count("Slice") == 1
    check_same(tmp_path, net, heads, monkeypatch, "batch")


def test_anchors_that_no_layer_makes_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [anchors(PLAIN, number) for number in range(2)]
    tables[1][0, 0, 2, 3, 4] += 2.5
    net, heads = gluon(PLAIN, tables)
    model = parsed(tmp_path / "model", net, heads)
    assert functions(model) == ["DetectionOutput"]
    (node,) = (node for node in model.graph if node.op_type == "DetectionOutput")
    assert node.metadata_props[ssd.ANCHORS] == "generator1_slice_output: the nearest is off by 2.5 pixels"


def test_a_detector_without_weights_is_not_recognised(tmp_path: Path) -> None:
    net, heads = gluon(PLAIN)
    for node in net.nodes:
        if node["name"] in ("anchor_0", "anchor_1"):
            node["attrs"] = {"__shape__": str(net.params[f"arg:{node['name']}"].shape)}
    graph, _ = write(tmp_path, net.symbol(*heads), {})
    with pytest.warns(converter.StructureOnly):
        model = converter.parse("mxnet", graph=graph, inputs={"data": ("batch", 3, 48, 64)})
    assert functions(model) == ["BoxDecode", "BoxNms"]


def test_another_order_of_classes_is_not_taken_for_a_detector(tmp_path: Path) -> None:
    net, heads = gluon(PLAIN)
    rows = {node["name"]: node for node in net.nodes}
    rows["id0"]["attrs"], rows["id1"]["attrs"] = rows["id1"]["attrs"], rows["id0"]["attrs"]
    assert "DetectionOutput" not in functions(parsed(tmp_path, net, heads))
