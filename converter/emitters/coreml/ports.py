"""What stands between Core ML's inputs and outputs and those of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters.coreml.features import Features
from converter.emitters.coreml.operand import line, stored
from converter.emitters.operand import is_stored
from converter.emitters.statement import Statement
from converter.ir import dims


def read(statements: Sequence[Statement], graph: onnx_ir.Graph) -> list[Statement]:
    """Those of ``statements`` whose results ``graph``'s outputs depend on."""
    wanted, kept = set(graph.outputs), list[Statement]()
    for statement in reversed(statements):
        if wanted & set(statement.outputs):
            wanted |= set(statement.inputs)
            kept.append(statement)
    return kept[::-1]


def with_ports(statements: Sequence[Statement], graph: onnx_ir.Graph, features: Features) -> list[Statement]:
    """``statements``, behind what prepares the inputs of ``graph``, and before what makes outputs of their own.

    An output that is an input, a weight, or another output too, is replaced in ``graph`` by a copy.
    """
    before = [part for value in graph.inputs for part in _prepared(value, features)]
    prepared = {part.inputs[0]: part.outputs[0] for part in before}
    body = [replace(part, inputs=tuple(prepared.get(value, value) for value in part.inputs)) for part in statements]
    after, seen = [], set[onnx_ir.Value]()
    for place, value in enumerate(graph.outputs):
        if value in seen or value.producer() is None or is_stored(value):
            copy = onnx_ir.Value(name=f"{value.name}/output", shape=value.shape, type=value.type)
            after.append(_copied(value, copy, prepared))
            graph.outputs[place] = copy
        seen.add(value)
    return [*before, *body, *after]


def _prepared(value: onnx_ir.Value, features: Features) -> list[Statement]:
    """A vector made the single number that it is, and the channels of an image multiplied with their own factors."""
    image = features.images.get(str(value.name))
    if dims(value) == ():
        return [_statement(value, "number", "squeeze", axes=(0,))]
    if image is not None and image.factors:
        factors = stored(np.array(image.factors, np.float32).reshape(1, -1, 1, 1))
        return [_statement(value, "scaled", "mul", y=factors)]
    return []


def _statement(value: onnx_ir.Value, role: str, operation: str, **operands: Any) -> Statement:
    result = onnx_ir.Value(name=f"{value.name}/{role}", shape=value.shape, type=value.type)
    return _line(value, operation, result, x=value, **operands)


def _copied(value: onnx_ir.Value, copy: onnx_ir.Value, prepared: Mapping[onnx_ir.Value, onnx_ir.Value]) -> Statement:
    return _line(value, "identity", copy, x=prepared.get(value, value))


def _line(value: onnx_ir.Value, operation: str, result: onnx_ir.Value, **operands: Any) -> Statement:
    node = onnx_ir.Node("", operation, [], name=str(value.name))
    return line(node, operation, outputs=[result], **operands)
