"""Arithmetic where layers of Caffe differ from ONNX: infinities and NaN, ties, large numbers, shapes that meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx_ir as ir

from tests.emitters.cases.common import Case, unary
from tests.emitters.cases.ncnn_shapes import each, with_constants, with_parameter
from tests.emitters.models import Builder

FLOAT, INT64, BOOL = (int(kind) for kind in (ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.BOOL))
_ROW = ("batch", 3, 4, 5)


def as_type(value: ir.Value, kind: int) -> ir.Value:
    """``value``, which holds another type than float32."""
    value.dtype = ir.DataType(kind)
    return value


def floats(net: Builder, value: ir.Value) -> ir.Model:
    """The model whose output is ``value`` as float32."""
    return net.model(net.node("Cast", "floats", value, to=FLOAT))


def chosen(then: str, other: str | None) -> ir.Model:
    """Functions of positive and of negative numbers, of which the one is chosen that there is."""
    net = Builder()
    data = net.input("data", _ROW)
    above = as_type(net.node("Greater", "above", data, net.constant("zero", 0.0)), BOOL)
    negative = net.node("Neg", "negative", data)
    parts = [net.node(then, "then", data), net.constant("nothing", 0.5) if other is None else other]
    if isinstance(parts[1], str):
        parts[1] = net.node(parts[1], "other", negative)
    return net.model(net.node("Where", "op", above, *parts))


def masked(number: float) -> ir.Model:
    """A softmax of what a mask leaves."""
    net = Builder()
    data = net.input("data", _ROW)
    hidden = as_type(
        net.node("Less", "hidden", net.input("mask", ("batch", 1, 1, 5)), net.constant("low", -0.5)), BOOL
    )
    return net.model(net.node("Softmax", "soft", net.node("Where", "op", hidden, net.constant("far", number), data)))


def special(op: str) -> ir.Model:
    """Comparisons of logarithms and of inverses of numbers, half of which are 0, with each other."""
    net = Builder()
    data = [net.node("Relu", f"some{i}", net.input(f"data{i}", _ROW)) for i in range(2)]
    pairs = [[net.node(kind, f"{kind}{i}", value) for i, value in enumerate(data)] for kind in ("Log", "Reciprocal")]
    truths = [as_type(net.node(op, f"truth{i}", *pair), BOOL) for i, pair in enumerate(pairs)]
    return net.model(*(net.node("Cast", f"floats{i}", truth, to=FLOAT) for i, truth in enumerate(truths)))


def scaled(op: str, factor: float, **attributes: Any) -> ir.Model:
    """One node of large numbers."""
    net = Builder()
    data = net.node("Mul", "large", net.input("data", _ROW), net.constant("factor", factor))
    return net.model(net.node(op, "op", data, **attributes))


def truncated(factor: float) -> ir.Model:
    """Large numbers as whole ones."""
    net = Builder()
    data = net.node("Mul", "large", net.input("data", _ROW), net.constant("factor", factor))
    return floats(net, as_type(net.node("Cast", "whole", data, to=INT64), INT64))


def tied(op: str, **attributes: Any) -> ir.Model:
    """One node of numbers of which many are equal."""
    net = Builder()
    data = net.node("Mul", "twice", net.input("data", ("batch", 6, 7)), net.constant("two", 2.0))
    value = net.node(op, "op", net.node("Round", "few", data), **attributes)
    return net.model(value) if op == "Hardmax" else floats(net, as_type(value, INT64))


def products(left: Sequence[int | str], right: Sequence[int | str]) -> ir.Model:
    """The product of matrices, both of which are inputs."""
    return each("MatMul", [left, right])


def gemm(
    right: Sequence[int], *, computed: bool = False, bias: Sequence[int] | None = None, **attributes: Any
) -> ir.Model:
    """A product of an input, or two, with factors."""
    net = Builder()
    values = [net.input("data", (4, 6))]
    values.append(net.input("other", right) if computed else net.parameter("weight", right))
    values += [] if bias is None else [net.parameter("bias", bias)]
    return net.model(net.node("Gemm", "op", *values, **attributes))


def normalized(op: str, shape: Sequence[int | str], affine: Sequence[int], **attributes: Any) -> ir.Model:
    """A normalization with a scale and a bias."""
    net = Builder()
    values = [net.input("data", shape), net.parameter("gamma", affine, low=0.2), net.parameter("beta", affine)]
    value = net.node(op, "op", *values, **attributes)
    value.shape = ir.Shape(shape)
    return net.model(value)


def vanishing() -> ir.Model:
    """Vectors over their length, some of which have none."""
    net = Builder()
    moved = net.node("Sub", "moved", net.input("data", ("batch", 6, 2)), net.constant("by", 0.4))
    return net.model(net.node("LpNormalization", "op", net.node("Relu", "some", moved), axis=2, p=2))


def lengths(scale: Sequence[int], axis: int = 1, *, shown: bool = False) -> ir.Model:
    """Vectors along ``axis`` over their length, times a parameter, as SSD has them."""
    net = Builder()
    data = net.input("data", _ROW)
    total = net.node("ReduceSumSquare", "squares", data, net.constant("axes", [axis]))
    norm = net.node("Sqrt", "norm", net.node("Add", "safe", total, net.constant("eps", 1e-2)))
    value = net.node("Div", "unit", data, norm)
    return net.model(*([value] if shown else []), net.node("Mul", "op", value, net.parameter("scale", scale)))


def prelu(shape: Sequence[int | str], slope: Sequence[int]) -> ir.Model:
    """A PRelu of other slopes than one a channel."""
    net = Builder()
    return net.model(net.node("PRelu", "op", net.input("data", shape), net.parameter("slope", slope)))


def _named(prefix: str, **builds: Callable[[], ir.Model]) -> tuple[Case, ...]:
    return tuple(Case(f"caffe-{prefix}-{name.replace('_', '-')}", build) for name, build in builds.items())


CASES: tuple[Case, ...] = (
    *_named(
        "where",
        nan=partial(chosen, "Log", None),
        either=partial(chosen, "Log", "Sqrt"),
        masked=partial(masked, -1e30),
        infinite=partial(masked, -np.inf),
    ),
    *(
        Case(f"caffe-special-{op.lower()}", partial(special, op))
        for op in ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal")
    ),
    *(
        Case(f"caffe-{op.lower()}-{name}", partial(scaled, op, factor), tolerance=0.0, reason="all numbers are exact")
        for op in ("Round", "Floor", "Ceil")
        for name, factor in (("small", 3.0), ("halves", 6.5e6), ("large", 3e8))
    ),
    *(
        Case(f"caffe-truncated-{name}", partial(truncated, factor))
        for name, factor in (("small", 9.0), ("large", 2e7))
    ),
    *(
        Case(
            f"caffe-tied-{op.lower()}-{'-'.join(str(value) for value in attributes.values())}",
            partial(tied, op, **attributes),
        )
        for op, attributes in (
            ("ArgMax", {"axis": 1}),
            ("ArgMax", {"axis": 2, "keepdims": 0}),
            ("ArgMax", {"axis": 1, "select_last_index": 1}),
            ("ArgMin", {"axis": -1, "keepdims": 0, "select_last_index": 1}),
            ("ArgMin", {"axis": 1, "keepdims": 0}),
            ("Hardmax", {"axis": 1}),
        )
    ),
    *_named(
        "meet",
        both=partial(each, "Mul", [("batch", 1, 5), ("batch", 4, 1)]),
        no_batch=partial(each, "Sub", [(4, 1), ("batch", 1, 5)]),
        inner=partial(each, "Add", [_ROW, ("batch", 3, 1, 5)]),
        inner_first=partial(each, "Div", [("batch", 3, 1, 5), _ROW]),
        rows=partial(each, "Max", [_ROW, ("batch", 1, 1, 1)]),
        line=partial(each, "Min", [_ROW, (5,)]),
        single=partial(each, "Sub", [(1, 1, 1, 1), _ROW]),
        parameter=partial(with_parameter, "Sub", ("batch", 3, 1, 5), (3, 4, 1), left=True),
        parameter_max=partial(with_parameter, "Max", _ROW, (3, 1, 5)),
        parameter_power=partial(with_constants, "Pow", _ROW, 0.0),
        zero=partial(with_constants, "Mul", _ROW, 0.0),
    ),
    *_named(
        "reduce",
        largest=partial(with_constants, "ReduceMax", _ROW, [1, 3], keepdims=0),
        rows=partial(with_constants, "ReduceMax", _ROW, [2]),
        row_means=partial(with_constants, "ReduceMean", _ROW, [2]),
        least=partial(with_constants, "ReduceMin", ("batch", 3, 4), [1]),
        total=partial(with_constants, "ReduceSum", ("batch", 2, 3, 4, 5), [1, 3], keepdims=0),
        squares=partial(with_constants, "ReduceSumSquare", _ROW, [0, 1, 2, 3], keepdims=0),
        batch_largest=partial(with_constants, "ReduceMax", _ROW, [0, 1, 2, 3]),
        log_softmax=partial(scaled, "LogSoftmax", 200.0, axis=1),
    ),
    Case("caffe-reduce-log-sum-exp-far", partial(scaled, "ReduceLogSumExp", 200.0, keepdims=0)),
    *_named(
        "product",
        batches=partial(products, ("batch", 3, 4, 5), ("batch", 1, 5, 2)),
        ranks=partial(products, ("batch", 4, 5), (5, 3)),
        vector=partial(products, ("batch", 4, 5), (5,)),
        before=partial(products, (2, 4), ("batch", 4, 3)),
        gemm_transposed=partial(gemm, (4, 5), transA=1, alpha=0.5),
        gemm_row=partial(gemm, (5, 6), transB=1, alpha=2.0, beta=0.5, bias=(5,)),
        gemm_column=partial(gemm, (6, 5), beta=0.5, bias=(4, 1)),
        gemm_computed=partial(gemm, (5, 6), computed=True, transB=1, bias=(1,)),
        gemm_computed_transposed=partial(gemm, (4, 5), computed=True, transA=1, alpha=0.5, bias=(6, 5), beta=2.0),
    ),
    *_named(
        "normal",
        groups=partial(normalized, "GroupNormalization", ("batch", 6, 4, 5), (6,), num_groups=3),
        layer=partial(normalized, "LayerNormalization", _ROW, (4, 5), axis=2),
        line=partial(normalized, "LayerNormalization", ("batch", 4, 7), (7,), epsilon=1e-2),
        instance_volume=partial(normalized, "InstanceNormalization", ("batch", 3, 2, 4, 5), (3,), epsilon=1e-2),
        lrn_bias=partial(unary, "LRN", (6, 4, 5), size=3, alpha=0.5, bias=2.0),
        vanishing=vanishing,
        lengths=partial(lengths, (3, 1, 1)),
        lengths_shared=partial(lengths, (1,)),
        lengths_shown=partial(lengths, (1, 3, 1, 1), shown=True),
        lengths_along_rows=partial(lengths, (4, 1), 2),
    ),
    *_named(
        "limits",
        both=partial(with_constants, "Clip", _ROW, -0.25, 0.5),
        upper=partial(with_constants, "Clip", _ROW, None, 0.25),
        lower=partial(with_constants, "Clip", _ROW, -0.25),
        crossed=partial(with_constants, "Clip", _ROW, 0.5, -0.5),
        wide=partial(with_constants, "Clip", _ROW, float(np.finfo(np.float32).min), 0.5),
    ),
    *_named(
        "bent",
        shrink=partial(unary, "Shrink", bias=0.25, lambd=0.5),
        celu=partial(unary, "Celu", alpha=0.5),
        elu=partial(unary, "Elu", alpha=0.5),
        thresholded=partial(unary, "ThresholdedRelu", alpha=0.25),
        prelu_map=partial(prelu, _ROW, (3, 4, 5)),
        prelu_rows=partial(prelu, _ROW, (4, 1)),
        prelu_volume=partial(prelu, ("batch", 3, 2, 4, 5), (3, 1, 1, 1)),
        gelu=partial(unary, "Gelu", approximate="tanh"),
    ),
)
