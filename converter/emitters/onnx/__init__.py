"""ONNX: an ONNX Script module, and the plan for its ``.onnx``.

``model.py`` is the network as one would write it in ONNX Script: a function whose arguments are the network's inputs
and, after them, its parameters, and a function for each function of the domain ``transship`` that it calls. It can be
imported and read without weights; ``build(weights)`` makes a model of it and the arrays of a mapping, such as the
initializers of an ``.onnx`` that was built before, so that it can be edited and built again.

The checkpoint is one ``model.onnx`` with the weights inside; of more than 2 GB, which is all that a protobuf holds,
they lie beside it in ``model.onnx.data``, and both files belong together. In it nodes and values have the names that
they have in the IR. ONNX's checker has accepted it, shapes and all. Nothing is fused or rounded: batch normalization
stays, weights keep their bits, NaN and infinity too, and what is computed of parameters alone is stored.

What a function of the domain ``transship`` computes depends on its attributes: its body is made for them. The code
has a function for each body (``BoxNms``, ``BoxNms_2``), whose docstring says the attributes. The file holds these
functions, which onnxruntime runs; ``inline`` is for programs that know ONNX's own operators only, and makes code and
file longer, with the same answers.

Of another ``opset``, 13 to 26, both are, code and checkpoint; :mod:`~converter.emitters.onnx.opset` says how they
become so. The oldest one that holds the whole model is for old runtimes; what cannot be said in it is refused by
name. Some operators set limits: ``GridSample`` needs 16 at least, ``Col2Im`` 18, ``DeformConv`` 19, and onnxruntime
runs ``RoiAlign`` and ``MaxRoiPool`` up to 21. The file format is the oldest that the opset, or a function in it,
needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx
import onnx_ir

from converter import plan
from converter.emitters import live_nodes, translate
from converter.emitters.onnx import (  # noqa: F401 - each registers its operators
    activation,
    control,
    convolution,
    elementwise,
    function,
    image,
    normalization,
    pooling,
    recurrent,
    reduction,
    shape,
)
from converter.emitters.onnx.functions import functions_of
from converter.emitters.onnx.module import Module, write_module
from converter.emitters.onnx.native import native
from converter.emitters.onnx.opset import at_opset
from converter.emitters.onnx.statement import NEWEST, OLDEST
from converter.errors import BadInput, Unsupported
from converter.ir import OPSET, dims
from converter.passes.fold import expression_of

FILES = ("model.py", "weights.plan.json")

_WITH_FUNCTIONS = 8
"""The first version of the file format that holds functions."""


def emit(model: onnx_ir.Model, *, opset: int = OPSET, inline: bool = False) -> dict[str, bytes]:
    """Write ``model`` as ONNX Script.

    Args:
        model: A valid IR.
        opset: The version of ONNX's operators, 13 to 26, both for the code and for the checkpoint.
        inline: Leave no function of the domain ``transship``, but what they compute.

    Returns:
        The content of each of :data:`FILES`.

    Raises:
        BadInput: There is no such opset.
        Unsupported: The model holds an operator that is not known, or that the opset cannot express exactly.
    """
    if not OLDEST <= opset <= NEWEST:
        raise BadInput(f"opset {opset} is not one that ONNX code is written for", fix=f"use {OLDEST} to {NEWEST}")
    known = native(model, inline=inline)
    _check_outputs(known.graph.outputs)
    translate(known.graph, "onnx")
    converted = at_opset(known, opset)
    module = write_module(converted, opset, _ir_version(converted, opset))
    return {FILES[0]: module.text, FILES[1]: _plan(module, known, model)}


def _check_outputs(outputs: Sequence[onnx_ir.Value]) -> None:
    """An ONNX Script function returns what its statements compute, each value once.

    Raises:
        Unsupported: One of ``outputs`` is an input or a parameter of the model, or is there twice.
    """
    wrong = [value for number, value in enumerate(outputs) if value.producer() is None or value in outputs[:number]]
    if wrong:
        raise Unsupported(
            f"ONNX Script cannot return {len(wrong)} of this model's outputs as they are",
            where=", ".join(str(value.name) for value in wrong),
            fix="put an Identity before each in the source model",
        )


def _ir_version(model: onnx_ir.Model, opset: int) -> int:
    """The oldest version of the file format that can hold the model, so that the oldest runtimes read it."""
    version: int = onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", opset)])
    return max(version, _WITH_FUNCTIONS) if functions_of(model) else version


def _plan(module: Module, model: onnx_ir.Model, source: onnx_ir.Model) -> bytes:
    """The plan: parameters are called what the arguments are, and ``stored`` where that is not the IR's name."""
    variables = {str(value.name): name for value, name in module.variables.items() if value.name}
    parameters = [
        plan.Parameter(
            module.variables[value],
            tuple(int(dim) for dim in dims(value)),
            expression_of(value),
            str(value.dtype.numpy().name) if value.dtype else "float32",
            {} if value.name == module.variables[value] else {"stored": value.name},
        )
        for value in module.parameters
    ]
    known = {value.name for node in source.graph for value in node.outputs}
    computed = [value for node in live_nodes(model.graph) for value in node.outputs if value.name in known]
    return plan.render(
        parameters,
        inputs=_places(model.graph.inputs, variables),
        outputs=_places(model.graph.outputs, variables),
        trace=_places(computed, variables),
        nodes=_nodes(model, variables),
        ir_version=module.ir_version,
        function=module.function,
        name=model.graph.name,
        metadata=dict(model.metadata_props),
    )


def _places(values: Iterable[onnx_ir.Value], variables: Mapping[str, str]) -> dict[str, str]:
    return {str(value.name): variables[str(value.name)] for value in values if str(value.name) in variables}


def _nodes(model: onnx_ir.Model, variables: Mapping[str, str]) -> dict[str, str]:
    """Names of nodes that are not called what their first output is in the code, by what that is."""
    firsts = ((node, next((value for value in node.outputs if value.name), None)) for node in live_nodes(model.graph))
    return {
        variables[str(value.name)]: str(node.name)
        for node, value in firsts
        if value is not None and variables.get(str(value.name), node.name) != node.name
    }
