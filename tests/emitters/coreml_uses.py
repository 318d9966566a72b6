"""What is in a saved Core ML package, as its own tools and its users see it.

Reads ``in/code/model.py`` and ``in/checkpoint/model.mlpackage``; writes ``out/facts.json``.
"""

# coremltools is not installed where types are checked
# mypy: ignore-errors

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import coremltools

PACKAGE = Path("in/checkpoint/model.mlpackage")


def main() -> None:
    """Run the step in the working folder."""
    model = coremltools.models.MLModel(str(PACKAGE), skip_model_load=True)
    spec = model.get_spec()
    facts = {
        "summary": spec.description.metadata.shortDescription,
        "author": spec.description.metadata.author,
        "version": spec.specificationVersion,
        "inputs": {port.name: port_facts(port) for port in spec.description.input},
        "outputs": {port.name: port_facts(port) for port in spec.description.output},
        "predicted": spec.description.predictedFeatureName,
        "operations": operations(spec),
        "imports": imports(Path("in/code/model.py").read_text()),
        "files": sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*") if path.is_file()),
        "sizes": {path.name: path.stat().st_size for path in PACKAGE.rglob("*.bin")},
        "leaks": [
            word for word in ("/tmp", "/in/", "/out/") if any(holds(path, word) for path in PACKAGE.rglob("*"))
        ],
        "labels": labels(spec),
    }
    Path("out/facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True))


def port_facts(port: Any) -> dict[str, object]:
    """An input or an output: what it is, of which sizes."""
    kind = port.type.WhichOneof("Type")
    facts: dict[str, object] = {"kind": kind, "says": port.shortDescription}
    if kind == "imageType":
        image = port.type.imageType
        space = type(image).DESCRIPTOR.fields_by_name["colorSpace"].enum_type.values_by_number[image.colorSpace].name
        return {**facts, "size": [image.height, image.width], "colours": space}
    if kind == "multiArrayType":
        array = port.type.multiArrayType
        dtype = type(array).DESCRIPTOR.fields_by_name["dataType"].enum_type.values_by_number[array.dataType].name
        ranges = [[size.lowerBound, size.upperBound] for size in array.shapeRange.sizeRanges]
        return {**facts, "shape": list(array.shape), "dtype": dtype, "ranges": ranges}
    return facts


def operations(spec: Any) -> list[str]:
    """The names of the program's operations that compute something, in their order."""
    function = spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    return [operation.outputs[0].name for operation in block.operations if operation.type != "const"]


def labels(spec: Any) -> list[str]:
    """The class labels of the program."""
    function = spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    for operation in block.operations:
        if operation.type == "classify":
            (argument,) = operation.inputs["classes"].arguments
            names = argument.value.immediateValue.list.values
            return [name.immediateValue.tensor.strings.values[0] for name in names]
    return []


def imports(text: str) -> list[str]:
    """The modules that the code imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return sorted(found)


def holds(path: Path, word: str) -> bool:
    """Whether a file has ``word`` in it."""
    return path.is_file() and word.encode() in path.read_bytes()


if __name__ == "__main__":
    main()
