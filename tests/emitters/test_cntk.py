"""The CNTK target, without CNTK."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters import cntk
from converter.emitters.cntk import FILES
from converter.errors import Unsupported
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder

MODEL, PLAN = FILES
NEWER = (ast.JoinedStr, ast.AnnAssign, ast.AsyncFunctionDef, ast.NamedExpr, ast.Nonlocal, ast.MatMult, ast.YieldFrom)
"""Syntax that Python 2.7 does not have."""


def text(model: ir.Model) -> str:
    """The code, which has to be Python of all versions."""
    code = converter.emit(model, "cntk")[MODEL].decode("ascii")
    check(ast.parse(code, feature_version=(3, 6)))
    return code


def check(tree: ast.AST) -> None:
    """Fail on what Python 2.7 cannot read."""
    for node in ast.walk(tree):
        assert not isinstance(node, NEWER), ast.dump(node)
        if isinstance(node, ast.arguments):
            assert not node.kwonlyargs + node.posonlyargs
            assert not any(argument.annotation for argument in node.args)
        if isinstance(node, ast.Call):
            stars = [isinstance(argument, ast.Starred) for argument in node.args]
            assert stars == sorted(stars)
            assert sum(stars) <= 1
        if isinstance(node, ast.Tuple | ast.List):
            assert not any(isinstance(element, ast.Starred) for element in node.elts)
        if isinstance(node, ast.Dict):
            assert None not in node.keys
        if isinstance(node, ast.Raise):
            assert node.cause is None


def plan(model: ir.Model) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(converter.emit(model, "cntk")[PLAN])
    return found


def convolution(shape: tuple[int, ...] = (3, 8, 8), **attributes: Any) -> ir.Model:
    net = Builder()
    channels, rank = 3 // attributes.get("group", 1), len(shape) - 1
    parameters = net.parameter("w", (6, channels, *[3] * rank)), net.parameter("b", (6,))
    return net.model(net.node("Conv", "conv", net.input("data", ("batch", *shape)), *parameters, **attributes))


def transposed(**attributes: Any) -> ir.Model:
    net = Builder()
    data, weight = net.input("data", ("batch", 3, 5, 5)), net.parameter("w", (3, 4, 4, 4))
    return net.model(net.node("ConvTranspose", "up", data, weight, **attributes))


def pooling(op: str, shape: tuple[int, ...] = (3, 8, 8), **attributes: Any) -> ir.Model:
    net = Builder()
    data = net.input("data", ("batch", *shape))
    return net.model(net.node(op, "pool", data, kernel_shape=[3] * (len(shape) - 1), **attributes))


def one(op: str, shape: tuple[int | str, ...], *integers: Any, **attributes: Any) -> ir.Model:
    """A node with constants of integers behind its data."""
    net = Builder()
    constants = [net.constant(f"c{number}", value) for number, value in enumerate(integers)]
    return net.model(net.node(op, "op", net.input("data", shape), *constants, **attributes))


def test_golden() -> None:
    files = converter.emit(representative(), "cntk")
    assert tuple(files) == FILES
    compare_with_golden("cntk/plain", files)


def test_the_same_model_gives_the_same_files() -> None:
    assert converter.emit(representative(), "cntk") == converter.emit(representative(), "cntk")


def test_the_library_is_of_all_pythons() -> None:
    check(ast.parse((Path(cntk.__file__).parent / "library.py").read_text("ascii"), feature_version=(3, 6)))


def test_the_code_needs_cntk_and_numpy_alone() -> None:
    tree = ast.parse(text(representative()))
    imports = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert imports == ["cntk"]
    assert "import numpy as np" in text(pooling("MaxPool", pads=(2, 0, 0, 2)))


def test_padding_is_automatic_where_that_is_what_the_source_does() -> None:
    assert "pad=True" in text(convolution(pads=(1, 1, 1, 1)))
    assert "pad=True" in text(convolution(pads=(1, 1, 1, 1), strides=(2, 2)))
    assert "pad=False" in text(convolution())
    uneven = text(convolution(pads=(0, 1, 2, 1)))
    assert "conv_padded = C.pad(data, [(0, 0), (0, 2), (1, 1)])" in uneven
    assert "pad=False" in uneven
    assert "conv_padded" in text(convolution((3, 9, 9), pads=(1, 1, 1, 1), strides=(3, 3)))  # CNTK begins elsewhere
    assert "conv_padded" in text(convolution((3, 2, 8), pads=(1, 1, 1, 1)))  # which it does not do for short data


def test_groups_and_dilation_are_those_of_the_cpu() -> None:
    assert "groups=3" in text(convolution(group=3))
    assert "grouped_convolution(w, data, 3, auto_padding=[False])" in text(convolution((3, 8), group=3))
    assert "C.convolution(dilated(w, (2, 1)), data, auto_padding=[False])" in text(convolution(dilations=(2, 1)))
    assert [row["shape"] for row in plan(convolution(dilations=(2, 2)))["parameters"]] == [[6, 3, 3, 3], [6, 1, 1]]


def test_a_transposed_convolution_is_cut() -> None:
    assert "pad=True, bias=False, output_shape=(10, 10)" in text(transposed(strides=(2, 2), pads=(1, 1, 1, 1)))
    assert "up = up_whole[:, 1:, :9]" in text(transposed(strides=(1, 2), pads=(1, 0, 0, 3)))
    moved = text(transposed(strides=(2, 2), pads=(1, 0, 0, 0), output_padding=(1, 0)))
    assert "C.pad(up_whole[:, 1:, :], [(0, 0), (0, 1), (0, 0)])" in moved  # as large as the whole, yet another part


def test_pooling_looks_at_nothing_but_data() -> None:
    assert "C.layers.MaxPooling((3, 3), strides=2, pad=True" in text(
        pooling("MaxPool", pads=(1, 1, 1, 1), strides=(2, 2))
    )
    assert "constant_value=-np.inf" in text(pooling("MaxPool", pads=(2, 0, 0, 2)))
    assert "ceil_out_dim=True" in text(pooling("MaxPool", ceil_mode=1, strides=(2, 2)))
    assert "pool_dilated(data, C.element_max" in text(pooling("MaxPool", dilations=(2, 1)))


def test_a_mean_leaves_padding_out_or_not() -> None:
    assert "pool_share" in text(pooling("AveragePool", pads=(2, 0, 0, 2)))
    assert "pool_share" not in text(pooling("AveragePool", pads=(2, 0, 0, 2), count_include_pad=1))
    assert "pad=True" in text(pooling("AveragePool", pads=(1, 1, 1, 1)))
    assert "pad=True" not in text(pooling("AveragePool", pads=(1, 1, 1, 1), count_include_pad=1))


def test_the_batch_is_no_axis_of_a_shape() -> None:
    assert "C.transpose(data, (1, 0))" in text(one("Transpose", ("batch", 3, 4), perm=(2, 0, 1)))
    moved = text(one("Transpose", ("batch", 3, 4), perm=(1, 0, 2)))
    assert "C.transpose" not in moved
    assert plan(one("Transpose", ("batch", 3, 4), perm=(1, 0, 2)))["outputs"]["op_output"][1] == [3, "batch", 4]
    assert "C.reshape(data, (12,))" in text(one("Flatten", ("batch", 3, 4)))
    joined = text(one("Flatten", ("batch", 3, 4), axis=2))
    assert "C.to_batch(C.reshape(C.unpack_batch(data), (-1, 4)))" in joined


def test_a_step_is_never_without_its_limits() -> None:
    code = text(one("Slice", ("batch", 6, 5), [0, -1], [6, -9], [1, 2], [2, -1]))
    assert "C.slice(data, [0, 1], [0, 0], [5, 5], [2, -1])" in code
    assert "data[0:5:2]" in text(one("Slice", ("batch", 6, 5), [0], [6], [1], [2]))  # CNTK does not see data[::2]


def test_only_so_many_axes_are_moved_at_once() -> None:
    assert "permuted(data, (4, 3, 2, 1, 0))" in text(
        one("Transpose", ("batch", 2, 3, 4, 5, 6), perm=(0, 5, 4, 3, 2, 1))
    )
    assert "C.transpose(data, (1, 0, 2, 3, 4))" in text(
        one("Transpose", ("batch", 2, 3, 4, 5, 6), perm=(0, 2, 1, 3, 4, 5))
    )


def test_elements_at_known_places_are_slices() -> None:
    assert "C.splice(data[1:3], data[0:1], axis=0)" in text(one("Gather", ("batch", 3, 4), [1, 2, 0], axis=1))
    many = text(one("Gather", ("batch", 9, 4), [8, 0, 7, 1, 6, 2, 5, 3, 4, 4], axis=1))
    assert "C.to_batch(C.gather(C.unpack_batch(data), op_index, axis=1))" in many


def test_sizes_that_are_known_leave_no_line() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    shape = net.node("Shape", "shape", data)
    sizes = net.node(
        "Concat", "sizes", net.node("Slice", "first", shape, *_ends(net)), net.constant("n", [12]), axis=0
    )
    for value in (shape, sizes):
        value.dtype = ir.DataType.INT64
    sizes.producer().inputs[0].dtype = ir.DataType.INT64  # type: ignore[union-attr]
    code = text(net.model(net.node("Reshape", "flat", data, sizes)))
    assert code.count(" = ") == text(one("Flatten", ("batch", 3, 4))).count(" = ")


def _ends(net: Builder) -> tuple[ir.Value, ir.Value]:
    return net.constant("start", [0]), net.constant("end", [1])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (one("Slice", ("batch", 3, 4), [1], [3], [0]), "it takes a part of the batch"),
        (one("Slice", ("batch", 3, 4), [1], [1], [1]), "op_output has no elements"),
        (
            one("Gather", ("batch", 3, 4), [0, 1], axis=0),
            "axis 0 of data is the batch, whose rows are computed one by one",
        ),
        (pooling("AveragePool", ceil_mode=1, count_include_pad=1, strides=(2, 2)), "runtimes disagree"),
        (pooling("MaxPool", auto_pad="SAME_UPPER", dilations=(2, 2)), "with dilation"),
        (pooling("LpPool", p=0), "p is 0, of which there is no norm"),
    ],
)
def test_refusals(model: ir.Model, reason: str) -> None:
    with pytest.raises(Unsupported, match="cntk cannot express") as error:
        converter.emit(model, "cntk")
    assert reason in str(error.value)


def test_names_of_a_model_are_no_code() -> None:
    hostile = [
        '"""',
        "a b",
        "import os",
        "class",
        "C",
        "np",
        "über",
        "x\ny",
        "{0}",
        "create_model",
        "load",
        "path",
        "",
    ]
    net = Builder('"""\nimport os\n"""')
    value = net.input("data\n", ("batch", 3, 8, 8))
    for number, name in enumerate(hostile):
        value = net.node("Conv", f"{name}{number}", value, net.parameter(f"{name}{number}w", (3, 3, 1, 1)), group=1)
        value = net.node("Relu", name or "empty", value)
    code = text(net.model(value))
    tree = ast.parse(code)
    assert [node.names[0].name for node in tree.body if isinstance(node, ast.Import)] == ["cntk"]
    assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} == {"create_model", "load"}
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree) if node not in tree.body)
