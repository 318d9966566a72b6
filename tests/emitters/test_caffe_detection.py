"""Detectors as Caffe-SSD's layers: which ones, with which parameters, and what the plan says of their rows."""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import pytest

import converter
from converter.emitters.caffe import FILES
from converter.errors import BadInput, Unsupported
from tests.emitters.prototxt import layers_of
from tests.parsers.files import Edge, Net, write
from tests.support.ssd import Detector, anchors, gluon, multibox

PLAIN = Detector()
SQUARE = replace(PLAIN, height=64, width=64)

Layers = list[dict[str, Any]]


def parsed(net: Net, heads: list[Edge]) -> onnx_ir.Model:
    """The IR of a detector, whose weights are gone: no emitter reads them."""
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = write(Path(folder), net.symbol(*heads), net.params)
        _, *shape = net.inputs["data"].shape
        return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", *shape)})


@functools.cache
def of_gluon(detector: Detector = PLAIN) -> onnx_ir.Model:
    return parsed(*gluon(detector))


@functools.cache
def of_mxnet(detector: Detector = SQUARE, **attributes: str) -> onnx_ir.Model:
    return parsed(*multibox(detector, **attributes))


def emitted(model: onnx_ir.Model, **options: Any) -> Layers:
    return layers_of(converter.emit(model, "caffe", **options)[FILES[0]])


def plan_of(model: onnx_ir.Model) -> dict[str, Any]:
    return dict(json.loads(converter.emit(model, "caffe")[FILES[1]]))


def comments(model: onnx_ir.Model, **options: Any) -> list[str]:
    lines = converter.emit(model, "caffe", **options)[FILES[0]].decode().splitlines()
    return [line.removeprefix("# ") for line in lines if line.startswith("#")]


def found(layers: Layers, kind: str) -> Layers:
    return [layer for layer in layers if layer["type"] == [kind]]


def node_of(model: onnx_ir.Model, operator: str) -> onnx_ir.Node:
    return next(node for node in model.graph if node.op_type == operator)


def refusal(model: onnx_ir.Model, **options: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        converter.emit(model, "caffe", **options)
    return str(caught.value.where)


def changed(model: onnx_ir.Model, operator: str, **attributes: Any) -> onnx_ir.Model:
    """``model``, whose first node of ``operator`` has other ``attributes``; None: has them not."""
    model = model.clone()
    node = node_of(model, operator)
    for name, value in attributes.items():
        del node.attributes[name]
        if value is not None:
            node.attributes.add(onnx_ir.convenience.convert_attribute(name, value))
    return model


def test_a_plain_detector_is_what_users_of_caffe_ssd_write() -> None:
    model = of_gluon(replace(PLAIN, top_k=-1))
    layers = emitted(model)
    head = ["Convolution", "Permute", "Flatten"] * 2
    body = ["Input", "Convolution", "Convolution"]
    end = ["Reshape", "Softmax", "PriorBox", "PriorBox", "Concat", "Flatten", "DetectionOutput"]
    assert [layer["type"][0] for layer in layers] == [*body, *head, "Concat", *head, "Concat", *end]
    assert emitted(model, nms_top_k="per_class") == layers
    (last,) = found(layers, "DetectionOutput")
    assert last["detection_output_param"] == [
        {
            "num_classes": ["4"],
            "share_location": ["true"],
            "background_label_id": ["0"],
            "nms_param": [{"nms_threshold": ["0.45"]}],
            "code_type": ["CENTER_SIZE"],
            "keep_top_k": ["20"],
            "confidence_threshold": ["0.01"],
        }
    ]


def test_a_prior_box_says_what_its_anchors_are() -> None:
    first, second = found(emitted(of_gluon()), "PriorBox")
    assert first["bottom"] == ["body0", "data"]
    assert first["prior_box_param"] == [
        {
            "min_size": ["8"],
            "max_size": ["18"],
            "aspect_ratio": ["2", "0.5"],
            "flip": ["false"],
            "clip": ["false"],
            "variance": ["0.1", "0.1", "0.2", "0.2"],
            "img_w": ["64"],
            "img_h": ["48"],
            "step": ["4"],
            "offset": ["0.5"],
        }
    ]
    assert second["prior_box_param"][0]["aspect_ratio"] == ["2", "0.5", "3", "0.33333334"]
    first, _ = found(emitted(changed(of_gluon(SQUARE), "PriorBox", step_w=3.5)), "PriorBox")
    told = {name: first["prior_box_param"][0].get(name) for name in ("img_size", "img_w", "step", "step_w", "step_h")}
    assert told == {"img_size": ["64"], "img_w": None, "step": None, "step_w": ["3.5"], "step_h": ["4"]}


@pytest.mark.parametrize(
    ("least", "most", "factor"),
    [(8.0, 18.0, 1), (51.2, 102.4, 5), (276.4, 363.52, 25), (8.123457, 17.5, None)],
)
def test_all_lengths_are_multiplied_where_sizes_have_fractions(
    least: float,
    most: float,
    factor: int | None,
) -> None:
    """The layer keeps sizes as whole numbers (``int min_size_`` in ``prior_box_layer.cpp``)."""
    model = changed(of_gluon(SQUARE), "PriorBox", min_sizes=[least], max_sizes=[most])
    written = found(emitted(model), "PriorBox")[0]["prior_box_param"][0]
    sizes = [int(written[name][0]) for name in ("min_size", "max_size")]
    scale = int(written["img_size"][0]) / 64
    assert factor is None or scale == factor
    np.testing.assert_allclose([size / scale for size in sizes], [least, most], rtol=0, atol=4e-6 * 64)
    assert float(written["step"][0]) == 4 * scale
    assert sizes[0] * sizes[1] < 2**31
    (layer,) = (layer["name"][0] for layer in found(emitted(model), "PriorBox")[:1])
    said = f'All lengths are multiplied, as Caffe drops the fractions of sizes: "{layer}" by {scale:g}.'
    assert (said in comments(model)) == (scale > 1)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (
            {"min_sizes": [20000.123], "max_sizes": [30000.7]},
            "PriorBox drops the fractions of sizes, and the nearest",
        ),
        ({"min_sizes": [50000.0], "max_sizes": None}, "a size is not from 0 to 46340"),
        ({"min_sizes": [0.0]}, "a size is not from 0 to 46340"),
        ({"max_sizes": [8.0]}, "a max_size is not larger than its min_size"),
        ({"max_sizes": None}, "its anchors are not 3 for each pixel of the feature map"),
        ({"aspect_ratios": [2.0, 2.0]}, "two boxes have the same aspect ratio"),
        ({"aspect_ratios": [2.0, 1.0]}, "two boxes have the same aspect ratio"),
        ({"aspect_ratios": [2.0, -1.0]}, "two boxes have the same aspect ratio"),
    ],
)
def test_anchors_that_the_layer_does_not_make_are_refused(
    attributes: dict[str, list[float] | None],
    words: str,
) -> None:
    said = refusal(changed(of_gluon(), "PriorBox", **attributes))
    assert said.startswith("1 x transship::PriorBox (")
    assert words in said


def test_anchors_of_no_prior_box_are_refused_with_how_far_off_they_are() -> None:
    tables = [anchors(PLAIN, number) for number in range(2)]
    tables[1][..., 3, 3, 0] += 0.25
    said = refusal(parsed(*gluon(PLAIN, tables)))
    assert "1 x transship::DetectionOutput (nms): its anchors are of no PriorBox: " in said
    assert "off by 0.25 pixels" in said


def test_the_best_boxes_of_all_classes_are_found_before() -> None:
    layers = emitted(of_gluon())
    (best,) = found(layers, "ArgMax")
    assert best["argmax_param"] == [{"out_max_val": ["true"], "top_k": ["40"], "axis": ["1"]}]
    (lowered,) = (layer for layer in layers if layer["name"] == ["nms/taking_part"])
    assert lowered["eltwise_param"] == [{"coeff": ["1", "-3e+38"]}]
    (last,) = found(layers, "DetectionOutput")
    assert last["detection_output_param"][0]["nms_param"] == [{"nms_threshold": ["0.45"], "top_k": ["40"]}]
    assert last["bottom"][1] == "nms/flatten"


@pytest.mark.parametrize("top_k", [-1, 10**6])
def test_where_all_boxes_take_part_none_are_ranked(top_k: int) -> None:
    assert not found(emitted(of_gluon(replace(PLAIN, top_k=top_k))), "ArgMax")


def test_each_class_may_have_its_best_boxes_and_a_comment_says_so() -> None:
    model = of_gluon()
    layers = emitted(model, nms_top_k="per_class")
    assert [layer["type"][0] for layer in layers[-3:]] == ["Concat", "Flatten", "DetectionOutput"]
    assert not {"ArgMax", "Slice", "Threshold"} & {layer["type"][0] for layer in layers}
    said = 'Not exact where more than 40 boxes compete: "nms" counts those of each class, the source of all.'
    assert said in comments(model, nms_top_k="per_class")
    assert said not in comments(model)
    unlimited = of_gluon(replace(PLAIN, top_k=-1))
    assert not [line for line in comments(unlimited, nms_top_k="per_class") if line.startswith("Not exact")]
    assert emitted(model, nms_top_k="per_class") != emitted(model)


def test_an_unknown_way_to_count_is_an_error() -> None:
    with pytest.raises(BadInput, match="there is no nms_top_k 'some'") as caught:
        emitted(of_gluon(), nms_top_k="some")
    assert caught.value.fix == "use one of: all, per_class"


def test_a_table_is_an_output_and_the_plan_says_what_of_it_the_source_returns() -> None:
    model = of_gluon()
    plan, table = plan_of(model), str(node_of(model, "DetectionOutput").outputs[0].name)
    outputs = {"ids_output": [0, 1], "found_scores_output": [1, 2], "found_boxes_output": [2, 6]}
    scale = [64.0, 48.0]
    assert plan["detections"] == [{"table": table, "outputs": outputs, "keep": 20, "scale": scale}]
    assert plan["outputs"] == {table: "nms"}
    assert table not in plan["trace"]
    (line,) = (line for line in comments(model) if line.startswith("Output"))
    assert line.startswith(f'Output "{table}": 1 x 1 x detections x 7, float32: image, class (0: the background)')
    assert [str(value.name) for value in model.graph.outputs] == list(outputs)


def test_mxnets_own_counts_from_its_limits_on_and_looks_at_the_best_class() -> None:
    layers = emitted(of_mxnet(clip="False"))
    (last,) = found(layers, "DetectionOutput")
    written = last["detection_output_param"][0]
    limits = [
        np.float32(text[0]) for text in (written["nms_param"][0]["nms_threshold"], written["confidence_threshold"])
    ]
    assert [np.nextafter(limit, np.float32(1)) for limit in limits] == [np.float32(0.45), np.float32(0.01)]
    assert written["code_type"] == ["CENTER_SIZE"]
    assert "detection/labels" in [layer["name"][0] for layer in layers]
    one = emitted(of_mxnet(replace(SQUARE, classes=1), clip="False"))
    assert "detection/labels" not in [layer["name"][0] for layer in one]


def test_boxes_that_are_kept_within_the_image_are_computed_before() -> None:
    layers = emitted(of_mxnet())
    (last,) = found(layers, "DetectionOutput")
    written = last["detection_output_param"][0]
    assert (written["code_type"], written["variance_encoded_in_target"]) == (["CORNER"], ["true"])
    (zeros,) = (layer for layer in layers if layer["name"] == ["detection/zeros"])
    assert zeros["power_param"] == [{"scale": ["0"]}]
    assert last["bottom"][2] in zeros["top"]


def test_classes_that_suppress_each_other_are_refused() -> None:
    said = refusal(of_mxnet(force_suppress="True"))
    assert "1 x transship::DetectionOutput (detection): boxes of different classes suppress each other" in said


def test_a_negative_overlap_is_refused() -> None:
    assert "nms_threshold is -1" in refusal(changed(of_gluon(), "DetectionOutput", nms_threshold=-1.0))


def test_stock_caffe_has_no_such_layers() -> None:
    reason = "stock Caffe has no such layer, Caffe-SSD has: use the profile ssd"
    said = refusal(of_gluon(), profile="bvlc")
    assert f"1 x transship::DetectionOutput (nms): {reason}; 2 x transship::PriorBox (" in said
    assert said.endswith(reason)


def test_a_softmax_is_not_appended_to_detections() -> None:
    with pytest.raises(Unsupported, match="which dimension of batch x 20 x 6 is that of the classes is not known"):
        emitted(of_gluon(), softmax=True)


def test_a_prior_box_does_not_keep_weights_from_being_turned() -> None:
    model = of_gluon()
    assert emitted(model, to_bgr=True) == emitted(model)
    assert b'"indices": [2, 1, 0]' in converter.emit(model, "caffe", to_bgr=True)[FILES[1]]
