"""Statements as the straight body of a function."""

from __future__ import annotations

import ast

import onnx_ir as ir
import pytest

from converter import plan
from converter.emitters.program import Style, fold, write
from converter.emitters.python import WIDTH
from converter.emitters.statement import State, Statement, Submodule


def value(name: str = "x") -> ir.Value:
    """A value."""
    return ir.val(name, ir.DataType.FLOAT, [2, 3])


def graph(x: ir.Value, nodes: list[ir.Node], *outputs: ir.Value) -> ir.Graph:
    """A graph of ``x`` that computes ``outputs``."""
    return ir.Graph([x], list(outputs), nodes=nodes, name="net")


def step(name: str, given: ir.Value, **more: object) -> tuple[ir.Node, Statement]:
    """A node with one output, and the statement for it."""
    made = ir.val(f"{name}_output", ir.DataType.FLOAT, [2, 3])
    fields = {"expression": "relu({0}, name={name})", **more}
    return ir.node("Relu", [given], outputs=[made], name=name), Statement(name, (given,), (made,), **fields)  # type: ignore[arg-type]


def test_every_value_has_a_variable_of_its_own_and_every_layer_a_name() -> None:
    first, one = step("a/b", x := value())
    second, two = step("a_b", one.outputs[0])
    made = write([one, two], graph(x, [first, second], two.outputs[0]), Style(reserved=["relu"]))
    assert made.lines == ['    a_b = relu(x, name="a_b")', '    a_b_2 = relu(a_b, name="a_b_2")']
    assert (made.inputs, made.outputs, made.layers) == (["x"], ["a_b_2"], ["a_b", "a_b_2"])
    assert made.trace({one.outputs[0]: "first"}) == {"first": "a_b"}


def test_no_name_of_a_model_is_code_or_takes_a_reserved_one() -> None:
    node, item = step("relu", x := value())
    hostile, other = step('"); import os #', item.outputs[0])
    made = write([item, other], graph(x, [node, hostile], other.outputs[0]), Style(reserved=["relu"], clean=str))
    tree = ast.parse("\n".join(line.strip() for line in made.lines))
    assert not any(isinstance(part, ast.Import) for part in ast.walk(tree))
    assert made.variables[item.outputs[0]] == "relu_2"


def test_what_nothing_reads_is_assigned_to_nothing() -> None:
    x, y, z = map(value, "xyz")
    node = ir.node("Split", [x], outputs=[y, z], name="split")
    made = write([Statement("split", (x,), (y, z), "split({0})")], graph(x, [node], z), Style())
    assert made.lines == ["    _, z = split(x)"]


def test_parameters_that_are_the_same_are_one() -> None:
    x = value()
    weight = State((3,), plan.reshape(plan.tensor("w/0"), (3,)))
    other = State((3,), plan.tensor("w/0"), "float64")
    parts = [
        step(name, x, expression="f({0}, {w})", tensors={"w": state})
        for name, state in (("a", weight), ("b", weight), ("c", other), ("d", State((1,), plan.full(1, (1,)))))
    ]
    made = write([item for _, item in parts], graph(x, [node for node, _ in parts], parts[-1][1].outputs[0]), Style())
    assert list(made.states) == ["w_0", "w_0_2", "d_w"]
    assert made.lines[3:] == ["    d = f(x, self.d_w)"]
    assert [row.name for row in made.parameters()] == list(made.states)


def test_a_module_with_parameters_that_is_used_twice_is_made_once() -> None:
    dense = Submodule("Dense", (3,), state={"kernel": State((3, 3), plan.tensor("w"))})
    plain = Submodule("ReLU")
    first, one = step("fc", x := value(), module=dense, expression="{module}({0})")
    second, two = step("again", one.outputs[0], module=dense, expression="{module}({0})")
    third, three = step("relu", two.outputs[0], module=plain, expression="{module}({0})")
    fourth, four = step("relu2", three.outputs[0], module=plain, expression="{module}({0})")
    style = Style(construct=lambda module, name: f"{module.type}({name!r})")
    made = write([one, two, three, four], graph(x, [first, second, third, fourth], four.outputs[0]), style)
    assert made.lines == [
        "    fc_layer = Dense('fc')",
        "    fc = fc_layer(x)",
        "    again = fc_layer(fc)",
        "    relu = ReLU('relu')(again)",
        "    relu2 = ReLU('relu2')(relu)",
    ]
    assert list(made.modules) == ["fc", "relu", "relu2"]


@pytest.mark.parametrize(
    "line",
    [
        "short = f(x)",
        f"x = f({'a' * 40}, {'b' * 30}, key={'c' * 25})",
        f"x = layers.Layer({'1, ' * 30}name='x')({'y' * 20})",
        f"x = Layer(name='x')([{'y' * 60}, {'z' * 40}])",
        f"{'x' * 40} = {'y' * 40} + {'z' * 40}",
        f"return f({'a' * 60}, '), (', {'b' * 40})",
    ],
)
def test_a_wide_line_is_folded_and_stays_the_same_code(line: str) -> None:
    folded = fold(line, 0)
    assert all(len(part) <= WIDTH for part in folded)
    assert ast.dump(ast.parse("\n".join(folded))) == ast.dump(ast.parse(line))
