"""The TensorFlow target, without TensorFlow."""

from __future__ import annotations

import ast
import json
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters.tensorflow import FILES
from converter.errors import BadInput, Unsupported
from tests.emitters.cases.common import batch_norm
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder

MODEL, PLAN = FILES


def emit(model: ir.Model, **options: Any) -> tuple[str, dict[str, Any]]:
    """The code and the plan."""
    files = converter.emit(model, "tensorflow", **options)
    return files[MODEL].decode(), json.loads(files[PLAN])


def body(code: str) -> list[str]:
    """The statements of the network's function."""
    network = next(node for node in ast.parse(code).body if isinstance(node, ast.ClassDef))
    return [ast.unparse(line) for line in network.body[-1].body]  # type: ignore[attr-defined]


def conv(size: int = 6, **attributes: Any) -> ir.Model:
    """A convolution of three taps each way."""
    net = Builder()
    data, weight = net.input("data", ("batch", 3, size, size)), net.parameter("conv_weight", (4, 3, 3, 3))
    return net.model(net.node("Conv", "conv", data, weight, kernel_shape=(3, 3), **attributes))


@pytest.mark.parametrize("variant", ["channels_last", "channels_first"])
def test_golden(variant: str) -> None:
    files = converter.emit(representative(), "tensorflow", data_format=variant)
    assert tuple(files) == FILES
    assert files == converter.emit(representative(), "tensorflow", data_format=variant)
    compare_with_golden(f"tensorflow/{variant}", files)


def test_images_have_their_channels_last_and_nothing_is_transposed() -> None:
    code, plan = emit(representative())
    assert 'tf.TensorSpec([None, 18, 24, 3], tf.float32, name="data")' in code
    assert "transpose" not in code
    assert plan["perms"]["data"] == [0, 2, 3, 1]
    shapes = {row["name"]: row["shape"] for row in plan["parameters"]}
    assert shapes["conv1_weight"] == [3, 5, 3, 8]


def test_channels_first_leaves_inputs_as_they_are() -> None:
    code, plan = emit(representative(), data_format="channels_first")
    assert 'tf.TensorSpec([None, 3, 18, 24], tf.float32, name="data")' in code
    assert 'data_format="NCHW"' in code
    assert plan["perms"] == {}


@pytest.mark.parametrize(
    ("size", "attributes", "padding"),
    [
        (6, {"pads": (1, 1, 1, 1)}, "'SAME'"),
        (6, {"pads": (1, 1, 1, 1), "strides": (2, 2)}, "[[0, 0], [1, 1], [1, 1], [0, 0]]"),
        (7, {"pads": (1, 1, 1, 1), "strides": (2, 2)}, "'SAME'"),
        (6, {"auto_pad": "SAME_UPPER", "strides": (2, 2)}, "'SAME'"),
        (6, {"auto_pad": "SAME_LOWER", "strides": (2, 2)}, "[[0, 0], [1, 0], [1, 0], [0, 0]]"),
        (6, {}, "'VALID'"),
    ],
)
def test_padding_is_called_same_only_where_it_is(size: int, attributes: dict[str, Any], padding: str) -> None:
    code, _ = emit(conv(size, **attributes))
    step = 2 if "strides" in attributes else 1
    assert body(code)[0] == f"conv = tf.nn.conv2d(data, self.conv_weight, {step}, {padding})"


def test_what_the_source_does_not_learn_is_not_trainable() -> None:
    net = Builder()
    model = net.model(batch_norm(net, net.input("data", ("batch", 4)), "bn", 4))
    code, _ = emit(model)
    assert 'self.bn_mean = tf.Variable(tf.zeros([4]), trainable=False, name="bn_mean")' in code
    assert 'self.bn_gamma = tf.Variable(tf.zeros([4]), name="bn_gamma")' in code


def test_hostile_names_are_harmless_and_stay_apart() -> None:
    net = Builder('x"""\nimport os')
    data = net.input('data"; import os', ("batch", 3))
    first = net.node("Add", "self", data, net.parameter("name", (3,)))
    second = net.node("Add", "tf", first, net.parameter("with_name_scope", (3,)))
    third = net.node("Mul", "a b", second, net.parameter("a/b", (3,)))
    code, plan = emit(net.model(net.node("Relu", "a_b", third), third))
    imported = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imported] == ["import tensorflow as tf"]
    assert len({*plan["outputs"].values()}) == 2
    assert not {row["name"] for row in plan["parameters"]} & {"name", "with_name_scope"}
    assert all(name.isidentifier() for name in (*plan["inputs"].values(), *plan["outputs"].values()))


def test_the_plan_says_whether_there_is_a_model_for_tensorflow_lite() -> None:
    assert emit(conv())[1]["tflite"] is True
    assert emit(conv(), tflite=False)[1]["tflite"] is False


@pytest.mark.parametrize(("places", "deviates"), [([[0], [2]], False), ([[2], [-1]], True)])
def test_the_plan_says_what_tensorflow_lite_would_make_something_else_of(
    places: list[list[int]], deviates: bool
) -> None:
    net = Builder()
    indices, rows = net.constant("places", places), net.parameter("rows", (2, 4))
    model = net.model(net.node("ScatterND", "op", net.input("data", (3, 4)), indices, rows))
    said = ["ScatterND (op): it adds up what is written at one place"] if deviates else None
    assert emit(model)[1].get("deviations") == said
    assert "deviations" not in emit(model, tflite=False)[1]


def test_what_a_transposed_tensor_divides_is_not_a_constant() -> None:
    net = Builder()
    moved = net.node("Transpose", "moved", net.input("data", (3, 4)), perm=[1, 0])
    quotient = net.node("Div", "op", net.constant("five", 5.0), net.node("Relu", "relu", moved))
    code, _ = emit(net.model(quotient), data_format="channels_first")
    assert body(code)[2] == "op = tf.where(relu == relu, 5.0, 1.0) / relu"


def test_there_are_two_data_formats() -> None:
    with pytest.raises(BadInput, match="there is no data_format 'NHWC'"):
        emit(conv(), data_format="NHWC")


def test_what_cannot_be_exact_is_refused_by_name() -> None:
    net = Builder()
    data, lengths = net.input("data", (5, "batch", 3)), net.input("lengths", ("batch",))
    lengths.dtype = ir.DataType.INT32
    weights = [net.parameter("w", (1, 16, 3)), net.parameter("r", (1, 16, 4)), net.parameter("b", (1, 32))]
    model = net.model(net.node("LSTM", "rnn", data, *weights, lengths, hidden_size=4))
    with pytest.raises(Unsupported, match="sequences of different lengths") as caught:
        emit(model)
    assert "LSTM (rnn)" in str(caught.value)
