"""What an ONNX file says of its model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import google.protobuf.message
import onnx
import onnx.helper

from converter.description import Description
from converter.errors import BadInput

LARGEST = 1 << 31
"""Bytes that a protobuf message may have."""


def describe(path: Path) -> Description:
    """Describe the model of an ONNX file; weights that lie in other files are not looked for.

    Raises:
        BadInput: It is no ONNX model.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput("larger than an ONNX file can be, 2 GiB", where=str(path))
        proto = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read the model: {error.strerror}", where=str(path)) from error
    except google.protobuf.message.DecodeError as error:
        raise BadInput("not an ONNX model, or a damaged one", where=str(path), fix="download it again") from error
    graph = proto.graph
    stored = {each.name: (tuple(each.dims), _type(each.data_type)) for each in graph.initializer}
    opsets = ", ".join(f"{each.domain or 'ai.onnx'} {each.version}" for each in proto.opset_import)
    producer = " ".join(filter(None, (proto.producer_name, proto.producer_version))) or "an unnamed program"
    return Description(
        framework="onnx",
        written_by=f"{producer}, opset {opsets}",
        operators=dict(Counter(_operator(node) for node in graph.node).most_common()),
        unknown=(),
        inputs={each.name: _shape(each.type.tensor_type) for each in graph.input if each.name not in stored},
        outputs=tuple(each.name for each in graph.output),
        parameters=stored,
    )


def _operator(node: onnx.NodeProto) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type)


def _type(number: int) -> str:
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(number).name)
    except KeyError:
        return f"type {number}"


def _shape(tensor: onnx.TypeProto.Tensor) -> tuple[int | str, ...] | None:
    if not tensor.HasField("shape"):
        return None
    return tuple(_dims(tensor.shape.dim))


def _dims(dims: Iterable[onnx.TensorShapeProto.Dimension]) -> Iterable[int | str]:
    for dim in dims:
        yield dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?"
