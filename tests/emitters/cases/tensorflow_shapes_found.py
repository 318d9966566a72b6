"""Corners of the general operators that other models do not reach, and what TensorFlow Lite's converter got wrong."""

from __future__ import annotations

from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case
from tests.emitters.models import Builder


def with_constants(op: str, shape: tuple[int, ...], *constants: Any, **attributes: Any) -> ir.Model:
    """One node of an input and constants."""
    net = Builder()
    values = [net.constant(f"constant{number}", value) for number, value in enumerate(constants)]
    return net.model(net.node(op, "op", net.input("data", ("batch", *shape)), *values, **attributes))


def scatter_elements(reduction: str) -> ir.Model:
    """Elements at places that meet, some of which count from the end, along a middle axis."""
    net = Builder()
    data = net.parameter("table", (2, 5, 3))
    indices = net.constant("indices", [[[0, 1, -1], [0, -4, 4]], [[2, 2, 2], [-3, 0, -2]]])
    node = net.node("ScatterElements", "op", data, indices, net.input("data", (2, 2, 3)), axis=1, reduction=reduction)
    return net.model(node)


def scatter_rows(reduction: str) -> ir.Model:
    """Rows at pairs of places, two of which are the same."""
    net = Builder()
    indices = net.constant("indices", [[0, 1], [1, -1], [-2, 1]])
    rows = net.parameter("rows", (3, 4))
    return net.model(net.node("ScatterND", "op", net.input("data", (2, 3, 4)), indices, rows, reduction=reduction))


def less_transposed() -> ir.Model:
    """A number less what comes of a transposed value."""
    net = Builder()
    moved = net.node("Transpose", "moved", net.input("data", ("batch", 3, 4)), perm=[0, 2, 1])
    value = net.node("Relu", "relu", moved)
    return net.model(net.node("Sub", "less", net.constant("five", 5.0), value), moved)


def quotients_transposed() -> ir.Model:
    """Numbers, and a row of them, divided by a transposed tensor; a difference of what two of these add up to."""
    net = Builder()
    first = net.node("Transpose", "first", net.input("data", ("batch", 3, 4)), perm=[0, 2, 1])
    second = net.node("Transpose", "second", net.input("other", ("batch", 3, 4)), perm=[0, 2, 1])
    above = net.node("Add", "above", net.node("Abs", "size", first), net.constant("one", 1.0))
    quotients = [
        net.node("Div", f"by{name}", value, above)
        for name, value in (("five", net.constant("five", 5.0)), ("row", net.parameter("row", (3,))))
    ]
    total = net.node("Sub", "less", net.constant("two", 2.0), net.node("Add", "both", first, second))
    return net.model(*quotients, net.node("Reciprocal", "inverse", above), total)


def expanded() -> ir.Model:
    """A new axis before the batch, and one of the sizes."""
    return with_constants("Expand", (1,), [2, 1, 4])


def largest_of_three() -> ir.Model:
    """Three operands, of which the first is a number, and limits that cross."""
    net = Builder()
    data, other = net.input("data", ("batch", 3)), net.parameter("other", (3,))
    value = net.node("Max", "largest", net.constant("floor", -0.5), data, other)
    crossed = net.node("Clip", "crossed", data, net.constant("low", 0.5), net.constant("high", 0.25))
    return net.model(value, net.node("Min", "same", value), crossed)


CASES = (
    *(
        Case(f"scatter-elements-{reduction}", partial(scatter_elements, reduction))
        for reduction in ("add", "mul", "max", "min")
    ),
    *(Case(f"scatter-rows-{reduction}", partial(scatter_rows, reduction)) for reduction in ("add", "mul", "max")),
    Case("slice-back-from-within", lambda: with_constants("Slice", (3,), [1], [-(1 << 31)], [0], [-1])),
    Case("pad-wrap", lambda: with_constants("Pad", (3, 4), [0, 0, 2, 0, 1, 3], mode="wrap")),
    Case("trilu-above", lambda: with_constants("Trilu", (4, 5), 1, upper=1)),
    Case("trilu-below", lambda: with_constants("Trilu", (4, 5), -1, upper=0)),
    Case("expand-before-batch", expanded),
    Case("less-transposed", less_transposed),
    Case("quotients-transposed", quotients_transposed),
    Case("largest-of-three", largest_of_three),
)
