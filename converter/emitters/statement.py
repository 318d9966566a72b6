"""What an operator's translation into Python code is made of: one statement, and the module that it calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx_ir

from converter.emitters.python import literal
from converter.plan import Expression


@dataclass(frozen=True)
class State:
    """A parameter of the target.

    Attributes:
        shape: The shape that the target gives it.
        value: What it is set to.
        dtype: As numpy calls it.
        trained: Whether it is learnt; otherwise it belongs to the network as it is.
    """

    shape: tuple[int, ...]
    value: Expression
    dtype: str = "float32"
    trained: bool = True


@dataclass(frozen=True)
class Submodule:
    """A module or layer that a statement calls: ``nn.Conv2d(3, 64, 3, padding=1)``.

    Attributes:
        type: Its class as the generated code spells it.
        positional: Literals, in the order of the constructor.
        keywords: Literals by name, those that are the constructor's defaults left out.
        state: Its parameters by the names that the class gives them.
    """

    type: str
    positional: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One line of a function that computes a network.

    The expression is text with names in braces: ``{0}``, ``{1}``, ... for the inputs, ``{module}`` for the module,
    ``{weight}`` and the like for ``tensors``, ``{axis}`` and the like for ``arguments``. What differs from one use of
    the same layer to the next (sizes, axes) belongs into ``arguments`` or the module's constructor rather than into
    the text, so that repeated blocks are recognised and can be one class.

    Attributes:
        name: The node's name in the IR, from which module and variable names are made.
        inputs: Values that are computed at run time. Constants are part of the expression.
        outputs: The values that it computes; several are unpacked from a tuple.
        expression: For example ``{module}({0})`` or ``torch.cat([{0}, {1}], dim={axis})``.
        arguments: Literals.
        module: The module that it calls, if any.
        tensors: Parameters and buffers of the enclosing module that it uses, by their names in the expression.
        library: Functions of ``library.py`` that it calls.
    """

    name: str
    inputs: tuple[onnx_ir.Value, ...]
    outputs: tuple[onnx_ir.Value, ...]
    expression: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    module: Submodule | None = None
    tensors: Mapping[str, State] = field(default_factory=dict)
    library: tuple[str, ...] = ()


def identity(module: Submodule) -> str:
    """What two uses of one and the same module have in common."""
    values = {name: state.value for name, state in module.state.items()}
    return json.dumps([module.type, literal(module.positional), literal(dict(module.keywords)), values])
