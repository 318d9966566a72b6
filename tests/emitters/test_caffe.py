"""The Caffe target, without Caffe."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import converter
from converter import plan
from converter.emitters import emits, emitters
from converter.emitters.caffe import FILES, pooling
from converter.emitters.caffe.prototxt import decimal
from converter.errors import BadInput, Unsupported
from converter.ir import PREPROCESS
from tests.emitters.cases import common as cases
from tests.emitters.cases.common import CASES, REFUSALS, Case
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Array, Builder
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
    converter.save(REFUSALS["gelu"][0](), tmp_path / "in" / "ir")
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "params.json").write_text(json.dumps({"target": "caffe"}))
    command = [sys.executable, "-m", "converter.steps.emit"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 65
    assert "1 x Gelu (op): no such operator" in done.stderr
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


def test_every_operator_has_a_case() -> None:
    used = {node.op_type for case in CASES for node in case.build().graph}
    assert set(emitters("caffe")) == used


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


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_exact_is_refused(name: str) -> None:
    build, words = REFUSALS[name]
    with pytest.raises(Unsupported) as refused:
        converter.emit(build(), "caffe")
    assert words in str(refused.value)


def test_one_error_names_everything() -> None:
    net = Builder()
    value = net.input("data", ("batch", 3, 8, 8))
    for number in range(5):
        value = net.node("Gelu", f"gelu{number}", value)
    value = net.node("Conv", "conv", value, net.parameter("w", (3, 3, 3, 3)), pads=(1, 0, 0, 1))
    value = net.node("Softsign", "sign", value)
    with pytest.raises(Unsupported) as refused:
        converter.emit(net.model(value), "caffe")
    first, where, fix = str(refused.value).splitlines()
    assert first == "caffe cannot express 7 of this model's nodes exactly"
    assert where.removeprefix("  where: ").split("; ") == [
        "1 x Conv (conv): pads [1, 0, 0, 1] (top, left, bottom, right) are not the same at opposite edges",
        "5 x Gelu (gelu0, gelu1, gelu2, ...): no such operator",
        "1 x Softsign (sign): no such operator",
    ]
    assert fix.startswith("  to do: ")


def test_an_unknown_option_names_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        converter.emit(representative(), "caffe", merge=True)
    assert str(caught.value) == "caffe has no option 'merge'\n  to do: use one of: merge_bn"


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
    data.dtype = ir.DataType.INT32
    value = net.node("Identity", "id", data)
    value.dtype = ir.DataType.INT32
    with pytest.raises(Unsupported, match=r"1 x Identity \(id\): there are no int32 values"):
        converter.emit(net.model(value), "caffe")


def test_unknown_attributes_are_refused() -> None:
    net = Builder()
    model = net.model(net.node("Relu", "relu", net.input("data", ("batch", 3))))
    model.graph.node(0).attributes["spatial"] = ir.AttrInt64("spatial", 0)
    with pytest.raises(Unsupported, match="attribute spatial is unknown"):
        converter.emit(model, "caffe")


def test_constants_in_the_place_of_blobs_are_refused() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    with pytest.raises(Unsupported, match="w"):
        converter.emit(net.model(net.node("Relu", "relu", net.parameter("w", (2, 3))), data), "caffe")
    net = Builder()
    value = net.node("Add", "add", net.input("data", (2, 3)), net.parameter("w", (2, 3)))
    with pytest.raises(Unsupported, match="w is a parameter"):
        converter.emit(net.model(value), "caffe")


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


def test_batch_norm_is_merged_along_the_outputs_of_either_layout() -> None:
    for transposed, column in ((True, [7, 1]), (False, [1, 7])):
        files = converter.emit(cases.dense_norm(transposed=transposed), "caffe", merge_bn=True)
        weight, _ = json.loads(files[FILES[1]])["parameters"]
        assert weight["value"]["mul"][1]["shape"] == column


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


def caffe_pool(data: Array, method: str, kernel: list[int], stride: list[int], pad: list[int]) -> Array:
    """What Caffe's pooling layer does to a matrix, loop for loop as its documentation and shape rule have it."""
    height, width = data.shape
    counts = []
    for axis in (0, 1):
        count = int(np.ceil((data.shape[axis] + 2 * pad[axis] - kernel[axis]) / stride[axis])) + 1
        if any(pad) and (count - 1) * stride[axis] >= data.shape[axis] + pad[axis]:
            count -= 1
        counts.append(count)
    result = np.zeros(counts, np.float64)
    for row, column in np.ndindex(*counts):
        top, left = row * stride[0] - pad[0], column * stride[1] - pad[1]
        bottom, right = min(top + kernel[0], height + pad[0]), min(left + kernel[1], width + pad[1])
        divisor = (bottom - top) * (right - left)
        window = data[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)].astype(np.float64)
        if method == "MAX":
            result[row, column] = window.max(initial=-np.finfo(np.float32).max)
        else:
            result[row, column] = window.sum() / divisor if divisor else np.nan
    return result


def onnx_pool(data: Array, method: str, attributes: dict[str, list[int]], *, count_include_pad: bool) -> Array:
    """What ONNX's pooling does to a matrix: over the padded matrix, window by window."""
    kernel, stride, pads = attributes["kernel_shape"], attributes["strides"], attributes["pads"]
    edges = ((pads[0], pads[2]), (pads[1], pads[3]))
    padded = np.pad(data.astype(np.float64), edges, constant_values=-np.inf if method == "MAX" else 0.0)
    weight = np.pad(np.ones_like(data, np.float64), edges, constant_values=1.0 if count_include_pad else 0.0)
    view = np.lib.stride_tricks.sliding_window_view
    windows = view(padded, tuple(kernel))[:: stride[0], :: stride[1]]
    if method == "MAX":
        return windows.max(axis=(2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return windows.sum(axis=(2, 3)) / view(weight, tuple(kernel))[:: stride[0], :: stride[1]].sum(axis=(2, 3))


def run_pooling_layers(layers: list[pooling.Layer], data: Array) -> Array:
    """Interpret a Pooling layer and the Slice layers behind it."""
    value = data
    for layer in layers:
        if layer.type == "Slice":
            axis, point = layer.params["slice_param"]["axis"] - 2, layer.params["slice_param"]["slice_point"]
            assert 0 < point < value.shape[axis]
            value = np.take(value, range(point), axis=axis)
        else:
            assert layer.type == "Pooling"
            fields = layer.params["pooling_param"]
            both = [
                _both(fields, *names)
                for names in (("kernel", "kernel_size", 0), ("stride", "stride", 1), ("pad", "pad", 0))
            ]
            value = caffe_pool(value, fields["pool"], *both)
    return value


def _both(fields: dict[str, int], stem: str, square: str, default: int) -> list[int]:
    one = fields.get(square, default)
    return [fields.get(f"{stem}_h", one), fields.get(f"{stem}_w", one)]


def check_pooling(
    method: str, size: tuple[int, int], attributes: dict[str, list[int]], *, count_include_pad: bool
) -> bool:
    """Translate a pooling; whether it was refused. If not, it has to give what ONNX gives."""
    op = "MaxPool" if method == "MAX" else "AveragePool"
    extra = {"count_include_pad": int(count_include_pad)} if method == "AVE" else {}
    node = cases.pool(op, size, tuple(attributes["kernel_shape"]), **_without_kernel(attributes), **extra).graph.node(
        0
    )
    function = emitters("caffe")[op].function
    try:
        layers = function(node, node.inputs[0], **attributes, **extra)
    except pooling.Refused:
        return True
    data = np.random.default_rng(0).normal(size=size).astype(np.float32) - 3
    wanted = onnx_pool(data, method, attributes, count_include_pad=count_include_pad)
    np.testing.assert_allclose(run_pooling_layers(layers, data), wanted, rtol=1e-12)
    return False


def _without_kernel(attributes: dict[str, list[int]]) -> dict[str, list[int]]:
    return {name: value for name, value in attributes.items() if name != "kernel_shape"}


def grid() -> Iterator[tuple[int, int, int, int, int]]:
    """Length, kernel, stride, padding before and after, for every output of at least one window."""
    for length, kernel, stride in itertools.product(range(1, 9), range(1, 5), range(1, 5)):
        for before, after in itertools.product(range(kernel), range(kernel + 1)):
            if length + before + after >= kernel:
                yield length, kernel, stride, before, after


@pytest.mark.parametrize(("method", "count_include_pad"), [("MAX", False), ("AVE", False), ("AVE", True)])
def test_pooling_is_exact_or_refused(method: str, count_include_pad: bool) -> None:
    refused = 0
    for length, kernel, stride, before, after in grid():
        attributes = {"kernel_shape": [kernel, 1], "strides": [stride, 1], "pads": [before, 0, after, 0]}
        refused += check_pooling(method, (length, 2), attributes, count_include_pad=count_include_pad)
    assert 0 < refused < len(list(grid()))


@settings(deadline=None)
@given(st.sampled_from(list(grid())), st.sampled_from(list(grid())), st.sampled_from(["MAX", "AVE"]), st.booleans())
def test_pooling_of_unlike_dimensions(
    rows: tuple[int, ...], columns: tuple[int, ...], method: str, count_include_pad: bool
) -> None:
    attributes = {
        "kernel_shape": [rows[1], columns[1]],
        "strides": [rows[2], columns[2]],
        "pads": [rows[3], columns[3], rows[4], columns[4]],
    }
    check_pooling(method, (rows[0], columns[0]), attributes, count_include_pad=count_include_pad)


@pytest.mark.parametrize("size", range(3, 20))
def test_pooling_of_either_convention_is_never_refused(size: int) -> None:
    """The usual poolings have to be expressed: floor and ceiling, with the padding of one that networks have."""
    for kernel, stride, pad in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1)):
        rest = (size + 2 * pad - kernel) % stride
        for extra in {0, (stride - rest) % stride}:
            attributes = {
                "kernel_shape": [kernel] * 2,
                "strides": [stride] * 2,
                "pads": [pad, pad, pad + extra, pad + extra],
            }
            assert not check_pooling("MAX", (size, size), attributes, count_include_pad=False)
