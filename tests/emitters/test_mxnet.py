"""The MXNet target, without MXNet."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters.mxnet import FILES
from converter.emitters.mxnet.pooling import Axis, Window, fitting, mxnet_windows, onnx_windows
from converter.errors import Unsupported
from tests.emitters.cases import common
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder


def code_of(model: ir.Model) -> str:
    """The program."""
    return converter.emit(model, "mxnet")[FILES[0]].decode()


def plan_of(model: ir.Model) -> dict[str, Any]:
    """The plan."""
    plan: dict[str, Any] = json.loads(converter.emit(model, "mxnet")[FILES[1]])
    return plan


def calls_of(model: ir.Model) -> list[str]:
    """What the program calls, in order."""
    tree = ast.parse(code_of(model))
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_golden() -> None:
    files = converter.emit(representative(), "mxnet")
    assert tuple(files) == FILES
    compare_with_golden("mxnet/plain", files)


def test_emission_is_deterministic_and_changes_nothing() -> None:
    model = representative()
    before = [node.name for node in model.graph]
    assert converter.emit(model, "mxnet") == converter.emit(model, "mxnet")
    assert [node.name for node in model.graph] == before


def test_parameters_of_a_layers_own_name_are_left_to_mxnet() -> None:
    code = code_of(representative())
    assert 'mx.sym.Variable("conv1_weight"' not in code
    assert 'mx.sym.Variable("bn1_gamma"' not in code
    assert [row["name"] for row in plan_of(representative())["parameters"]][:2] == ["conv1_weight", "bn1_gamma"]


def test_a_parameter_that_two_layers_share_is_one_variable() -> None:
    net = Builder()
    weight = net.parameter("fc1_weight", (4, 4))
    value = net.node("Gemm", "fc1", net.input("data", ("batch", 4)), weight, transB=1)
    model = net.model(net.node("Gemm", "fc2", value, weight, transB=1))
    assert code_of(model).count('mx.sym.Variable("fc1_weight", shape=(4, 4))') == 1
    assert [row["name"] for row in plan_of(model)["parameters"]] == ["fc1_weight"]


def test_hostile_names_are_data() -> None:
    net = Builder('net"""\nimport os')
    value = net.input('data");evil("', ("batch", 3))
    for name in ('a");evil("', "b\n    evil()", '"""', "mx", "symbol", "ünï\u202e", "class"):
        value = net.node("Gemm", name, value, net.parameter(f"{name} weight", (3, 3)), transB=1)
    model = net.model(value)
    assert "evil" not in " ".join(calls_of(model))
    assert set(calls_of(model)) == {"mx.sym.Variable", "mx.sym.FullyConnected"}
    code = code_of(model)
    assert code.isascii() or "\u202e" not in code
    tree = ast.parse(code)
    assert [type(node) for node in tree.body] == [ast.Expr, ast.Import, ast.FunctionDef]


def test_two_nodes_never_get_one_variable() -> None:
    net = Builder()
    first = net.node("Relu", "a/b", net.input("a.b", ("batch", 3)))
    model = net.model(net.node("Add", "a-b", first, net.node("Tanh", "a_b", first)))
    tree = ast.parse(code_of(model))
    targets = [node.targets[0] for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    assert len(names) == len(set(names)) == 4


def test_a_shape_that_is_computed_with_the_batch_becomes_a_code() -> None:
    net = Builder()
    data = net.input("data", ("batch", 2, 3))
    shape = net.node("Shape", "shape", data)
    batch = net.node("Gather", "batch", shape, net.constant("first", [0]), axis=0)
    target = net.node("Concat", "target", batch, net.constant("rest", [3, 2]), axis=0)
    for value in (shape, batch, target):
        value.dtype = ir.DataType.INT64
    model = net.model(net.node("Reshape", "turn", data, target))
    assert calls_of(model) == ["mx.sym.Variable", "mx.sym.reshape"]
    assert "shape=(0, 3, 2)" in code_of(model)


def test_a_flatten_before_a_layer_is_the_layers_own() -> None:
    assert "Flatten" not in code_of(representative())
    net = Builder()
    flat = net.node("Flatten", "flat", net.input("data", ("batch", 2, 3)), axis=1)
    layer = net.node("Gemm", "fc", flat, net.parameter("fc_weight", (4, 6)), transB=1)
    assert calls_of(net.model(layer, flat)) == [
        "mx.sym.Variable",
        "mx.sym.Flatten",
        "mx.sym.FullyConnected",
        "mx.sym.Group",
    ]


def test_truth_values_are_cast_where_they_leave_the_network() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    less = net.node("Less", "less", data, net.constant("half", 0.5))
    less.dtype = ir.DataType.BOOL
    model = net.model(less)
    assert 'dtype="bool"' in code_of(model)
    assert plan_of(model)["outputs"] == {"less_output": "less_output/bool_output"}


def test_an_output_without_dimensions_is_refused() -> None:
    net = Builder()
    total = net.node("ReduceSum", "total", net.input("data", ("batch", 3)), keepdims=0)
    with pytest.raises(Unsupported, match="numbers without dimensions"):
        converter.emit(net.model(total), "mxnet")


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "end", "length", "include", "wanted"),
    [
        (3, 2, 1, 1, 8, False, {"pooling_convention": None, "count_include_pad": False}),
        (3, 2, 1, 1, 8, True, {"pooling_convention": None, "count_include_pad": None}),
        (3, 2, 0, 1, 8, False, {"pooling_convention": "full", "count_include_pad": None}),
        (3, 2, 1, 0, 7, False, None),
        (3, 1, 2, 0, 7, False, None),
    ],
)
def test_an_average_is_pooled_where_the_windows_are_those_of_the_model(
    kernel: int, stride: int, pad: int, end: int, length: int, include: bool, wanted: dict[str, Any] | None
) -> None:
    count = (length + pad + end - kernel) // stride + 1
    axis = Axis(length, kernel, stride, pad, end, 1, count)
    assert fitting([axis], include=include, divided=True) == wanted


def test_the_last_window_of_the_full_convention_is_cut() -> None:
    axis = Axis(8, 3, 2, 0, 1, 1, 4)
    assert mxnet_windows(axis, "valid", include=True)[-1] == Window(4, 7, 3)
    assert mxnet_windows(axis, "full", include=True)[-1] == Window(6, 8, 2)
    assert onnx_windows(axis, include=False)[-1] == Window(6, 8, 2)


def _three_dimensions() -> ir.Model:
    net = Builder()
    data = net.input("data", ("batch", 2, 3, 4, 5))
    return net.model(net.node("ConvTranspose", "op", data, net.parameter("op_weight", (2, 2, 3, 3, 3))))


def _training() -> ir.Model:
    net = Builder()
    value = net.input("data", ("batch", 2))
    names = [net.parameter(f"op_{name}", (2,)) for name in ("gamma", "beta", "mean", "var")]
    outputs = net.nodes(
        "BatchNormalization", "op", value, *names, outputs=["op_output", "mean", "var"], training_mode=1
    )
    return net.model(outputs[0])


def _seven_dimensions() -> ir.Model:
    net = Builder()
    data = net.input("data", ("batch", 1, 2, 1, 2, 1, 2))
    return net.model(net.node("Transpose", "op", data, perm=[6, 5, 4, 3, 2, 1, 0]))


def _one(op: str, *inputs: list[int] | float, shape: tuple[int | str, ...] = (), **attributes: Any) -> ir.Model:
    """One node of data and constants."""
    net = Builder()
    data = net.input("data", shape or ("batch", 3, 4, 4))
    constants = [net.constant(f"input{place}", value) for place, value in enumerate(inputs)]
    return net.model(net.node(op, "op", data, *constants, **attributes))


def _normalized(axis: int, shape: tuple[int, ...]) -> ir.Model:
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    return net.model(net.node("LayerNormalization", "op", data, net.parameter("op_gamma", shape), axis=axis))


def _computed_weight() -> ir.Model:
    net = Builder()
    data, weight = net.input("data", ("batch", 2, 3, 4)), net.input("weight", (2, 2, 3, 3))
    return net.model(net.node("ConvTranspose", "op", data, weight, strides=[2, 1], dilations=[2, 1]))


def _pooled_batch() -> ir.Model:
    net = Builder()
    turned = net.node("Transpose", "turned", net.input("data", ("batch", 3, 4)), perm=[1, 2, 0])
    return net.model(net.node("MaxPool", "op", turned, kernel_shape=[1]))


def _aligned_regions() -> ir.Model:
    net = Builder()
    data, boxes = net.input("data", ("batch", 3, 4, 4)), net.input("boxes", (2, 4))
    images = net.constant("images", [0, 0])
    return net.model(net.node("RoiAlign", "op", data, boxes, images, spatial_scale=2.0))


REFUSALS: dict[str, tuple[Callable[[], ir.Model], str]] = {
    "three-dimensions": (
        _three_dimensions,
        "1 x ConvTranspose (op): MXNet computes 3 spatial dimensions on GPUs only",
    ),
    "training": (_training, "1 x BatchNormalization (op): training_mode is set"),
    "seven-dimensions": (_seven_dimensions, "1 x Transpose (op): MXNet transposes 6 dimensions at most, not 7"),
    "layer-norm-batch": (partial(_normalized, 0, (4,)), "1 x LayerNormalization (op): the batch is normalized over"),
    "layer-norm-scale": (
        partial(_normalized, -2, (4,)),
        "1 x LayerNormalization (op): op_gamma has the shape [4], not [3, 4]",
    ),
    "dilated-weight": (
        _computed_weight,
        "1 x ConvTranspose (op): weight is computed, and has both strides [2, 1] and dilations [2, 1]",
    ),
    "pooled-batch": (_pooled_batch, "1 x MaxPool (op): the batch is pooled"),
    "reduced-twice": (partial(_one, "ReduceMax", [2, 2]), "1 x ReduceMax (op): an axis is there twice in [2, 2]"),
    "no-elements": (partial(_one, "Tile", [1, 0, 1, 1]), "1 x Tile (op): op_output has no elements"),
    "nothing-left": (
        partial(_one, "Pad", [0, 0, 0, -4, 0, 0, 0, 1]),
        "1 x Pad (op): pads (-4, 1) leave nothing of 4 elements",
    ),
    "whole-batch": (
        partial(_one, "Expand", [2, 3, 4, 4]),
        "1 x Expand (op): data of the shape ['batch', 3, 4, 4] is repeated to [2, 3, 4, 4]",
    ),
    "enlarged-regions": (_aligned_regions, "1 x RoiAlign (op): spatial_scale is 2, and MXNet takes 0 to 1"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_the_node_and_the_reason(name: str) -> None:
    build, reason = REFUSALS[name]
    with pytest.raises(Unsupported) as caught:
        converter.emit(build(), "mxnet")
    assert caught.value.where == reason


def test_names_of_files_come_from_the_networks_name() -> None:
    assert plan_of(representative())["name"] == "ExampleNet"
    assert plan_of(common.residual())["name"] == "net"
