"""CNTK's arithmetic, without CNTK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

import converter
from converter.emitters.cntk import FILES
from converter.errors import Unsupported
from tests.emitters.cases.common import batch_norm, unary
from tests.emitters.models import Builder

MODEL, PLAN = FILES
Build = Callable[[Builder, ir.Value], ir.Value]


def emit(model: ir.Model) -> tuple[str, dict[str, Any]]:
    """The code and the plan."""
    files = converter.emit(model, "cntk")
    return files[MODEL].decode(), json.loads(files[PLAN])


def of(build: Build, shape: tuple[int | str, ...] = ("batch", 4)) -> str:
    """The code for what ``build`` makes of an input."""
    net = Builder()
    return emit(net.model(build(net, net.input("data", shape))))[0]


def number(net: Builder, value: float) -> ir.Value:
    """A constant."""
    return net.constant(f"number{value}", np.float32(value))


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda net, x: net.node("Div", "op", x, number(net, 2)), "op = data / 2.0"),
        (lambda net, x: net.node("Div", "op", x, net.node("Exp", "e", x)), "op = divide(data, e)"),
        (lambda net, x: net.node("Div", "op", x, net.parameter("p", (4,))), "op = data * op_inverse"),
        (lambda net, x: net.node("Sqrt", "op", net.node("Abs", "a", x)), "op = C.sqrt(a)"),
        (lambda net, x: net.node("Sqrt", "op", x), "op = sqrt(data)"),
        (lambda net, x: net.node("Log", "op", x), "op = log(data)"),
        (lambda net, x: net.node("Pow", "op", x, number(net, 3)), "op = C.pow(data, 3.0)"),
        (lambda net, x: net.node("Pow", "op", x, number(net, -1)), "op = power(data, -1.0)"),
        (lambda net, x: net.node("Pow", "op", x, number(net, 2)), "op = C.square(data)"),
    ],
)
def test_only_what_can_get_near_zero_is_guarded(build: Build, line: str) -> None:
    assert f"    {line}\n" in of(build)


def test_a_norm_is_divided_by_as_it_is_written() -> None:
    def norm(net: Builder, data: ir.Value) -> ir.Value:
        squares = net.node("ReduceSumSquare", "squares", data, net.constant("axes", [1]))
        root = net.node("Sqrt", "root", net.node("Add", "sum", squares, number(net, 1e-10)))
        return net.node("Div", "op", data, root)

    code = of(norm)
    assert "op = data / root" in code
    assert "def " not in code.partition("def create_model")[0]


@pytest.mark.parametrize(
    ("axes", "keepdims", "text"),
    [
        ((1,), 1, "C.reduce_mean(data, axis=0)"),
        ((2, 3), 0, "C.reduce_mean(data, axis=[1, 2], keepdims=False)"),
        ((1, 3), 1, "C.reduce_mean(data, axis=[0, 2])"),
        ((1, 3, 5), 1, "C.reduce_mean(C.reduce_mean(data, axis=4), axis=[0, 2])"),
        ((0, 1), 0, "C.reduce_mean(C.unpack_batch(data), axis=[0, 1], keepdims=False)"),
    ],
)
def test_axes_are_those_of_a_row_and_two_at_once(axes: tuple[int, ...], keepdims: int, text: str) -> None:
    def mean(net: Builder, data: ir.Value) -> ir.Value:
        return net.node("ReduceMean", "op", data, net.constant("axes", list(axes)), keepdims=keepdims)

    assert f"    op = {text}\n" in of(mean, ("batch", 2, 3, 4, 5, 6))


def test_the_batch_is_an_axis_for_a_softmax_along_it() -> None:
    assert "op = C.to_batch(C.softmax(C.unpack_batch(data), axis=0))" in emit(unary("Softmax", (4,), axis=0))[0]


def test_batch_norm_learns_its_scale_and_has_its_own_epsilon() -> None:
    net = Builder()
    code, plan = emit(net.model(batch_norm(net, net.input("data", ("batch", 4)), "bn", 4)))
    assert 'C.layers.BatchNormalization(map_rank=1, epsilon=0.001, name="bn")' in code
    names = {row["name"] for row in plan["parameters"]}
    assert names == {f"bn.{role}" for role in ("scale", "bias", "aggregate_mean", "aggregate_variance")}


def test_a_dense_layer_is_one() -> None:
    net = Builder()
    weight, bias = net.parameter("w", (5, 4)), net.parameter("b", (5,))
    code, plan = emit(net.model(net.node("Gemm", "fc", net.input("data", ("batch", 4)), weight, bias, transB=1)))
    assert 'fc = C.layers.Dense(5, name="fc")(data)' in code
    assert {row["name"]: row["shape"] for row in plan["parameters"]} == {"fc.W": [4, 5], "fc.b": [5]}


@pytest.mark.parametrize(
    ("build", "shape", "reason"),
    [
        (lambda net, x: net.node("MatMul", "op", net.parameter("p", (2, 3)), x), ("batch", 4), "the batch"),
        (lambda net, x: net.node("Hardmax", "op", x, axis=0), ("batch", 4), "is the batch"),
        (
            lambda net, x: net.node("LayerNormalization", "op", x, net.parameter("p", (4,)), epsilon=0.0),
            ("batch", 4),
            "epsilon is 0",
        ),
        (
            lambda net, x: net.node("Add", "op", x, net.parameter("p", (2, 1, 2, 1, 2, 1, 2))),
            ("batch", 1, 2, 1, 2, 1, 2, 1),
            "broadcasts along 5 separate axes at most",
        ),
        (
            lambda net, x: net.node("Add", "op", x, net.node("Flatten", "top", net.node("GlobalMaxPool", "pool", x))),
            ("batch", 2, 2, 2),
            "the batch is another axis of top_output than of op_output",
        ),
    ],
)
def test_what_cntk_cannot_do_is_refused_by_name(build: Build, shape: tuple[int | str, ...], reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        of(build, shape)
