"""CNTK: a function of ``cntk`` layers and operations as a CNTK user would write it, and the plan for its ``.dnn``.

``model.py`` imports nothing but cntk (and numpy, where it holds tables) and runs on Python 2.7 and 3. Its
``create_model()`` is the network with parameters that are not trained; ``load("model.dnn")`` sets them to those of
the checkpoint, and can go on training. ``model.dnn`` needs no code::

    model = cntk.Function.load("model.dnn")
    outputs = model.eval({model.arguments[0]: images})

Inputs and outputs are called what they are in the IR, in so far as these are identifiers of Python. The batch is
CNTK's dynamic batch axis, of any size, and not a dimension of a shape; a model is refused where rows of the batch
meet, but for reductions over it. Inputs of a fixed size have their first dimension for the batch where that can be.

CNTK computes with float32. Conditions are 0 and 1, and whole numbers are refused where they may be beyond 2^24.
CNTK's own division, logarithm, root and power return a number where there is none (0 for ``x / 0``, -85.1 for
``log(0)``); unless it can be seen that a network never gets there, its code has functions that return infinity and
NaN as IEEE 754 has them. Padding lies before layers, in ``C.pad``, where CNTK's own ``pad=True`` would be other
windows. On CPUs CNTK has no dilated convolution, and no groups but of images: kernels are widened with zeros, groups
are convolved one by one.

Of data that are NaN or infinite CNTK's operations make other results than the source: ``relu`` of minus infinity,
``softsign`` of infinity, ``pow`` of both, and ``LogSumExp`` of nothing but minus infinity are NaN. Max pooling leaves
NaN out, ``Max`` and ``Min`` of a number and NaN may be the number, ``HardSigmoid`` of NaN is 1. Products of matrices
and ``CumSum``, dilated convolution and resizing spread infinity and NaN. Nothing tells -0 from 0, so that what is
divided by a computed -0 is infinite with the other sign. ``Erf`` is off by 2e-7 of itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import about, prepare, translate
from converter.emitters.batch import batch_axis, mark, readings
from converter.emitters.cntk.file import File, write
from converter.emitters.cntk.operand import ACROSS
from converter.emitters.statement import Statement
from converter.errors import Unsupported
from converter.ir import BATCH, Dim, dims

for _module in pkgutil.iter_modules(__path__):  # each registers its operators
    if _module.name != "library":
        importlib.import_module(f"{__name__}.{_module.name}")

FILES = ("model.py", "weights.plan.json")
_DTYPES = (onnx_ir.DataType.FLOAT, onnx_ir.DataType.BOOL)


def emit(model: onnx_ir.Model) -> dict[str, bytes]:
    """Write ``model`` as a function that makes a CNTK network.

    Args:
        model: A valid IR.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        Unsupported: CNTK cannot express the model exactly.
    """
    known = {str(value.name) for node in model.graph for value in node.outputs}
    model = prepare(model, "cntk")
    file = _file(model)
    return {FILES[0]: file.text.encode(), FILES[1]: _plan(file, model.graph, known)}


def _file(model: onnx_ir.Model) -> File:
    """The file of the first reading of the inputs that CNTK can express."""
    problems = []
    for batch in readings(model.graph):
        try:
            return _read(model, batch)
        except Unsupported as problem:
            problems.append(problem)
    raise problems[0]


def _read(model: onnx_ir.Model, batch: Dim | None) -> File:
    mark(model.graph, batch, ACROSS)
    translations = translate(model.graph, "cntk", dtypes=_DTYPES)
    statements: list[Statement] = [part for parts in translations for part in parts]
    return write(statements, model.graph, about.about(model))


def _plan(file: File, graph: onnx_ir.Graph, known: Collection[str]) -> bytes:
    outputs = {str(value.name) for value in graph.outputs}
    traced = {
        value: variable
        for value, variable in file.program.variables.items()
        if value.name in known and value.name not in outputs and value.producer() is not None
    }
    return plan.render(
        file.parameters(),
        inputs={str(value.name): _place(value, name) for value, name in file.inputs.items()},
        outputs={str(value.name): _place(value, name) for value, name in file.outputs.items()},
        trace={str(value.name): _place(value, name) for value, name in traced.items()},
        **_dtypes([*graph.outputs, *traced]),
    )


def _place(value: onnx_ir.Value, name: str) -> list[Any]:
    """Where a value is: what it is called, and its shape in the IR, with the batch for the axis that CNTK has not."""
    axis = batch_axis(value)
    return [name, [BATCH if index == axis else dim for index, dim in enumerate(dims(value))]]


def _dtypes(values: Collection[onnx_ir.Value]) -> Mapping[str, dict[str, str]]:
    """The element types of the values that are not float32 in the IR."""
    found = {
        str(value.name): str(value.dtype.numpy().name)
        for value in values
        if value.dtype not in (None, onnx_ir.DataType.FLOAT)
    }
    return {"dtypes": found} if found else {}
