"""Turn the program of a saved Core ML package into an ONNX model that does the same.

This is a second opinion on what the package says, for machines without Apple's runtime: it shares no code with
what writes packages, and its meaning of each operation is that of Apple's documentation of MIL. Where the
documentation can be read in two ways the operation is refused, and so is what Core ML leaves undefined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import onnx
import readback_activation
import readback_convolution
import readback_elementwise
import readback_image
import readback_indexing
import readback_linear
import readback_normalization
import readback_pooling
import readback_recurrent
import readback_reduction
import readback_shape
from onnx import helper
from readback_graph import (
    IR_VERSION,
    ONNX_TYPES,
    OPSET,
    TRANSLATIONS,
    Graph,
    RefusedError,
    Tensor,
    call,
)
from readback_package import Package, Type, UnreadableError, array_of, open_package, type_of

FAMILIES = (
    readback_activation,
    readback_convolution,
    readback_elementwise,
    readback_image,
    readback_indexing,
    readback_linear,
    readback_normalization,
    readback_pooling,
    readback_recurrent,
    readback_reduction,
    readback_shape,
)
"""The modules that translate operations: they register themselves."""


@dataclass
class Program:
    """A program that was read.

    Attributes:
        graph: What it computes, as ONNX.
        inputs: Its inputs, by their names in the program.
        values: All of its values likewise; constants too.
        outputs: The names of those that it returns; of a classifier the probabilities are among them.
        images: For each input that is an image the order of its channels, ``"RGB"``, ``"BGR"`` or ``"GRAY"``.
        versions: What the package says that wrote it, by name.
        infos: The inputs, as ONNX describes them.
    """

    graph: Graph
    inputs: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Tensor] = field(default_factory=dict)
    outputs: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    infos: list[onnx.ValueInfoProto] = field(default_factory=list)

    def model(self, names: Sequence[str]) -> onnx.ModelProto:
        """An ONNX model that computes the values ``names``; its outputs are called ``out0``, ``out1`` and so on."""
        nodes = list(self.graph.nodes)
        outputs = []
        for number, name in enumerate(names):
            tensor = self.values[name]
            nodes.append(helper.make_node("Identity", [tensor.name], [f"out{number}"]))
            outputs.append(helper.make_tensor_value_info(f"out{number}", ONNX_TYPES[tensor.kind], None))
        graph = helper.make_graph(nodes, "main", self.infos, outputs, self.graph.initializers)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets)


def read_program(folder: Path) -> Program:
    """Read the package ``folder``.

    Raises:
        UnreadableError: It is broken, or has what is not read back: one error names all of it.
    """
    package = open_package(folder)
    function, block, version = main_function(package.spec)
    program = Program(Graph(version))
    _declare_inputs(program, package.spec, function)
    _check_known(block)
    refused = [message for operation in block.operations if (message := _translate(program, package, operation))]
    if refused:
        raise UnreadableError("The program has operations that cannot be read back: " + "; ".join(refused))
    _declare_outputs(program, package.spec, block)
    metadata = package.spec.description.metadata.userDefined
    if "com.github.apple.coremltools.version" in metadata:
        program.versions["coremltools"] = metadata["com.github.apple.coremltools.version"]
    return program


def main_function(spec: Any) -> tuple[Any, Any, int]:
    """The function that a specification's predictions call, its block, and the version of its operations."""
    if spec.WhichOneof("Type") != "mlProgram":
        raise UnreadableError("The package holds no ML Program")
    if "main" not in spec.mlProgram.functions:
        raise UnreadableError("The package's program has no function main")
    function = spec.mlProgram.functions["main"]
    opset = function.opset
    digits = opset.removeprefix("CoreML")
    if opset not in function.block_specializations or not digits.isdecimal():
        raise UnreadableError(f"The program's operations are of the unknown version {opset!r}")
    return function, function.block_specializations[opset], int(digits)


def _declare_inputs(program: Program, spec: Any, function: Any) -> None:
    described = {feature.name: feature.type for feature in spec.description.input}
    if sorted(described) != sorted(feature.name for feature in function.inputs):
        raise UnreadableError("The program's inputs are not those of the package's description")
    for feature in function.inputs:
        declared = type_of(feature.type)
        if declared.kind not in ONNX_TYPES:
            raise UnreadableError(f"The input {feature.name!r} is of type {declared.kind}, which is not read back")
        tensor, info = program.graph.input(declared)
        program.infos.append(info)
        program.inputs[feature.name] = Tensor(info.name, declared.kind, declared.shape)
        program.values[feature.name] = tensor
        kind = described[feature.name].WhichOneof("Type")
        if kind == "imageType":
            program.images[feature.name] = _order(feature.name, described[feature.name].imageType, declared)
        elif kind != "multiArrayType":
            raise UnreadableError(f"The input {feature.name!r} is neither an array nor an image")


def _order(name: str, image: Any, declared: Type) -> str:
    """The order of an image's channels, which is that of the second axis of the program's tensor."""
    order = {10: "GRAY", 20: "RGB", 30: "BGR"}.get(image.colorSpace)
    channels = 1 if order == "GRAY" else 3
    if order is None or declared.shape != (1, channels, image.height, image.width):
        raise UnreadableError(f"The image {name!r} is not one of three channels or one, of the program's size")
    return order


def _check_known(block: Any) -> None:
    """Refuse operations that have no translation, all at once."""
    counts = Counter(operation.type for operation in block.operations)
    unknown = [
        f"{name} ({counts[name]})" for name in sorted(counts) if name not in {*TRANSLATIONS, "const", "classify"}
    ]
    if unknown:
        raise UnreadableError(f"The program has operations that cannot be read back: {', '.join(unknown)}")


def _translate(program: Program, package: Package, operation: Any) -> str | None:
    """Add an ``operation`` to the graph, or say why not."""
    try:
        if operation.type == "const":
            _add_constant(program, package, operation)
        elif operation.type == "classify":
            _add_classes(program, package, operation)
        else:
            _add_operation(program, package, operation)
    except RefusedError as error:
        name = operation.outputs[0].name if operation.outputs else ""
        # What follows refers to it: a stand-in keeps one refusal from making others.
        for output in operation.outputs:
            declared = type_of(output.type)
            program.values.setdefault(output.name, Tensor("refused", declared.kind, declared.shape))
        return f"{operation.type} {name!r} has {error}"
    return None


def _add_constant(program: Program, package: Package, operation: Any) -> None:
    if len(operation.outputs) != 1 or "val" not in operation.attributes:
        raise UnreadableError("The program has a constant without a value")
    _define(program, operation.outputs[0].name, _constant(program, package, operation.attributes["val"]))


def _constant(program: Program, package: Package, value: Any) -> Tensor:
    """A constant; of a list, which only a classifier has, the elements."""
    if value.type.WhichOneof("type") == "listType":
        elements = [array_of(element, package) for element in value.immediateValue.list.values]
        return Tensor("", "list", (), numpy.array([element.tolist() for element in elements], dtype=object))
    return program.graph.literal(array_of(value, package), type_of(value.type).kind)


def _define(program: Program, name: str, tensor: Tensor) -> None:
    if name in program.values:
        raise UnreadableError(f"The program defines {name!r} twice")
    program.values[name] = tensor


def _inputs(program: Program, package: Package, operation: Any) -> dict[str, list[Tensor]]:
    return {
        name: [_bound(program, package, binding) for binding in argument.arguments]
        for name, argument in operation.inputs.items()
    }


def _bound(program: Program, package: Package, binding: Any) -> Tensor:
    if binding.WhichOneof("binding") == "value":
        return _constant(program, package, binding.value)
    if binding.name not in program.values:
        raise UnreadableError(f"The program uses {binding.name!r} before it is defined")
    return program.values[binding.name]


def _add_operation(program: Program, package: Package, operation: Any) -> None:
    graph = program.graph
    if operation.blocks:
        raise UnreadableError(f"The operation {operation.type} has blocks")
    types = tuple(type_of(output.type) for output in operation.outputs)
    graph.outputs = types
    names = call(graph, operation.type, _inputs(program, package, operation))
    if len(names) < len(types):
        raise UnreadableError(f"The operation {operation.type} has {len(types)} outputs")
    for output, name, declared in zip(operation.outputs, names, types, strict=False):
        _define(program, output.name, graph.finished(name, declared))


def _add_classes(program: Program, package: Package, operation: Any) -> None:
    """A classifier's answer is a dictionary from its classes to what it was given: that is what is read."""
    inputs = _inputs(program, package, operation)
    if sorted(inputs) != ["classes", "probabilities"]:
        raise RefusedError(f"the inputs {', '.join(sorted(inputs))}")
    (probabilities,), (classes,) = inputs["probabilities"], inputs["classes"]
    sizes = [size for size in probabilities.shape if size is not None]
    if classes.value is None or numpy.prod(sizes) != classes.value.size:
        raise RefusedError("other numbers of classes and of probabilities")
    names = operation.inputs["probabilities"].arguments
    program.outputs.add(names[0].name)
    program.outputs.update(output.name for output in operation.outputs)
    for output in operation.outputs:
        _define(program, output.name, Tensor("", "dictionary", ()))


def _declare_outputs(program: Program, spec: Any, block: Any) -> None:
    described = {feature.name for feature in spec.description.output}
    missing = [name for name in block.outputs if name not in program.values]
    if missing:
        raise UnreadableError(f"The program returns {', '.join(missing)}, which it does not compute")
    if described != set(block.outputs):
        raise UnreadableError("The program's outputs are not those of the package's description")
    program.outputs.update(block.outputs)
