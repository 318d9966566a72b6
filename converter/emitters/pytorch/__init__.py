"""PyTorch: an ``nn.Module`` as a PyTorch user would write it, and the plan for its ``state_dict``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import about, prepare, translate
from converter.emitters.pytorch import (  # noqa: F401 - each registers its operators
    activation,
    convolution,
    detection,
    elementwise,
    image,
    indexing,
    normalization,
    pooling,
    recurrent,
    reduction,
    shape,
)
from converter.emitters.pytorch.file import File, write
from converter.emitters.pytorch.statement import Statement
from converter.emitters.pytorch.structure import structure
from converter.ir import dims

FILES = ("model.py", "weights.plan.json")


def emit(model: onnx_ir.Model) -> dict[str, bytes]:
    """Write ``model`` as a PyTorch module.

    Args:
        model: A valid IR.

    Returns:
        The content of each of :data:`FILES`: ``model.py``, which imports torch alone, and the weight plan.

    Raises:
        Unsupported: PyTorch cannot express the model exactly.
    """
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, "pytorch")
    statements: list[Statement] = [part for parts in translate(model.graph, "pytorch") for part in parts]
    return emission(statements, model.graph, about.about(model), known)


def emission(
    statements: Sequence[Statement],
    graph: onnx_ir.Graph,
    description: Sequence[str] = (),
    known: Collection[str] | None = None,
) -> dict[str, bytes]:
    """The files for ``statements``, which compute what ``graph`` does.

    Args:
        statements: In an order in which they can run.
        graph: Whose inputs and outputs they read and compute.
        description: Lines for the docstring.
        known: Names of the values that are of interest to a trace; by default all of the graph's.
    """
    traced = {value: str(value.name) for node in graph for value in node.outputs}
    if known is not None:
        traced = {value: name for value, name in traced.items() if name in known}
    file = write(structure(statements, graph), graph, description, traced)
    return {FILES[0]: file.text.encode(), FILES[1]: _plan(file, graph)}


def _plan(file: File, graph: onnx_ir.Graph) -> bytes:
    parameters = [plan.Parameter(name, state.shape, state.value, state.dtype) for name, state in file.states.items()]
    one = len(graph.outputs) == 1
    return plan.render(
        parameters,
        inputs=file.inputs,
        outputs={str(value.name): "" if one else str(number) for number, value in enumerate(graph.outputs)},
        trace=file.trace,
        **{"class": file.main},
        shapes={str(value.name): _description(value) for value in graph.inputs},
    )


def _description(value: onnx_ir.Value) -> dict[str, Any]:
    dtype = "float32" if value.dtype is None else str(value.dtype.numpy().name)
    return {"shape": list(dims(value)), "dtype": dtype}
