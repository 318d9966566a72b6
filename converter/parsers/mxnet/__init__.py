"""The MXNet frontend: symbol JSON and params files of any version, without MXNet.

``symbol`` and ``params`` read the two files, bounded by their size. ``registry`` holds one function for each
operator, from ``operators/``, one module for each family. ``build`` walks the graph once and calls them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx_ir

from converter import ir
from converter.errors import BadInput
from converter.ir.spec import PRODUCER
from converter.parsers.labels import check_labels
from converter.parsers.mxnet.build import build
from converter.parsers.mxnet.describe import describe
from converter.parsers.mxnet.params import read_params
from converter.parsers.mxnet.symbol import read_symbol

__all__ = ["describe", "parse"]


def parse(
    *,
    graph: Path,
    weights: Path | None = None,
    inputs: Mapping[str, Sequence[int | str]] | None = None,
    name: str = "",
    preprocess: Mapping[str, Any] | None = None,
    labels: Mapping[str, Sequence[str]] | None = None,
) -> onnx_ir.Model:
    """Read an MXNet symbol and its parameters into the IR; see :func:`converter.parse`.

    Args:
        graph: Symbol JSON (``*-symbol.json``) of MXNet 0.8 or later.
        weights: Parameters (``*.params``), by ``Module``, ``save_checkpoint``, ``export``, ``save_parameters`` or
            ``nd.save``; None for the structure alone, whose parameters' shapes are inferred.
        inputs: Shape of each input by its variable's name; the first dimension may be ``"batch"``. An input may be
            left out if the symbol records its shape.
        name: The model's name; by default the graph file's without ``-symbol``.
        preprocess: Recorded in the model's metadata.
        labels: Recorded in the model's metadata, if they fit its outputs.

    Raises:
        BadInput: A file is malformed, a parameter is missing, or a shape does not fit.
        Unsupported: Operators, attributes or values that cannot be expressed exactly; all of them at once.
    """
    symbol = read_symbol(graph)
    parameters = None if weights is None else read_params(weights)
    shapes = {key: _shape(key, value) for key, value in (inputs or {}).items()}
    built = build(symbol, parameters, shapes, name=name or graph.stem.removesuffix("-symbol"))
    model = onnx_ir.Model(built.graph, ir_version=ir.IR_VERSION, producer_name=PRODUCER, functions=built.functions)
    source = {"framework": "mxnet", "version": symbol.version}
    model.metadata_props[ir.SOURCE] = json.dumps(source)
    if preprocess is not None:
        model.metadata_props[ir.PREPROCESS] = json.dumps(preprocess, sort_keys=True)
    if labels:
        model.metadata_props[ir.LABELS] = json.dumps(check_labels(built.graph.outputs, labels), sort_keys=True)
    ir.validate(model)
    return model


def _shape(name: str, shape: Sequence[int | str]) -> tuple[ir.Dim, ...]:
    """Check one input's shape as the caller gave it."""
    plain = isinstance(shape, Sequence) and not isinstance(shape, str) and 0 < len(shape) <= 8
    if plain and all(_fits(dim, index) for index, dim in enumerate(shape)):
        return tuple(shape)
    raise BadInput(
        f"input {name!r} has the shape {shape!r}",
        fix=f'give 1 to 8 positive whole numbers, the first of which may be "{ir.BATCH}"',
    )


def _fits(dim: int | str, index: int) -> bool:
    return (index == 0 and dim == ir.BATCH) if isinstance(dim, str) else (type(dim) is int and 0 < dim < 2**31)
