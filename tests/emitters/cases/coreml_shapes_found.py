"""Corners of general operators that Core ML's documentation leaves open, and so are composed for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.models import Builder


def integers(value: ir.Value) -> ir.Value:
    """``value``, which holds whole numbers."""
    value.dtype = ir.DataType.INT64
    return value


def truths(value: ir.Value) -> ir.Value:
    """``value``, which holds booleans."""
    value.dtype = ir.DataType.BOOL
    return value


def on_constants(op: str, *constants: Any, shape: Sequence[int] = (3, 4, 5), **attributes: Any) -> ir.Model:
    """One node of an input and constants."""
    net = Builder()
    values = [net.constant(f"constant{place}", value) for place, value in enumerate(constants)]
    return net.model(net.node(op, "op", net.input("data", ("batch", *shape)), *values, **attributes))


def scaled(op: str, factor: float, *constants: Any, **attributes: Any) -> ir.Model:
    """One node of multiples of an input, and constants."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 3, 4, 5)), net.constant("factor", factor))
    values = [net.constant(f"constant{place}", value) for place, value in enumerate(constants)]
    return net.model(net.node(op, "op", data, *values, **attributes))


def whole(factor: float, then: Callable[[Builder, ir.Value], ir.Value]) -> ir.Model:
    """What ``then`` makes of whole numbers, as floats."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 3, 4, 5)), net.constant("factor", factor))
    return net.model(net.node("Cast", "floats", then(net, integers(net.node("Cast", "whole", data, to=7))), to=1))


def with_number(op: str, number: int, **attributes: Any) -> Callable[[Builder, ir.Value], ir.Value]:
    """An operator of a value and a whole number."""
    return lambda net, value: integers(net.node(op, "op", value, net.constant("number", number), **attributes))


def halves() -> ir.Model:
    """What lies between two whole numbers, and next to there."""
    net = Builder()
    near = net.node("Mul", "near", net.input("data", ("batch", 3, 4, 5)), net.constant("factor", 1e-7))
    centres = net.parameter("centres", value=[-2.5, -1.5, -0.5, 0.5, 1.5])
    rounded = net.node("Round", "round", net.node("Add", "beside", near, centres))
    exact = net.node("Add", "exact", net.node("Mul", "none", near, net.constant("zero", 0.0)), centres)
    return net.model(rounded, net.node("Round", "even", exact))


def ties(op: str, **attributes: Any) -> ir.Model:
    """The places of equal elements."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 3, 40)), net.constant("factor", 2.5))
    places = integers(net.node(op, "op", net.node("Round", "round", data), **attributes))
    return net.model(net.node("Cast", "floats", places, to=1))


def chosen(condition: Sequence[int], left: Sequence[int], right: Sequence[int]) -> ir.Model:
    """A choice whose operands have those shapes behind the batch or, where they are parameters, without it."""
    net = Builder()
    data = net.input("data", ("batch", *condition))
    above = truths(net.node("Greater", "above", data, net.constant("zero", 0.0)))
    return net.model(net.node("Where", "op", above, net.parameter("left", left), net.parameter("right", right)))


def at_computed_places(axis: int) -> ir.Model:
    """Elements at a place that is computed, and counts from the end."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4, 5))
    least = net.node("Mul", "scaled", net.node("ReduceMin", "least", data, keepdims=0), net.constant("factor", 2.9))
    return net.model(net.node("Gather", "op", data, integers(net.node("Cast", "places", least, to=7)), axis=axis))


def one_hot(axis: int) -> ir.Model:
    """Ones where the places say, some of which are none, or count from the end."""
    net = Builder()
    data = net.node("Mul", "scaled", net.input("data", ("batch", 3, 4)), net.constant("factor", 7.9))
    places = integers(net.node("Cast", "places", data, to=7))
    return net.model(
        net.node("OneHot", "op", places, net.constant("depth", 5), net.constant("values", [0.5, 2.0]), axis=axis)
    )


def infinite(**attributes: int) -> ir.Model:
    """Which numbers are infinite."""
    net = Builder()
    data = net.input("data", ("batch", 3, 4, 5))
    poles = net.node("Div", "poles", data, net.node("Relu", "relu", data))
    return net.model(net.node("Cast", "floats", truths(net.node("IsInf", "op", poles, **attributes)), to=1))


CASES = (
    Case("coreml-round", halves),
    Case("coreml-cast-cut", partial(whole, 3.7, lambda _, value: value)),
    *(
        Case(f"coreml-whole-{op.lower()}{suffix}", partial(whole, 9.7, with_number(op, number, **attributes)))
        for op, suffix, number, attributes in (
            ("Div", "", 3, {}),
            ("Div", "-negative", -3, {}),
            ("Mod", "", 3, {}),
            ("Mod", "-negative", -3, {}),
            ("Mod", "-sign", 3, {"fmod": 1}),
            ("Mod", "-negative-sign", -3, {"fmod": 1}),
            ("Max", "", 2, {}),
        )
    ),
    Case("coreml-mod-negative", partial(scaled, "Mod", 9.7, -1.3, fmod=1)),
    Case("coreml-log-nothing", partial(scaled, "Log", 0.0)),
    Case("coreml-asinh-large", partial(scaled, "Asinh", 1e30)),
    Case("coreml-acosh-large", partial(scaled, "Acosh", 1e30), low=0.1),
    Case("coreml-arg-max-last", partial(ties, "ArgMax", axis=2, select_last_index=1)),
    Case("coreml-arg-min-first", partial(ties, "ArgMin", axis=-1, keepdims=0)),
    Case("coreml-arg-max-batch", partial(ties, "ArgMax", axis=0)),
    Case("coreml-where-wide", partial(chosen, (3, 4, 5), (5,), (4, 1))),
    Case("coreml-where-one", partial(chosen, (3, 4, 5), (1,), (5,))),
    Case("coreml-infinite", infinite),
    Case("coreml-infinite-above", partial(infinite, detect_negative=0)),
    Case("coreml-infinite-below", partial(infinite, detect_positive=0)),
    Case("coreml-slice-backwards", partial(on_constants, "Slice", [-1, 3], [-9, 0], [3, 2], [-2, -1])),
    Case("coreml-slice-batch-backwards", partial(on_constants, "Slice", [-1], [-(1 << 33)], [0], [-1])),
    Case("coreml-pad-less", partial(on_constants, "Pad", [0, -1, 1, 2, 0, 1, -1, -2], 0.5)),
    Case("coreml-pad-reflect-flat", partial(on_constants, "Pad", [0, 1, 0, 2], shape=(5,), mode="reflect")),
    Case("coreml-gather-end", partial(on_constants, "Gather", [[0, -1], [2, -3]], axis=2)),
    Case("coreml-gather-computed", partial(at_computed_places, 2)),
    Case("coreml-one-hot", partial(one_hot, -1)),
    Case("coreml-one-hot-first", partial(one_hot, 1)),
    Case("coreml-tile-all", partial(on_constants, "Tile", [1, 2, 1, 3])),
    Case("coreml-triangle-above", partial(on_constants, "Trilu", 2)),
    Case("coreml-triangle-below", partial(on_constants, "Trilu", -1, upper=0)),
    Case("coreml-sum-before", partial(on_constants, "CumSum", 2, exclusive=1, reverse=1)),
    Case("coreml-clip-crossed", partial(on_constants, "Clip", 0.5, -0.5)),
    Case("coreml-pow-square", partial(on_constants, "Pow", 2.0)),
)
