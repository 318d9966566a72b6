"""How statements become classes of PyTorch: whatever the blocks, the code computes what the statements do."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import onnx_ir as ir
import pytest

from converter import plan
from converter.emitters.pytorch import emission
from converter.emitters.pytorch.naming import RESERVED
from converter.emitters.statement import State, Statement, Submodule
from tests.emitters import faketorch

HOSTILE = [
    *sorted(RESERVED)[::7],
    *("self", "torch", "nn", "F", "forward", "load", "Tensor", "super", "print", "x", "out", "data", "Path", "json"),
    *(
        "class",
        "None",
        "match",
        "global0",
        "a.b.c",
        "a/b",
        'quo"te',
        "it's",
        '"""',
        "new\nline",
        "back\\slash",
        "ü",
        "数据",
    ),
    *("{0}", "{module}", "", "1x1", "__class__", "_parameters", "_modules", "__init__", "conv_1_", "\u202e", "\x00"),
]


class Graph:
    """Statements under construction."""

    def __init__(self, name: str = "net") -> None:
        self.name = name
        self.statements: list[Statement] = []
        self.inputs: list[ir.Value] = []

    def input(self, name: str = "data") -> ir.Value:
        value = ir.val(name, ir.DataType.FLOAT, (1, 3, 8, 8))
        self.inputs.append(value)
        return value

    def add(self, name: str, expression: str, *inputs: ir.Value, outputs: int = 1, **fields: Any) -> Any:
        values = [
            ir.val(f"{name}:{len(self.statements)}:{i}", ir.DataType.FLOAT, (1, 3, 8, 8)) for i in range(outputs)
        ]
        self.statements.append(Statement(name, inputs, tuple(values), expression, **fields))
        return values[0] if outputs == 1 else values

    def module(self, name: str, value: ir.Value, type_: str, *positional: Any, **keywords: Any) -> ir.Value:
        names = {"nn.Conv2d": ("weight",), "nn.BatchNorm2d": ("weight", "bias"), "nn.Linear": ("weight", "bias")}
        number = len(self.statements)
        state = {key: State((1,), plan.tensor(f"{name}.{number}.{key}")) for key in names.get(type_, ())}
        return self.add(name, "{module}({0})", value, module=Submodule(type_, positional, keywords, state))

    def unit(self, name: str, value: ir.Value, channels: tuple[int, int], **keywords: Any) -> ir.Value:
        value = self.module(f"{name}_conv", value, "nn.Conv2d", *channels, 3, **keywords, bias=False)
        value = self.module(f"{name}_bn", value, "nn.BatchNorm2d", channels[1])
        return self.module(f"{name}_relu", value, "nn.ReLU")

    def graph(self, *outputs: ir.Value) -> ir.Graph:
        nodes = [ir.node("Any", s.inputs, name=s.name, outputs=list(s.outputs)) for s in self.statements]
        return ir.Graph(self.inputs, outputs, nodes=nodes, opset_imports={"": 21}, name=self.name)


def check(graph: Graph, *outputs: ir.Value) -> tuple[str, dict[str, Any]]:
    """Emit, run, compare with the statements one by one: outputs, traced values, the plan. Returns both files."""
    made = graph.graph(*outputs)
    files = emission(graph.statements, made)
    assert files == emission(graph.statements, made)
    text, blueprint = files["model.py"].decode(), json.loads(files["weights.plan.json"])
    wanted, values = faketorch.reference(graph.statements, graph.inputs, list(outputs))
    found, traced = faketorch.run(text, blueprint)
    assert all(a is b for a, b in zip(found, wanted, strict=True)), text
    by_name = {value.name: computed for value, computed in values.items()}
    assert all(computed is by_name[name] for name, computed in traced.items()), text
    assert max(map(len, text.splitlines())) <= 118
    return text, blueprint


def residual(graph: Graph, name: str, value: ir.Value, channels: int, *, project: bool = False) -> ir.Value:
    main = graph.unit(f"{name}_a", value, (channels, channels), padding=1)
    main = graph.module(f"{name}_conv2", main, "nn.Conv2d", channels, channels, 3, padding=1, bias=False)
    side = graph.module(f"{name}_sc", value, "nn.Conv2d", channels, channels, 1, bias=False) if project else value
    return graph.module(f"{name}_relu", graph.add(f"{name}_plus", "{0} + {1}", main, side), "nn.ReLU")


def inception(graph: Graph, name: str, value: ir.Value, channels: int) -> ir.Value:
    first = graph.unit(f"{name}_1", value, (channels, 16))
    second = graph.unit(f"{name}_3", graph.unit(f"{name}_2", value, (channels, 8)), (8, channels), padding=1)
    third = graph.unit(f"{name}_4", graph.module(f"{name}_pool", value, "nn.MaxPool2d", 3), (channels, 4))
    return graph.add(
        f"{name}_cat", "torch.cat([{0}, {1}, {2}], dim={dim})", first, second, third, arguments={"dim": 1}
    )


def attention(graph: Graph, name: str, value: ir.Value, channels: int) -> ir.Value:
    gate = graph.module(f"{name}_pool", value, "nn.AdaptiveAvgPool2d", 1)
    gate = graph.module(f"{name}_fc", gate, "nn.Conv2d", channels, channels, 1)
    gate = graph.add(f"{name}_shape", "{0}.reshape({shape})", gate, arguments={"shape": (-1, channels, 1, 1)})
    return graph.add(f"{name}_mul", "{0} * {1}", value, gate)


def split(graph: Graph, name: str, value: ir.Value, channels: int) -> ir.Value:
    low, high = graph.add(f"{name}_split", "{0}.split({size}, dim=1)", value, outputs=2, arguments={"size": channels})
    return graph.add(f"{name}_cat", "torch.cat([{0}, {1}], dim=1)", graph.unit(name, low, (channels, channels)), high)


def scaled(graph: Graph, name: str, value: ir.Value, channels: int) -> ir.Value:
    state = State((channels, 1, 1), plan.tensor(f"{name}.scale.{len(graph.statements)}"), trained=channels % 2 == 0)
    return graph.add(f"{name}_scale", "{0} * {factor}", value, tensors={"factor": state})


PATTERNS: Sequence[Callable[[Graph, str, ir.Value, int], ir.Value]] = (
    residual,
    lambda graph, name, value, channels: residual(graph, name, value, channels, project=True),
    inception,
    attention,
    split,
    scaled,
    lambda graph, name, value, channels: graph.unit(name, value, (channels, channels)),
    lambda graph, name, value, _: graph.add(name, "{0}", value),
    lambda graph, name, value, _: graph.module(name, value, "nn.Dropout", 0.5),
)


@pytest.mark.parametrize("seed", range(40))
def test_any_graph_computes_what_its_statements_do(seed: int) -> None:
    """Patterns one after the other and at random, wired to recent values, under names that may be anything."""
    draw = random.Random(seed)
    graph = Graph(draw.choice(["net", *HOSTILE]))
    values = [graph.input(name) for name in draw.sample(HOSTILE, draw.choice((1, 1, 1, 2, 3)))]
    motif = draw.choices(PATTERNS, k=draw.randint(1, 4))
    for number in range(draw.randint(1, 12)):
        name = draw.choice(HOSTILE) if draw.random() < 0.2 else f"net_stage{number // 4}_unit{number % 4}"
        kind = motif[number % len(motif)] if draw.random() < 0.8 else draw.choice(PATTERNS)
        source = values[-1] if draw.random() < 0.85 else draw.choice(values[-4:])
        values.append(kind(graph, name, source, draw.choice((8, 16, 32))))
        if draw.random() < 0.1:
            values.append(graph.add(name, "{0} + {1}", values[-1], draw.choice(values)))
    outputs = [values[-1], *draw.sample(values, draw.choice((0, 0, 0, 1, 2)))]
    check(graph, *outputs)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_do_harm(name: str) -> None:
    graph = Graph(name)
    value = graph.input(name)
    for number in range(3):
        value = residual(graph, f"{name}{number}", value, 8 * (number + 1), project=True)
        value = scaled(graph, name, value, 8)
        value = graph.module(name, value, "nn.Conv2d", 8, 8, 1)
    check(graph, value, graph.module(name, value, "nn.Softmax", dim=1))


def test_what_is_compared_would_show_a_difference() -> None:
    graph = Graph()
    value = graph.input()
    for number in range(3):
        value = residual(graph, f"unit{number}", value, 8, project=True)
    made = graph.graph(value)
    files = emission(graph.statements, made)
    text, blueprint = files["model.py"].decode(), json.loads(files["weights.plan.json"])
    (wanted,), _ = faketorch.reference(graph.statements, graph.inputs, [value])
    assert faketorch.run(text, blueprint)[0][0] is wanted
    for change in ((" + x", " - x"), ("padding=1", "padding=2"), ("self.conv2(out)", "self.a_conv(out)")):
        assert faketorch.run(text.replace(*change), blueprint | {"trace": {}})[0][0] is not wanted
    first, second, *_ = (row for row in blueprint["parameters"] if row["name"].endswith("a_conv.weight"))
    first["value"], second["value"] = second["value"], first["value"]
    assert faketorch.run(text, blueprint)[0][0] is not wanted


def stages(*depths: int) -> str:
    graph = Graph("net")
    value = graph.unit("net_stem", graph.input(), (3, 8))
    for stage, depth in enumerate(depths):
        for unit in range(depth):
            channels = 8 << stage
            value = residual(graph, f"net_stage{stage + 1}_unit{unit + 1}", value, channels, project=not unit)
    return check(graph, graph.module("net_fc", value, "nn.Linear", 8, 2))[0]


def test_repeated_units_are_one_class() -> None:
    text = stages(2, 3, 5)
    assert text.count("class ") == 3
    assert "*(ResidualUnit(32) for _ in range(4))" in text
    for stage in (1, 2, 3):
        assert f"self.stage{stage} = nn.Sequential(" in text


def test_depth_hardly_makes_code_longer() -> None:
    assert len(stages(4, 40, 4).splitlines()) == len(stages(4, 4, 4).splitlines())


def test_branches_are_named() -> None:
    graph = Graph()
    value = graph.input()
    for number in range(3):
        value = inception(graph, f"mixed{number}", value, 32 + 16 * number)
    text, _ = check(graph, value)
    assert "return torch.cat([branch1, branch2, branch3], dim=1)" in text
    assert text.count("class Mixed(nn.Module):") == 1


def test_one_weight_in_two_places_is_one_module() -> None:
    graph = Graph()
    left, right = graph.input("left"), graph.input("right")
    module = Submodule("nn.Linear", (4, 4), {}, {"weight": State((4, 4), plan.tensor("w"))})
    both = [graph.add(f"{value.name}_fc", "{module}({0})", value, module=module) for value in (left, right)]
    text, blueprint = check(graph, graph.add("sum", "{0} + {1}", *both))
    assert text.count("nn.Linear(") == 1
    assert [row["name"] for row in blueprint["parameters"]] == ["fc.weight"]


def test_an_input_can_be_an_output() -> None:
    graph = Graph()
    value = graph.input()
    text, blueprint = check(graph, value, graph.add("same", "{0}", value))
    assert "return data, data" in text
    assert blueprint["outputs"] == {"data": "0", "same:0:0": "1"}


def test_what_nobody_reads_is_not_computed() -> None:
    graph = Graph()
    value = graph.input()
    kept, _ = graph.add("halves", "{0}.chunk(2)", value, outputs=2)
    graph.module("unread", kept, "nn.ReLU")
    text, _ = check(graph, kept)
    assert "unread" not in text
    assert "x, _ = data.chunk(2)" in text


def test_time_is_linear() -> None:
    """5000 statements take seconds, be they regular or not."""
    draw = random.Random(1)
    graph = Graph()
    values = [graph.input()]
    while len(graph.statements) < 5000:
        kind = draw.choice(PATTERNS)
        values.append(kind(graph, f"net_{len(values)}", draw.choice(values[-3:]), 8))
    made = graph.graph(*values[-3:])
    start = time.perf_counter()
    emission(graph.statements, made)
    assert time.perf_counter() - start < 10
