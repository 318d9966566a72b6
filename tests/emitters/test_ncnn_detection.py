"""Detectors as ncnn's layers: which ones, with which parameters, and what the plan says of their rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import pytest

import converter
from converter.emitters.ncnn import FILES
from converter.errors import BadInput, Unsupported
from tests.emitters.param import Line, lines_of, value_of
from tests.parsers.files import Edge, Net, write
from tests.support.ssd import Detector, gluon, multibox

PARAM, PLAN, CPP, PYTHON = FILES
PLAIN = Detector()
SQUARE = replace(PLAIN, height=64, width=64)

Make = Callable[[tuple[Net, list[Edge]]], onnx_ir.Model]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A detector's IR."""

    def parsed(detector: tuple[Net, list[Edge]]) -> onnx_ir.Model:
        net, heads = detector
        graph, weights = write(tmp_path, net.symbol(*heads), net.params)
        _, *shape = net.inputs["data"].shape
        return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", *shape)})

    return parsed


def emitted(model: onnx_ir.Model, **options: str) -> tuple[list[Line], dict[str, Any]]:
    files = converter.emit(model, "ncnn", **options)
    return lines_of(files[PARAM]), json.loads(files[PLAN])


def found(layers: list[Line], kind: str) -> list[Line]:
    return [layer for layer in layers if layer.type == kind]


def floats(text: str) -> list[float]:
    count, *numbers = text.split(",")
    assert int(count) == len(numbers)
    return [value_of(number) for number in numbers]


def end_of(model: onnx_ir.Model) -> onnx_ir.Node:
    (node,) = (node for node in model.graph if node.op_type == "DetectionOutput")
    return node


def test_a_prior_box_says_what_its_anchors_are(make: Make) -> None:
    layers, plan = emitted(make(gluon(PLAIN)))
    first, second = found(layers, "PriorBox")
    assert [len(layer.bottoms) for layer in (first, second)] == [1, 1]
    assert [floats(first.params[key]) for key in (-23300, -23301)] == [[8], [18]]
    assert floats(first.params[-23302]) == [2, 0.5]
    assert floats(second.params[-23302]) == [np.float32(ratio) for ratio in (2, 0.5, 3, 1 / 3)]
    assert [value_of(first.params[key]) for key in range(3, 7)] == [np.float32(each) for each in (0.1, 0.1, 0.2, 0.2)]
    assert [first.params[key] for key in range(7, 14)] == ["0", "0", "64", "48", "4.0", "4.0", "0.5"]
    (joined,) = (layer for layer in found(layers, "Concat") if layer.params[0] == "2")
    assert [layer.bottoms for layer in found(layers, "Reshape") if layer.tops[0] in joined.bottoms] == [
        first.tops,
        second.tops,
    ]
    assert plan["trace"][joined.tops[0]][1][:2] == [1, 2]


def test_a_table_is_an_output_and_the_plan_says_what_of_it_the_source_returns(make: Make) -> None:
    model = make(gluon(PLAIN))
    layers, plan = emitted(model)
    table = str(end_of(model).outputs[0].name)
    outputs = {"ids_output": [0, 1], "found_scores_output": [1, 2], "found_boxes_output": [2, 6]}
    facts = plan["detections"][0]
    assert facts == {"table": table, "outputs": outputs, "keep": 20, "scale": facts["scale"]}
    assert list(plan["outputs"]) == [table]
    assert table not in plan["trace"]
    assert layers[-1].type == "DetectionOutput"


def test_the_best_boxes_of_all_classes_are_ranked_before_the_others_lose_their_score(make: Make) -> None:
    layers, _ = emitted(make(gluon(PLAIN)))
    ranking, last = found(layers, "DetectionOutput")
    assert ranking.params == {0: "4", 1: "2.0", 2: "40", 3: "40", 4: "-1.0"}
    assert last.params == {0: "4", 1: "0.45", 2: "40", 3: "20", 4: "0.01"}
    (least,) = (layer for layer in layers if layer.bottoms == ranking.tops)
    assert (least.type, least.params) == ("Crop", {-23309: "2,39,1", -23310: "2,40,2", -23311: "2,0,1"})


@pytest.mark.parametrize("top_k", [-1, 10**6])
def test_where_all_boxes_take_part_nothing_is_ranked(top_k: int, make: Make) -> None:
    layers, _ = emitted(make(gluon(replace(PLAIN, top_k=top_k))))
    (only,) = found(layers, "DetectionOutput")
    assert int(only.params[2]) >= 12 * 16 * 4
    assert not found(layers, "Threshold")
    (scores,) = (layer for layer in layers if only.bottoms[1] in layer.tops)
    assert (scores.type, scores.params) == ("Padding", {2: "1"})


def test_each_class_may_have_its_best_boxes(make: Make) -> None:
    """One layer, which reads the softmax itself."""
    layers, _ = emitted(make(gluon(PLAIN)), nms_top_k="per_class")
    (only,) = found(layers, "DetectionOutput")
    assert only.params == {0: "4", 1: "0.45", 2: "40", 3: "20", 4: "0.01"}
    assert not {"Threshold", "Padding", "Crop"} & {layer.type for layer in layers}
    (conf,) = (layer for layer in layers if only.bottoms[1] in layer.tops)
    assert conf.type == "Softmax"


def test_an_unknown_way_to_count_is_an_error(make: Make) -> None:
    with pytest.raises(BadInput, match="unknown nms_top_k 'some'") as caught:
        emitted(make(gluon(PLAIN)), nms_top_k="some")
    assert caught.value.fix == "use one of: all, per_class"


def test_a_single_label_counts_from_its_limits_on(make: Make) -> None:
    layers, _ = emitted(make(multibox(SQUARE, clip="False")))
    last = found(layers, "DetectionOutput")[-1]
    limits = [np.float32(value_of(last.params[key])) for key in (1, 4)]
    assert [np.nextafter(limit, np.float32(1)) for limit in limits] == [np.float32(0.45), np.float32(0.01)]
    assert found(layers, "CumulativeSum")


def test_boxes_that_are_clipped_are_the_anchors_of_the_layer(make: Make) -> None:
    layers, _ = emitted(make(multibox(SQUARE)))
    last = found(layers, "DetectionOutput")[-1]
    writers = {top: layer for layer in layers for top in layer.tops}
    loc, _, priors = (writers[writers[bottom].bottoms[0]] for bottom in last.bottoms)
    assert (loc.type, loc.params) == ("BinaryOp", {0: "2", 1: "1", 2: "0.0"})
    assert (priors.type, priors.params) == ("Concat", {0: "0"})
    assert [layer.params for layer in found(layers, "Clip")] == [{0: "0.0", 1: "1.0"}]


@pytest.mark.parametrize(
    ("attributes", "options", "words"),
    [
        ({"force_suppress": "True"}, {}, "boxes of different classes suppress each other"),
        ({"threshold": "0"}, {}, "confidence_threshold 0 has boxes without a score"),
        ({}, {"nms_top_k": "per_class"}, "a MultiBoxDetection is more than DetectionOutput"),
    ],
)
def test_what_no_layers_compute_is_refused(
    attributes: dict[str, str], options: dict[str, str], words: str, make: Make
) -> None:
    with pytest.raises(Unsupported) as caught:
        emitted(make(multibox(SQUARE, **attributes)), **options)
    assert f"1 x transship::DetectionOutput (detection): {words}" in str(caught.value.where)


def test_a_map_without_height_and_width_has_no_prior_box(make: Make) -> None:
    model = make(gluon(PLAIN))
    node = next(node for node in model.graph if node.op_type == "PriorBox")
    flat = next(
        value for other in model.graph for value in other.outputs if str(value.name).endswith("0_flat_output")
    )
    node.replace_input_with(0, flat)
    model.graph.sort()
    with pytest.raises(Unsupported) as caught:
        emitted(model)
    assert "is not a row of feature maps" in str(caught.value.where)


def test_the_examples_print_detections(make: Make) -> None:
    files = converter.emit(make(gluon(PLAIN)), "ncnn")
    python, cpp = files[PYTHON].decode(), files[CPP].decode()
    compile(python, PYTHON, "exec")
    assert "    for row in detections0(outputs[" in python
    assert "    for (int i = 0; i < out0.h; i++) // none where nothing is found\n" in cpp
