"""What the Keras emitter does about Keras's own ways with tensors."""

from __future__ import annotations

import onnx_ir as ir
import pytest

import converter
from tests.emitters.models import Builder


def body(model: ir.Model) -> list[str]:
    """The lines of ``network()``, inputs, layers and outputs left out."""
    text = converter.emit(model, "keras", data_format="channels_first")["model.py"].decode()
    lines = text.split("def network()")[1].split("return keras.Model")[0].split("\n")[2:]
    return [line.strip() for line in lines if line.strip() and "keras.Input" not in line and "Parameter(" not in line]


def whole(value: ir.Value) -> ir.Value:
    """``value``, which holds whole numbers."""
    value.dtype = ir.DataType.INT64
    return value


@pytest.mark.parametrize(
    ("shape", "more", "line"),
    [
        ((5, 6, 7), (5, 1, 1), "op = ops.add(data, more)"),
        ((6, 6, 7), (7,), "op = ops.add(data, more)"),
        ((5, 6, 5), (5, 1, 1), "op = ops.add(more, data)"),
        ((5, 6, 7), (6, 1), "op = ops.add(data, more)"),
        ((5, 6, 6), (6, 1), "op = ops.add(more, data)"),
    ],
)
def test_a_vector_is_never_added_along_another_axis(shape: tuple[int, ...], more: tuple[int, ...], line: str) -> None:
    net = Builder()
    assert body(
        net.model(net.node("Add", "op", net.input("data", ("batch", *shape)), net.parameter("more", more)))
    ) == [line]


def test_two_rows_that_keras_would_both_take_for_a_bias_are_subtracted() -> None:
    net = Builder()
    row, column = net.input("row", ("batch", 1, 5)), net.input("column", ("batch", 5, 1))
    assert body(net.model(net.node("Add", "op", row, column)))[0].startswith("op = ops.")


def test_sizes_that_nothing_needs_are_not_computed() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    flat = net.node("Reshape", "flat", data, net.constant("sizes", [-1]))
    back = net.node("Reshape", "back", flat, whole(net.node("Shape", "shape", data)))
    assert body(net.model(back)) == [
        "flat = ops.reshape(data, (-1,))",
        "back = ops.reshape(flat, (-1, 3, 4))",
    ]


def test_what_is_always_the_same_is_tied_to_an_input() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    sizes = net.node("Cast", "sizes", whole(net.node("Shape", "shape", data, start=1)), to=int(ir.DataType.FLOAT))
    assert body(net.model(sizes)) == [
        'shape = ops.convert_to_tensor((3, 4), "int64")',
        'sizes = tied(ops.cast(shape, "float32"), data)',
    ]


def test_a_slice_alone_is_a_tuple() -> None:
    net = Builder()
    limits = [net.constant(name, [number]) for name, number in (("start", 1), ("end", 3), ("axis", 0))]
    assert body(net.model(net.node("Slice", "op", net.input("data", ("batch", 3)), *limits))) == ["op = data[1:3, :]"]
    net = Builder()
    limits = [net.constant(name, [number]) for name, number in (("start", 1), ("end", 3), ("axis", 0))]
    assert body(net.model(net.node("Slice", "op", net.input("data", (5,)), *limits))) == ["op = data[1:3,]"]
