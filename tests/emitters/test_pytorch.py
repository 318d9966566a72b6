"""The PyTorch target, without PyTorch."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters import prepare, translate
from converter.emitters.pytorch import FILES
from converter.errors import Unsupported
from tests.emitters import faketorch
from tests.emitters.cases.common import batch_norm
from tests.emitters.corpus import Subject
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder
from tests.emitters.refusals import emit

MODEL, PLAN = FILES
_CREATE = {
    *("arange", "as_tensor", "empty", "eye", "from_numpy", "frombuffer", "full", "linspace", "logspace"),
    *("normal", "ones", "rand", "randn", "scalar_tensor", "tensor", "tril_indices", "triu_indices", "zeros"),
}


def unit(net: Builder, name: str, value: ir.Value, channels: tuple[int, int], *, stride: int = 1) -> ir.Value:
    """A residual unit; where it changes the shape its shortcut is a projection."""
    main = value
    for number, (taken, made, step) in enumerate(((*channels, stride), (channels[1], channels[1], 1)), 1):
        weight = net.parameter(f"{name}_conv{number}_weight", (made, taken, 3, 3))
        options = {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "strides": (step, step)}
        main = net.node("Conv", f"{name}_conv{number}", main, weight, **options)
        main = batch_norm(net, main, f"{name}_bn{number}", made)
        main = net.node("Relu", f"{name}_relu{number}", main) if number == 1 else main
    if stride > 1:
        weight = net.parameter(f"{name}_sc_weight", (channels[1], channels[0], 1, 1))
        value = net.node("Conv", f"{name}_sc", value, weight, kernel_shape=(1, 1), strides=(stride, stride))
        value = batch_norm(net, value, f"{name}_sc_bn", channels[1])
    return net.node("Relu", f"{name}_relu", net.node("Add", f"{name}_plus", main, value))


def residual_net() -> ir.Model:
    """Three stages of residual units."""
    net = Builder("residual-net")
    data = net.input("data", ("batch", 3, 32, 32))
    value = net.node("Conv", "conv0", data, net.parameter("conv0_weight", (16, 3, 3, 3)), kernel_shape=(3, 3))
    value = net.node("Relu", "relu0", value)
    for stage, depth in enumerate((2, 4, 3)):
        for number in range(depth):
            first = number == 0 and stage > 0
            channels = (16 << stage >> first, 16 << stage)
            value = unit(net, f"stage{stage + 1}_unit{number + 1}", value, channels, stride=2 if first else 1)
    value = net.node("Flatten", "flatten", net.node("GlobalAveragePool", "pool", value), axis=1)
    weight, bias = net.parameter("fc_weight", (10, 64)), net.parameter("fc_bias", (10,))
    return net.model(net.node("Gemm", "fc", value, weight, bias, transB=1))


@pytest.mark.parametrize(("variant", "model"), [("plain", representative()), ("residual", residual_net())])
def test_golden(variant: str, model: ir.Model) -> None:
    files = converter.emit(model, "pytorch")
    assert tuple(files) == FILES
    compare_with_golden(f"pytorch/{variant}", files)


@pytest.mark.parametrize("model", [representative(), residual_net()])
def test_the_code_computes_what_the_statements_do(model: ir.Model) -> None:
    check(model)


def check(model: ir.Model) -> None:
    files = converter.emit(model, "pytorch")
    blueprint = json.loads(files[PLAN])
    prepared = prepare(model, "pytorch")
    parts = [part for parts in translate(prepared.graph, "pytorch") for part in parts]
    library = {name for part in parts for name in part.library}
    library |= {part.module.type for part in parts if part.module is not None and "." not in part.module.type}
    wanted, values = faketorch.reference(parts, list(prepared.graph.inputs), list(prepared.graph.outputs))
    found, traced = faketorch.run(files[MODEL].decode(), blueprint, library)
    assert all(a is b for a, b in zip(found, wanted, strict=True))
    by_name = {value.name: computed for value, computed in values.items()}
    assert all(computed is by_name[name] for name, computed in traced.items())


@pytest.mark.slow
def test_what_is_generated_for_the_corpus(subjects: Mapping[str, Subject]) -> None:
    """All of it runs, symbolically; but for statements that look into a shape, which has no symbol."""
    run = 0
    for subject in subjects.values():
        try:
            check(subject.load())
            run += 1
        except (Unsupported, faketorch.NotSymbolic):
            continue
    assert run > 0.9 * len(subjects)


@pytest.mark.slow
def test_no_tensor_is_made_on_another_device(subjects: Mapping[str, Subject]) -> None:
    """Each is made on that of another one; what ``__init__`` makes moves with the module."""
    made = 0
    for subject in subjects.values():
        if isinstance(files := emit(subject, "pytorch"), str):
            continue
        for function in ast.walk(ast.parse(files[MODEL])):
            if isinstance(function, ast.FunctionDef) and function.name not in {"__init__", "_tensor"}:
                calls = list(map(ast.unparse, _creations(function)))
                assert all("device=" in call for call in calls), (subject.id, calls)
                made += len(calls)
    assert made > 50


def _creations(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """The calls in ``function`` that make a tensor of nothing but numbers."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"torch.{name}" for name in _CREATE}:
            yield node


def test_the_code_needs_torch_alone() -> None:
    text = converter.emit(residual_net(), "pytorch")[MODEL].decode()
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module).partition(".")[0] for node in imports if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "json", "math", "pathlib", "torch", "typing"}


def test_the_docstring_tells_shapes_and_preprocessing() -> None:
    told = ast.get_docstring(ast.parse(converter.emit(representative(), "pytorch")[MODEL]))
    assert told is not None
    assert 'Input "data": batch x 3 x 18 x 24, float32.' in told
    assert 'Output "fc3_output": batch x 4, float32.' in told
    assert 'channels: "BGR"' in told


def test_the_plan_is_the_state_dict() -> None:
    blueprint = json.loads(converter.emit(residual_net(), "pytorch")[PLAN])
    rows = {row["name"]: row for row in blueprint["parameters"]}
    assert len(rows) == len(blueprint["parameters"])
    assert rows["stage2.0.conv1.weight"]["value"] == {"tensor": "stage2_unit1_conv1_weight"}
    assert rows["stage2.0.conv1.weight"]["shape"] == [32, 16, 3, 3]
    assert rows["stage2.3.bn2.num_batches_tracked"]["dtype"] == "int64"
    assert blueprint["class"] == "ResidualNet"
    assert blueprint["inputs"] == {"data": "data"}
    assert blueprint["outputs"] == {"fc_output": ""}
    assert blueprint["shapes"] == {"data": {"shape": ["batch", 3, 32, 32], "dtype": "float32"}}


def test_every_value_can_be_traced() -> None:
    model = residual_net()
    blueprint = json.loads(converter.emit(model, "pytorch")[PLAN])
    names = {value.name for node in model.graph for value in node.outputs}
    assert set(blueprint["trace"]) == names - {"fc_output"}


def one(op: str, shape: Sequence[int | str], *constants: Any, **attributes: Any) -> ir.Model:
    """One node of an input and constants."""
    net = Builder()
    others = [net.constant(f"constant{place}", number) for place, number in enumerate(constants)]
    return net.model(net.node(op, "op", net.input("data", shape), *others, **attributes))


def split_batch() -> ir.Model:
    net = Builder()
    data, sizes = net.input("data", ("batch", 3)), net.constant("sizes", [1, 1])
    return net.model(*net.nodes("Split", "op", data, sizes, outputs=["one", "two"], axis=0))


def best_rows() -> ir.Model:
    net = Builder()
    inputs = [net.input("data", ("batch", 3)), net.constant("k", [3])]
    values, places = net.nodes("TopK", "op", *inputs, outputs=["values", "places"], axis=0)
    places.dtype = ir.DataType.INT64
    return net.model(values)


def rows_and_columns() -> ir.Model:
    net = Builder()
    flat = net.node("Reshape", "flat", net.input("data", ("batch", 1)), net.constant("shape", [-1]))
    return net.model(net.node("Add", "op", flat, net.input("other", (4, 3))))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (split_batch(), "it splits the open batch into 2"),
        (best_rows(), "it takes some of an open batch"),
        (one("Reshape", ("batch", 3), [2, 3]), r"it makes \[2, 3\] of \['batch', 3\]"),
        (rows_and_columns(), "the open batch beside 3 of another"),
        (one("Celu", ("batch", 3), alpha=0.0), "alpha is 0"),
        (one("GlobalLpPool", ("batch", 3, 4, 4), p=0), "p is 0"),
        (one("LpPool", ("batch", 3, 4, 4), p=0, kernel_shape=[2, 2]), "p is 0"),
    ],
)
def test_what_torch_cannot_do_is_refused_before_anything_is_written(model: ir.Model, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        converter.emit(model, "pytorch")


def test_a_negative_epsilon_is_refused() -> None:
    net = Builder()
    parameters = [net.parameter(name, (3,), low=0.5) for name in ("scale", "bias", "mean", "variance")]
    data = net.input("data", ("batch", 3, 4))
    model = net.model(net.node("BatchNormalization", "op", data, *parameters, epsilon=-0.001))
    with pytest.raises(Unsupported, match="epsilon"):
        converter.emit(model, "pytorch")


def test_sizes_as_a_tensor_are_where_the_input_is() -> None:
    net = Builder()
    sizes = net.node("Shape", "op", net.input("data", ("batch", 3)))
    sizes.dtype = ir.DataType.INT64
    text = converter.emit(net.model(sizes), "pytorch")[MODEL].decode()
    assert "torch.tensor(data.shape, device=data.device)" in text


def test_an_expression_that_is_too_wide_is_folded_in_parentheses() -> None:
    net = Builder()
    names = ["a_name_that_takes_up_much_of_the_line", "another_name_that_takes_up_as_much", "one_more_such_name"]
    values = [net.input(name, ("batch", 3)) for name in names]
    text = converter.emit(net.model(net.node("Mean", "op", *values)), "pytorch")[MODEL].decode()
    ast.parse(text)
    assert max(map(len, text.split("\n"))) <= 100
