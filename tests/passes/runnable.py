"""A rewritten model as plain ONNX with all its parameters, which onnxruntime runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir
import onnxruntime

from converter.ir import dims
from converter.passes.channels_last import DOMAIN, Laid
from converter.passes.channels_last.families import STRONG, WEAK
from converter.passes.channels_last.layout import channels_last, inverse, stored
from converter.passes.fold import Derived
from tests.images.test_weights import weights

ALL = frozenset(f"{DOMAIN}::{name}" for name in STRONG | WEAK)
"""As if a target had every operator over images channels last."""


def run(model: ir.Model, inputs: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The values ``names`` that onnxruntime computes, optimizing nothing."""
    graph = model.graph
    known = {str(value.name): value for node in graph for value in node.outputs}
    known |= {str(value.name): value for value in graph.inputs}
    graph.outputs[:] = [known[name] for name in names]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(names, session.run(list(names), dict(inputs)), strict=True))


def with_parameters(model: ir.Model, tensors: Mapping[str, np.ndarray]) -> ir.Model:
    """``model`` with the values of all its parameters, made of ``tensors`` as a weight plan says."""
    copy = model.clone()
    for value in list(copy.graph.initializers.values()):
        tensor = value.const_value
        if isinstance(tensor, Derived):
            array = weights.evaluate(tensor.expression, tensors, np.dtype(tensor.dtype.numpy()))
            assert array.shape == tuple(tensor.shape), value.name
            value.const_value = ir.tensor(np.ascontiguousarray(array), name=value.name)
        elif value.name in tensors:
            value.const_value = ir.tensor(tensors[str(value.name)], name=value.name)
    return copy


def with_transposes(model: ir.Model) -> ir.Model:
    """``model`` with each node of the domain for channels last as what it stands for."""
    copy = model.clone()
    functions = {function.name for function in copy.functions.values()}
    for node in list(copy.graph):
        if node.domain == DOMAIN:
            _expand(copy.graph, node, "transship" if node.op_type in functions else "")
    return copy


def _expand(graph: ir.Graph, node: ir.Node, domain: str) -> None:
    first, output = node.inputs[0], node.outputs[0]
    assert first is not None
    back = inverse(channels_last(len(dims(first))))
    before = ir.Value(name=f"{output.name}/before", shape=ir.Shape(stored(dims(first), back)), type=first.type)
    graph.insert_before(node, ir.node("Transpose", [first], {"perm": back}, outputs=[before]))
    perm = channels_last(len(dims(output)))
    after = ir.Value(name=output.name, shape=output.shape, type=output.type)
    ir.convenience.replace_all_uses_with(output, after, replace_graph_outputs=True)
    output.name, output.shape = f"{output.name}/inner", ir.Shape(stored(dims(output), inverse(perm)))
    graph.insert_after(node, ir.node("Transpose", [output], {"perm": perm}, outputs=[after]))
    node.replace_input_with(0, before)
    node.domain = domain


def check(
    laid: Laid, tensors: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]
) -> None:
    """Every value that ``laid`` has under a name of the IR is the IR's, in the order that it says."""
    whole = with_transposes(with_parameters(laid.model, tensors))
    names = [str(value.name) for node in whole.graph for value in node.outputs if value.name in wanted]
    shapes = {str(value.name): value.shape for node in laid.model.graph for value in node.outputs}
    given = {
        name: np.ascontiguousarray(array.transpose(laid.perms[name])) if name in laid.perms else array
        for name, array in inputs.items()
    }
    for name, array in run(whole, given, names).items():
        shape = shapes[name]
        assert shape is not None
        assert len(shape) == array.ndim
        assert all(size == real for size, real in zip(shape, array.shape, strict=True) if isinstance(size, int)), name
        found = array.transpose(inverse(laid.perms[name])) if name in laid.perms else array
        assert found.dtype == wanted[name].dtype
        scale = np.abs(wanted[name][np.isfinite(wanted[name])]).max(initial=0) if found.dtype.kind == "f" else 0
        # onnxruntime takes other paths for other strides: the sums are the same, in another order
        np.testing.assert_allclose(found, wanted[name], rtol=0, atol=1e-5 * scale, err_msg=name)
