"""What a model must be to be an IR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx
import onnx_ir

from converter.errors import BadInput
from converter.ir.spec import BATCH, IR_VERSION, OPSET, Dim


def dims(value: onnx_ir.Value) -> tuple[Dim, ...]:
    """The shape of ``value``, numbers and :data:`~converter.ir.spec.BATCH`.

    Raises:
        BadInput: The value has no shape, or one with a dimension the IR does not know.
    """
    if value.shape is None:
        raise BadInput(f"value {value.name!r} has no shape")
    return tuple([dim if isinstance(dim, int) else _open(value, dim) for dim in value.shape])


def _open(value: onnx_ir.Value, dim: onnx_ir.SymbolicDim) -> Dim:
    if dim.value != BATCH:
        raise BadInput(f"value {value.name!r} has the open dimension {dim.value!r}", fix="fix all but the batch")
    return BATCH


def validate(model: onnx_ir.Model) -> None:
    """Check that ``model`` is an IR; says nothing if so.

    Beyond ONNX's own rules (``onnx.checker``, full): the pinned opset and IR version, a name for every node that
    no other node has, and a static shape for every value but for the batch.

    Raises:
        BadInput: It is not. Names the first broken rule and the node or value concerned.
    """
    if model.ir_version != IR_VERSION or model.opset_imports.get("") != OPSET:
        found = f"opset {model.opset_imports.get('')}, IR version {model.ir_version}"
        raise BadInput(f"not an IR model: {found}, not opset {OPSET}, IR version {IR_VERSION}")
    counts = Counter(node.name for node in model.graph)
    for name, count in counts.items():
        if not name or count > 1:
            raise BadInput(f"{count} nodes of the model are called {name!r}")
    for value in _values(model.graph):
        dims(value)


def check(proto: onnx.ModelProto) -> None:
    """Run ONNX's own full check on a structure; its weights file need not exist.

    Raises:
        BadInput: ONNX refuses the model.
    """
    try:
        onnx.checker.check_model(_without_weights(proto), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BadInput(f"ONNX refuses the model: {error}") from error


def _without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which each external parameter is an input: ONNX's checker would open the file."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    del bare.graph.initializer[:]
    for tensor in proto.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            kind = bare.graph.input.add(name=tensor.name).type.tensor_type
            kind.elem_type = tensor.data_type
            kind.shape.SetInParent()
            for dim in tensor.dims:
                kind.shape.dim.add(dim_value=dim)
        else:
            bare.graph.initializer.append(tensor)
    return bare


def _values(graph: onnx_ir.Graph) -> Iterator[onnx_ir.Value]:
    yield from graph.inputs
    for node in graph:
        yield from node.outputs
    yield from graph.initializers.values()
