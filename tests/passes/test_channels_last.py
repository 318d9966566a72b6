"""Channels last: the same numbers in another order, and no transposes where none are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import pytest

from converter.passes.channels_last import DOMAIN, channels_last
from converter.passes.channels_last.layout import groups
from converter.passes.fold import fold_parameters
from tests.emitters.models import Builder, noise
from tests.passes.runnable import ALL, check, run, with_parameters

Array = np.ndarray
Tail = Callable[[Builder, ir.Value], tuple[ir.Value, ...]]


@dataclass(frozen=True)
class Network:
    """What follows a convolution from 3 x 6 x 5 to 4 x 6 x 5, and how many transposes it takes channels last."""

    tail: Tail
    transposes: int
    reason: str = ""


def conv(net: Builder, name: str, data: ir.Value, channels: tuple[int, int], size: int = 3) -> ir.Value:
    """A convolution that keeps the image's size."""
    weight = net.parameter(f"{name}_weight", (channels[1], channels[0], size, size))
    return net.node("Conv", name, data, weight, pads=[size // 2] * 4, kernel_shape=[size, size])


def dense(net: Builder, name: str, data: ir.Value, sizes: tuple[int, int]) -> ir.Value:
    """A dense layer, as MXNet's networks have it."""
    weight, bias = net.parameter(f"{name}_weight", sizes[::-1]), net.parameter(f"{name}_bias", sizes[1:])
    return net.node("Gemm", name, data, weight, bias, transB=1)


def flattened(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    x = net.node("Dropout", "drop", net.node("Relu", "relu", net.node("Flatten", "flat", x)))
    return (dense(net, "fc", x, (120, 7)),)


def flattened_and_scaled(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    flat = net.node("Reshape", "flat", x, net.constant("shape", [0, -1]))
    scaled = net.node("Mul", "mul", flat, net.parameter("gamma", (120,)))
    slopes = net.node("PRelu", "prelu", scaled, net.parameter("slope", (1,)))
    return (net.node("MatMul", "fc", slopes, net.parameter("weight", (120, 7))),)


def flattened_twice(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    flat = net.node("Flatten", "flat", x)
    return dense(net, "one", flat, (120, 2)), dense(net, "two", flat, (120, 3))


def flattened_output(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    flat = net.node("Flatten", "flat", x)
    return flat, dense(net, "fc", flat, (120, 2))


def flattened_softmax(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    return (net.node("Softmax", "softmax", net.node("Flatten", "flat", x), axis=1),)


def pooled(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    flat = net.node("Flatten", "flat", net.node("GlobalAveragePool", "pool", x))
    return (dense(net, "fc", flat, (4, 3)),)


def gated(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    small = net.node("Flatten", "flat", net.node("GlobalAveragePool", "pool", x))
    gate = net.node("Sigmoid", "sigmoid", dense(net, "fc", small, (4, 4)))
    wide = net.node("Reshape", "wide", gate, net.constant("shape", [0, 4, 1, 1]))
    return (net.node("Mul", "mul", x, wide),)


def gated_by_axes(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    small = net.node("ReduceMean", "mean", x, net.constant("places", [2, 3]), keepdims=0)
    gate = net.node("Unsqueeze", "wide", dense(net, "fc", small, (4, 4)), net.constant("axes", [2, -1]))
    return (net.node("Mul", "mul", gate, x),)


def residual(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    slope = net.parameter("slope", (4, 1, 1))
    inner = net.node("PRelu", "prelu", conv(net, "inner", x, (4, 4)), slope)
    joined = net.node("Concat", "concat", net.node("Add", "add", inner, x), x, axis=1)
    first, second = net.nodes("Split", "split", joined, outputs=["first", "second"], axis=1, num_outputs=2)
    return first, net.node("MaxPool", "pool", second, kernel_shape=[2, 2], strides=[2, 2])


def shuffled(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    apart = net.node("Reshape", "apart", x, net.constant("five", [0, 2, 2, 6, 5]))
    turned = net.node("Transpose", "turned", apart, perm=[0, 2, 1, 3, 4])
    return (conv(net, "last", net.node("Reshape", "back", turned, net.constant("four", [0, 4, 6, 5])), (4, 2)),)


def head(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    boxes = net.node("Transpose", "boxes", x, perm=[0, 2, 3, 1])
    flat = net.node("Reshape", "flat", boxes, net.constant("shape", [0, -1, 2]))
    return (net.node("Softmax", "softmax", flat, axis=2),)


def sequence(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    rows = net.node("Reshape", "rows", x, net.constant("shape", [0, 4, 30]))
    return (net.node("MatMul", "mul", net.node("Transpose", "turned", rows, perm=[0, 2, 1]), rows),)


def along_axes(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    part = net.node(
        "Slice", "slice", x, *(net.constant(n, v) for n, v in (("s", [1, 0]), ("e", [3, 9]), ("a", [1, -1])))
    )
    padded = net.node("Pad", "pad", part, net.constant("pads", [0, 1, 2, 0, 0, 0, 0, 3]))
    taken = net.node("Gather", "gather", padded, net.constant("rows", [2, 0]), axis=2)
    total = net.node("CumSum", "cumsum", taken, net.constant("axis", 3))
    tiled = net.node("Tile", "tile", total, net.constant("repeats", [1, 2, 1, 1]))
    one = net.node("Gather", "one", tiled, net.constant("row", 1), axis=1)
    return net.node("Softmax", "softmax", tiled, axis=1), net.node("ReduceMax", "max", one, net.constant("last", [1]))


def sizes(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    shape = net.node("Shape", "shape", x, start=1, end=4)
    shape.dtype = ir.DataType.INT64
    return (
        net.node("Reshape", "back", net.node("Flatten", "flat", x, axis=1), net.constant("to", [-1, 4, 6, 5])),
        shape,
    )


def one_channel(net: Builder, x: ir.Value) -> tuple[ir.Value, ...]:
    flat = net.node("Flatten", "flat", conv(net, "one", x, (4, 1)))
    return (flat,)


NETWORKS: Mapping[str, Network] = {
    "flattened": Network(flattened, 0),
    "flattened-and-scaled": Network(flattened_and_scaled, 0),
    "flattened-twice": Network(flattened_twice, 0),
    "flattened-output": Network(flattened_output, 1, "the output has the IR's order"),
    "flattened-softmax": Network(flattened_softmax, 1, "nothing that is behind it could be moved instead"),
    "pooled": Network(pooled, 0),
    "gated": Network(gated, 0),
    "gated-by-axes": Network(gated_by_axes, 0),
    "residual": Network(residual, 0),
    "shuffled": Network(shuffled, 1, "channels change places"),
    "head": Network(head, 0),
    "sequence": Network(sequence, 1, "both the matrix and its transpose are wanted"),
    "along-axes": Network(along_axes, 0),
    "sizes": Network(sizes, 1, "flattened channels first, for all to see"),
    "one-channel": Network(one_channel, 0),
}


def model_of(name: str) -> ir.Model:
    """A network of ``NETWORKS``."""
    net = Builder(name)
    return net.model(*NETWORKS[name].tail(net, conv(net, "first", net.input("data", ("batch", 3, 6, 5)), (3, 4))))


def tensors_of(model: ir.Model) -> dict[str, Array]:
    """The values of a model's parameters."""
    return {name: value.const_value.numpy() for name, value in model.graph.initializers.items() if value.const_value}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_the_same_and_transposes_only_what_it_must(name: str) -> None:
    model = model_of(name)
    tensors = tensors_of(model)
    inputs = {"data": noise(name, (2, 3, 6, 5))}
    values = [str(value.name) for node in model.graph for value in node.outputs]
    wanted = run(model.clone(), inputs, values)
    laid = channels_last(fold_parameters(model), ALL)
    counted = Counter(node.op_type for node in laid.model.graph)
    assert counted["Transpose"] == NETWORKS[name].transposes, NETWORKS[name].reason
    assert laid.perms["data"] == (0, 2, 3, 1)
    assert [str(value.name) for value in laid.model.graph.outputs] == [
        str(value.name) for value in model.graph.outputs
    ]
    check(laid, tensors, inputs, wanted)


def test_the_model_itself_is_not_changed_and_the_result_is_always_the_same() -> None:
    model = fold_parameters(model_of("residual"))
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    first, second = (with_parameters(channels_last(model, ALL).model, tensors_of(model)) for _ in range(2))
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before
    assert ir.to_proto(first).SerializeToString(deterministic=True) == ir.to_proto(second).SerializeToString(
        deterministic=True
    )


def test_what_a_target_does_not_have_channels_last_stays_as_it_is() -> None:
    laid = channels_last(fold_parameters(model_of("residual")), [f"{DOMAIN}::Conv"])
    domains = {node.op_type: node.domain for node in laid.model.graph}
    assert domains["Conv"] == DOMAIN
    assert domains["MaxPool"] == ""
    plain = channels_last(fold_parameters(model_of("residual")), [])
    assert plain.perms == {}
    assert "Transpose" not in {node.op_type for node in plain.model.graph}


def test_outputs_are_channels_last_or_as_in_the_ir() -> None:
    laid = channels_last(fold_parameters(model_of("residual")), ALL)
    assert laid.perms["first"] == laid.perms["pool_output"] == (0, 2, 3, 1)
    assert "softmax_output" not in channels_last(fold_parameters(model_of("head")), ALL).perms


def test_an_output_that_is_only_an_input_in_another_order_is_computed() -> None:
    net = Builder()
    data = net.input("data", (2, 3, 4, 5))
    model = net.model(net.node("Transpose", "turned", data, perm=[0, 3, 1, 2]), conv(net, "conv", data, (3, 2)))
    inputs = {"data": noise("data", (2, 3, 4, 5))}
    names = [str(value.name) for value in model.graph.outputs]
    check(channels_last(model, ALL), tensors_of(model), inputs, run(model.clone(), inputs, names))


def test_bodies_read_what_is_around_them_as_in_the_ir() -> None:
    net = Builder()
    image = conv(net, "conv", net.input("data", (1, 3, 4, 5)), (3, 2))
    inner = ir.val("inner", ir.DataType.FLOAT)
    other = ir.val("other", ir.DataType.FLOAT)
    branches = {
        "then_branch": ir.Graph(
            [], [inner], nodes=[ir.node("Softmax", [image], {"axis": 1}, outputs=[inner])], name="then"
        ),
        "else_branch": ir.Graph([], [other], nodes=[ir.node("Identity", [image], outputs=[other])], name="else"),
    }
    flag = net.constant("flag", 1)
    truth = net.node("Cast", "truth", flag, to=ir.DataType.BOOL.value)
    truth.dtype = ir.DataType.BOOL
    model = net.model(net.node("If", "if", truth, **branches))
    inputs = {"data": noise("data", (1, 3, 4, 5))}
    check(
        channels_last(model, ALL), tensors_of(model), inputs, run(model.clone(), inputs, ["if_output", "conv_output"])
    )


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (("batch", 8, 4, 4), ("batch", 2, 4, 4, 4), [((0,), (0,)), ((1,), (1, 2)), ((2,), (3,)), ((3,), (4,))]),
        (("batch", 8, 4, 4), ("batch", 128), [((0,), (0,)), ((1, 2, 3), (1,))]),
        ((2, 8, 1, 1), (2, 1, 8), [((0,), (0,)), ((1,), (2,))]),
        ((6, 4), (4, 6), [((0, 1), (0, 1))]),
        (("batch", 3), (3, "batch"), None),
        (("batch", 3), (12,), None),
    ],
)
def test_groups_are_the_axes_that_a_reshape_keeps_apart(before: tuple, after: tuple, wanted: list | None) -> None:
    found = groups(before, after)
    assert (None if found is None else [(group.before, group.after) for group in found]) == wanted
