"""The generated file: the network as a function, the program, and the model that coremltools makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir

from converter.emitters import program
from converter.emitters.coreml import half
from converter.emitters.coreml.features import Features, Image
from converter.emitters.coreml.operand import kind
from converter.emitters.names import identifier
from converter.emitters.program import Program
from converter.emitters.python import Code, call, docstring, literal, statement
from converter.emitters.statement import Statement
from converter.ir import BATCH

_MIL = (
    *("any", "bool", "program", "func", "tensor", "list", "dict", "tuple", "true", "false", "string", "state"),
    *("bf16", "fp16", "fp32", "fp64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))),
)
"""Words of MIL, which nothing in a program is called."""
_PYTHON = (
    "ct",
    "mb",
    "np",
    "types",
    "LABELS",
    "PASSES",
    "HALF",
    "SINGLE",
    "is_half",
    "fits",
    "get_new_symbol",
    "network",
    "convert",
    "weights",
    "float",
)
_NUMBERED = re.compile(r"(.+)_\d+")
_PASSES = ("common::dedup_op_and_var_names", "common::dead_code_elimination")
_HALF = ("common::add_fp16_cast", "common::cast_optimization", "common::const_elimination")


@dataclass(frozen=True)
class File:
    """The generated file.

    Attributes:
        text: Its source.
        program: The body of its function.
        outputs: The variable of the MIL program that holds each of the graph's outputs.
        places: The variable of the MIL program that holds each value.
    """

    text: str
    program: Program
    outputs: Sequence[str]
    places: Mapping[onnx_ir.Value, str]


def write(
    statements: Sequence[Statement], graph: onnx_ir.Graph, features: Features, description: Sequence[str]
) -> File:
    """The file for ``statements``, which compute what ``graph`` does.

    Args:
        statements: In an order in which they can run.
        graph: Whose inputs and outputs they read and compute.
        features: What these are to Core ML.
        description: Lines for the docstring.
    """
    inputs = [identifier(str(value.name)) for value in graph.inputs]
    style = program.Style(
        reserved=(*_PYTHON, *_MIL),
        state=lambda name: f"weights[{literal(name)}]",
        clean=Cleaner.of(statements, inputs),
    )
    body = program.write(statements, graph, style)
    places = _places(statements, body.layers)
    outputs = [places[value] for value in graph.outputs]
    sections = [_network(body), _program(graph, features, body), _convert(graph, features, body, outputs)]
    uses_numpy = features.half or any("np." in line for line in body.lines)
    lines = _head(graph, features, description, numpy=uses_numpy)
    if features.half:
        lines += half.lines(statements, body.layers)
    for section in sections:
        lines += ["", "", *section]
    if features.labels is not None:
        lines += ["", "", "LABELS = [", *(f"    {literal(name)}," for name in features.labels.names), "]"]
    return File("\n".join(lines) + "\n", body, outputs, places)


@dataclass(frozen=True)
class Cleaner:
    """Makes layers' names those of operations: identifiers that nothing else in the program has.

    An operation's outputs, where there are several, and its constants are called ``<operation>_<number>`` and
    ``<operation>_<operand>_<number>``.

    Attributes:
        taken: The inputs' names.
        layers: The names of all layers.
    """

    taken: frozenset[str]
    layers: frozenset[str]

    @staticmethod
    def of(statements: Sequence[Statement], inputs: Sequence[str]) -> Cleaner:
        """That for a program of ``statements``."""
        return Cleaner(frozenset((*inputs, *_MIL)), frozenset(identifier(item.name) for item in statements))

    def __call__(self, text: str) -> str:
        """The name of the operation for the layer ``text``."""
        name = identifier(text)
        return f"{name}_op" if name in self.taken or self._is_numbered(name) else name

    def _is_numbered(self, name: str) -> bool:
        """Whether coremltools might call an output or a constant of another operation ``name``."""
        found = _NUMBERED.fullmatch(name)
        if found is None:
            return False
        stem = found[1]
        return any(stem[:end] in self.layers for end in (*_underscores(stem), len(stem)))


def _underscores(text: str) -> list[int]:
    return [place for place, char in enumerate(text) if char == "_"]


def _places(statements: Sequence[Statement], layers: Sequence[str]) -> dict[onnx_ir.Value, str]:
    """What coremltools calls the values that ``statements`` compute."""
    found: dict[onnx_ir.Value, str] = {}
    for item, layer in zip(statements, layers, strict=True):
        several = len(item.outputs) > 1
        found |= {value: f"{layer}_{place}" if several else layer for place, value in enumerate(item.outputs)}
    return found


def _head(graph: onnx_ir.Graph, features: Features, description: Sequence[str], *, numpy: bool) -> list[str]:
    paragraphs = [str(graph.name or "A network"), *(["\n".join(description)] if description else [])]
    passes = (*_HALF, *_PASSES) if features.half else _PASSES
    lines = docstring(paragraphs).split("\n")
    symbol = "get_new_symbol, " if _is_open(graph, features) else ""
    lines += ["", "import coremltools as ct", *(["import numpy as np"] if numpy else [])]
    lines.append("from coremltools.converters.mil import Builder as mb")
    lines += [f"from coremltools.converters.mil.mil import {symbol}types", "", "PASSES = ["]
    return [*lines, *(f"    {literal(name)}," for name in passes), "]"]


def _is_open(graph: onnx_ir.Graph, features: Features) -> bool:
    return any(BATCH in features.shape(value) for value in graph.inputs)


def _network(body: Program) -> list[str]:
    return [
        f"def network({', '.join(['weights', *body.inputs])}):",
        '    """The operations of the network."""',
        *body.lines,
        *program.fold(f"return {', '.join(body.outputs)}"),
    ]


def _program(graph: onnx_ir.Graph, features: Features, body: Program) -> list[str]:
    lines = [
        "def program(weights):",
        '    """The network as an ML program; ``weights`` has a numpy array for each name."""',
    ]
    if _is_open(graph, features):
        lines.append("    batch = get_new_symbol()")
    specs = [
        call("mb.TensorSpec", [_shape(features, value, "batch"), Code(f"types.{kind(value)}")])
        for value in graph.inputs
    ]
    given = "".join(f" {name}," for name in body.inputs).rstrip(",")
    return [
        *lines,
        "    inputs = [",
        *(f"        {spec}," for spec in specs),
        "    ]",
        "    build = mb.program(input_specs=inputs, opset_version=ct.target.iOS17)",
        f"    return build(lambda{given}: network({', '.join(['weights', *body.inputs])}))",
    ]


def _shape(features: Features, value: onnx_ir.Value, batch: str) -> list[object]:
    return [Code(batch) if dim == BATCH else dim for dim in features.shape(value)]


def _convert(graph: onnx_ir.Graph, features: Features, body: Program, outputs: Sequence[str]) -> list[str]:
    settings = {
        "convert_to": literal("mlprogram"),
        "inputs": "inputs",
        "compute_precision": (
            "ct.transform.FP16ComputePrecision(is_half)" if features.half else "ct.precision.FLOAT32"
        ),
        "minimum_deployment_target": "ct.target.iOS17",
        "pass_pipeline": "ct.PassPipeline(PASSES)",
        "skip_model_load": "True",
    }
    labels = []
    if features.labels is not None:
        place = [str(value.name) for value in graph.outputs].index(features.labels.output)
        labels = [
            f"    classes = ct.ClassifierConfig(LABELS, predicted_probabilities_output={literal(outputs[place])})",
        ]
        settings["classifier_config"] = "classes"
    inputs = [_input(features, value, name) for value, name in zip(graph.inputs, body.inputs, strict=True)]
    return [
        "def convert(weights):",
        '    """The network as a Core ML model; ``weights`` has a numpy array for each name."""',
        "    inputs = [",
        *(f"        {text}," for text in inputs),
        "    ]",
        *labels,
        "    model = ct.convert(",
        "        program(weights),",
        *(f"        {key}={text}," for key, text in settings.items()),
        "    )",
        f"    model.short_description = {literal(str(graph.name or 'A network'))}",
        *(
            f"    model.input_description[{literal(name)}] = {literal(_description(features, value))}"
            for value, name in zip(graph.inputs, body.inputs, strict=True)
        ),
        *(
            f"    model.output_description[{literal(name)}] = {literal(_description(features, value))}"
            for value, name in zip(graph.outputs, outputs, strict=True)
            if features.labels is None or features.labels.output != value.name
        ),
        "    return model",
    ]


def _input(features: Features, value: onnx_ir.Value, name: str) -> str:
    """What coremltools is told of an input."""
    image = features.images.get(str(value.name))
    if image is not None:
        return _image(features, value, name, image)
    open_batch = f"ct.RangeDim(1, {features.max_batch})"
    shape = _shape(features, value, open_batch)
    return call(
        "ct.TensorType", [name], {"shape": Code(call("ct.Shape", [tuple(shape)])) if _is_any(shape) else tuple(shape)}
    )


def _is_any(shape: Sequence[object]) -> bool:
    return any(isinstance(dim, Code) for dim in shape)


def _image(features: Features, value: onnx_ir.Value, name: str, image: Image) -> str:
    settings: dict[str, object] = {
        "shape": tuple(_shape(features, value, "1")),
        "color_layout": Code(f"ct.colorlayout.{image.layout}"),
    }
    if image.scale != 1:
        settings["scale"] = image.scale
    if any(image.bias):
        settings["bias"] = list(image.bias) if len(image.bias) > 1 else image.bias[0]
    arguments = [literal(name), *(f"{key}={literal(value)}" for key, value in settings.items())]
    return statement("", "ct.ImageType", arguments, indent=8).strip()


def _description(features: Features, value: onnx_ir.Value) -> str:
    image, shape = features.images.get(str(value.name)), features.shape(value)
    if image is not None:
        return f"{value.name}: {image.channels} image, {shape[-2]} x {shape[-1]}"
    return f"{value.name}: {' x '.join(map(str, shape))}"
