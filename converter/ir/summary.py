"""The IR as JSON, for people and for tools that read no protobuf."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import onnx_ir

from converter.ir.check import dims
from converter.ir.detections import detections
from converter.ir.spec import LABELS, PREPROCESS, SOURCE, is_external


def summarise(model: onnx_ir.Model) -> dict[str, Any]:
    """Return ``model`` without its weights as JSON values.

    The keys are ``name``, ``source``, ``preprocess``, ``labels``, ``inputs``, ``outputs``, ``nodes`` (in topological
    order), ``parameters`` and, where there are any, ``functions`` and ``detections``: in which output and column are
    the ``class``, ``score`` and (from there on) ``box`` of each. A constant that is structure stands in a node's
    ``constants`` under its input's name.
    """
    graph = model.graph
    parameters = [value for value in graph.initializers.values() if _external(value)]
    functions = [_function(function) for function in model.functions.values()]
    places = [found for each in detections(graph) if (found := each.places()) is not None]
    return {
        "name": graph.name,
        "source": json.loads(model.metadata_props.get(SOURCE, "null")),
        "preprocess": json.loads(model.metadata_props.get(PREPROCESS, "null")),
        "labels": json.loads(model.metadata_props.get(LABELS, "null")),
        "inputs": [_value(value) for value in graph.inputs],
        "outputs": [_value(value) for value in graph.outputs],
        **({"detections": places} if places else {}),
        "nodes": [_node(node) for node in graph],
        "parameters": [_value(value) for value in parameters],
        **({"functions": functions} if functions else {}),
    }


def render(summary: dict[str, Any]) -> bytes:
    """Return ``summary`` as UTF-8 JSON with one line for each value and node, so that a diff shows what changed."""
    parts = []
    for key, value in summary.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"    {_line(row)}" for row in value)
            parts.append(f"  {_line(key)}: [\n{rows}\n  ]")
        else:
            parts.append(f"  {_line(key)}: {_line(value)}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


_line = json.JSONEncoder(ensure_ascii=False).encode


def _external(value: onnx_ir.Value) -> bool:
    return value.const_value is not None and is_external(value.const_value)


def _value(value: onnx_ir.Value) -> dict[str, Any]:
    dtype = None if value.dtype is None else _dtype_name(value.dtype)
    return {"name": value.name, "shape": list(dims(value)), "dtype": dtype}


@cache
def _dtype_name(dtype: onnx_ir.DataType) -> str:
    return str(dtype.numpy().name)


def _node(node: onnx_ir.Node) -> dict[str, Any]:
    inputs = [value.name if value is not None else "" for value in node.inputs]
    row: dict[str, Any] = {
        "name": node.name,
        "op": f"{node.domain}::{node.op_type}" if node.domain else node.op_type,
        "inputs": inputs,
        "outputs": [value.name for value in node.outputs],
        "shapes": [list(dims(value)) for value in node.outputs],
    }
    if node.overload:
        row["overload"] = node.overload
    attributes = {name: _plain(attribute) for name, attribute in node.attributes.items()}
    if attributes:
        row["attributes"] = attributes
    constants = dict(_constants(node.inputs))
    if constants:
        row["constants"] = constants
    return row


def _function(function: onnx_ir.Function) -> dict[str, Any]:
    return {
        "name": f"{function.domain}::{function.name}",
        **({"overload": function.overload} if function.overload else {}),
        **_body(function),
    }


def _body(graph: onnx_ir.Function | onnx_ir.Graph) -> dict[str, Any]:
    return {
        "inputs": [value.name for value in graph.inputs],
        "outputs": [value.name for value in graph.outputs],
        "nodes": [_node(node) for node in graph],
    }


def _plain(attribute: onnx_ir.Attr) -> Any:
    if attribute.type == onnx_ir.AttributeType.GRAPH:
        return _body(attribute.as_graph())
    if attribute.type == onnx_ir.AttributeType.TENSOR:
        return _short(attribute.as_tensor().numpy().tolist())
    value = attribute.value
    return _short(list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value)


def _short(value: Any) -> Any:
    """A value with its float32 numbers in the fewest digits that mean the same."""
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _constants(values: Iterable[onnx_ir.Value | None]) -> Iterable[tuple[str, Any]]:
    for value in values:
        if value is not None and value.const_value is not None and not is_external(value.const_value):
            yield str(value.name), _short(value.const_value.numpy().tolist())
