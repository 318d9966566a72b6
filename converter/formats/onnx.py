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
from converter.formats.sample import whole

LARGEST = 1 << 31
"""Bytes that a protobuf message may have."""


def describe(path: Path) -> Description:
    """Describe the model of an ONNX file; weights that lie in other files are not looked for.

    Raises:
        BadInput: It is no ONNX model.
    """
    content = whole(path, LARGEST)
    try:
        return _described(onnx.load_model_from_string(content))
    except (google.protobuf.message.DecodeError, _NoTextError) as error:
        raise BadInput("not an ONNX model, or a damaged one", where=str(path), fix="download it again") from error


class _NoTextError(Exception):
    """A name is not what a text may be."""


def _described(proto: onnx.ModelProto) -> Description:
    graph = proto.graph
    stored = {_text(each.name): (tuple(each.dims), _type(each.data_type)) for each in graph.initializer}
    opsets = ", ".join(f"{_text(each.domain) or 'ai.onnx'} {each.version}" for each in proto.opset_import)
    producer = (
        " ".join(filter(None, map(_text, (proto.producer_name, proto.producer_version)))) or "an unnamed program"
    )
    return Description(
        framework="onnx",
        written_by=f"{producer}, opset {opsets}",
        operators=dict(Counter(_operator(node) for node in graph.node).most_common()),
        unknown=(),
        inputs={_text(each.name): _shape(each.type.tensor_type) for each in graph.input if each.name not in stored},
        outputs=tuple(_text(each.name) for each in graph.output),
        parameters=stored,
    )


def _operator(node: onnx.NodeProto) -> str:
    name = _text(node.op_type)
    return f"{_text(node.domain)}::{name}" if node.domain else name


def _text(value: str | bytes) -> str:
    """A text, which protobuf hands out as bytes where it is not valid."""
    if isinstance(value, bytes):
        raise _NoTextError
    return value


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
        yield dim.dim_value if dim.HasField("dim_value") else _text(dim.dim_param) or "?"
