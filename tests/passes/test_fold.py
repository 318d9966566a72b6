"""Folding: what is computed of parameters alone becomes a parameter, with the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from converter.passes.fold import Derived, expression_of, fold_parameters, is_parameter
from tests.emitters.models import Builder, noise
from tests.images.test_weights import weights


def packed(net: Builder, data: ir.Value) -> ir.Value:
    """Gates cut out of one vector and put in another order, as a recurrent network's are."""
    vector = net.parameter("parameters", (30,))
    head, tail = net.nodes("Split", "cut", vector, net.constant("sizes", [24, 6]), outputs=["head", "tail"], axis=0)
    matrix = net.node("Reshape", "matrix", head, net.constant("shape", [4, 6]))
    gates = net.node("Gather", "gates", matrix, net.constant("order", [2, 0, -1, 1]), axis=0)
    return net.node(
        "Add", "add", net.node("MatMul", "mul", data, net.node("Transpose", "t", gates)), _four(net, tail)
    )


def _four(net: Builder, tail: ir.Value) -> ir.Value:
    return net.node("Slice", "four", tail, *(net.constant(name, [at]) for name, at in (("start", -4), ("end", 99))))


def sliced(step: int, start: int = 0) -> Callable[[Builder, ir.Value], ir.Value]:
    """A slice along the last axis from ``start`` with a step, which may go backwards."""

    def build(net: Builder, data: ir.Value) -> ir.Value:
        end = 99 if step > 0 else -99
        given = {"starts": [start], "ends": [end], "axes": [-1], "steps": [step]}
        table = net.parameter("table", (1, 6))
        cut = net.node("Slice", "cut", table, *(net.constant(name, value) for name, value in given.items()))
        return net.node("Concat", "concat", data, net.node("Expand", "e", cut, net.constant("s", [2, 1])), axis=1)

    return build


def combined(net: Builder, data: ir.Value) -> ir.Value:
    """Arithmetic of parameters and numbers."""
    left, right = net.parameter("left", (6,)), net.parameter("right", (1, 6), low=0.5)
    scaled = net.node("Mul", "scaled", net.node("Sub", "less", left, net.constant("one", 1.5)), right)
    divided = net.node("Div", "divided", scaled, net.node("Squeeze", "flat", right, net.constant("axes", [0])))
    joined = net.node("Concat", "joined", divided, divided, axis=0)
    first = net.nodes("Split", "first", joined, outputs=["a", "b"], axis=0, num_outputs=2)[0]
    return net.node("Add", "sum", data, net.node("Unsqueeze", "row", first, net.constant("zero", [0])))


CASES = {
    "packed": packed,
    "sliced": sliced(2),
    "reversed": sliced(-1, 99),
    "backwards": sliced(-2, 99),
    "forwards-from-before": sliced(2, -99),
    "backwards-from-before": sliced(-1, -99),
    "combined": combined,
}


def run(model: ir.Model, data: np.ndarray) -> np.ndarray:
    """What onnxruntime computes, unoptimised."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"data": data})
    return np.asarray(found)


def materialise(model: ir.Model, tensors: dict[str, Any]) -> None:
    """Give every derived parameter its values, as a checkpoint step does."""
    for value in model.graph.initializers.values():
        if isinstance(value.const_value, Derived):
            array = weights.evaluate(expression_of(value), tensors)
            assert array.shape == tuple(value.const_value.shape.numpy())
            value.const_value = ir.tensor(array, name=str(value.name))


@pytest.mark.parametrize("name", CASES)
def test_a_folded_model_computes_the_same(name: str) -> None:
    net = Builder()
    model = net.model(CASES[name](net, net.input("data", (2, 6))))
    tensors = {key: value.const_value.numpy() for key, value in model.graph.initializers.items() if value.const_value}
    data = noise(name, (2, 6))
    folded = fold_parameters(model)
    assert len(list(folded.graph)) < len(list(model.graph))
    left = [node for node in folded.graph if all(value is None or is_parameter(value) for value in node.inputs)]
    assert [node.op_type for node in left] == []
    materialise(folded, tensors)
    np.testing.assert_allclose(run(folded, data), run(model, data), rtol=1e-6)


def test_the_model_itself_is_not_changed() -> None:
    net = Builder()
    model = net.model(packed(net, net.input("data", (2, 6))))
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    fold_parameters(model)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def test_what_depends_on_data_or_is_an_output_stays() -> None:
    net = Builder()
    data = net.input("data", (2, 6))
    table = net.parameter("table", (4, 6))
    flat = net.node("Reshape", "flat", table, net.constant("shape", [24]))
    indices = net.node("Cast", "cast", data, to=ir.DataType.INT64.value)
    indices.dtype = ir.DataType.INT64
    model = net.model(net.node("Gather", "rows", table, indices, axis=0), flat)
    assert [node.name for node in fold_parameters(model).graph] == [node.name for node in model.graph]
