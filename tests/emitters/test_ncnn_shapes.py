"""What ncnn's arithmetic, shapes, products and recurrence are made of, and what of them is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import permutations
from typing import Any

import onnx_ir as ir
import pytest

import converter
from converter.emitters.ncnn import FILES
from converter.emitters.ncnn.shape import order_type
from converter.errors import Unsupported
from tests.emitters.cases.common import scalar, unary
from tests.emitters.cases.ncnn_shapes import each, product, recurrent, with_constants, with_parameter, zeros
from tests.emitters.models import Builder
from tests.emitters.param import Line, lines_of

_ROW = ("batch", 3, 4, 5)


def layers(model: ir.Model) -> list[Line]:
    """The layers that are no inputs."""
    return [line for line in lines_of(converter.emit(model, "ncnn")[FILES[0]]) if line.type != "Input"]


def types(model: ir.Model) -> list[str]:
    """The types of the layers."""
    return [line.type for line in layers(model)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (scalar("Div", 0.7), ["BinaryOp"]),
        (scalar("Div", 0.7, left=True), ["Power", "BinaryOp"]),
        (each("Div", [_ROW, _ROW]), ["Power", "BinaryOp"]),
        (with_parameter("Div", _ROW, (3, 1, 1)), ["MemoryData", "BinaryOp"]),
        (scalar("Pow", 2.0), ["UnaryOp"]),
        (scalar("Pow", 3.0), ["Power"]),
        (unary("Exp"), ["Exp"]),
        (unary("Log"), ["Log"]),
        (each("Add", [("batch", 3, 4), ("batch", 3, 4)]), ["BinaryOp"]),
        (with_constants("Slice", _ROW, [1], [3], [2]), ["Crop"]),
        (with_constants("Slice", _ROW, [-1], [-9], [2], [-1]), ["Flip"]),
        (with_constants("Slice", _ROW, [0], [9], [2]), []),
        (each("Transpose", [_ROW], perm=[0, 2, 1, 3]), ["Permute"]),
        (each("Transpose", [_ROW], perm=[1, 0, 2, 3]), []),
        (with_parameter("MatMul", ("batch", 4, 6), (6, 5)), ["InnerProduct"]),
        (with_parameter("MatMul", ("batch", 2, 4, 6), (2, 6, 5)), ["MemoryData", "MatMul"]),
        (with_constants("ReduceL2", _ROW, [1]), ["Reduction", "UnaryOp"]),
        (with_constants("Gather", _ROW, [1, 2], axis=2), ["Crop"]),
        (zeros(), ["MemoryData", "BinaryOp"]),
        (recurrent("LSTM", 4), ["LSTM", "Reshape"]),
        (with_parameter("Div", ("batch", 3), (3,), left=True), ["Power", "MemoryData", "BinaryOp"]),
    ],
)
def test_layers(model: ir.Model, expected: Sequence[str]) -> None:
    assert types(model) == expected


def test_an_operand_of_fewer_dimensions_is_given_as_many() -> None:
    net = Builder()
    data, line = net.input("data", ("batch", 4, 5)), net.node("Tanh", "tanh", net.parameter("line", (5,)))
    assert types(net.model(net.node("Add", "add", data, line))) == ["MemoryData", "TanH", "Reshape", "BinaryOp"]


def test_permutations_are_numbered_as_ncnn_does() -> None:
    assert [order_type(perm) for perm in permutations(range(4))] == list(range(24))
    assert order_type((2, 0, 1)) == 4


def test_a_recurrent_layer_of_fixed_inputs_runs_once_a_row() -> None:
    model = recurrent("GRU", 3, states=(True,), used=(0, 1), batch=2, linear_before_reset=1)
    plan = json.loads(converter.emit(model, "ncnn")[FILES[1]])
    assert plan["inputs"] == {"data": ["data", [5, "batch", 3]], "state0": ["state0", [1, "batch", 4]]}
    assert plan["outputs"]["Y"][1] == [5, 1, "batch", 4]


def chosen() -> ir.Model:
    """The larger one of two values, chosen by comparison."""
    net = Builder()
    left, right = net.input("left", _ROW), net.input("right", _ROW)
    truth = net.node("Greater", "truth", left, right)
    truth.dtype = ir.DataType.BOOL
    return net.model(net.node("Where", "op", truth, left, right))


def counted() -> ir.Model:
    """Data as integers."""
    net = Builder()
    whole = net.node("Cast", "whole", net.input("data", _ROW), to=int(ir.DataType.INT64))
    whole.dtype = ir.DataType.INT64
    return net.model(net.node("Cast", "op", whole, to=int(ir.DataType.FLOAT)))


def joined() -> ir.Model:
    """Data beside a parameter of as many rows."""
    net = Builder()
    return net.model(
        net.node("Concat", "op", net.input("data", (2, 3, 1, 1, 1)), net.parameter("more", (2, 3, 1, 1, 1)), axis=1)
    )


REFUSED: dict[str, tuple[Any, str]] = {
    "sum of the batch": (partial(with_constants, "ReduceSum", _ROW, [0]), "axis 0 of data is the batch"),
    "batch cut": (partial(with_constants, "Slice", _ROW, [1], [3], [0]), "axis 0 of data is the batch"),
    "batch repeated": (partial(with_constants, "Tile", _ROW, [2, 1, 1, 1]), "the rows of the batch are repeated"),
    "batch padded": (partial(with_constants, "Pad", _ROW, [1] * 8), "axis 0 of data is the batch"),
    "batch gathered": (partial(with_constants, "Gather", _ROW, [0], axis=0), "axis 0 of data is the batch"),
    "batch in the shape": (partial(with_constants, "Reshape", _ROW, [3, -1, 20]), "mixes the rows of the batch"),
    "batch summed up": (partial(product, ("batch", 6), (5, 5), axis=1), "is summed up"),
    "batch of matrices": (partial(product, ("batch", 3, 6), (3, 6, 5), axis=1), "a dimension of its matrices"),
    "rows joined": (joined, "has not the rows of the batch"),
    "power of two values": (partial(each, "Pow", [_ROW, _ROW]), "neither base nor exponent is a number"),
    "base of -1": (partial(scalar, "Pow", -1.0, left=True), "the base is -1"),
    "remainder": (partial(with_constants, "Mod", _ROW, 3.0, fmod=1), "the divisor is not a power of two"),
    "division by zero": (partial(scalar, "Div", 0.0), "the divisor is 0"),
    "infinite padding": (partial(with_constants, "Pad", _ROW, [0, 0, 1, 1] * 2, float("-inf")), "cannot hold -inf"),
    "padding around": (partial(with_constants, "Pad", _ROW, [0, 0, 1, 1] * 2, None, mode="wrap"), "mode wrap"),
    "exclusive sum": (partial(with_constants, "CumSum", _ROW, 2, exclusive=1), "the sum excludes its own element"),
    "many pieces": (partial(with_constants, "Gather", ("batch", 9), [0, 2] * 40, axis=1), "64 runs of neighbours"),
    "nearest, centred": (
        partial(with_constants, "Resize", _ROW, None, None, [6, 8], axes=[2, 3]),
        "half_pixel, round_prefer_floor of 5 to 8 elements",
    ),
    "cubic, other weights": (
        partial(with_constants, "Resize", _ROW, None, None, [6, 8], axes=[2, 3], mode="cubic", cubic_coeff_a=-0.5),
        "cubic_coeff_a -0.5",
    ),
    "antialias": (
        partial(with_constants, "Resize", _ROW, None, None, [2, 2], axes=[2, 3], mode="linear", antialias=1),
        "antialias",
    ),
    "cubic samples": (partial(each, "GridSample", [_ROW, ("batch", 2, 2, 2)], mode="cubic"), "mode cubic"),
    "rectified recurrence": (partial(recurrent, "RNN", 1, activations=["Relu"]), "the activation is Relu"),
    "reset before": (partial(recurrent, "GRU", 3), "linear_before_reset is not set"),
    "limited": (partial(recurrent, "LSTM", 4, clip=1.0), "a limit"),
    "one gate": (partial(recurrent, "LSTM", 4, input_forget=1), "input and forget gate are one"),
    "choice": (chosen, "Where (op): no such operator"),
    "integers": (counted, "float to int64"),
    "five dimensions": (partial(each, "Add", [(1, 2, 2, 2, 2, 2)] * 2), "a Mat has at most 4"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name: str) -> None:
    build, words = REFUSED[name]
    with pytest.raises(Unsupported) as caught:
        converter.emit(build(), "ncnn")
    assert words in str(caught.value)
