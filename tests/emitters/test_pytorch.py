"""The PyTorch target, without PyTorch."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

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

MODEL, PLAN = FILES


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


def test_the_code_needs_torch_alone() -> None:
    text = converter.emit(residual_net(), "pytorch")[MODEL].decode()
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module).partition(".")[0] for node in imports if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "json", "pathlib", "torch"}


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
