"""What ONNX says of nodes: whether they are valid, what another opset has for them, what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import onnx
import onnx_ir

from converter.emitters import Refused, is_constant
from converter.emitters.onnx.older import Maker
from converter.ir import OPSET, dims


def check_alone(node: onnx_ir.Node, opset: int) -> None:
    """Check ``node`` as one of ``opset``.

    Raises:
        Refused: It is not valid there.
    """
    _check(_apart([node], opset))


def by_onnx(nodes: Sequence[onnx_ir.Node], opset: int) -> list[tuple[onnx_ir.Node, str]]:
    """Let ONNX's version converter bring ``nodes`` to ``opset``: change their attributes, take inputs away.

    Returns:
        Those that it cannot convert, or not without other nodes, and why.
    """
    try:
        _by_onnx(nodes, opset)
    except Refused as refusal:
        if len(nodes) == 1:
            return [(nodes[0], str(refusal))]
        return [problem for node in nodes for problem in by_onnx([node], opset)]
    return []


def _by_onnx(nodes: Sequence[onnx_ir.Node], opset: int) -> None:
    """Convert ``nodes`` in one model, for the converter takes its time for each; all of them or none."""
    before = _apart(nodes, OPSET)
    try:
        after = onnx.version_converter.convert_version(before, opset)
    except RuntimeError as error:
        raise Refused(f"ONNX's converter has no way to opset {opset}") from error
    _check(after)
    made = [node for node in after.graph.node if node.op_type != "Constant"]
    if any(not _corresponds(old, new) for old, new in zip(before.graph.node, made, strict=False)):
        raise Refused(f"ONNX's converter makes other operators of it for opset {opset}")
    for node, proto in zip(nodes, made, strict=True):
        node.resize_inputs(len(proto.input))
        node.attributes.clear()
        for attribute in proto.attribute:
            node.attributes.add(onnx_ir.serde.deserialize_attribute(attribute))


def _corresponds(old: onnx.NodeProto, new: onnx.NodeProto) -> bool:
    """Whether ``new`` is the same operator on the same values, or on the first of them."""
    same = old.op_type == new.op_type and list(old.output) == list(new.output)
    return same and list(old.input[: len(new.input)]) == list(new.input)


def expanded(node: onnx_ir.Node, make: Maker, opset: int) -> Sequence[onnx_ir.Value]:
    """Make ``node`` of the operators that ONNX defines it by.

    Raises:
        Refused: ONNX does not define it as a function, or not one for inputs of such shapes.
    """
    if node.op_type == "LayerNormalization":
        _check_factors(node)
    body = _definition(node)
    if body is None:
        raise Refused(f"opset {opset} does not have that, and ONNX does not say what it is made of")
    graph = onnx_ir.from_proto(_inferred(node, body)).graph
    given = [value for value in node.inputs if value is not None]
    values = make.copy(graph, dict(zip((value.name for value in graph.inputs), given, strict=True)))
    return [value for value in (values[output.name] for output in graph.outputs) if value is not None]


def _definition(node: onnx_ir.Node) -> onnx.FunctionProto | None:
    """ONNX's definition of ``node`` in the oldest operators that it has one in, attributes filled in."""
    schema: Any = onnx.defs.get_schema(node.op_type, OPSET)  # its stubs lack half of it
    proto = onnx_ir.to_proto(node)
    if schema.has_context_dependent_function:
        types = [_type(value).SerializeToString() for value in node.inputs if value is not None]
        version = min(schema.context_dependent_function_opset_versions)
        body = schema.get_context_dependent_function_with_opset_version(version, proto.SerializeToString(), types)
        function = onnx.FunctionProto.FromString(body)
    elif schema.has_function:
        function = schema.function_body
    else:
        return None
    for inner in function.node:
        _fill_in(inner, {attribute.name: attribute for attribute in proto.attribute})
    return function


def _check_factors(node: onnx_ir.Node) -> None:
    """Check that scale and bias are what ONNX's definition takes: a number for each that is normalized, or one.

    Raises:
        Refused: They are to be broadcast, or their size depends on the batch.
    """
    data, *factors = (value for value in node.inputs if value is not None)
    normalized = dims(data)[node.attributes.get_int("axis", -1) :]
    for value in factors:
        shape = dims(value)
        while len(shape) > len(normalized) and shape[0] == 1:
            shape = shape[1:]
        if shape != normalized and set(shape) - {1}:
            raise Refused(f"{value.name} has the shape {list(dims(value))}, and what it scales {list(normalized)}")


def _fill_in(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> None:
    """Give ``node`` of a definition those attributes that are ``given``; others are what they are by default."""
    for attribute in [attribute for attribute in node.attribute if attribute.ref_attr_name]:
        name, source = attribute.name, given.get(attribute.ref_attr_name)
        node.attribute.remove(attribute)
        if source is not None:
            node.attribute.append(source)
            node.attribute[-1].name = name


def _inferred(node: onnx_ir.Node, body: onnx.FunctionProto) -> onnx.ModelProto:
    """``body`` as a model for the inputs of ``node``, with the types of all its values."""
    given = [(name, value) for name, value in zip(body.input, node.inputs, strict=False) if value is not None]
    inputs = [onnx.ValueInfoProto(name=name, type=_type(value)) for name, value in given]
    outputs = [
        onnx.ValueInfoProto(name=name, type=_type(value))
        for name, value in zip(body.output, node.outputs, strict=False)
    ]
    graph = onnx.helper.make_graph(body.node, "definition", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    try:
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        shapes = ", ".join(f"{value.name} {list(dims(value))}" for _, value in given)
        raise Refused(f"what ONNX makes it of does not compute with these shapes: {shapes}") from error


def _check(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        said = str(error).split("\n", 1)[0].rpartition("): ")[2]
        raise Refused(f"opset {model.opset_import[0].version} does not have that: {said}") from error


def _apart(nodes: Iterable[onnx_ir.Node], opset: int) -> onnx.ModelProto:
    """A model of ``nodes`` side by side, whose inputs are theirs, but for constants; values are numbered."""
    graph = onnx.GraphProto(name="apart")
    for node in nodes:
        stem = str(len(graph.node))
        proto = onnx_ir.to_proto(node)
        proto.name = stem
        proto.input[:] = [f"{stem}/in{number}" if value else "" for number, value in enumerate(node.inputs)]
        proto.output[:] = [f"{stem}/out{number}" if value.name else "" for number, value in enumerate(node.outputs)]
        graph.node.append(proto)
        for name, value in zip(proto.input, node.inputs, strict=True):
            if value is not None:
                _supply(graph, name, value)
        for name, value in zip(proto.output, node.outputs, strict=True):
            if name:
                graph.output.add(name=name, type=_type(value))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])


def _supply(graph: onnx.GraphProto, name: str, value: onnx_ir.Value) -> None:
    tensor = onnx_ir.convenience.get_const_tensor(value) if is_constant(value) else None
    if tensor is None:
        graph.input.add(name=name, type=_type(value))
    else:
        graph.initializer.append(onnx_ir.to_proto(tensor))
        graph.initializer[-1].name = name


def _type(value: onnx_ir.Value) -> onnx.TypeProto:
    proto: onnx.TypeProto = onnx_ir.to_proto(value).type
    return proto
