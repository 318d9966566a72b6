"""What is special about ncnn's files: layouts, folding and fusing, splits, names, numbers, examples."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st

import converter
from converter.emitters import Refused, batch
from converter.emitters.ncnn import FILES, layout
from converter.emitters.ncnn.literal import number
from converter.emitters.ncnn.pooling import fit
from converter.emitters.ncnn.usage import quoted
from converter.emitters.ncnn.window import Window
from converter.errors import BadInput, Unsupported
from converter.ir import PREPROCESS
from tests.emitters.cases import common, ncnn_layers
from tests.emitters.cases.common import batch_norm
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder
from tests.emitters.param import Line, lines_of, value_of

PARAM, PLAN, CPP, PYTHON = FILES


def emitted(model: ir.Model, **options: str) -> tuple[list[Line], dict[str, Any]]:
    """The layers and the plan."""
    files = converter.emit(model, "ncnn", **options)
    return lines_of(files[PARAM]), json.loads(files[PLAN])


def types(model: ir.Model) -> list[str]:
    """The types of the layers that are no inputs."""
    return [layer.type for layer in emitted(model)[0] if layer.type != "Input"]


def test_golden() -> None:
    compare_with_golden("ncnn/plain", converter.emit(representative(), "ncnn"))


@pytest.mark.parametrize("build", [representative, common.residual, ncnn_layers.chain, ncnn_layers.pooled_flat_twice])
def test_every_blob_is_computed_once_and_read_at_most_once(build: Any) -> None:
    layers, plan = emitted(build())
    written: set[str] = set()
    read: list[str] = []
    for layer in layers:
        assert set(layer.bottoms) <= written
        assert not written & set(layer.tops)
        written |= set(layer.tops)
        read += layer.bottoms
    assert len(read) == len(set(read))
    assert len({layer.name for layer in layers}) == len(layers)
    places = [*plan["inputs"].values(), *plan["outputs"].values(), *plan["trace"].values()]
    assert {blob for blob, _ in places} <= written
    assert {row["name"][0] for row in plan["parameters"]} <= {layer.name for layer in layers}


def test_a_blob_of_several_readers_is_split() -> None:
    net = Builder()
    data = net.node("Relu", "relu", net.input("data", ("batch", 3, 4, 5)))
    layers, plan = emitted(net.model(*(net.node("Tanh", f"tanh{index}", data) for index in range(3))))
    split = layers[2]
    assert (split.type, split.name, split.bottoms) == ("Split", "splitncnn_0", ("relu_output",))
    assert split.tops == tuple(f"relu_output_splitncnn_{index}" for index in range(3))
    assert [layer.bottoms for layer in layers[3:]] == [(top,) for top in split.tops]
    assert plan["trace"]["relu_output"] == ["relu_output", ["batch", 3, 4, 5]]


def test_a_value_that_one_layer_reads_twice_is_split() -> None:
    layers, _ = emitted(common.twice("Add"))
    assert [layer.type for layer in layers] == ["Input", "ReLU", "Split", "BinaryOp"]
    assert layers[3].bottoms == layers[2].tops


def test_inputs_say_their_shape() -> None:
    shapes = {(7,): {0: "7"}, (6, 7): {0: "7", 1: "6"}, (5, 6, 7): {0: "7", 1: "6", 2: "5"}}
    shapes[4, 5, 6, 7] = {0: "7", 1: "6", 2: "4", 11: "5"}
    for shape, params in shapes.items():
        assert emitted(common.unary("Relu", shape))[0][0].params == params


# Batch normalization


def test_batch_norm_is_folded_with_its_own_eps() -> None:
    layers, plan = emitted(common.conv_norm())
    assert [layer.type for layer in layers] == ["Input", "Convolution"]
    assert layers[1].params[5] == "1"
    norm = next(node for node in common.conv_norm().graph if node.op_type == "BatchNormalization")
    eps = norm.attributes["epsilon"].value
    said = set(re.findall(r'"eps": ([-+.e0-9]+)', json.dumps(plan)))
    assert {np.float32(text) for text in said} == {np.float32(eps)}


@pytest.mark.parametrize(
    ("options", "folded"),
    [
        ({}, True),
        ({"bias": True}, True),
        ({"group": 2}, True),
        ({"between": "Identity"}, True),
        ({"between": "Relu"}, False),
        ({"tapped": True}, False),
    ],
)
def test_batch_norm_is_folded_over_a_single_edge_only(options: dict[str, Any], folded: bool) -> None:
    assert ("BatchNorm" in types(common.conv_norm(**options))) != folded


def test_batch_norm_is_not_folded_where_another_layer_reads_the_convolution() -> None:
    assert "BatchNorm" in types(common.forked_norm())


def test_batch_norm_is_folded_into_every_layer_with_such_weights() -> None:
    for shape, kernel in (((4, 9), (3,)), ((4, 7, 8), (3, 2)), ((4, 4, 5, 6), (2, 2, 2))):
        for transposed in (False, True):
            for group in (1, 2):
                model = ncnn_layers.conv(shape, kernel, transposed=transposed, group=group, norm=True)
                assert len(types(model)) == 1
    assert types(common.dense_norm())[-1] == "InnerProduct"


def test_batch_norm_along_rows_is_not_folded_into_an_inner_product() -> None:
    """Of a batch of three rows as one Mat, an inner product has its outputs last."""
    net = Builder()
    value = net.node("Gemm", "fc", net.input("data", ("batch", 6)), net.parameter("w", (5, 6)), transB=1)
    again = batch_norm(net, batch_norm(net, value, "bn", 5), "bn2", 5)
    assert types(net.model(again)) == ["InnerProduct"]


# Activations


@pytest.mark.parametrize(
    ("op", "attributes", "params"),
    [
        ("Relu", {}, {9: "1"}),
        ("LeakyRelu", {"alpha": 0.25}, {9: "2", -23310: "1,0.25"}),
        ("Sigmoid", {}, {9: "4"}),
        ("Mish", {}, {9: "5"}),
        ("HardSwish", {}, {9: "6", -23310: "2,0.16666667,0.5"}),
    ],
)
def test_activations_are_fused(op: str, attributes: dict[str, float], params: dict[int, str]) -> None:
    model = ncnn_layers.conv((3, 7, 8), (3, 3), then=op, then_attributes=attributes)
    layers, plan = emitted(model)
    assert [layer.type for layer in layers] == ["Input", "Convolution"]
    assert params.items() <= layers[1].params.items()
    assert list(plan["trace"]) == ["act_output"]


def test_a_clip_is_fused_with_both_bounds() -> None:
    layers, _ = emitted(ncnn_layers.clipped())
    assert (layers[1].params[9], layers[1].params[-23310]) == ("3", "2,0.0,0.5")
    layers, _ = emitted(ncnn_layers.clipped(most=None))
    assert layers[1].params[-23310] == "2,0.0,3.4028235e38"


def test_only_one_activation_is_fused_and_no_output_is_fused_over() -> None:
    net = Builder()
    value = net.node("Conv", "conv", net.input("data", ("batch", 3, 5, 6)), net.parameter("w", (3, 3, 1, 1)))
    assert types(net.model(net.node("Sigmoid", "b", net.node("Relu", "a", value)))) == ["Convolution", "Sigmoid"]
    assert types(ncnn_layers.chain()).count("ReLU") == 2


def test_a_flat_global_pooling_is_a_global_one() -> None:
    layers, _ = emitted(ncnn_layers.pooled_flat("GlobalAveragePool"))
    assert [layer.type for layer in layers] == ["Input", "Pooling", "InnerProduct"]
    assert layers[1].params == {0: "1", 4: "1"}
    layers, _ = emitted(ncnn_layers.pooled_flat("GlobalAveragePool", tapped=True))
    assert layers[1].params == {0: "1", 7: "1", 8: "1"}


# Layout


def test_axes_count_without_the_batch() -> None:
    for axis, said in ((1, "0"), (2, "1"), (-1, "2")):
        assert emitted(common.unary("Softmax", axis=axis))[0][1].params == {0: said, 1: "1"}


def test_what_mixes_the_rows_of_the_batch_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"axis 0 of data is the batch"):
        converter.emit(common.unary("Softmax", axis=0), "ncnn")


def test_a_fixed_first_dimension_is_the_batch_where_it_can_be() -> None:
    _, plan = emitted(ncnn_layers.fixed(2))
    assert plan["inputs"] == {"data": ["data", ["batch", 3, 5, 6]]}
    _, plan = emitted(ncnn_layers.softmax_rows())
    assert plan["inputs"] == {"data": ["data", [3, 4]]}


def test_a_mat_has_at_most_four_dimensions() -> None:
    with pytest.raises(Unsupported, match="data has 5 dimensions beside the batch"):
        converter.emit(common.unary("Relu", (2, 2, 2, 2, 2)), "ncnn")


def test_a_value_that_lost_the_batch_is_refused() -> None:
    data = ir.val("data", ir.DataType.FLOAT, ("batch", 3))
    node = ir.node("Mystery", [data], outputs=[ir.val("sum", ir.DataType.FLOAT, (3,))])
    graph = ir.Graph([data], node.outputs, nodes=[node], opset_imports={"": 21})
    batch.mark(graph, "batch")
    assert batch.batch_axis(data) == 0
    assert layout.mat_shape(data) == (3,)
    with pytest.raises(Refused, match="sum mixes the rows"):
        layout.mat_shape(node.outputs[0])


def test_integers_at_run_time_are_refused() -> None:
    with pytest.raises(Refused, match="data is int64"):
        layout.mat_shape(ir.val("data", ir.DataType.INT64, (2, 3)))


# Names


@pytest.mark.parametrize("name", ["a b", "a\nReLU x 0 0", "\t", "", "ä", "#", "=", "x" * 400, '"\\'])
def test_names_stay_one_field(name: str) -> None:
    net = Builder()
    data = net.input(f"{name}in", ("batch", 3))
    relu = net.nodes("Relu", f"{name}n", data, outputs=[f"{name}o"])[0]
    files = converter.emit(net.model(relu), "ncnn")
    layers = lines_of(files[PARAM])
    assert [layer.type for layer in layers] == ["Input", "ReLU"]
    ast.parse(files[PYTHON].decode())


def test_names_that_collide_are_numbered() -> None:
    net = Builder()
    data = net.input("a b", ("batch", 3))
    one = net.nodes("Relu", "a b", data, outputs=["a\tb"])[0]
    two = net.nodes("Tanh", "a\nb", one, outputs=["a_b"])[0]
    layers, plan = emitted(net.model(two))
    assert [layer.name for layer in layers] == ["a_b", "a_b_2", "a_b_3"]
    assert [layer.tops for layer in layers] == [("a_b",), ("a_b_3",), ("a_b_2",)]
    assert plan["outputs"] == {"a_b": ["a_b_2", ["batch", 3]]}


def test_an_output_behind_an_identity_has_its_own_name() -> None:
    net = Builder()
    value = net.node("Relu", "relu", net.input("data", ("batch", 3)))
    layers, plan = emitted(net.model(net.node("Identity", "id", value)))
    assert layers[-1].tops == ("id_output",)
    assert set(plan["trace"]) == {"relu_output", "id_output"}


# Numbers


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are(value: float) -> None:
    read = value_of(number(value))
    assert isinstance(read, float)
    assert np.float32(read) == np.float32(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0"), (0.1, "0.1"), (1e-5, "1e-5"), (3, "3"), (0.0078125, "0.0078125"), (-0.5, "-0.5")],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 2**31])
def test_numbers_that_cannot_be_written_are_refused(value: float) -> None:
    with pytest.raises(Refused):
        number(value)


# Pooling


def ncnn_windows(mode: int, axis: Window) -> list[list[int]]:
    """The elements of the data in each window that ``pooling.cpp`` has, by its own loops."""
    width = axis.length + axis.pad + axis.pad_end
    tail = (width - axis.kernel) % axis.stride
    width += axis.stride - tail if mode == 0 and tail else 0
    return [
        [begin + step - axis.pad for step in range(axis.kernel) if 0 <= begin + step - axis.pad < axis.length]
        for begin in range(0, width - axis.kernel + 1, axis.stride)
    ]


def onnx_windows(axis: Window) -> list[list[int]]:
    """The elements of the data in each window that ONNX has."""
    begins = [index * axis.stride - axis.pad for index in range(axis.count)]
    return [[place for place in range(begin, begin + axis.kernel) if 0 <= place < axis.length] for begin in begins]


@given(
    *(st.integers(1, 9) for _ in range(2)), st.integers(1, 4), *(st.integers(0, 4) for _ in range(2)), st.booleans()
)
def test_pooling_has_the_windows_of_onnx(
    length: int, kernel: int, stride: int, pad: int, pad_end: int, ceil: bool
) -> None:
    spare = length + pad + pad_end - kernel
    if spare < 0:
        return
    count = (-(spare // -stride) if ceil else spare // stride) + 1
    if ceil and (count - 1) * stride >= length + pad:
        count -= 1
    axis = Window(length, count, kernel, 1, stride, pad, pad_end)
    try:
        mode, (found,) = fit([axis])
    except Refused:
        assert [] in onnx_windows(axis)
        return
    assert ncnn_windows(mode, found) == onnx_windows(axis)


@pytest.mark.parametrize(
    ("size", "kernel", "attributes", "params"),
    [
        (112, 3, {"strides": (2,), "pads": (1, 1)}, {1: "3", 2: "2", 3: "1", 5: "1"}),
        (8, 3, {"strides": (2,), "pads": (0, 1)}, {1: "3", 2: "2", 5: "0"}),
        (8, 3, {"strides": (2,), "ceil_mode": 1}, {1: "3", 2: "2", 5: "0"}),
        (8, 3, {"pads": (1, 2)}, {1: "3", 3: "1", 5: "1", 14: "2"}),
    ],
)
def test_padding_is_the_same_at_both_edges_where_it_can_be(
    size: int, kernel: int, attributes: dict[str, Any], params: dict[int, str]
) -> None:
    model = ncnn_layers.pool("MaxPool", (3, size), kernel_shape=(kernel,), **attributes)
    assert emitted(model)[0][1].params == params


def test_windows_of_padding_only_are_refused() -> None:
    with pytest.raises(Unsupported, match="a window of 2 elements holds padding only"):
        converter.emit(ncnn_layers.pool("MaxPool", (3, 4), kernel_shape=(2,), pads=(2, 0)), "ncnn")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (common.pool("MaxPool", (8, 8), (3, 3), dilations=(2, 2)), r"dilations \[2, 2\] are not 1"),
        (
            common.pool("AveragePool", (8, 8), (3, 3), strides=(2, 2), ceil_mode=1, count_include_pad=1),
            "ceil_mode and count_include_pad are both set",
        ),
        (common.prelu((5,)), "not one number a channel"),
        (common.unary("LRN", (7, 4, 5), size=4), "odd sizes only"),
        (common.unary("HardSigmoid", alpha=-1.0), "alpha -1 is not positive"),
        (common.unary("LeakyRelu", alpha=float("inf")), "cannot hold inf"),
    ],
)
def test_what_cannot_be_exact_is_refused(model: ir.Model, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        converter.emit(model, "ncnn")


# Storage and examples


def test_storage_is_a_fact_of_the_plan() -> None:
    assert emitted(common.conv())[1]["storage"] == "fp32"
    layers, plan = emitted(common.conv(), storage="fp16")
    assert plan["storage"] == "fp16"
    assert layers == emitted(common.conv())[0]
    assert [row.get("tagged", False) for row in plan["parameters"]] == [True, False]


def test_an_unknown_storage_names_the_known() -> None:
    with pytest.raises(BadInput, match="fp32, fp16"):
        converter.emit(common.conv(), "ncnn", storage="int8")


def example(preprocess: Mapping[str, Any] | None, shape: Sequence[int | str] = ("batch", 3, 12, 24)) -> list[str]:
    """Both examples of a net of one convolution."""
    net = Builder()
    value = net.node("Relu", "relu", net.input("data", shape))
    metadata = {} if preprocess is None else {PREPROCESS: json.dumps(preprocess)}
    files = converter.emit(net.model(value, metadata=metadata), "ncnn")
    ast.parse(files[PYTHON].decode())
    return [files[CPP].decode(), files[PYTHON].decode()]


@pytest.mark.parametrize("nested", [False, True])
def test_examples_prepare_a_picture(nested: bool) -> None:
    settings: dict[str, Any] = {"channels": "BGR", "mean": [104, 117, 123], "scale": 0.5}
    cpp, python = example({"data": settings} if nested else settings)
    assert "PIXEL_RGB2BGR, width0, height0, 24, 12);" in cpp
    assert "const float mean0[] = {104.0f, 117.0f, 123.0f};" in cpp
    assert "const float scale0[] = {0.5f, 0.5f, 0.5f};" in cpp
    assert "from_pixels_resize(pixels, kind, width, height, 24, 12)" in python
    assert "substract_mean_normalize([104.0, 117.0, 123.0], [0.5, 0.5, 0.5])" in python


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {"channels": "CMYK"},
        {"channels": ["BGR"]},
        {"channels": "GRAY"},
        {"channels": "RGB", "mean": "x"},
        {"channels": "RGB", "mean": [1, 2]},
        {"channels": "RGB", "scale": None},
        {"channels": "RGB", "crops": 3},
    ],
)
def test_examples_of_a_preprocessing_that_ncnn_has_no_function_for_take_numbers(settings: Any) -> None:
    cpp, python = example(settings)
    assert "ncnn::Mat in0(24, 12, 3);" in cpp
    assert "np.zeros((3, 12, 24), np.float32)" in python


def test_a_picture_that_needs_no_scaling_is_only_converted() -> None:
    cpp, python = example({"channels": "GRAY", "mean": 0, "scale": 1}, ("batch", 1, 12, 24))
    assert "PIXEL_RGB2GRAY" in cpp
    assert "substract" not in cpp + python


def test_names_cannot_leave_the_string_of_an_example() -> None:
    assert quoted('a"\\??/') == '"a\\"\\\\\\?\\?/"'


def test_examples_ask_for_a_blob_before_those_computed_from_it() -> None:
    """Once all its readers have run, ncnn's extractor cannot give it out."""
    files = converter.emit(ncnn_layers.chain(), "ncnn")
    assert 'for name in ("conv_output", "conv2_output", "last_output"):' in files[PYTHON].decode()
    asked = re.findall(r'extract\("(\w+)"', files[CPP].decode())
    assert asked == ["conv_output", "conv2_output", "last_output"]


@pytest.mark.parametrize("attributes", [{"bias": 0.0}, {"bias": -1.0}, {"alpha": -0.1}])
def test_responses_that_would_be_powers_of_negative_numbers_are_refused(attributes: dict[str, float]) -> None:
    net = Builder()
    model = net.model(net.node("LRN", "lrn", net.input("data", ("batch", 4, 3, 3)), size=3, **attributes))
    with pytest.raises(Unsupported, match="is not positive or alpha"):
        converter.emit(model, "ncnn")
