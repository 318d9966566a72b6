"""Caffe's options, without Caffe."""

from __future__ import annotations

import json
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters.caffe import FILES
from converter.errors import BadInput, Unsupported
from converter.ir import PREPROCESS
from tests.emitters import caffe_models as models
from tests.emitters.caffe_models import BGR, conv, image
from tests.emitters.cases import common as cases
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder
from tests.emitters.prototxt import layers_of


def layers(model: ir.Model, **options: Any) -> list[str]:
    """The layers' types, but for the inputs."""
    found = layers_of(converter.emit(model, "caffe", **options)[FILES[0]])
    return [layer["type"][0] for layer in found if layer["type"] != ["Input"]]


def plan_of(model: ir.Model, **options: Any) -> dict[str, Any]:
    """The weight plan."""
    return dict(json.loads(converter.emit(model, "caffe", **options)[FILES[1]]))


def header(model: ir.Model, **options: Any) -> list[str]:
    """The comments."""
    text = converter.emit(model, "caffe", **options)[FILES[0]].decode()
    return [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")]


def described(settings: dict[str, Any]) -> ir.Model:
    """A network of one image with a preprocessing."""
    net = Builder()
    return net.model(conv(net, "conv", image(net)), metadata={PREPROCESS: json.dumps({"data": settings})})


def test_golden_of_all_options() -> None:
    model = representative()
    model.metadata_props[PREPROCESS] = model.metadata_props[PREPROCESS].replace("BGR", "RGB")
    files = converter.emit(model, "caffe", merge_bn=True, to_bgr=True, profile="bvlc")
    compare_with_golden("caffe/options", files)


def test_weights_are_turned_where_convolutions_and_dense_layers_alone_read_the_image() -> None:
    for name in ("conv", "conv-norm", "read-by-two-convolutions", "identity", "flatten-dense"):
        plain, turned = layers(BGR[name]()), layers(BGR[name](), to_bgr=True)
        assert plain == turned, name
        text = converter.emit(BGR[name](), "caffe", to_bgr=True)[FILES[1]]
        assert b'"indices": [2, 1, 0]' in text, name


@pytest.mark.parametrize("name", ["norm-first", "scaling-first", "group-first", "read-by-another-layer", "output"])
def test_channels_are_put_in_order_before_everything_else(name: str) -> None:
    found = layers(BGR[name](), to_bgr=True)
    assert found[:2] == ["Slice", "Concat"]
    assert found[2:] == layers(BGR[name]())
    assert b"indices" not in converter.emit(BGR[name](), "caffe", to_bgr=True)[FILES[1]]


def test_every_image_is_taken_as_bgr_and_nothing_else() -> None:
    plan = plan_of(models.several_inputs(), to_bgr=True)
    assert plan["bgr"] == ["left", "right"]
    assert plan["inputs"] == {"left": "left", "right": "right", "more": "more"}


def test_the_inputs_of_a_net_that_takes_bgr_are_not_written_over() -> None:
    net = Builder()
    relu = net.node("Relu", "relu", image(net))
    found = layers_of(converter.emit(net.model(relu), "caffe", to_bgr=True)[FILES[0]])
    assert [layer["top"] for layer in found if layer["type"] == ["ReLU"]] == [["data/rgb"]]


def test_the_preprocessing_follows_the_channels() -> None:
    settings = {"channels": "RGB", "mean": [1, 2, 3], "scale": [0.1, 0.2, 0.3], "crops": [[0, 0, 0.5, 1]]}
    said = header(described(settings), to_bgr=True)
    assert said[-4:] == [
        '  channels: "BGR"',
        "  mean: [3, 2, 1]",
        "  scale: [0.3, 0.2, 0.1]",
        "  crops: [[0, 0, 0.5, 1]]",
    ]
    one = header(described({"channels": "RGB", "mean": 127.5}), to_bgr=True)
    assert one[-2:] == ['  channels: "BGR"', "  mean: 127.5"]


def test_the_order_of_the_channels_is_said_where_nothing_else_is_known() -> None:
    net = Builder()
    assert header(net.model(conv(net, "conv", image(net))), to_bgr=True)[-2:] == [
        'Preprocessing of "data":',
        '  channels: "BGR"',
    ]


@pytest.mark.parametrize("options", [{"to_bgr": True}, {"merge_bn": True}, {"softmax": True}, {"relu6": "relu"}])
def test_options_leave_the_model_alone(options: dict[str, Any]) -> None:
    net = Builder()
    clipped = net.node(
        "Clip", "relu6", conv(net, "conv", image(net)), net.constant("low", 0.0), net.constant("high", 6.0)
    )
    model = net.model(clipped, metadata={PREPROCESS: '{"data": {"channels": "RGB"}}'})
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    assert converter.emit(model, "caffe", **options) == converter.emit(model, "caffe", **options)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def refusal(model: ir.Model, **options: Any) -> str:
    """Why ``model`` is refused."""
    with pytest.raises(Unsupported) as caught:
        converter.emit(model, "caffe", **options)
    return str(caught.value)


def test_what_holds_no_rgb_image_is_not_taken_as_bgr() -> None:
    said = refusal(cases.unary("Relu", (4, 5, 6)), to_bgr=True)
    assert "no images of three channels" in said
    assert "data: batch x 4 x 5 x 6" in said
    assert "to_bgr" in said
    assert "data: batch x 3" in refusal(cases.unary("Relu", (3,)), to_bgr=True)
    assert '"BGR", not RGB\n  where: data' in refusal(described({"channels": "BGR"}), to_bgr=True)


def test_a_softmax_is_appended_over_the_second_dimension() -> None:
    for name, build in models.SCORES.items():
        found = layers_of(converter.emit(build(), "caffe", softmax=True)[FILES[0]])[-1]
        assert found["type"] == ["Softmax"], name
        assert found["top"] == ["prob"]
        assert "softmax_param" not in found
        plan = plan_of(build(), softmax=True)
        assert plan["softmax"] == "prob"
        assert plan["outputs"] == plan_of(build())["outputs"]
        assert list(plan["outputs"].values()) == found["bottom"]
    assert header(cases.conv(), softmax=True)[-1] == 'Blob "prob": the softmax of "conv_output".'


def test_a_softmax_is_not_written_over_what_it_reads() -> None:
    (found,) = [
        layer
        for layer in layers_of(converter.emit(models.activated(), "caffe", softmax=True)[FILES[0]])
        if layer["type"] == ["Softmax"]
    ]
    assert found["bottom"] != found["top"]


def test_a_softmax_called_like_another_layer_is_numbered() -> None:
    net = Builder()
    dense = net.node("Gemm", "prob", net.input("data", ("batch", 4)), net.parameter("w", (3, 4)), transB=1)
    assert plan_of(net.model(dense), softmax=True)["softmax"] == "prob_2"


def test_a_softmax_that_cannot_be_meant_is_refused() -> None:
    assert "the model has several\n  where: conv_output, other_output" in refusal(
        models.read_twice(by="Conv"), softmax=True
    )
    assert "the model ends in a softmax already" in refusal(cases.unary("Softmax", (6,)), softmax=True)
    assert "which dimension of batch x 4 x 5 is" in refusal(cases.unary("Relu", (4, 5)), softmax=True)
    net = Builder()
    value = net.node("Softmax", "soft", net.input("data", ("batch", 3, 1, 1)), axis=1)
    value = net.node("Identity", "same", net.node("Flatten", "flat", value, axis=1))
    assert "ends in a softmax already" in refusal(net.model(value), softmax=True)


def test_relu6_is_a_plain_relu_only_where_that_is_asked_for_and_said() -> None:
    model = models.clipped()
    assert layers(model) == ["Power", "ReLU6"]
    assert layers(model, relu6="relu") == ["Power", "ReLU"]
    assert header(model, relu6="relu")[-1] == ('Not exact beyond 6, where ReLU6 ends and these ReLU do not: "relu6".')
    assert not any("Not exact" in line for line in header(model))
    assert layers(model, profile="bvlc").count("ReLU") == 2


def test_other_clips_stay_exact() -> None:
    net = Builder()
    model = net.model(net.node("Clip", "clip", image(net), net.constant("low", 0.0), net.constant("high", 5.0)))
    assert layers(model, relu6="relu") == layers(model)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"relu6": "lossy"}, "there is no form of ReLU6 'lossy'\n  to do: use one of: exact, relu"),
        ({"profile": "nvidia"}, "there is no profile 'nvidia'\n  to do: use one of: ssd, bvlc"),
    ],
)
def test_an_unknown_choice_names_the_known(option: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        converter.emit(cases.conv(), "caffe", **option)
    assert str(caught.value) == said


def test_a_deconvolution_is_merged_group_by_group() -> None:
    net = Builder()
    up = net.node(
        "ConvTranspose", "up", net.input("data", ("batch", 4, 5, 6)), net.parameter("w", (4, 3, 2, 2)), group=2
    )
    model = net.model(cases.batch_norm(net, up, "bn", 6))
    assert layers(model, merge_bn=True) == ["Deconvolution"]
    weight, _ = plan_of(model, merge_bn=True)["parameters"]
    assert weight["shape"] == [4, 3, 2, 2]
    grouped, factor = weight["value"]["reshape"]["mul"]
    assert grouped == {"reshape": {"tensor": "w"}, "shape": [2, 2, 3, 2, 2]}
    assert factor["shape"] == [2, 1, 3, 1, 1]


def test_a_layer_that_nothing_needs_is_left_out() -> None:
    net = Builder()
    data = net.input("data", ("batch", 6, 4, 4))
    first, _ = net.nodes("Split", "split", data, outputs=["a", "b"], axis=1, num_outputs=2)
    found = layers(net.model(net.node("Tanh", "tanh", first)))
    assert found == ["Slice", "Silence", "TanH"]
