"""What an operator's translation into MXNet is made of: calls of the symbol API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, only_output
from converter.emitters.python import Code
from converter.ir import Dim, dims
from converter.passes.fold import Derived

NONE = Code("None")
"""An attribute that is None: one that is left out is not written at all."""


@dataclass(frozen=True)
class Call:
    """A call of ``mx.sym``, wired by values rather than by variables.

    Attributes:
        op: The function below ``mx.sym``: ``Convolution``, ``contrib.box_nms``.
        name: What the node should be called.
        inputs: What it reads, by position.
        outputs: What it computes; None for an output that nothing of the IR corresponds to.
        keywords: What it reads besides, by the names of MXNet's own signature.
        attributes: The operator's attributes, as Python has them.
        suffixes: What MXNet appends to the node's name to name each output.
    """

    op: str
    name: str
    inputs: tuple[onnx_ir.Value, ...]
    outputs: tuple[onnx_ir.Value | None, ...]
    keywords: Mapping[str, onnx_ir.Value] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    suffixes: tuple[str, ...] = ("output",)

    @property
    def reads(self) -> tuple[onnx_ir.Value, ...]:
        """Every value that it reads."""
        return (*self.inputs, *self.keywords.values())


class Chain:
    """The calls that stand for one node of the IR, under construction.

    Args:
        node: The node.

    Raises:
        Refused: An output has no elements.
    """

    def __init__(self, node: onnx_ir.Node) -> None:
        for value in node.outputs:
            _check_elements(value)
        self.node = node
        self.calls: list[Call] = []

    def step(
        self, role: str, op: str, *inputs: onnx_ir.Value, suffixes: tuple[str, ...] = ("output",), **more: Any
    ) -> onnx_ir.Value:
        """Call ``op`` under the node's name and ``role``; its first output.

        Among ``more``, values are inputs by name, None is left out, and all else is an attribute.
        """
        name = f"{self.node.name}/{role}"
        made = onnx_ir.Value(name=name)
        self._add(op, name, inputs, (made, *(None,) * (len(suffixes) - 1)), suffixes, more)
        return made

    def last(
        self,
        op: str,
        *inputs: onnx_ir.Value,
        outputs: Sequence[onnx_ir.Value | None] = (),
        suffixes: tuple[str, ...] = ("output",),
        **more: Any,
    ) -> list[Call]:
        """Call ``op`` under the node's own name to compute its output, or its ``outputs``; all calls."""
        made = tuple(outputs) or (only_output(self.node),)
        self._add(op, str(self.node.name), inputs, made, suffixes, more)
        return self.calls

    def _add(
        self,
        op: str,
        name: str,
        inputs: tuple[onnx_ir.Value, ...],
        outputs: tuple[onnx_ir.Value | None, ...],
        suffixes: tuple[str, ...],
        more: Mapping[str, Any],
    ) -> None:
        keywords = {key: value for key, value in more.items() if isinstance(value, onnx_ir.Value)}
        attributes = {key: value for key, value in more.items() if key not in keywords and value is not None}
        for value in (*inputs, *keywords.values()):
            _check_elements(value)
        self.calls.append(Call(op, name, inputs, outputs, keywords, attributes, suffixes))


def call(node: onnx_ir.Node, op: str, *inputs: onnx_ir.Value, **more: Any) -> list[Call]:
    """The one call of ``op`` that stands for ``node``; ``more`` as in :meth:`Chain.last`."""
    return Chain(node).last(op, *inputs, **more)


def renamed(chain: Chain, made: onnx_ir.Value) -> list[Call]:
    """The chain's calls, the last of which, that made ``made``, under the node's own name."""
    if not chain.calls:
        return chain.last("identity", made)
    end = chain.calls.pop()
    more: dict[str, Any] = {**end.keywords, **end.attributes}
    return chain.last(end.op, *end.inputs, **more)


def parameter(
    name: str, shape: Sequence[int], value: plan.Expression, dtype: onnx_ir.DataType = onnx_ir.DataType.FLOAT
) -> onnx_ir.Value:
    """A parameter of the target that is ``value``, called ``name`` unless that is taken."""
    tensor = Derived(name, dtype, tuple(shape), value)
    return onnx_ir.Value(name=name, shape=onnx_ir.Shape(shape), type=onnx_ir.TensorType(dtype), const_value=tensor)


def shape_of(shape: Sequence[Dim]) -> tuple[Dim, ...]:
    """The shape that MXNet gives a value of the IR: what has no dimensions has one of 1 there."""
    return tuple(shape) or (1,)


def _check_elements(value: onnx_ir.Value) -> None:
    """Refuse what has no elements: to MXNet a dimension of 0 is one that it has to find out."""
    if value.shape is not None and 0 in dims(value):
        raise Refused(f"{value.name} has no elements")
