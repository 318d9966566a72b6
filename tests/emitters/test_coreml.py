"""The Core ML target, without coremltools."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters.coreml import FILES
from converter.errors import BadInput, Unsupported
from converter.ir import LABELS, PREPROCESS
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder

MODEL, PLAN = FILES


def code_of(model: ir.Model, **options: Any) -> str:
    return converter.emit(model, "coreml", **options)[MODEL].decode()


def plan_of(model: ir.Model, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(converter.emit(model, "coreml", **options)[PLAN])
    return found


def calls_of(code: str, module: str = "mb") -> list[str]:
    """What of ``module`` the code calls, in order."""
    calls = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    attributes = [call for call in calls if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)]
    found = [(call.lineno, call.attr) for call in attributes if ast.unparse(call.value) == module]
    return [name for _, name in sorted(found)]


def image_of(code: str) -> dict[str, str]:
    """What coremltools is told of the image."""
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and _is_image(node))
    return {str(keyword.arg): ast.unparse(keyword.value) for keyword in call.keywords}


def _is_image(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "ct.ImageType"


def picture(settings: Any, shape: Sequence[int | str] = ("batch", 3, 4, 6), **metadata: Any) -> ir.Model:
    """A net of one image input, which is prepared as ``settings`` say."""
    net = Builder()
    value = net.node("GlobalAveragePool", "pool", net.node("Relu", "relu", net.input("data", shape)))
    value = net.node("Flatten", "flatten", value, axis=1)
    given = {PREPROCESS: {"data": settings}, **metadata}
    return net.model(value, metadata={key: json.dumps(each) for key, each in given.items()})


@pytest.mark.parametrize(
    ("variant", "options"), [("plain", {}), ("tensors", {"image_input": False, "precision": "float16"})]
)
def test_golden(variant: str, options: dict[str, Any]) -> None:
    files = converter.emit(representative(), "coreml", **options)
    assert tuple(files) == FILES
    assert files == converter.emit(representative(), "coreml", **options)
    compare_with_golden(f"coreml/{variant}", files)


def test_a_photograph_is_an_image_of_core_ml() -> None:
    code = code_of(picture({"channels": "BGR", "mean": [1, 2, 3], "scale": 0.5}))
    assert image_of(code) == {
        "shape": "(1, 3, 4, 6)",
        "color_layout": "ct.colorlayout.BGR",
        "scale": "0.5",
        "bias": "[-0.5, -1.0, -1.5]",
    }
    assert "mb.TensorSpec([1, 3, 4, 6], types.fp32)" in code
    assert "RangeDim" not in code


def test_channels_of_different_scales_are_scaled_by_the_program() -> None:
    model = picture({"channels": "RGB", "mean": [1, 2, 3], "scale": [1, 2, 4]})
    code, plan = code_of(model), plan_of(model)
    assert image_of(code)["bias"] == "[-1.0, -2.0, -3.0]"
    assert "scale" not in image_of(code)
    assert calls_of(code)[0] == "mul"
    assert plan["images"] == {"data": {"channels": "RGB", "scale": [1, 2, 4], "bias": [-1, -4, -12]}}


def test_an_image_may_be_grey() -> None:
    code = code_of(picture({"channels": "GRAY", "scale": 0.25}, (1, 1, 4, 6)))
    assert (image_of(code)["color_layout"], image_of(code)["scale"]) == ("ct.colorlayout.GRAYSCALE", "0.25")


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"channels": "RGB"}, (2, 3, 4, 6)),
        ({"channels": "RGB"}, ("batch", 1, 4, 6)),
        ({"channels": "RGB", "crops": [[0, 0, 1, 1], [0, 0, 0.5, 1]]}, ("batch", 6, 4, 6)),
        ({"colours": "RGB"}, ("batch", 3, 4, 6)),
        ("as you like", ("batch", 3, 4, 6)),
    ],
)
def test_what_is_no_one_photograph_stays_a_tensor(settings: Any, shape: Sequence[int | str]) -> None:
    assert {"TensorType", "ImageType"} & set(calls_of(code_of(picture(settings, shape)), "ct")) == {"TensorType"}


def test_tensors_on_demand_have_any_batch() -> None:
    model = picture({"channels": "RGB"})
    code = code_of(model, image_input=False, max_batch=8)
    assert 'ct.TensorType("data", shape=ct.Shape((ct.RangeDim(1, 8), 3, 4, 6)))' in code
    assert plan_of(model, image_input=False)["images"] == {}


def test_labels_make_a_classifier() -> None:
    labels = {"flatten_output": ["cat", 'dog"]; evil()', "emu"]}
    code = code_of(picture({"channels": "RGB"}, **{LABELS: labels}))
    assert 'ct.ClassifierConfig(LABELS, predicted_probabilities_output="flatten")' in code
    tree = ast.parse(code).body[-1]
    assert isinstance(tree, ast.Assign)
    assert ast.literal_eval(tree.value) == labels["flatten_output"]
    assert plan_of(picture({"channels": "RGB"}, **{LABELS: labels}))["classifier"] == "flatten_output"


@pytest.mark.parametrize("names", [["cat", "dog"], ["cat", "cat", "dog"], ["cat", "dog", 3]])
def test_labels_that_do_not_tell_the_elements_apart_make_none(names: list[Any]) -> None:
    assert "Classifier" not in code_of(picture({"channels": "RGB"}, **{LABELS: {"flatten_output": names}}))


def test_an_open_batch_has_no_one_class() -> None:
    model = picture({"channels": "RGB"}, **{LABELS: {"flatten_output": ["cat", "dog", "emu"]}})
    assert "Classifier" not in code_of(model, image_input=False)


def test_half_precision_is_coremltools_own_pass() -> None:
    code = code_of(representative(), precision="float16")
    assert "common::add_fp16_cast" in code
    assert "compute_precision=ct.transform.FP16ComputePrecision(is_half)" in code
    assert plan_of(representative(), precision="float16")["trace"] == {}


def sets_of(model: ir.Model) -> dict[str, set[str]]:
    """The sets of names that the file of a model with 16 bits has."""
    body = ast.parse(code_of(model, precision="float16")).body
    sets = [item for item in body if isinstance(item, ast.Assign) and isinstance(item.value, ast.Set)]
    return {ast.unparse(item.targets[0]): ast.literal_eval(item.value) for item in sets}


def test_what_points_at_something_keeps_32_bits_up_to_the_layer_before() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 8, 8))
    places = net.node("Conv", "layer", data, net.parameter("weight", (2, 3, 1, 1)))
    places = net.node("Div", "scaled", net.node("Relu", "relu", places), net.constant("size", 8.0))
    places = net.node("Transpose", "turned", net.node("Neg", "flipped", places), perm=(0, 2, 3, 1))
    sampled = net.node("GridSample", "sampled", net.node("Neg", "picture", data), places)
    last = net.node("Conv", "last", sampled, net.parameter("other weight", (2, 3, 1, 1)))
    found = sets_of(net.model(net.node("Relu", "behind", last)))
    assert {"relu", "flipped", "turned"} <= found["SINGLE"]
    assert not {"layer", "last", "behind"} & found["SINGLE"]
    assert {"conv", "relu", "transpose"} <= found["HALF"]
    assert not {"real_div", "resample"} & found["HALF"]


def test_what_large_sums_lead_to_keeps_32_bits() -> None:
    net = Builder()
    data = net.node("Relu", "before", net.input("data", ("batch", 3)))
    total = net.node("ReduceSum", "total", data, net.constant("axes", [1]))
    found = sets_of(net.model(net.node("Relu", "behind", total)))
    assert found == {"HALF": {"relu"}, "SINGLE": {"behind"}}


def test_16_bits_need_no_variance() -> None:
    rows = {row["name"]: row["value"] for row in plan_of(representative(), precision="float16")["parameters"]}
    assert (rows["bn1_mean"]["full"], rows["bn1_variance"]["full"]) == (0, 1)
    assert "rsqrt" in json.dumps(rows["bn1_gamma"])
    assert "rsqrt" in json.dumps(rows["bn1_beta"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"precision": "int8"}, "no precision 'int8'"),
        ({"max_batch": 0}, "cannot be 0"),
        ({"image_input": 1}, "true or false"),
    ],
)
def test_options_are_checked(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        converter.emit(representative(), "coreml", **options)


def test_hostile_names_are_data() -> None:
    net = Builder('net"""\nimport os')
    value = net.input('data");evil("', ("batch", 3))
    for name in ('a");evil("', "b\n    evil()", '"""', "mb", "weights", "ünï\u202e", "class", "state", "ct"):
        value = net.node("Gemm", name, value, net.parameter(f"{name} weight", (3, 3)), transB=1)
    model = net.model(value)
    code = code_of(model)
    assert code.isascii() or "\u202e" not in code
    tree = ast.parse(code)
    names = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not any("evil" in name for name in names)
    kinds = [ast.Expr, ast.Import, ast.ImportFrom, ast.ImportFrom, ast.Assign, *[ast.FunctionDef] * 3]
    assert [type(node) for node in tree.body] == kinds
    assert "state" not in plan_of(model)["trace"].values()


def test_no_operation_is_called_what_coremltools_calls_something_else() -> None:
    """An input, the results of a split, a constant of another operation."""
    net = Builder()
    data = net.input("data", ("batch", 4))
    left, right = net.nodes("Split", "part", data, outputs=["left", "right"], axis=1, num_outputs=2)
    values = [
        net.node("Relu", name, value) for name, value in (("data", left), ("part_0", right), ("part_axis_0", left))
    ]
    plan = plan_of(net.model(*values))
    places = [*plan["inputs"].values(), *plan["trace"].values(), *plan["outputs"].values()]
    assert places == ["data", "part_0", "part_1", "data_op", "part_0_op", "part_axis_0_op"]


def test_what_is_given_or_taken_twice_is_copied() -> None:
    net = Builder()
    data = net.input("data", ("batch", 4))
    relu = net.node("Relu", "relu", data)
    model = net.model(relu)
    model.graph.outputs.append(model.graph.inputs[0])
    assert calls_of(code_of(model))[:2] == ["relu", "identity"]
    assert plan_of(model)["outputs"] == {"relu_output": "relu", "data": "data_output"}


def one(op: str, shape: Sequence[int | str], *constants: Any, **attributes: Any) -> ir.Model:
    """One node of an input and constants."""
    net = Builder()
    others = [net.constant(f"constant{place}", number) for place, number in enumerate(constants)]
    return net.model(net.node(op, "op", net.input("data", shape), *others, **attributes))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (one("Relu", (1, 2, 3, 4, 5, 6)), "6 dimensions, and Core ML's tensors have 5"),
        (one("Relu", (1, 0)), "no elements"),
        (one("Celu", ("batch", 3), alpha=0.0), "alpha is 0"),
        (one("GlobalLpPool", ("batch", 3, 4, 4), p=0), "p is 0"),
    ],
)
def test_what_core_ml_does_not_have_is_refused(model: ir.Model, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        converter.emit(model, "coreml")


def test_integers_beyond_32_bits_are_refused() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    data.dtype = ir.DataType.INT64
    result = net.node("Add", "op", data, net.constant("number", 1 << 40))
    result.dtype = ir.DataType.INT64
    with pytest.raises(Unsupported, match="32 bits"):
        converter.emit(net.model(result), "coreml")
