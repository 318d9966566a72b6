"""The Keras target, without Keras."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters import keras
from converter.emitters.keras import FILES
from converter.errors import BadInput, Unsupported
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder

MODEL, PLAN = FILES


def text(model: ir.Model, **options: Any) -> str:
    """The code, which has to be Python."""
    code = converter.emit(model, "keras", **options)[MODEL].decode()
    ast.parse(code)
    return code


def convolution(shape: tuple[int, ...] = (3, 8, 8), name: str = "conv", **attributes: Any) -> ir.Model:
    net = Builder()
    parameters = net.parameter("w", (4, 3, 3, 3)), net.parameter("b", (4,))
    return net.model(net.node("Conv", name, net.input("data", ("batch", *shape)), *parameters, **attributes))


@pytest.mark.parametrize("variant", ["plain", "channels_first"])
def test_golden(variant: str) -> None:
    files = converter.emit(representative(), "keras", **({} if variant == "plain" else {"data_format": variant}))
    assert tuple(files) == FILES
    compare_with_golden(f"keras/{variant}", files)


def test_the_code_needs_keras_alone() -> None:
    tree = ast.parse(text(representative()))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    assert names | {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)} == {"keras"}


def test_what_the_code_takes_of_the_library_needs_keras_alone() -> None:
    for path in Path(keras.__file__).parent.glob("library*.py"):
        imports = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
        modules = {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
        assert names | modules <= {"__future__", "keras", "math"}


def test_padding_is_same_where_that_is_what_the_source_does() -> None:
    assert 'padding="same"' in text(convolution(pads=(1, 1, 1, 1)))
    assert 'padding="same"' in text(convolution((3, 8, 7), pads=(0, 1, 1, 1), strides=(2, 2)))
    uneven = text(convolution(pads=(1, 1, 1, 1), strides=(2, 2)))
    assert 'layers.ZeroPadding2D(1, name="conv_padded")' in uneven
    assert "same" not in uneven


def test_a_bias_is_added_apart_where_keras_would_confuse_the_axes() -> None:
    square, other = convolution((3, 8, 6)), convolution((3, 8, 9))
    assert "use_bias=False" in text(square, data_format="channels_first")
    assert "use_bias" not in text(other, data_format="channels_first") + text(square)


def test_a_step_over_a_dilated_kernel_is_a_slice() -> None:
    code = text(convolution((3, 9, 9), dilations=(2, 2), strides=(2, 2)))
    assert "dilation_rate=2" in code
    assert "[:, ::2, ::2]" in code


def test_images_are_laid_out_as_asked() -> None:
    model = convolution(pads=(1, 1, 1, 1))
    last, first = (json.loads(converter.emit(model, "keras", **options)[PLAN]) for options in _formats())
    assert last["perms"] == {"data": [0, 2, 3, 1], "conv_output": [0, 2, 3, 1]}
    assert first["perms"] == {}
    assert 'keras.Input((8, 8, 3), name="data")' in text(model)
    assert 'data_format="channels_first"' in text(model, data_format="channels_first")
    with pytest.raises(BadInput, match="data_format"):
        converter.emit(model, "keras", data_format="NHWC")


def _formats() -> list[dict[str, str]]:
    return [{"data_format": "channels_last"}, {"data_format": "channels_first"}]


def test_the_plan_names_variables_by_layer() -> None:
    rows = {row["name"]: row for row in json.loads(converter.emit(convolution(), "keras")[PLAN])["parameters"]}
    assert rows.keys() == {"conv/kernel", "conv/bias"}
    assert rows["conv/kernel"]["shape"] == [3, 3, 3, 4]
    assert rows["conv/kernel"]["value"] == {"transpose": {"tensor": "w"}, "perm": [2, 3, 1, 0]}


@pytest.mark.parametrize("name", ["a/b c", '"); import os; ("', "data", "_x", "class", "add", "\u00e4\n"])
def test_names_are_made_safe(name: str) -> None:
    code = text(convolution(name=name))
    names = re.findall(r'name="([^"]*)"', code)
    assert len(names) == len(set(names)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*", found) for found in names)
    imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import)]
    assert [alias.name for node in imports for alias in node.names] == ["keras"]


def test_a_layer_has_no_name_that_keras_gives_an_operation() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    value = net.node("Exp", "function", net.node("Relu", "exp_1", data))
    code = text(net.model(value))
    assert 'name="exp_1"' not in code
    assert 'name="relu"' in text(net_of("Relu", "relu"))


def net_of(operator: str, name: str) -> ir.Model:
    net = Builder()
    return net.model(net.node(operator, name, net.input("data", ("batch", 3))))


def test_an_open_batch_stays_open_and_a_number_stays_one() -> None:
    net = Builder()
    assert "keras.Input(batch_shape=(2, 3), " in text(net.model(net.node("Relu", "op", net.input("data", (2, 3)))))
    assert "keras.Input((3,), " in text(net_of("Relu", "op"))


def test_a_network_without_inputs_is_refused() -> None:
    net = Builder()
    with pytest.raises(Unsupported, match="without inputs"):
        converter.emit(net.model(net.node("Relu", "op", net.parameter("w", (2,)))), "keras")


def test_what_keras_cannot_do_is_refused() -> None:
    net = Builder()
    model = net.model(net.node("Celu", "op", net.input("data", ("batch", 3)), alpha=0.0))
    with pytest.raises(Unsupported, match="alpha is 0"):
        converter.emit(model, "keras")


def test_a_parameter_that_no_layer_has_is_a_layer_of_its_own() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    code = text(net.model(net.node("Mul", "op", data, net.parameter("scale", (3,)))))
    assert "class Parameter(layers.Layer)" in code
    assert 'scale = Parameter((3,), name="scale")(data)' in code
    assert "class" not in text(representative())


def resized(sizes: tuple[int, int], **attributes: Any) -> ir.Model:
    net = Builder()
    wanted = net.constant("sizes", [2, 3, *sizes])
    return net.model(net.node("Resize", "up", net.input("data", (2, 3, 2, 3)), None, None, wanted, **attributes))


def test_an_image_is_resized_by_a_layer_by_whole_factors_and_else_axis_by_axis() -> None:
    asymmetric = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    assert 'up = layers.UpSampling2D((2, 3), name="up")(data)' in text(resized((4, 9), **asymmetric))
    assert "up = ops.take(up_axis1, " in text(resized((4, 5)))
    cubic = text(resized((2, 5), mode="cubic"))
    assert 'up = ops.einsum("abcd,zc->abzd", data, up_weights2)' in cubic
    assert "up_weights2 = Parameter((5, 3), trainable=False, " in cubic
    with pytest.raises(Unsupported, match="tf_crop_and_resize"):
        text(resized((4, 5), coordinate_transformation_mode="tf_crop_and_resize"))
