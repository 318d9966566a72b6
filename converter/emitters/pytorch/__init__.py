"""PyTorch: an ``nn.Module`` as a PyTorch user would write it, and the plan for its ``state_dict``.

``model.py`` imports nothing but torch. Its ``load("model.safetensors")`` makes the network, reads the weights and
switches to inference. ``model.pt`` is the same ``state_dict`` for
``network.load_state_dict(torch.load("model.pt", weights_only=True))``, and ``model.pt2`` the exported program, which
needs no code: ``torch.export.load("model.pt2").module()``.

The network can go on training: ``train()`` lets dropout drop and batch normalization update its statistics. What the
source learns is a parameter, what it computes with otherwise a buffer. Layers that share a parameter in the source
get a copy each, so that training moves them apart; a layer that is used several times is one module.

An open batch stays open, in the exported program too; what it cannot be left open for is refused.

``network.to(device)`` moves all of it: the code makes tensors on the device of its inputs. An exported program stays
on the CPU unless ``torch.export.passes.move_to_device_pass`` moves it.
"""

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
from converter.emitters.pytorch.structure import structure
from converter.emitters.statement import Statement
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
