"""The Caffe target, without Caffe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st

import converter
from converter import plan
from converter.emitters import emits
from converter.emitters.caffe import FILES
from converter.emitters.caffe.prototxt import decimal
from converter.errors import BadInput, Unsupported
from converter.ir import PREPROCESS
from tests.emitters.cases import common as cases
from tests.emitters.cases.common import CASES, Case
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder
from tests.emitters.prototxt import layers_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("variant", "options"), [("plain", {}), ("merged", {"merge_bn": True})])
def test_golden(variant: str, options: dict[str, bool]) -> None:
    files = converter.emit(representative(), "caffe", **options)
    assert tuple(files) == FILES
    compare_with_golden(f"caffe/{variant}", files)


def test_the_weights_are_not_read(tmp_path: Path) -> None:
    model = representative()
    converter.save(model, tmp_path / "in" / "ir")
    for name in ("weights.safetensors", "model.json"):
        (tmp_path / "in" / "ir" / name).unlink()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "params.json").write_text(json.dumps({"target": "caffe", "options": {"merge_bn": True}}))
    command = [sys.executable, "-m", "converter.steps.emit"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == converter.emit(model, "caffe", merge_bn=True)


def test_the_step_says_what_is_refused(tmp_path: Path) -> None:
    converter.save(cases.unary("Sin"), tmp_path / "in" / "ir")
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "params.json").write_text(json.dumps({"target": "caffe"}))
    command = [sys.executable, "-m", "converter.steps.emit"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 65
    assert "1 x Sin (op): no such operator" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_plan_covers_the_network(case: Case) -> None:
    """Names are unique, every bottom has been computed, and the plan speaks of layers and blobs that there are."""
    files = converter.emit(case.build(), "caffe")
    layers = layers_of(files[FILES[0]])
    blueprint = json.loads(files[FILES[1]])
    layer_names = [layer["name"][0] for layer in layers]
    assert len(set(layer_names)) == len(layer_names)
    written: set[str] = set()
    for layer in layers:
        bottoms, tops = layer.get("bottom", []), layer.get("top", [])
        assert set(bottoms) <= written
        fresh = [top for top in tops if top not in bottoms]
        assert not written & set(fresh)
        written |= set(tops)
    read = {name for layer in layers for name in layer.get("bottom", []) if name not in layer.get("top", [])}
    assert written - read <= set(blueprint["outputs"].values())
    assert set(blueprint["outputs"].values()) | set(blueprint["inputs"].values()) <= written
    assert {row["name"][0] for row in blueprint["parameters"]} <= set(layer_names)
    places = [place if isinstance(place, str) else place[0] for place in blueprint["trace"].values()]
    assert set(places) <= set(layer_names)


def in_place(model: ir.Model, **options: bool) -> list[str]:
    """Names of the layers that write over their bottom."""
    layers = layers_of(converter.emit(model, "caffe", **options)[FILES[0]])
    return [layer["name"][0] for layer in layers if layer.get("bottom") == layer.get("top") != []]


def test_layers_run_in_place_where_nothing_else_reads_the_bottom() -> None:
    assert in_place(cases.residual()) == ["bn1", "bn1/scale", "relu1", "bn2", "bn2/scale", "relu2"]


def test_the_models_inputs_and_outputs_are_not_written_over() -> None:
    net = Builder()
    value = net.node("Relu", "relu", net.input("data", ("batch", 3)))
    assert in_place(net.model(net.node("Tanh", "tanh", value), value)) == []


def test_an_output_behind_an_identity_is_not_written_over() -> None:
    assert in_place(cases.aliases()) == ["relu"]
    net = Builder()
    value = net.node("Relu", "relu", net.input("data", ("batch", 3)))
    assert in_place(net.model(net.node("Tanh", "tanh", value), net.node("Identity", "id", value))) == []


def test_memory_that_a_flatten_shares_is_not_written_over() -> None:
    assert in_place(cases.shared_memory()) == ["relu"]


def test_flatten_goes_where_only_inner_products_follow() -> None:
    files = converter.emit(cases.dense((3, 4, 5)), "caffe")
    assert [layer["type"][0] for layer in layers_of(files[FILES[0]])] == ["Input", "InnerProduct"]
    assert list(json.loads(files[FILES[1]])["trace"]) == ["fc_output"]
    net = Builder()
    flat = net.node("Flatten", "flat", net.input("data", ("batch", 2, 3)), axis=1)
    fc = net.node("Gemm", "fc", flat, net.parameter("fc_weight", (4, 6)), transB=1)
    files = converter.emit(net.model(fc, flat), "caffe")
    assert [layer["type"][0] for layer in layers_of(files[FILES[0]])] == ["Input", "Flatten", "InnerProduct"]


def test_what_the_outputs_do_not_need_is_left_out() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    net.node("Gelu", "unused", data)
    files = converter.emit(net.model(net.node("Relu", "relu", data)), "caffe")
    assert [layer["type"][0] for layer in layers_of(files[FILES[0]])] == ["Input", "ReLU"]


def test_softmax_says_its_axis_where_it_is_not_the_channels() -> None:
    for axis, said in ((1, False), (-1, True), (3, True)):
        text = converter.emit(cases.unary("Softmax", axis=axis), "caffe")[FILES[0]]
        assert (b"axis: 3" in text) == said


def test_names_that_collide_are_numbered() -> None:
    layers = layers_of(converter.emit(cases.names(), "caffe")[FILES[0]])
    assert [layer["name"][0] for layer in layers] == [
        "data",
        "data_2",
        "bn",
        "bn/scale",
        "bn/scale_2",
        "bn/scale_0",
        "späß\\",
    ]
    assert layers[4]["top"] == ["bn/scale_0", "bn/scale_1"]


def test_names_cannot_leave_their_string() -> None:
    net = Builder('"} layer {\n')
    relu = net.node("Relu", 'a"\n', net.input("data\n#", ("batch", 3)))
    model = net.model(relu, metadata={PREPROCESS: json.dumps({"channels\nlayer {": "x\ny"})})
    text = converter.emit(model, "caffe")[FILES[0]].decode()
    assert '\nname: "\\"} layer {\\012"\n' in text
    assert [line for line in text.splitlines() if not line.startswith("#")][:2] == [
        'name: "\\"} layer {\\012"',
        "layer {",
    ]
    assert len(layers_of(text.encode())) == 2


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (cases.unary("Sin"), "Sin (op): no such operator"),
        (cases.unary("Gelu"), "Gelu (op): Caffe has no error function"),
        (cases.scalar("Div", 0.0), "the constant is 0"),
        (cases.reshape([2, 120]), "the shape [2, 120] fits one size of the batch only"),
        (
            cases.pool("AveragePool", (8, 8), (3, 3), strides=(2, 2), ceil_mode=1, count_include_pad=1),
            "ceil_mode and count_include_pad",
        ),
    ],
)
def test_what_cannot_be_exact_is_refused(model: ir.Model, words: str) -> None:
    with pytest.raises(Unsupported) as refused:
        converter.emit(model, "caffe")
    assert words in str(refused.value)


def test_one_error_names_everything() -> None:
    net = Builder()
    value = net.input("data", ("batch", 3, 8, 8))
    for number in range(5):
        value = net.node("Sin", f"sine{number}", value)
    value = net.node("Reshape", "folded", value, net.constant("shape", [2, 96]))
    value = net.node("Atan", "angle", value)
    with pytest.raises(Unsupported) as refused:
        converter.emit(net.model(value), "caffe")
    first, where, fix = str(refused.value).splitlines()
    assert first == "caffe cannot express 7 of this model's nodes exactly"
    assert where.removeprefix("  where: ").split("; ") == [
        "1 x Atan (angle): no such operator",
        "1 x Reshape (folded): the shape [2, 96] fits one size of the batch only",
        "5 x Sin (sine0, sine1, sine2, ...): no such operator",
    ]
    assert fix.startswith("  to do: ")


def test_an_unknown_option_names_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        converter.emit(representative(), "caffe", merge=True)
    known = "profile, merge_bn, to_bgr, softmax, relu6, nms_top_k"
    assert str(caught.value) == f"caffe has no option 'merge'\n  to do: use one of: {known}"


@pytest.mark.parametrize(
    ("target", "option", "value", "said"),
    [
        ("caffe", "merge_bn", 1, "the option merge_bn of caffe has to be true or false, not 1"),
        ("onnx", "opset", "13", "the option opset of onnx has to be a whole number, not '13'"),
        ("onnx", "opset", True, "the option opset of onnx has to be a whole number, not True"),
        ("ncnn", "storage", 16, "the option storage of ncnn has to be a text, not 16"),
        ("pytorch", "merge", 1, "pytorch has no option 'merge'\n  to do: leave it out: there are none"),
    ],
)
def test_an_option_of_another_type_is_refused(target: str, option: str, value: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        converter.emit(representative(), target, **{option: value})
    assert str(caught.value) == said


def test_values_that_are_not_float32_are_refused() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    data.dtype = ir.DataType.DOUBLE
    value = net.node("Identity", "id", data)
    value.dtype = ir.DataType.DOUBLE
    with pytest.raises(Unsupported, match=r"1 x Identity \(id\): there are no double values"):
        converter.emit(net.model(value), "caffe")


def test_unknown_attributes_are_refused() -> None:
    net = Builder()
    model = net.model(net.node("Relu", "relu", net.input("data", ("batch", 3))))
    model.graph.node(0).attributes["spatial"] = ir.AttrInt64("spatial", 0)
    with pytest.raises(Unsupported, match="attribute spatial is unknown"):
        converter.emit(model, "caffe")


def test_parameters_in_the_place_of_blobs_are_blobs() -> None:
    net = Builder()
    data, weight = net.input("data", ("batch", 3)), net.parameter("w", (2, 3))
    read = net.node("Gemm", "fc", data, net.node("Relu", "relu", weight), transB=1)
    layers = layers_of(converter.emit(net.model(read, net.node("Tanh", "tanh", weight)), "caffe")[FILES[0]])
    (parameter,) = (layer for layer in layers if layer["type"] == ["Parameter"])
    assert parameter["name"] == parameter["top"] == ["w"]
    assert [layer["top"] for layer in layers if layer.get("bottom") == ["w"]] == [["relu"], ["tanh"]]


def test_two_translations_of_one_operator_are_an_error() -> None:
    with pytest.raises(ValueError, match="two translations of Conv into caffe"):
        emits("caffe", "Conv")(lambda node: node)


def types(model: ir.Model) -> list[str]:
    """The layer types of ``model`` with batch normalization merged, but for the inputs."""
    layers = layers_of(converter.emit(model, "caffe", merge_bn=True)[FILES[0]])
    return [layer["type"][0] for layer in layers if layer["type"] != ["Input"]]


def test_batch_norm_is_merged_over_a_single_edge_only() -> None:
    assert types(cases.conv_norm()) == ["Convolution", "ReLU"]
    assert types(cases.dense_norm()) == ["InnerProduct"]
    assert types(cases.conv_norm(between="Relu")) == ["Convolution", "ReLU", "BatchNorm", "Scale", "ReLU"]
    assert types(cases.conv_norm(tapped=True)) == ["Convolution", "BatchNorm", "Scale", "ReLU"]
    assert types(cases.forked_norm()) == ["Convolution", "BatchNorm", "Scale", "TanH", "Eltwise"]
    assert types(cases.norm((3, 4, 5))) == ["BatchNorm", "Scale"]


def test_batch_norm_is_merged_with_its_own_eps() -> None:
    files = converter.emit(cases.conv_norm(bias=True), "caffe", merge_bn=True)
    weight, bias = json.loads(files[FILES[1]])["parameters"]
    gamma, beta, mean = ({"tensor": f"bn_{name}"} for name in ("gamma", "beta", "mean"))
    factor = {"mul": [gamma, {"rsqrt": {"tensor": "bn_var"}, "eps": 2e-5}]}
    assert weight["value"] == {"mul": [{"tensor": "conv_weight"}, {"reshape": factor, "shape": [6, 1, 1, 1]}]}
    assert bias["value"] == {"add": [{"mul": [{"sub": [{"tensor": "conv_bias"}, mean]}, factor]}, beta]}
    assert b"bias_term" not in files[FILES[0]]


def test_a_dense_layer_has_its_outputs_first() -> None:
    """As every Caffe has it; the field ``transpose`` is of later ones, and OpenCV overlooks it."""
    for transposed in (True, False):
        files = converter.emit(cases.dense_norm(transposed=transposed), "caffe", merge_bn=True)
        weight, _ = json.loads(files[FILES[1]])["parameters"]
        stored = {"tensor": "fc_weight"}
        wanted = stored if transposed else {"transpose": stored, "perm": [1, 0]}
        assert weight["shape"] == [7, 60]
        assert weight["value"]["mul"][0] == wanted
        assert weight["value"]["mul"][1]["shape"] == [7, 1]
        assert b"transpose" not in files[FILES[0]]


def test_emission_is_deterministic_and_leaves_the_model_alone() -> None:
    model = representative()
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    first = converter.emit(model, "caffe", merge_bn=True)
    assert (
        first
        == converter.emit(model, "caffe", merge_bn=True)
        == converter.emit(representative(), "caffe", merge_bn=True)
    )
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.001, "0.001"), (1e-5, "1e-05"), (-127.5, "-127.5"), (0.1, "0.1"), (1e10, "1e+10")],
)
def test_decimal(value: float, text: str) -> None:
    assert decimal(float(np.float32(value))) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_decimals_are_exact(value: float) -> None:
    assert np.float32(decimal(value)) == np.float32(value)


def test_the_plan_spells_each_expression() -> None:
    parameter = plan.Parameter(("conv", 0), (2,), plan.full(0.5, (2,)))
    text = plan.render([parameter], inputs={}, outputs={"a": "b"}, trace={}).decode()
    row = '{"name": ["conv", 0], "shape": [2], "value": {"full": 0.5, "shape": [2]}}'
    assert text == (
        f'{{\n  "parameters": [\n    {row}\n  ],\n'
        '  "inputs": {},\n  "outputs": {\n    "a": "b"\n  },\n  "trace": {}\n}\n'
    )
