"""What a user of generated code has to know of a model: inputs, outputs, how a photograph becomes an input."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import onnx_ir

from converter.ir import PREPROCESS, dims


def about(model: onnx_ir.Model) -> list[str]:
    """Lines of text: inputs and outputs with their shapes and types, then the preprocessing.

    Names in them are JSON strings, so that none is mistaken for the text around it.
    """
    return [*_values("Input", model.graph.inputs), *_values("Output", model.graph.outputs), *_preprocessing(model)]


def _values(kind: str, values: Iterable[onnx_ir.Value]) -> Iterator[str]:
    for value in values:
        shape = " x ".join(str(dim) for dim in dims(value)) or "a single number"
        yield f"{kind} {json.dumps(value.name)}: {shape}, {_dtype(value)}."


def _dtype(value: onnx_ir.Value) -> str:
    return "float32" if value.dtype is None else str(value.dtype.numpy().name)


def _preprocessing(model: onnx_ir.Model) -> Iterator[str]:
    """The settings by input; of a model that was read with others, whatever they are."""
    preprocess = json.loads(model.metadata_props.get(PREPROCESS, "null")) or {}
    for name, settings in preprocess.items():
        if isinstance(settings, dict):
            yield f"Preprocessing of {json.dumps(name)}:"
            yield from (f"  {_setting(key, value)}" for key, value in settings.items())
        else:
            yield f"Preprocessing, {_setting(name, settings)}"


def _setting(key: str, value: object) -> str:
    return f"{json.dumps(key)[1:-1]}: {json.dumps(value)}"
