"""What arithmetic becomes in Caffe: the layers, and the refusals, without Caffe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

import converter
from converter.emitters.caffe import FILES
from converter.errors import Unsupported
from tests.emitters.cases import caffe_arithmetic_found as found
from tests.emitters.cases import common
from tests.emitters.cases.ncnn_shapes import each, recurrent, with_constants, with_parameter
from tests.emitters.models import Builder
from tests.emitters.prototxt import layers_of

ROW = ("batch", 3, 4, 5)


def layers(model: ir.Model, **options: Any) -> list[dict[str, Any]]:
    """The layers that compute, in order."""
    written = layers_of(converter.emit(model, "caffe", **options)[FILES[0]])
    return [layer for layer in written if layer["type"] != ["Input"]]


def types(model: ir.Model, **options: Any) -> str:
    """Their types."""
    return " ".join(layer["type"][0] for layer in layers(model, **options))


def parameter(layer: dict[str, Any]) -> dict[str, Any]:
    """The only parameter message of a layer."""
    ((message,),) = [value for key, value in layer.items() if key.endswith("_param")]
    return {key: value[0] if len(value) == 1 else value for key, value in message.items()}


@pytest.mark.parametrize(
    ("build", "wanted"),
    [
        (partial(common.scalar, "Add", 2.5), "Power"),
        (partial(common.scalar, "Div", 2.5, left=True), "Power"),
        (partial(common.binary, "Sub"), "Eltwise"),
        (partial(with_parameter, "Mul", ROW, (3, 1, 1)), "Scale"),
        (partial(with_parameter, "Sub", ROW, (5,), left=True), "Power Bias"),
        (partial(each, "Mul", [ROW, ("batch", 3, 1, 1)]), "Reshape Scale"),
        (partial(each, "Add", [ROW, ("batch", 3, 1, 5)]), "Tile Eltwise"),
        (partial(with_constants, "Max", ROW, 0.5), "Power Eltwise"),
        (partial(with_constants, "Clip", ROW, 0.0, 6.0), "ReLU6"),
        (partial(with_constants, "Clip", ROW, 0.0), "ReLU"),
        (partial(with_constants, "Clip", ROW, None, 2.0), "Power Power Eltwise Power"),
        (partial(with_constants, "ReduceMean", ROW, [2, 3]), "Pooling"),
        (partial(with_constants, "ReduceMean", ROW, [2, 3], keepdims=0), "Reduction"),
        (partial(with_constants, "ReduceSum", ("batch", 3), [1]), "Reduction Reshape"),
        (partial(common.unary, "HardSwish"), "HardSwish"),
    ],
)
def test_what_a_user_would_write(build: Callable[[], ir.Model], wanted: str) -> None:
    assert types(build()) == wanted


def test_relu6_of_stock_caffe_is_exact() -> None:
    first, flip, limit, back = layers(with_constants("Clip", ROW, 0.0, 6.0), profile="bvlc")
    assert [layer["type"] for layer in (first, flip, limit, back)] == [["ReLU"], ["Power"], ["ReLU"], ["Power"]]
    assert parameter(flip) == parameter(back) == {"scale": "-1", "shift": "6"}
    assert flip["top"] == limit["top"] == back["top"] == first["top"]


def test_a_parameter_stands_where_it_belongs() -> None:
    (layer,) = layers(with_parameter("Mul", ROW, (4, 1)))
    assert parameter(layer) == {"axis": "2"}
    (layer,) = layers(with_parameter("Add", ROW, (3, 4, 1)))
    assert parameter(layer) == {"num_axes": "2"}
    (layer,) = layers(with_parameter("Mul", ROW, (1,)))
    assert parameter(layer) == {"axis": "0", "num_axes": "0"}


def test_no_layer_holds_the_batch() -> None:
    for case in found.CASES:
        if all(value.shape is not None and value.shape[0] == "batch" for value in case.build().graph.inputs):
            tiles = [parameter(layer) for layer in layers(case.build()) if layer["type"] == ["Tile"]]
            assert all(fields.get("axis") != "0" for fields in tiles), case.name


def test_truth_is_told_strictly() -> None:
    (layer,) = layers(_truth("Greater", 0.25))
    assert parameter(layer) == {"threshold": "0.25"}
    (layer,) = layers(_truth("GreaterOrEqual", 0.25))
    assert np.float32(parameter(layer)["threshold"]) == np.nextafter(np.float32(0.25), np.float32(0))
    minus, layer = layers(_truth("LessOrEqual", 0.25))
    assert parameter(minus) == {"scale": "-1"}
    assert np.float32(parameter(layer)["threshold"]) == np.nextafter(np.float32(-0.25), np.float32(-1))


def _truth(op: str, number: float) -> ir.Model:
    net = Builder()
    value = net.node(op, "op", net.input("data", ROW), net.constant("number", number))
    return net.model(found.as_type(value, found.BOOL))


@pytest.mark.parametrize(("kind", "last"), [(found.BOOL, "Threshold"), (found.INT64, "Eltwise"), (1, "Parameter")])
def test_known_numbers_take_the_type_they_are_cast_to(kind: int, last: str) -> None:
    net = Builder()
    net.input("data", ROW)
    known = found.as_type(net.node("Cast", "op", net.constant("known", [0.5, 0.0, 2.0]), to=kind), kind)
    assert types(net.model(known)).split()[-1] == last


def test_the_epsilon_of_a_normalization_is_its_own() -> None:
    build = partial(found.normalized, "InstanceNormalization", ROW, (3,), epsilon=1e-2)
    assert types(build()) == "Reduction Bias Reduction Power Scale Scale"
    assert parameter(layers(build())[3]) == {"shift": "0.01", "power": "-0.5"}
    assert parameter(layers(build())[0]) == {"operation": "MEAN", "axis": "2", "coeff": "-1"}


def test_lengths_of_ssd_are_one_layer() -> None:
    (layer,) = layers(found.lengths((3, 1, 1)))
    assert layer["type"] == ["Normalize"]
    assert parameter(layer) == {"across_spatial": "false", "channel_shared": "false", "eps": "0.01"}
    assert types(found.lengths((3, 1, 1), shown=True)) == "Normalize Scale"
    assert "Normalize" not in types(found.lengths((3, 1, 1)), profile="bvlc")


def test_steps_of_time_share_one_matrix() -> None:
    products = [layer for layer in layers(recurrent("LSTM", 4)) if layer["type"] == ["InnerProduct"]]
    own, *shared = [layer.get("param", []) for layer in products]
    assert own == []
    assert len(shared) == 4
    assert all(names == shared[0] and names for names in shared)


def test_whole_numbers_that_wrap_or_are_too_large_are_refused() -> None:
    assert _refusal(_whole("Add", 1)) == "whole numbers may be beyond 16777216, to where float32 holds each of them"
    assert types(_whole("Max", 1)).endswith("Power Eltwise")


def _whole(op: str, number: int) -> ir.Model:
    net = Builder()
    value = found.as_type(net.node("Cast", "whole", net.input("data", ROW), to=found.INT64), found.INT64)
    return found.floats(net, found.as_type(net.node(op, "op", value, net.constant("by", number)), found.INT64))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (partial(common.unary, "Gelu"), "Caffe has no error function"),
        (partial(common.unary, "LRN", size=3, shape=(3, 4)), "LRN takes two spatial dimensions and odd sizes only"),
        (partial(with_constants, "Pow", ROW, -2.0), None),
        (partial(common.scalar, "Pow", -2.0, left=True), "the base is -2"),
        (partial(common.scalar, "Div", 0.0), "the constant is 0"),
        (partial(common.binary, "Pow"), "Caffe has powers to a number, and of a number, only"),
        (partial(with_constants, "ReduceMax", ROW, [0]), "the open batch is reduced"),
        (partial(found.products, (2048, 64), (64, 64)), "8388608 products for an example are too many"),
    ],
)
def test_refusals(build: Callable[[], ir.Model], reason: str | None) -> None:
    if reason is None:
        layers(build())
    else:
        assert reason in _refusal(build())


def _refusal(model: ir.Model) -> str:
    with pytest.raises(Unsupported) as refused:
        converter.emit(model, "caffe")
    return str(refused.value.where).partition("): ")[2]


@pytest.mark.parametrize("profile", ["ssd", "bvlc"])
def test_emission_is_the_same_twice(profile: str) -> None:
    for build in (
        partial(found.special, "Equal"),
        partial(recurrent, "GRU", 3),
        partial(found.tied, "ArgMax", axis=1),
    ):
        assert converter.emit(build(), "caffe", profile=profile) == converter.emit(build(), "caffe", profile=profile)


def test_hostile_names_stay_names() -> None:
    model = _named(['a"b', "layer {", "\\", "\n}"])
    files = converter.emit(model, "caffe")
    assert [layer["name"] for layer in layers_of(files[FILES[0]])][-1] == ["\n}"]
    assert json.loads(files[FILES[1]])["outputs"]


def _named(names: Sequence[str]) -> ir.Model:
    net = Builder()
    value = net.input(names[0], ROW)
    for name, op in zip(names[1:], ("Round", "Mish", "Softsign"), strict=True):
        value = net.node(op, name, value)
    return net.model(value)
