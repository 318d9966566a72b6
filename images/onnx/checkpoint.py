"""Build the .onnx: ONNX Script makes a model of the code, the parameters go into it, ONNX checks it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json``, ``in/ir/weights.safetensors`` and, if there is one,
``in/params.json`` (``{"external_above"}``: how many bytes of parameters go into the model itself). Writes
``out/model.onnx``, and ``out/model.onnx.data`` where the parameters are more than that.

What the model computes is what the code says. Of the plan come the names that the source framework had for nodes and
values, and the parameters, which are computed one after the other, so that never more than one is held besides those
in the model.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import cases
import numpy
import onnx
import onnxscript
import weights
from onnx import helper, numpy_helper

MODEL = "out/model.onnx"
DATA = "model.onnx.data"
LIMIT = 2_000_000_000
"""A protobuf holds 2 GiB, and the graph needs some of it."""
MADE_UP = re.compile(r"(const|tmp|int64_(m?\d+|True|False)(_1d)?)(_\d+)*$")
"""Names that ONNX Script gives to constants that have none."""
ALIGNMENT = 4096
"""Where tensors begin in a file of their own, so that they can be mapped into memory."""


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    model = build("in/code/model.py", plan["function"], plan["ir_version"])
    settle_types(model)
    record_types(model)
    name_nodes(model.graph, plan["nodes"])
    for function in model.functions:
        name_nodes(function, {})
    lift_constants(model.graph)
    rename(model.graph, names_of(plan))
    describe(model, plan)
    store(model, plan["parameters"], weights.Weights("in/ir/weights.safetensors"), limit())
    onnx.checker.check_model(MODEL, full_check=True)


def limit() -> int:
    """How many bytes of parameters go into the model itself."""
    if not os.path.exists("in/params.json"):
        return LIMIT
    with open("in/params.json") as file:
        return json.load(file).get("external_above", LIMIT)


def build(path: str, function: str, ir_version: int) -> onnx.ModelProto:
    """The model that ``function`` of the module at ``path`` describes, whose inputs are its parameters too."""
    spec = importlib.util.spec_from_file_location("model", path)
    module = sys.modules["model"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: onnxscript.OnnxFunction = getattr(module, function)
    return network.to_model_proto(ir_version=ir_version)


def bodies_of(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.GraphProto]:
    """The graphs that nodes of ``graph`` have for attributes, and those in them."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield attribute.g
                yield from bodies_of(attribute.g)


def nodes_of(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    """The nodes of ``graph`` and of the bodies in it."""
    yield from graph.node
    for body in bodies_of(graph):
        yield from body.node


def settle_types(model: onnx.ModelProto) -> None:
    """Give bare numbers the type of what they are added to, which ONNX Script leaves to a CastLike.

    Where that type is not known, in functions, a number is of the type that it is written as.
    """
    types = {value.name: value.type.tensor_type.elem_type for value in inferred(model)}
    for graph in [model.graph, *bodies_of(model.graph)]:
        drop_casts(graph, types)
    for function in model.functions:
        for graph in [function, *bodies_of(function)]:
            drop_casts(graph, {})


def record_types(model: onnx.ModelProto) -> None:
    """Say the types and shapes of values in the model, for those who view it, as far as they are known."""
    known = {value.name for value in [*model.graph.input, *model.graph.output]}
    known.update(node.output[0] for node in model.graph.node if node.op_type == "Constant")
    symbols = {dim.dim_param for value in model.graph.input for dim in value.type.tensor_type.shape.dim} - {""}
    for value in inferred(model):
        shape = value.type.tensor_type.shape
        certain = all(dim.HasField("dim_value") or dim.dim_param in symbols for dim in shape.dim)
        if value.name not in known and value.type.tensor_type.HasField("shape") and certain:
            model.graph.value_info.append(value)


def inferred(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """The values of the graph whose types ONNX infers."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return [value for value in values if value.type.WhichOneof("value")]


def drop_casts(graph: onnx.GraphProto | onnx.FunctionProto, types: Mapping[str, int]) -> None:
    """Replace every CastLike of a bare number by the number, of one of the ``types`` if that is known."""
    constants = {node.output[0]: node for node in graph.node if node.op_type == "Constant"}
    constants = {name: node for name, node in constants.items() if MADE_UP.match(name)}
    cast = [node for node in graph.node if node.op_type == "CastLike" and node.input[0] in constants]
    renamed = {}
    for node in cast:
        settle(constants[node.input[0]], types.get(node.input[1], 0))
        renamed[node.output[0]] = node.input[0]
        graph.node.remove(node)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def settle(constant: onnx.NodeProto, kind: int) -> None:
    """Make ``constant`` one of the element type ``kind``, unless that is 0."""
    tensor = tensor_of(constant)
    if kind not in (0, tensor.data_type):
        array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
        del constant.attribute[:]
        constant.attribute.append(helper.make_attribute("value", numpy_helper.from_array(array)))


def tensor_of(constant: onnx.NodeProto) -> onnx.TensorProto:
    """What ``constant`` holds, however it says it."""
    (attribute,) = constant.attribute
    if attribute.type == onnx.AttributeProto.TENSOR:
        return attribute.t
    kind = {"value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}
    return numpy_helper.from_array(numpy.array(helper.get_attribute_value(attribute), kind[attribute.name]))


def name_nodes(graph: onnx.GraphProto | onnx.FunctionProto, known: Mapping[str, str]) -> None:
    """Call nodes what ``known`` calls them, by their first output, and others like that output."""
    for node in nodes_of(graph):
        first = next((name for name in node.output if name), "")
        node.name = known.get(first, first)


def lift_constants(graph: onnx.GraphProto) -> None:
    """Make initializers of the constants of ``graph``, called after the node that first takes them and its input."""
    constants = {node.output[0]: node for node in graph.node if node.op_type == "Constant"}
    taken = {name for node in nodes_of(graph) for name in [*node.input, *node.output]}
    named: dict[str, str] = {}
    for node in graph.node:
        for number, name in enumerate(node.input):
            if name in constants and name not in named and MADE_UP.match(name):
                named[name] = unique(f"{node.name}/{number}", taken)
    for name, node in constants.items():
        tensor = graph.initializer.add()
        tensor.CopyFrom(tensor_of(node))
        tensor.name = name
        graph.node.remove(node)
    rename(graph, named)


def unique(name: str, taken: set[str]) -> str:
    """``name``, or where that is ``taken`` the first numbered one that is not; then it is."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}/{number}"
    taken.add(free)
    return free


def names_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """What the model's values are called, by what they are called in the code."""
    places = (item for table in ("inputs", "outputs", "trace") for item in plan[table].items())
    stored = {row["name"]: row.get("stored", row["name"]) for row in plan["parameters"]}
    return stored | {variable: name for name, variable in places}


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename the values of ``graph``, also where bodies in it read them; what is in the way of a name gives way."""
    graphs = [graph, *bodies_of(graph)]
    nodes = list(nodes_of(graph))
    values = [value.name for part in graphs for value in [*part.input, *part.initializer]]
    values += [name for node in nodes for name in node.output if name]
    taken = {names[name] for name in values if name in names}
    final = {name: names[name] if name in names else unique(name, taken) for name in values}
    for node in nodes:
        node.input[:] = [final.get(name, name) for name in node.input]
        node.output[:] = [final.get(name, name) for name in node.output]
    for part in graphs:
        for value in [*part.input, *part.output, *part.initializer, *part.value_info]:
            value.name = final.get(value.name, value.name)


def describe(model: onnx.ModelProto, plan: Mapping[str, Any]) -> None:
    """Say what the model is called, who made it, and what is known of it."""
    model.producer_name = "transship"
    model.graph.name = plan["name"]
    helper.set_model_props(model, plan["metadata"])


def store(model: onnx.ModelProto, rows: Iterable[Mapping[str, Any]], tensors: weights.Weights, inside: int) -> None:
    """Write ``model`` and the parameters of the plan's ``rows``, beside it if they are more than ``inside`` bytes."""
    stored = {row.get("stored", row["name"]): row for row in rows}
    inputs = [value for value in model.graph.input if value.name not in stored]
    if unknown := stored.keys() - {value.name for value in model.graph.input}:
        cases.refuse(
            f"Parameters of the model are no arguments of the code\n  where: {', '.join(sorted(unknown))}\n"
            "  to do: Leave them among the arguments of the function, by these names."
        )
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    size = sum(int(numpy.prod(row["shape"])) * numpy.dtype(row.get("dtype", "float32")).itemsize for row in rows)
    if size <= inside:
        for name, row in stored.items():
            model.graph.initializer.append(numpy_helper.from_array(value_of(name, row, tensors), name))
    else:
        with open(os.path.join("out", DATA), "wb") as file:
            for name, row in stored.items():
                model.graph.initializer.append(append(file, name, value_of(name, row, tensors)))
    with open(MODEL, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def value_of(name: str, row: Mapping[str, Any], tensors: weights.Weights) -> numpy.ndarray:
    """The parameter ``name``, of the shape that its ``row`` of the plan says. NaN and infinity stay."""
    with numpy.errstate(all="ignore"):  # as in the source model, what is divided by zero is infinite or NaN
        value = weights.evaluate(row["value"], tensors, row.get("dtype", "float32"))
    if list(value.shape) != row["shape"]:
        raise ValueError(f"{name} has the shape {row['shape']} in the plan, and its value has {list(value.shape)}")
    return value


def append(file: BinaryIO, name: str, value: numpy.ndarray) -> onnx.TensorProto:
    """Append ``value`` to ``file``; the tensor that refers to it."""
    file.write(b"\0" * (-file.tell() % ALIGNMENT))
    tensor = onnx.TensorProto(name=name, dims=value.shape, data_location=onnx.TensorProto.EXTERNAL)
    tensor.data_type = helper.np_dtype_to_tensor_dtype(value.dtype)
    for key, entry in (("location", DATA), ("offset", file.tell()), ("length", value.nbytes)):
        tensor.external_data.add(key=key, value=str(entry))
    file.write(numpy.ascontiguousarray(value).data)
    return tensor


if __name__ == "__main__":
    main()
