"""What Keras gets wrong, or leaves to chance, where tensors are added, indexed, padded and made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.models import Builder

INT64 = int(ir.DataType.INT64)
FLOAT = int(ir.DataType.FLOAT)


def integers(value: ir.Value) -> ir.Value:
    """``value``, which holds whole numbers."""
    value.dtype = ir.DataType.INT64
    return value


def added(left: Sequence[int | str], right: Sequence[int], op: str = "Add") -> ir.Model:
    """An input, and a parameter that Keras may take for a layer's bias."""
    net = Builder()
    return net.model(net.node(op, "op", net.input("data", left), net.parameter("more", right)))


def added_rows(shape: Sequence[int], other: Sequence[int]) -> ir.Model:
    """Two inputs, of which the second has no more than a number for each row of the batch, or hardly more."""
    net = Builder()
    left, right = net.input("left", ("batch", *shape)), net.input("right", ("batch", *other))
    return net.model(net.node("Add", "op", left, right), net.node("Sum", "sum", right, left, right))


def zeros_of_both_signs(op: str, **attributes: Any) -> ir.Model:
    """The place of the first of zeros, some of which are negative."""
    net = Builder()
    none = net.node("Mul", "none", net.input("data", ("batch", 3, 8)), net.constant("zero", 0.0))
    return net.model(net.node("Cast", "floats", integers(net.node(op, "op", none, **attributes)), to=FLOAT))


def indexed(op: str, *constants: Any, shape: Sequence[int] = (3, 4, 5), **attributes: Any) -> ir.Model:
    """One node of an input and constants."""
    net = Builder()
    values = [net.constant(f"constant{place}", value) for place, value in enumerate(constants)]
    return net.model(net.node(op, "op", net.input("data", ("batch", *shape)), *values, **attributes))


def scattered(op: str, indices: Any, updates: Sequence[int], **attributes: Any) -> ir.Model:
    """A table that is written to, at constant places some of which count from the end."""
    net = Builder()
    values = [net.parameter("table", (3, 4)), net.constant("places", indices), net.parameter("updates", updates)]
    table = net.node(op, "op", *values, **attributes)
    return net.model(net.node("Add", "sum", net.input("data", ("batch", 3, 4)), table))


def one_hot(axis: int) -> ir.Model:
    """Places that are computed, some of them counted from the end and some out of range."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 9)), net.constant("factor", 7.9))
    places = integers(net.node("Cast", "places", data, to=INT64))
    return net.model(
        net.node("OneHot", "op", places, net.constant("depth", 5), net.constant("values", [0.5, 2.0]), axis=axis)
    )


def repeated(shape: Sequence[int]) -> ir.Model:
    """A parameter of one row, as often as the batch has rows."""
    net = Builder()
    sizes = integers(net.node("Shape", "sizes", net.input("data", ("batch", 3, 4))))
    return net.model(net.node("Expand", "op", net.parameter("row", shape), sizes))


def whole(op: str, *constants: Any, **attributes: Any) -> ir.Model:
    """What a node makes of whole numbers."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 3, 4)), net.constant("factor", 9.7))
    values = [net.constant(f"constant{place}", value) for place, value in enumerate(constants)]
    number = integers(net.node("Cast", "whole", data, to=INT64))
    made = integers(net.node(op, "op", number, *values, **attributes))
    return net.model(net.node("Cast", "floats", made, to=FLOAT))


def reversed_rows() -> ir.Model:
    """A different number of elements of each row, from their end."""
    net = Builder()
    data = net.parameter("table", (3, 4, 2))
    rows = net.node("ReverseSequence", "op", data, net.constant("lengths", [1, 4, 3]), batch_axis=0, time_axis=1)
    return net.model(net.node("Add", "sum", net.input("data", ("batch", 3, 4, 2)), rows))


def always_the_same() -> ir.Model:
    """Layers and outputs of what depends on no input."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    size = net.node("Cast", "size", integers(net.node("Shape", "shape", data, start=1)), to=FLOAT)
    parts = net.nodes("Split", "parts", size, outputs=["height", "width"], num_outputs=2)
    return net.model(net.node("Relu", "relu", size), *parts, net.node("Add", "sum", data, parts[0]))


CASES = (
    Case("keras-bias-first", partial(added, ("batch", 4, 4, 4), (4, 1, 1))),
    Case("keras-bias-middle", partial(added, ("batch", 4, 4, 4), (4, 1))),
    Case("keras-bias-last", partial(added, ("batch", 4, 4, 4), (4,))),
    Case("keras-bias-second", partial(added, ("batch", 4, 3, 5), (4, 1, 1))),
    Case("keras-bias-deep", partial(added, ("batch", 2, 3, 2, 3), (3, 1, 1))),
    Case("keras-bias-higher", partial(added, ("batch", 3), (3, 1, 1))),
    Case("keras-bias-sum", partial(added, ("batch", 4, 4, 4), (4, 1), "Sum")),
    Case("keras-bias-mean", partial(added, ("batch", 4, 4, 4), (4, 1, 1), "Mean")),
    Case("keras-bias-rows", partial(added_rows, (2, 2), (1, 1))),
    Case("keras-bias-row", partial(added_rows, (2, 3, 2), (2, 1, 1))),
    Case("keras-zeros-largest", partial(zeros_of_both_signs, "ArgMax", axis=2)),
    Case("keras-zeros-least-last", partial(zeros_of_both_signs, "ArgMin", axis=-1, select_last_index=1)),
    Case("keras-pad-edge-flat", partial(indexed, "Pad", [0, 2, 0, 3], shape=(4,), mode="edge")),
    Case("keras-pad-wrap", partial(indexed, "Pad", [0, 1, 2, 1, 0, 2, 0, 3], mode="wrap")),
    Case("keras-pad-reflect-channels", partial(indexed, "Pad", [0, 1, 0, 2, 0, 1, 3, 0], mode="reflect")),
    Case("keras-gather-nd", partial(indexed, "GatherND", [[[0, -1], [-1, 2]], [[1, 0], [0, -2]]])),
    Case("keras-gather-nd-deep", partial(indexed, "GatherND", [[0, -1, 3], [-1, 2, -2]])),
    Case("keras-gather-columns", partial(indexed, "GatherElements", [[[[0, -1]]], [[[1, 2]]]], axis=3)),
    *(
        Case(f"keras-scatter-{reduction}", partial(scattered, "ScatterElements", places, (2, 3), reduction=reduction))
        for reduction, places in (
            ("none", [[0, -1, 1], [2, 0, -2]]),
            *((kind, [[0, -1, 1], [-3, 2, 1]]) for kind in ("add", "mul", "max", "min")),
        )
    ),
    *(
        Case(f"keras-scatter-nd-{kind}", partial(scattered, "ScatterND", [[0], [-1], [2]], (3, 4), reduction=kind))
        for kind in ("add", "mul", "max", "min")
    ),
    Case("keras-scatter-nd-deep", partial(scattered, "ScatterND", [[0, -1], [-1, 2]], (2,))),
    Case("keras-one-hot", partial(one_hot, -1)),
    Case("keras-one-hot-first", partial(one_hot, 0)),
    Case("keras-expand-batch", partial(repeated, (1, 1, 4))),
    Case("keras-expand-batch-flat", partial(repeated, (4,))),
    Case("keras-eye-beside", lambda: indexed("EyeLike", shape=(5,), k=1)),
    Case("keras-whole-mean", partial(whole, "ReduceMean", [1, 2])),
    Case("keras-whole-power", partial(whole, "Pow", 3)),
    Case("keras-whole-root", partial(whole, "Pow", 2.0)),
    Case("keras-whole-largest", partial(whole, "ReduceMax", [-1], keepdims=0)),
    Case("keras-whole-sum-backwards", partial(whole, "CumSum", 1, reverse=1)),
    Case("keras-reverse-rows", reversed_rows),
    Case("keras-always-the-same", always_the_same),
)
