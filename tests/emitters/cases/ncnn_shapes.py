"""Arithmetic, reductions, shapes, products, resizing and recurrence in ranks and variants that MXNet has not."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx_ir as ir

from tests.emitters.cases.common import Case, scalar, unary
from tests.emitters.models import Builder


def each(op: str, inputs: Sequence[Sequence[int | str]], **attributes: Any) -> ir.Model:
    """One node of inputs of these shapes."""
    net = Builder()
    values = [net.input(f"data{index}", shape) for index, shape in enumerate(inputs)]
    return net.model(net.node(op, "op", *values, **attributes))


def with_parameter(op: str, data: Sequence[int | str], shape: Sequence[int], *, left: bool = False) -> ir.Model:
    """One node of an input and a parameter, which stands on the ``left`` or on the right."""
    net = Builder()
    values = [net.input("data", data), net.parameter("weight", shape, low=0.2)]
    return net.model(net.node(op, "op", *(values[::-1] if left else values)))


def with_constants(op: str, data: Sequence[int | str], *constants: Any, **attributes: Any) -> ir.Model:
    """One node of an input and constants, of which None is absent."""
    net = Builder()
    value = net.input("data", data)
    others = [None if number is None else net.constant(f"constant{i}", number) for i, number in enumerate(constants)]
    return net.model(net.node(op, "op", value, *others, **attributes))


def folded(op: str) -> ir.Model:
    """Many inputs: data of two ranks, a parameter and two numbers."""
    net = Builder()
    data, line = net.input("data", ("batch", 3, 4, 5)), net.input("line", ("batch", 1, 1, 5))
    others = [net.parameter("weight", (3, 1, 1)), net.constant("first", 0.3), net.constant("second", 0.2)]
    return net.model(net.node(op, "op", data, others[1], line, others[0], others[2]))


def gemm(*, transposed: bool = False, bias: Sequence[int] = (5,), **attributes: Any) -> ir.Model:
    """A fully connected layer whose weights are computed."""
    net = Builder()
    data = net.input("data", ("batch", 6))
    weight = net.node("Tanh", "tanh", net.parameter("fc_weight", (5, 6) if transposed else (6, 5)))
    values = [data, weight, net.parameter("fc_bias", bias)]
    return net.model(net.node("Gemm", "fc", *values, transB=int(transposed), **attributes))


def product(shape: Sequence[int | str], weight: Sequence[int], *, left: bool = False, axis: int = 0) -> ir.Model:
    """A matrix product of data, whose batch is moved to ``axis`` first, and a computed matrix."""
    net = Builder()
    data = net.input("data", shape)
    perm = [*range(1, axis + 1), 0, *range(axis + 1, len(shape))]
    moved = net.node("Transpose", "moved", data, perm=perm) if axis else data
    matrix = net.node("Tanh", "tanh", net.parameter("weight", weight))
    return net.model(net.node("MatMul", "op", *((matrix, moved) if left else (moved, matrix))))


def _whole(value: ir.Value) -> ir.Value:
    """``value``, which holds integers."""
    value.dtype = ir.DataType.INT64
    return value


def zeros() -> ir.Model:
    """Numbers of a shape that has to be computed: the batch's."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    rows = _whole(net.node("Shape", "rows", data, start=0, end=1))
    shape = _whole(net.node("Concat", "shape", rows, net.constant("sizes", [3, 4]), axis=0))
    value = ir.tensor(np.array([0.5], np.float32))
    return net.model(net.node("Add", "add", data, net.node("ConstantOfShape", "half", shape, value=value)))


def affine_grid(align_corners: int) -> ir.Model:
    """An image, sampled where a matrix that is an input says."""
    net = Builder()
    data, theta = net.input("data", ("batch", 2, 5, 6)), net.input("theta", ("batch", 2, 3))
    rows = _whole(net.node("Shape", "rows", data, start=0, end=1))
    size = _whole(net.node("Concat", "size", rows, net.constant("sizes", [2, 4, 3]), axis=0))
    grid = net.node("AffineGrid", "grid", theta, size, align_corners=align_corners)
    return net.model(net.node("GridSample", "sample", data, grid, align_corners=align_corners))


def recurrent(
    op: str,
    gates: int,
    *,
    direction: str = "forward",
    bias: bool = True,
    states: Sequence[bool] = (),
    used: Sequence[int] = (0,),
    batch: int | str = "batch",
    **attributes: Any,
) -> ir.Model:
    """A recurrent layer over five steps; ``states`` says which first states are given, ``used`` what is read."""
    net = Builder()
    directions, hidden, inputs = 1 + (direction == "bidirectional"), 4, 3
    data = net.input("data", (5, batch, inputs))
    values: list[ir.Value | None] = [
        data,
        net.parameter("W", (directions, gates * hidden, inputs)),
        net.parameter("R", (directions, gates * hidden, hidden)),
        net.parameter("B", (directions, 2 * gates * hidden)) if bias else None,
    ]
    given = [net.input(f"state{i}", (directions, batch, hidden)) if one else None for i, one in enumerate(states)]
    values += [None, *given] if any(states) else []
    names = ["Y", "Y_h", "Y_c"][: max(used) + 1]
    outputs = net.nodes(op, "rnn", *values, outputs=names, hidden_size=hidden, direction=direction, **attributes)
    return net.model(*(outputs[index] for index in used))


def above_one() -> ir.Model:
    """The area cosine, also of numbers that have none."""
    net = Builder()
    moved = net.node("Add", "moved", net.input("data", ("batch", 3, 4, 5)), net.constant("by", 1.5))
    return net.model(net.node("Acosh", "op", moved))


def compared(op: str, *, left: bool = False) -> ir.Model:
    """Where halves are, in another order, equal, larger or smaller than a number and than each other."""
    net = Builder()
    halves = [
        net.node(
            "Floor",
            f"whole{i}",
            net.node("Mul", f"twice{i}", net.input(f"data{i}", (5, 20)), net.constant("two", 2.0)),
        )
        for i in range(2)
    ]
    number = net.constant("number", -1.0)
    truths = [
        net.node(op, "values", *halves),
        net.node(op, "number_and_value", *((number, halves[0]) if left else (halves[0], number))),
    ]
    return net.model(
        *(net.node("Cast", f"{value.name}/float", _truth(value), to=int(ir.DataType.FLOAT)) for value in truths)
    )


def _truth(value: ir.Value) -> ir.Value:
    """``value``, which holds truth."""
    value.dtype = ir.DataType.BOOL
    return value


def seeded(count: int, size: int) -> list[int]:
    """Places in a dimension of ``size``, in no order."""
    return np.random.default_rng(zlib.crc32(b"places")).integers(-size, size, count).tolist()


_FUNCTIONS = ("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Erf", "Softsign", "Round")
_ROW = ("batch", 3, 4, 5)
_VOLUME = ("batch", 2, 3, 4, 5)
_LOG = "float32 logarithms of sums"

CASES = (
    *(Case(f"reciprocal-{low}", partial(unary, "Reciprocal"), low=low) for low in (0.1, -1.0)),
    Case("power-square", partial(scalar, "Pow", 2.0)),
    Case("power-cube", partial(scalar, "Pow", 3.0)),
    Case("power-inverse-root", partial(scalar, "Pow", -0.5), low=0.1),
    Case("power-of-number", partial(scalar, "Pow", 2.5, left=True)),
    Case("power-of-zero", partial(scalar, "Pow", 0.0, left=True), low=0.1),
    Case("remainder-half", partial(with_constants, "Mod", _ROW, 0.5, fmod=1)),
    Case("remainder-negative", partial(with_constants, "Mod", _ROW, -0.25, fmod=1)),
    *(Case(f"many-{op.lower()}", partial(folded, op)) for op in ("Sum", "Mean", "Max", "Min")),
    Case("one-max", partial(each, "Max", [_ROW])),
    *(
        Case(f"{op.lower()}-parameter-{'-'.join(map(str, shape))}", partial(with_parameter, op, _ROW, shape))
        for op in ("Sub", "Div")
        for shape in ((5,), (4, 1), (3, 1, 1), (1, 3, 4, 5), (1, 1, 1, 1), (1,))
    ),
    Case("parameter-sub", partial(with_parameter, "Sub", _ROW, (3, 1, 1), left=True)),
    Case("parameter-div", partial(with_parameter, "Div", ("batch", 3), (3,), left=True), low=0.1),
    Case("ranks-add", partial(each, "Add", [("batch", 3), ("batch", 1)])),
    Case("ranks-sub", partial(each, "Sub", [("batch", 3, 1, 5), ("batch", 1, 4, 1)])),
    Case("ranks-mul", partial(each, "Mul", [_VOLUME, ("batch", 2, 1, 1, 5)])),
    Case("ranks-div", partial(each, "Div", [_VOLUME, ("batch", 1, 3, 1, 1)]), low=0.1),
    *(Case(op.lower(), partial(unary, op)) for op in _FUNCTIONS),
    Case("acosh", above_one),
    Case("atanh", partial(unary, "Atanh"), low=-0.9, tolerance=1e-5, reason="the sum of both logarithms near 1"),
    *(
        Case(f"{op.lower()}-{'-'.join(map(str, axes))}{'-kept' * keep}", build, reason=_LOG, low=0.1)
        for op in ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMin", "ReduceProd")
        for axes, keep in (((1,), 1), ((2, 3), 0), ((1, 2, 3), 0), ((-1,), 0), ((1, 3), 1))
        for build in (partial(with_constants, op, _ROW, list(axes), keepdims=keep),)
    ),
    Case("reduce-volume", partial(with_constants, "ReduceMean", _VOLUME, [2, 4], keepdims=0)),
    Case("running-sum-reverse", partial(with_constants, "CumSum", _ROW, np.int64(2), reverse=1)),
    *(
        Case(f"slice-{name}", partial(with_constants, "Slice", shape, *constants))
        for name, shape, constants in (
            ("steps", _ROW, ([0, 0], [9, 9], [3, 2], [2, 3])),
            ("last-step", _ROW, ([1], [9], [3], [3])),
            ("backwards", _ROW, ([-1, 9], [-9, -9], [1, 3], [-1, -2])),
            ("part-backwards", _ROW, ([3], [0], [3], [-1])),
            ("one", _VOLUME, ([1, 2], [2, 3], [1, 4])),
            ("volume-steps", _VOLUME, ([0, 1], [9, 9], [2, 4], [2, 2])),
            ("all", _ROW, ([0, 0], [2**31 - 1, 4], [0, 2])),
        )
    ),
    *(
        Case(f"pad-{name}", partial(with_constants, "Pad", shape, pads, value, mode=mode))
        for name, shape, pads, value, mode in (
            ("channels", _ROW, [0, 1, 0, 0, 0, 2, 0, 0], 0.5, "constant"),
            ("volume", _VOLUME, [0, 1, 0, 2, 0, 0, 0, 1, 0, 3], 0.5, "constant"),
            ("volume-edge", _VOLUME, [0, 1, 0, 2, 0, 0, 0, 1, 0, 3], None, "edge"),
            ("volume-reflect", _VOLUME, [0, 1, 0, 2, 0, 0, 0, 1, 0, 3], None, "reflect"),
            ("flat", ("batch", 5), [0, 2, 0, 1], None, "reflect"),
            ("less", _ROW, [0, -1, 2, 0, 0, 0, -1, -2], 0.5, "constant"),
            ("nothing", _ROW, [0] * 8, 0.5, "constant"),
        )
    ),
    *(
        Case(f"gather-{name}", partial(with_constants, "Gather", _ROW, indices, axis=axis))
        for name, indices, axis in (
            ("one", np.int64(2), 1),
            ("last", np.int64(-1), 3),
            ("run", [1, 2, 3], 3),
            ("all", [0, 1, 2], 1),
            ("shuffled", seeded(7, 4), 2),
            ("table", [[0, 2], [1, 1]], -1),
        )
    ),
    Case("blocks-crd", partial(each, "DepthToSpace", [("batch", 8, 3, 4)], blocksize=2, mode="CRD")),
    Case("tile-volume", partial(with_constants, "Tile", _VOLUME, [1, 2, 1, 3, 1])),
    Case("expand-ranks", partial(with_constants, "Expand", ("batch", 1, 5), [1, 4, 1])),
    Case("transpose-volume", partial(each, "Transpose", [_VOLUME], perm=[0, 3, 1, 4, 2])),
    Case("transpose-batch", partial(each, "Transpose", [_ROW], perm=[1, 0, 2, 3])),
    Case("transpose-all", partial(each, "Transpose", [_ROW])),
    Case("zeros", zeros),
    *(
        Case(f"compare-{op.lower()}{'-left' * left}", partial(compared, op, left=bool(left)))
        for op in ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal")
        for left in (0, 1)
    ),
    Case("gemm-computed", gemm),
    Case("gemm-computed-transposed", partial(gemm, transposed=True, bias=(1, 5), alpha=0.5, beta=2.0)),
    Case("matmul-parameter", partial(with_parameter, "MatMul", ("batch", 4, 6), (6, 5))),
    Case("matmul-parameter-flat", partial(with_parameter, "MatMul", ("batch", 6), (6, 5))),
    Case("matmul-parameter-row", partial(with_parameter, "MatMul", ("batch", 1, 6), (6, 5))),
    Case("matmul-parameter-deep", partial(with_parameter, "MatMul", ("batch", 2, 4, 6), (6, 5))),
    Case("matmul-parameter-many", partial(with_parameter, "MatMul", ("batch", 2, 4, 6), (2, 6, 5))),
    Case("matmul-parameter-left", partial(with_parameter, "MatMul", ("batch", 6, 5), (4, 6), left=True)),
    Case("matmul-parameter-vector", partial(with_parameter, "MatMul", ("batch", 4, 6), (6,))),
    Case("matmul-ranks", partial(each, "MatMul", [("batch", 3, 4, 6), ("batch", 1, 6, 5)])),
    Case("matmul-rows", partial(product, ("batch", 6), (6, 5))),
    Case("matmul-rows-moved", partial(product, ("batch", 3, 6), (6, 5), axis=1)),
    Case("matmul-columns", partial(product, ("batch", 6), (4, 6), left=True, axis=1)),
    *(
        Case(
            f"resize-{name}",
            partial(with_constants, "Resize", shape, None, None, [sizes[0], *sizes[1:]], **attributes),
        )
        for name, shape, sizes, attributes in (
            ("nearest-half", ("batch", 2, 3, 4), (6, 8), {"axes": [2, 3]}),
            (
                "nearest-corners",
                ("batch", 2, 3, 4),
                (3, 1),
                {"axes": [2, 3], "coordinate_transformation_mode": "align_corners", "nearest_mode": "floor"},
            ),
            ("linear-half", ("batch", 2, 3, 4), (7, 3), {"axes": [2, 3], "mode": "linear"}),
            ("cubic", ("batch", 2, 5, 6), (8, 9), {"axes": [2, 3], "mode": "cubic"}),
            ("linear-line", ("batch", 3, 6), (9,), {"axes": [2], "mode": "linear"}),
            ("linear-flat", ("batch", 6), (4,), {"axes": [1], "mode": "linear"}),
            ("linear-volume", _VOLUME, (5, 3, 7), {"axes": [2, 3, 4], "mode": "linear"}),
            ("nearest-channels", ("batch", 3, 4, 5), (6, 8, 10), {"axes": [1, 2, 3]}),
        )
    ),
    *(
        Case(
            f"sample-{mode}-{padding}-{corners}",
            partial(
                each,
                "GridSample",
                [("batch", 2, 4, 5), ("batch", 3, 6, 2)],
                mode=mode,
                padding_mode=padding,
                align_corners=corners,
            ),
            low=-1.6,
        )
        for mode in ("linear", "nearest")
        for padding in ("zeros", "border", "reflection")
        for corners in (0, 1)
    ),
    Case("affine-grid", partial(affine_grid, 0), tolerance=1e-5, reason="places of samples are rounded"),
    Case("affine-grid-corners", partial(affine_grid, 1), tolerance=1e-5, reason="places of samples are rounded"),
    Case("lstm-open", partial(recurrent, "LSTM", 4, states=(True, True), used=(0, 1, 2))),
    Case("lstm-reverse", partial(recurrent, "LSTM", 4, direction="reverse", bias=False)),
    Case("lstm-last", partial(recurrent, "LSTM", 4, direction="bidirectional", used=(1, 2))),
    Case("lstm-cell-only", partial(recurrent, "LSTM", 4, states=(False, True), used=(0, 2))),
    Case("lstm-one", partial(recurrent, "LSTM", 4, states=(True, True), used=(0, 1), batch=1)),
    Case("gru-open", partial(recurrent, "GRU", 3, states=(True,), used=(0, 1), linear_before_reset=1)),
    Case("gru-no-bias", partial(recurrent, "GRU", 3, direction="reverse", bias=False, linear_before_reset=1)),
    Case("rnn-open", partial(recurrent, "RNN", 1, direction="bidirectional", states=(True,), used=(0, 1))),
)
