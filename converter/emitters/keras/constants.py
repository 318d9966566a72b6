"""What of a network is always the same: Keras's layers, and its outputs, have to depend on an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx_ir

from converter.emitters.statement import Statement


def read(statements: Sequence[Statement], graph: onnx_ir.Graph) -> list[Statement]:
    """Those of ``statements`` whose results ``graph``'s outputs depend on.

    Sizes that the code states as numbers need not be computed as well.
    """
    wanted, kept = set(graph.outputs), list[Statement]()
    for statement in reversed(statements):
        if wanted & set(statement.outputs):
            wanted |= set(statement.inputs)
            kept.append(statement)
    return kept[::-1]


def tied(statements: Sequence[Statement], graph: onnx_ir.Graph) -> list[Statement]:
    """``statements``, with a function around those that compute the same whatever the input is.

    What depends on no input, Keras computes where the code is run. Its layers take symbolic tensors only, and so does
    a model for its outputs.
    """
    wanted = set(graph.outputs)
    for statement in statements:
        if statement.module is not None or len(statement.outputs) > 1:
            wanted |= set(statement.inputs)
    fixed: set[onnx_ir.Value] = set()
    found = []
    for statement in statements:
        same = (
            bool(graph.inputs)
            and not statement.tensors
            and statement.module is None
            and fixed.issuperset(statement.inputs)
        )
        tie = same and bool(wanted & set(statement.outputs)) and len(statement.outputs) == 1
        found.append(_tied(statement, graph.inputs[0]) if tie else statement)
        fixed |= set(statement.outputs) if same and not tie else set()
    return found


def _tied(statement: Statement, data: onnx_ir.Value) -> Statement:
    inputs = statement.inputs if data in statement.inputs else (*statement.inputs, data)
    text = f"tied({statement.expression}, {{{inputs.index(data)}}})"
    return replace(statement, inputs=inputs, expression=text, library=(*statement.library, "tied"))
